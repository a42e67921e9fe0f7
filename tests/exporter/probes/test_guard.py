"""The border around probes: no probe can keep a home in a state by not answering."""

import asyncio
import logging

import pytest

from chassis.instants import Instant
from exporter.power import State
from exporter.probes.guard import Guarded
from exporter.probes.protocol import Finding

STARTED = Instant(1_790_000_000_000, 1_000)
ON = Finding(State.ON, "here", STARTED)


class Moody:
    """Answers, raises or hangs, as told."""

    def __init__(self, *moods: str) -> None:
        self.moods = list(moods)
        self.cancelled = False

    async def attempt(self, started: Instant, timeout: float) -> Finding:  # noqa: ARG002
        """Do what is next."""
        mood = self.moods.pop(0)
        if mood == "raise":
            raise ZeroDivisionError
        if mood == "hang":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise
        return ON

    async def close(self) -> None:
        """Hold nothing."""


async def test_an_answer_passes_unchanged() -> None:
    """The guard adds nothing."""
    assert await Guarded("plug of flat", Moody("answer")).attempt(STARTED, 1.0) is ON


async def test_a_probe_that_raises_could_not_look() -> None:
    """Its fault is named in the vote."""
    found = await Guarded("plug of flat", Moody("raise")).attempt(STARTED, 1.0)
    assert (found.vote, found.detail) == (State.UNKNOWN, "fault in the probe: ZeroDivisionError")


async def test_a_probe_that_hangs_is_cut_off() -> None:
    """A second after its timeout it is cancelled, and could not look."""
    probe = Moody("hang", "answer")
    guarded = Guarded("plug of flat", probe)
    found = await guarded.attempt(STARTED, -0.95)
    assert (found.vote, found.detail) == (State.UNKNOWN, "fault in the probe: TimeoutError")
    assert probe.cancelled
    assert await guarded.attempt(STARTED, 1.0) is ON


async def test_a_fault_is_logged_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    """Not every repeat: a probe may fail ten times a second."""
    guarded = Guarded("plug of flat", Moody("raise", "raise", "answer", "answer"))
    with caplog.at_level(logging.INFO):
        for _ in range(4):
            await guarded.attempt(STARTED, 1.0)
    assert [record.message for record in caplog.records] == [
        "probe plug of flat fails",
        "probe plug of flat works again",
    ]


async def test_a_cancelled_round_cancels_the_attempt() -> None:
    """A stop is no fault of the probe."""
    probe = Moody("hang")
    attempt = asyncio.create_task(Guarded("plug of flat", probe).attempt(STARTED, 10.0))
    await asyncio.sleep(0)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    assert probe.cancelled
