"""The kind command against real programs."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import ValidationError

from exporter.power import State
from tests.exporter.probes.promises import Case, fixed
from tests.exporter.probes.rig import SHORT, settings_of, until, world

PROMISES = Case(fixed(command=["echo", "on"]), fixed(command=["sleep", "60"]))


SH = ["/bin/sh", "-c"]


@pytest.mark.parametrize(
    "script, vote, detail",
    [
        ("echo on", State.ON, "prints on"),
        ("printf off", State.OFF, "prints off"),
        ("echo '  on  '; echo", State.ON, "prints on"),
        ("echo unknown", State.UNKNOWN, "prints unknown"),
        ("echo ON", State.UNKNOWN, "prints neither on, off nor unknown"),
        ("true", State.UNKNOWN, "prints neither on, off nor unknown"),
        ("echo on; exit 3", State.UNKNOWN, "exit status 3"),
        ("echo on; kill -9 $$", State.UNKNOWN, "killed by signal 9"),
        ("echo on >&2", State.UNKNOWN, "prints neither on, off nor unknown"),
        ("exec yes", State.UNKNOWN, "prints too much"),
        ("read line && echo on || echo off", State.OFF, "prints off"),
        ("exec >&-; sleep 0.05", State.UNKNOWN, "prints neither on, off nor unknown"),
        ("echo on; exec >&-; sleep 0.05", State.ON, "prints on"),
    ],
)
async def test_what_a_program_says(script: str, vote: State, detail: str) -> None:
    """Only on and off, printed by a program that ends well, are a vote."""
    async with world() as w:
        finding = await w.find(w.make("command", command=[*SH, script]))
        assert (finding.vote, finding.detail) == (vote, detail)
        assert not finding.silent


async def test_no_shell_reads_the_arguments() -> None:
    """What a shell would run is text."""
    async with world() as w:
        finding = await w.find(w.make("command", command=["/bin/echo", "on; echo off"]))
        assert finding.detail == "prints neither on, off nor unknown"


async def test_a_program_that_is_not_there_is_unknown() -> None:
    """It could not be started."""
    async with world() as w:
        finding = await w.find(w.make("command", command=["/no/such/program"]))
        assert finding.detail == "not started: No such file or directory"
        assert finding.vote is State.UNKNOWN


def gone(pid: int) -> bool:
    """Tell whether a process is no more, or has ended and waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def written(pids: Path) -> list[int]:
    """Return the numbers of processes that a script has written down."""
    return [int(pid) for pid in pids.read_text().split()] if pids.exists() else []


async def until_gone(pids: Path, many: int) -> None:
    """Wait until as many processes have written themselves down, and are gone."""
    await until(lambda: len(written(pids)) == many and all(map(gone, written(pids))))


def zombies() -> set[str]:
    """Return the children of this process that have ended and were not fetched."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if state == "Z" and int(parent) == os.getpid():
                found.add(stat.parent.name)
    return found


async def test_a_timeout_kills_the_whole_group(tmp_path: Path) -> None:
    """A program that takes too long is killed with its children, whatever signals it ignores."""
    pids = tmp_path / "pids"
    script = f"trap '' TERM; sleep 60 & echo $! $$ > {pids}; wait; sleep 60"
    async with world() as w:
        finding = await w.find(w.make("command", command=[*SH, script]), SHORT)
        assert (finding.vote, finding.detail) == (State.UNKNOWN, "did not end in 0.2s")
        await until_gone(pids, 2)


async def test_a_child_that_stays_behind_is_not_waited_for(tmp_path: Path) -> None:
    """The program has ended: its answer counts, and who still holds its output is killed."""
    pids = tmp_path / "pids"
    script = f"sleep 60 & echo $! > {pids}; echo on"
    async with world() as w:
        finding = await w.find(w.make("command", command=[*SH, script]))
        assert finding.vote is State.ON
        await until_gone(pids, 1)


async def test_a_cancelled_attempt_kills_its_program(tmp_path: Path) -> None:
    """Nothing goes on that nobody waits for."""
    pids = tmp_path / "pids"
    async with world() as w:
        probe = w.make("command", command=[*SH, f"echo $$ > {pids}; sleep 60"])
        task = asyncio.create_task(probe.attempt(w.clock.now(), 60))
        await until(lambda: len(written(pids)) == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        await until_gone(pids, 1)


async def test_no_zombie_is_left() -> None:
    """Every program is fetched when it has ended, killed ones too."""
    before = zombies()
    async with world() as w:
        for script in ("echo on", "exit 1", "exec sleep 60", "exec yes"):
            probe = w.make("command", command=[*SH, script])
            await probe.attempt(w.clock.now(), SHORT)
            await probe.close()
    assert zombies() <= before


@pytest.mark.parametrize("command", [[], "echo on", ["a\0b"], [1]])
def test_a_command_is_a_list_of_texts(command: object) -> None:
    """A line for a shell is a fault."""
    with pytest.raises(ValidationError):
        settings_of("command", command=command)
