"""Loops: they outlive their failures, pause as they should, and end with the stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from chassis.loops import Backoff, Border, Health, Pace, Stop, run_loop


class Script:
    """Does in each run what the script says next, and stops at its end."""

    def __init__(self, stop: Stop, *steps: float | Exception | None) -> None:
        self.stop = stop
        self.steps = list(steps)

    async def once(self) -> float | None:
        step = self.steps.pop(0)
        if not self.steps:
            self.stop.set()
        if isinstance(step, Exception):
            raise step
        return step


class Waits:
    """Notes how long the loop would have waited."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, stop: Stop, seconds: float) -> bool:
        self.seconds.append(seconds)
        return stop.is_set()


async def played(*steps: float | Exception | None) -> tuple[list[float], Health]:
    """Run a loop through a script; return its pauses and its health."""
    stop, waits, health = Stop(), Waits(), Health()
    pace = Pace(pause=7.0, backoff=Backoff(jitter=lambda: 1.0), wait=waits)
    await run_loop("test", Script(stop, *steps).once, stop, pace=pace, health=health)
    return waits.seconds, health


async def test_a_run_says_how_long_to_wait_or_the_pace_does() -> None:
    """0 is a wait of its own, None the usual pause."""
    assert (await played(None, 3.0, 0.0))[0] == [7.0, 3.0, 0.0]


async def test_pauses_grow_with_failures_and_a_success_resets_them() -> None:
    """Doubling from one second to thirty."""
    fault = OSError("x")
    seconds, health = await played(*[fault] * 7, 2.0, fault)
    assert seconds == [1, 2, 4, 8, 16, 30, 30, 2, 1]
    assert (health.runs, health.failures, health.failures_in_a_row) == (9, 8, 1)
    assert health.failing


@pytest.mark.parametrize("jitter, pause", [(0.0, 2.0), (0.5, 3.0), (1.0, 4.0)])
def test_half_of_a_pause_is_jitter(jitter: float, pause: float) -> None:
    """Many that fail at once do not return at once."""
    assert Backoff(jitter=lambda: jitter).after(3) == pause


def test_a_long_series_of_failures_does_not_overflow() -> None:
    """The pause of the 100,000th failure is the longest."""
    assert Backoff(jitter=lambda: 1.0).after(100_000) == 30.0


async def test_a_change_is_logged_and_a_repeat_is_not(caplog: pytest.LogCaptureFixture) -> None:
    """Another kind of fault and the recovery are changes."""
    caplog.set_level(logging.INFO)
    same = [OSError("a"), OSError("b")]
    await played(*same, ValueError("c"), *same, 1.0, 1.0, OSError("d"))
    said = [(record.levelname, bool(record.exc_info)) for record in caplog.records]
    failed, fine = ("ERROR", True), ("INFO", False)
    assert said == [failed, failed, failed, fine, failed]


async def test_a_cancelled_loop_is_cancelled() -> None:
    """Cancellation is no failure."""
    border = Border("test")

    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await border.run(cancelled)
    assert border.health.failures == 0


async def test_a_stop_ends_a_pause() -> None:
    """Nobody waits an hour for a loop to end."""
    stop = Stop()
    began = asyncio.Event()

    async def once() -> float:
        began.set()
        return 3600.0

    loop = asyncio.create_task(run_loop("test", once, stop))
    await began.wait()
    stop.set()
    await loop


async def test_a_stopped_loop_does_not_begin() -> None:
    """After the stop nothing is run."""
    stop = Stop()
    stop.set()
    health = Health()
    await run_loop("test", Script(stop, 1.0).once, stop, health=health)
    assert health.runs == 0


@pytest.mark.parametrize(
    "wait", [Stop.wait, lambda stop: stop.within(3600)], ids=["wait", "within"]
)
async def test_the_stop_wakes_all_that_wait(wait: Callable[[Stop], Awaitable[object]]) -> None:
    """However they wait, and those that come later too."""
    stop = Stop()
    waiting = [asyncio.ensure_future(wait(stop)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    stop.set()
    await asyncio.gather(*waiting)
    await wait(stop)


async def test_waiting_with_a_limit_ends_without_a_stop() -> None:
    """It says that none was asked for, and leaves nothing behind."""
    stop = Stop()
    assert await stop.within(0.001) is False
    assert stop._waiting == set()
    stop.set()
    assert await stop.within(0.001) is True
