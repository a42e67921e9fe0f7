"""The border around probes: no probe can keep a home in a state by not answering."""

import asyncio
import logging
from contextlib import suppress

import pytest

from chassis.instants import Instant
from exporter.power import State
from exporter.probes.guard import Guarded
from exporter.probes.protocol import Finding
from tests.exporter.probes.rig import LONG, until

STARTED = Instant(1_790_000_000_000, 1_000)
ON = Finding(State.ON, "here", STARTED)


class Moody:
    """Answers, raises, hangs, cancels itself or swallows cancellation (deaf), as told."""

    def __init__(self, *moods: str) -> None:
        self.moods = list(moods)
        self.cancelled = False
        self.released = asyncio.Event()
        self.ended = 0

    async def attempt(self, started: Instant, timeout: float) -> Finding:  # noqa: ARG002
        """Do what is next."""
        await self._do(self.moods.pop(0))
        return ON

    async def close(self) -> None:
        """Do what is next, if anything."""
        if self.moods:
            await self._do(self.moods.pop(0))

    async def _do(self, mood: str) -> None:
        if mood == "raise":
            raise ZeroDivisionError
        if mood == "cancel":
            raise asyncio.CancelledError
        while mood == "deaf" and not self.released.is_set():
            with suppress(asyncio.CancelledError):
                await self.released.wait()
        if mood == "hang":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise
        self.ended += 1


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


async def test_a_probe_that_swallows_its_cancellation_does_not_hold_the_round() -> None:
    """It is left to itself, and not asked again before it has ended."""
    probe = Moody("deaf", "answer")
    guarded = Guarded("plug of flat", probe)
    async with asyncio.timeout(LONG):
        found = await guarded.attempt(STARTED, -0.95)
    assert (found.vote, found.detail) == (State.UNKNOWN, "fault in the probe: TimeoutError")
    found = await guarded.attempt(STARTED, 1.0)
    assert (found.vote, found.detail) == (State.UNKNOWN, "the previous attempt has not ended")
    assert probe.moods == ["answer"]
    probe.released.set()
    await until(lambda: probe.ended == 1)
    assert await guarded.attempt(STARTED, 1.0) is ON


async def test_a_cancelled_round_does_not_wait_for_a_probe_that_swallows_it() -> None:
    """A stop takes GRACE at most."""
    probe = Moody("deaf")
    attempt = asyncio.create_task(Guarded("plug of flat", probe).attempt(STARTED, 60.0))
    await until(lambda: not probe.moods)
    attempt.cancel()
    async with asyncio.timeout(LONG):
        await asyncio.wait((attempt,))
    assert attempt.cancelled()
    assert probe.ended == 0
    probe.released.set()
    await until(lambda: probe.ended == 1)


async def test_a_probe_that_cancels_itself_does_not_end_the_rounds_of_its_home() -> None:
    """Its cancellation is not the home's: it could not look, and the next round comes."""
    guarded = Guarded("plug of flat", Moody("cancel", "answer"))
    found = await guarded.attempt(STARTED, 1.0)
    assert (found.vote, found.detail) == (State.UNKNOWN, "fault in the probe: RuntimeError")
    assert await guarded.attempt(STARTED, 1.0) is ON


@pytest.mark.parametrize("mood", ["raise", "hang", "deaf", "cancel"])
async def test_a_close_that_fails_or_hangs_lets_others_close(
    mood: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It returns in GRACE and raises nothing; the log says whose it was."""
    probe = Moody(mood)
    async with asyncio.timeout(LONG):
        await Guarded("plug of flat", probe).close()
    assert [record.message for record in caplog.records] == ["closing probe plug of flat fails"]
    probe.released.set()
    await until(lambda: mood != "deaf" or probe.ended == 1)
