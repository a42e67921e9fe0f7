"""The kind file against real files, and one that hangs."""

import asyncio
import os
import threading
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import ValidationError

from exporter.power import State
from tests.exporter.probes.promises import Case, Keys
from tests.exporter.probes.rig import SHORT, World, settings_of, world


async def _answered(_w: World, _stack: AsyncExitStack, folder: Path) -> Keys:
    (folder / "mains").write_text("on")
    return {"path": "mains", "on": "on"}


async def _hanging(_w: World, stack: AsyncExitStack, folder: Path) -> Keys:
    os.mkfifo(folder / "fifo")

    def release() -> None:
        """End the read that hangs, so that its thread does not outlive the test."""
        os.close(os.open(folder / "fifo", os.O_RDWR | os.O_NONBLOCK))

    stack.callback(release)
    return {"path": "fifo", "on": "on"}


PROMISES = Case(_answered, _hanging)


@pytest.mark.parametrize(
    "keys, content, vote",
    [
        ({"on": "1", "off": "0"}, "1\n", State.ON),
        ({"on": "1", "off": "0"}, " 0 ", State.OFF),
        ({"on": "1", "off": "0"}, "2", State.UNKNOWN),
        ({"on": "1", "off": "0"}, "", State.UNKNOWN),
        ({"on": "1"}, "1", State.ON),
        ({"on": "1"}, "anything else", State.OFF),
        ({"on": "1"}, "", State.OFF),
        ({"off": "0"}, "0", State.OFF),
        ({"off": "0"}, "anything else", State.UNKNOWN),
        ({"on": "увімкнено", "off": "вимкнено"}, "вимкнено", State.OFF),
        ({"on": " 1 ", "off": "0"}, "1", State.ON),
    ],
)
async def test_what_content_says(
    tmp_path: Path, keys: dict[str, str], content: str, vote: State
) -> None:
    """The content, stripped, is compared with on and off."""
    (tmp_path / "mains").write_text(content, encoding="utf-8")
    async with world() as w:
        finding = await w.find(w.make("file", tmp_path, path="mains", **keys))
        assert finding.vote is vote
        assert not finding.silent


async def test_a_file_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    """It could not be read: that is no outage, also where only on is given."""
    async with world() as w:
        finding = await w.find(w.make("file", tmp_path, path="mains", on="1"))
        assert finding.vote is State.UNKNOWN
        assert finding.detail == "cannot be read: No such file or directory"


async def test_bytes_that_are_no_text_are_unknown(tmp_path: Path) -> None:
    """Half a character is no answer."""
    (tmp_path / "mains").write_bytes(b"\xff\xfe")
    async with world() as w:
        finding = await w.find(w.make("file", tmp_path, path="mains", on="1"))
        assert (finding.vote, finding.detail) == (State.UNKNOWN, "cannot be read: not text")


async def test_a_directory_is_unknown(tmp_path: Path) -> None:
    """A directory has no content."""
    async with world() as w:
        finding = await w.find(w.make("file", tmp_path, path=".", on="1"))
        assert finding.vote is State.UNKNOWN


async def test_a_read_that_hangs_is_one_thread_and_no_more(tmp_path: Path) -> None:
    """A disk that does not answer holds neither the loop nor a second thread, and may recover."""
    fifo = tmp_path / "mains"
    os.mkfifo(fifo)  # opening it waits for a writer, as a read from a network disk would
    before = set(threading.enumerate())  # one of an earlier test may end meanwhile
    async with world() as w:
        probe = w.make("file", tmp_path, path="mains", on="1", off="0")
        for _ in range(3):
            finding = await w.find(probe, SHORT)
            assert (finding.vote, finding.detail) == (State.UNKNOWN, "not read in 0.2s")
            assert len(set(threading.enumerate()) - before) == 1
        asked = asyncio.create_task(w.find(probe))
        hung = fifo.rename(tmp_path / "hung")
        fifo.write_text("1")
        await asyncio.to_thread(hung.write_bytes, b"0")  # ends the read that hung
        assert (await asked).vote is State.ON


@pytest.mark.parametrize("keys", [{}, {"on": "1", "off": "1 "}, {"on": 1}])
def test_keys_that_say_nothing_are_a_fault(keys: dict[str, object]) -> None:
    """On or off must be given, as text, and differ."""
    with pytest.raises(ValidationError):
        settings_of("file", Path(), path="mains", **keys)
