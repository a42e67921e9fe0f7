"""Owns background loops: the one stop event, the one border that catches, the pauses between."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Stop:
    """The one stop event of a service. Waiting on it with a limit costs one timer."""

    def __init__(self) -> None:
        self._asked = False
        self.since = 0.0  # loop time of the stop, once it was asked for
        self._waiting: set[asyncio.Future[None]] = set()

    def is_set(self) -> bool:
        """Tell whether the stop was asked for."""
        return self._asked

    def set(self) -> None:
        """Ask for the stop; may be called again. Only from the event loop."""
        if not self._asked:
            self._asked, self.since = True, asyncio.get_running_loop().time()
        for waiting in self._waiting:
            _wake(waiting)

    async def wait(self) -> None:
        """Wait for the stop."""
        if not self._asked:
            await self._wait(asyncio.get_running_loop().create_future())

    async def within(self, seconds: float) -> bool:
        """Wait at most so long; return whether the stop was asked for."""
        if not self._asked:
            loop = asyncio.get_running_loop()
            waiting: asyncio.Future[None] = loop.create_future()
            timer = loop.call_later(max(0.0, seconds), _wake, waiting)
            try:
                await self._wait(waiting)
            finally:
                timer.cancel()
        return self._asked

    async def _wait(self, waiting: asyncio.Future[None]) -> None:
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses after failures, in seconds: doubling from `first` up to `most`, half of it jitter."""

    first: float = 1.0
    most: float = 30.0
    jitter: Callable[[], float] = random.random  # from 0 to 1

    def after(self, failures: int) -> float:
        """Return the pause after so many failures in a row (1 is the first)."""
        doublings = min(max(failures, 1) - 1, 64)
        whole = min(self.most, self.first * 2.0**doublings)
        return whole * (0.5 + 0.5 * self.jitter())


@dataclass(slots=True)
class Health:
    """How a loop fares, for metrics and readiness."""

    runs: int = 0
    failures: int = 0
    failures_in_a_row: int = 0
    fault: str | None = None  # the kind of the latest failure while it fails

    @property
    def failing(self) -> bool:
        """Tell whether its latest run failed."""
        return self.failures_in_a_row > 0


class Border:
    """The one place that catches whatever a run of our own code raises: counts it and logs changes.

    A failure of another kind than the one before, and the recovery, are changes.
    """

    def __init__(self, name: str, health: Health | None = None) -> None:
        self.name = name
        self.health = health if health is not None else Health()

    async def run(self, once: Callable[[], Awaitable[Result]]) -> Result | None:
        """Run it once and return what it returns, or None after a failure (see `health`)."""
        self.health.runs += 1
        try:
            result = await once()
        except Exception as fault:  # noqa: BLE001  the border: it counts, logs and its caller backs off
            self._failed(fault)
            return None
        if self.health.failing:
            log.info("%s works again", self.name, extra={"fields": {"failures": self._in_a_row()}})
            self.health.failures_in_a_row, self.health.fault = 0, None
        return result

    def _in_a_row(self) -> int:
        return self.health.failures_in_a_row

    def _failed(self, fault: Exception) -> None:
        kind = f"{type(fault).__module__}.{type(fault).__qualname__}"
        if kind != self.health.fault:
            log.error("%s fails", self.name, exc_info=fault)
        self.health.fault = kind
        self.health.failures += 1
        self.health.failures_in_a_row += 1


@dataclass(frozen=True, slots=True)
class Pace:
    """When a loop runs again, in seconds."""

    pause: float = 0.0  # after a run that did not say itself how long
    backoff: Backoff = field(default_factory=Backoff)
    wait: Callable[[Stop, float], Awaitable[bool]] = Stop.within  # returns whether to stop


async def run_loop(
    name: str,
    once: Callable[[], Awaitable[float | None]],
    stop: Stop,
    *,
    pace: Pace | None = None,
    health: Health | None = None,
) -> None:
    """Run `once` again and again until the stop: the border of every background loop.

    `once` returns the seconds until its next run, or None for the pace's pause. A
    run that raises is counted and followed by a pause that grows; no exception but
    cancellation leaves this loop.
    """
    pace = pace if pace is not None else Pace()
    border = Border(name, health)
    while not stop.is_set():
        wanted = await border.run(once)
        if border.health.failing:
            seconds = pace.backoff.after(border.health.failures_in_a_row)
        else:
            seconds = pace.pause if wanted is None else wanted
        if await pace.wait(stop, seconds):
            return


async def end_task(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait for its end, whatever that is."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
