"""Owns a simulated clock: waiting for nothing but time takes no time, work takes what it takes."""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

from typing_extensions import override

from chassis.instants import MS_PER_SECOND, Instant

Done = TypeVar("Done")
Given = TypeVarTuple("Given")


class _Impatient(selectors.EpollSelector):
    """Skips every wait that only its end can end: no thread works, nothing has arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0  # seconds
        self.in_threads = 0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0 or self.in_threads:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self.skipped += timeout
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` is the machine's, and all that was skipped."""

    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    @property
    def skipped(self) -> float:
        """The seconds that were skipped."""
        return self._impatient.skipped

    @override
    def time(self) -> float:
        return super().time() + self.skipped

    @override
    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Given], Done], *args: *Given
    ) -> asyncio.Future[Done]:
        """Run a call in a thread; meanwhile nothing is skipped."""
        self._impatient.in_threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._back)
        return future

    def _back(self, _: asyncio.Future[Any]) -> None:
        self._impatient.in_threads -= 1


class SkippingClock:
    """Wall and boot time of the machine, and what a loop has skipped."""

    boot_id = "bench"

    def __init__(self, loop: SkippingLoop, wall: int) -> None:
        """`wall` is the time at the start (ms)."""
        self._loop = loop
        self._wall = wall
        self._began = loop.time()

    def now(self) -> Instant:
        """Read both clocks."""
        passed = round((self._loop.time() - self._began) * MS_PER_SECOND)
        return Instant(self._wall + passed, passed)

    def synchronised(self) -> bool:
        """It is."""
        return True
