"""Owns when rounds begin: spread over the interval, the first soon, none made up for."""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable

from chassis.instants import MS_PER_SECOND

FIRST_ROUND_WITHIN = 10.0  # seconds
SLOT = 0.2  # seconds
_GOLDEN = 0.6180339887498949  # its multiples fill an interval evenly, however many there will be


class Lag:
    """How late rounds began, in seconds: the worst since the last look but one."""

    def __init__(self) -> None:
        self._worst = self._before = 0.0

    def note(self, seconds: float) -> None:
        """A round began so late."""
        self._worst = max(self._worst, seconds)

    def look(self) -> float:
        """Return the worst of late."""
        worst = max(self._worst, self._before)
        self._before, self._worst = self._worst, 0.0
        return worst


class Spread:
    """Gives each home its place in the interval, whichever homes come and go."""

    def __init__(self) -> None:
        self._given: Counter[int] = Counter()

    def place(self, interval: int) -> float:
        """Return the next place in an interval (ms), as a part of it from 0 to 1."""
        number = self._given[interval]
        self._given[interval] += 1
        return number * _GOLDEN % 1


def first_dues(place: float, interval: float) -> tuple[float, float]:
    """Return when the first and the second round are due, in seconds after the start.

    The first comes within min(interval, 10 s); from the second on each home keeps
    its place in the interval.
    """
    first = place * min(interval, FIRST_ROUND_WITHIN)
    kept = place * interval
    return first, kept if kept >= first + interval / 2 else kept + interval


def slotted(due: float, interval: float) -> float:
    """Return the first shared moment at or after a due time (both in seconds).

    Homes that are due within SLOT of each other (a tenth of a short interval) begin
    together: waking up costs as much as a round does.
    """
    slot = min(SLOT, interval / 10)
    return math.ceil(due / slot) * slot


class Rounds:
    """The rounds of one home, one after the other. Runs until it is cancelled."""

    def __init__(
        self, round_once: Callable[[], Awaitable[None]], interval: int, place: float, lag: Lag
    ) -> None:
        self._round_once = round_once
        self._interval = interval / MS_PER_SECOND
        self._lag = lag
        now = asyncio.get_running_loop().time()
        first, second = first_dues(place, self._interval)
        self._due, self._next = now + first, slotted(now + second, self._interval)

    async def once(self) -> float:
        """Run a round if one is due; return the seconds until the next is."""
        now = asyncio.get_running_loop().time()
        if now < self._due:
            return self._due - now
        self._lag.note(now - self._due)
        try:
            await self._round_once()
        finally:
            now = asyncio.get_running_loop().time()
            missed = max(0, int((now - self._next) / self._interval) + 1) if now > self._next else 0
            self._due = self._next + missed * self._interval
            self._next = self._due + self._interval
        return max(0.0, self._due - now)
