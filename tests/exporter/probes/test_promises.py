"""What every kind of probe promises: it ends in time, can be cancelled, and gives back what it held."""

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.power import State
from exporter.probes import KINDS, kind_named
from exporter.probes.icmp import icmp_permission
from exporter.probes.protocol import Finding, Probe, ProbeSettings
from tests.exporter.probes.rig import SHORT, World, listening, serving, silent, until, world

Keys = Mapping[str, object]
SOON = 5.0  # seconds: a promise is broken by what takes so much longer than its timeout


@dataclass(frozen=True)
class Case:
    """One kind: keys with which it is on, and keys with which it waits in vain (None: it never waits)."""

    answered: Callable[[AsyncExitStack, Path], Awaitable[Keys]]
    hanging: Callable[[AsyncExitStack, Path], Awaitable[Keys]] | None = None


def fixed(**keys: object) -> Callable[[AsyncExitStack, Path], Awaitable[Keys]]:
    """Return keys that need nothing around them."""

    async def ready(stack: AsyncExitStack, folder: Path) -> Keys:
        return keys

    return ready


async def _tcp(stack: AsyncExitStack, folder: Path) -> Keys:
    return {"address": "127.0.0.1", "port": stack.enter_context(listening())}


async def _tcp_hangs(stack: AsyncExitStack, folder: Path) -> Keys:
    return {"address": "127.0.0.1", "port": stack.enter_context(silent())}


async def _http(stack: AsyncExitStack, folder: Path) -> Keys:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    return {"url": f"http://127.0.0.1:{await stack.enter_async_context(serving(answer))}/"}


async def _http_hangs(stack: AsyncExitStack, folder: Path) -> Keys:
    return {"url": f"http://127.0.0.1:{await stack.enter_async_context(serving(None))}/"}


async def _file(stack: AsyncExitStack, folder: Path) -> Keys:
    (folder / "mains").write_text("on")
    return {"path": "mains", "on": "on"}


async def _file_hangs(stack: AsyncExitStack, folder: Path) -> Keys:
    os.mkfifo(folder / "fifo")

    def release() -> None:
        """End the read that hangs, so that its thread does not outlive the test."""
        os.close(os.open(folder / "fifo", os.O_RDWR | os.O_NONBLOCK))

    stack.callback(release)
    return {"path": "fifo", "on": "on"}


async def _heartbeat(stack: AsyncExitStack, folder: Path) -> Keys:
    (folder / "token").write_text("token")
    (folder / "token").chmod(0o600)
    return {"token_file": "token"}


CASES = {
    "ac": Case(fixed()),
    "command": Case(fixed(command=["echo", "on"]), fixed(command=["sleep", "60"])),
    "file": Case(_file, _file_hangs),
    "heartbeat": Case(_heartbeat),
    "host": Case(fixed()),
    "http": Case(_http, _http_hangs),
    "icmp": Case(fixed(address="127.0.0.1"), fixed(address="198.51.100.1")),
    "simulated": Case(fixed(outages_per_day=0)),
    "tcp": Case(_tcp, _tcp_hangs),
}
UNSURE = {"ac", "heartbeat"}  # what they say depends on the machine, and on who calls
WAITING = [kind for kind, case in CASES.items() if case.hanging is not None]


def test_every_kind_is_held_to_its_promises() -> None:
    """A kind of the registry without a case here is a fault."""
    assert set(KINDS) <= set(CASES) | {"nut", "mqtt"}


@asynccontextmanager
async def probe_of(
    kind: str, folder: Path, *, hanging: bool = False
) -> AsyncIterator[tuple[World, Probe]]:
    """Make a probe of a kind, one that is answered or one that waits in vain."""
    if kind == "icmp" and icmp_permission() is not None:
        pytest.skip("not run: this user may not send echo requests")
    case = CASES[kind]
    ready = case.hanging if hanging and case.hanging is not None else case.answered
    async with AsyncExitStack() as stack:
        keys = await ready(stack, folder)
        async with world() as w:
            yield w, w.make(kind, folder, **keys)


@pytest.mark.parametrize("kind", CASES)
async def test_an_attempt_finds_something(kind: str, tmp_path: Path) -> None:
    """What is answered is on, and every finding can be shown."""
    async with probe_of(kind, tmp_path) as (w, probe):
        for _ in range(3):
            _, finding, _ = await w.ask(probe)
            assert isinstance(finding, Finding)
            assert finding.detail.isprintable()
            assert finding.vote is State.ON or kind in UNSURE


@pytest.mark.parametrize("kind", WAITING)
async def test_an_attempt_ends_in_time(kind: str, tmp_path: Path) -> None:
    """Nobody answers, and yet there is a finding, dated to the start; it is on for nobody."""
    async with probe_of(kind, tmp_path, hanging=True) as (w, probe):
        async with asyncio.timeout(SOON):
            started, finding, _ = await w.ask(probe, SHORT)
        assert finding.vote is not State.ON
        assert finding.at == started


@pytest.mark.parametrize("kind", WAITING)
async def test_an_attempt_can_be_cancelled(kind: str, tmp_path: Path) -> None:
    """Cancelling ends the wait at once, and the next attempt is sound."""
    async with probe_of(kind, tmp_path, hanging=True) as (w, probe):
        task = asyncio.create_task(probe.attempt(w.clock.now(), 60))
        done, _ = await asyncio.wait([task], timeout=SHORT)
        assert not done
        task.cancel()
        async with asyncio.timeout(SOON):
            await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        async with asyncio.timeout(SOON):
            _, finding, _ = await w.ask(probe, SHORT)
        assert finding.vote is not State.ON


def descriptors() -> int:
    """Return how many descriptors this process holds."""
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("hanging", [False, True], ids=["answered", "hanging"])
@pytest.mark.parametrize("kind", WAITING)
async def test_closing_gives_everything_back(kind: str, tmp_path: Path, hanging: bool) -> None:  # noqa: FBT001
    """Descriptors, threads and tasks: none is left after the close."""
    gc.collect()
    held, threads = descriptors(), threading.active_count()
    async with probe_of(kind, tmp_path, hanging=hanging) as (w, probe):
        for _ in range(3):
            await w.ask(probe, SHORT)
    await until(lambda: threading.active_count() <= threads)
    await until(lambda: descriptors() <= held)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_has_settings_of_its_own(kind: str) -> None:
    """Its keys are strict, and its name is the registry's."""
    settings = kind_named(kind).settings
    assert issubclass(settings, ProbeSettings)
    assert settings.model_fields["kind"].annotation.__args__ == (kind,)  # type: ignore[union-attr]
    assert settings.model_config["extra"] == "forbid"
    assert settings.model_config["frozen"]


# ---------------------------------------------------------------- the documentation

DOCS = Path(__file__).resolve().parents[3] / "docs" / "probes.md"


def sections() -> Iterator[tuple[str, str]]:
    """Yield the title and the text of every section."""
    for section in DOCS.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        yield title.strip("` "), text


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_is_documented_with_all_its_keys(kind: str) -> None:
    """A section of docs/probes.md names every key of its own, and shows an example."""
    text = dict(sections())[kind]
    fields = kind_named(kind).settings.model_fields
    keys = {field.alias or name for name, field in fields.items()}
    missing = [key for key in keys - set(ProbeSettings.model_fields) if f"`{key}`" not in text]
    assert missing == []
    assert f"kind: {kind}" in text
