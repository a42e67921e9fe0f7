"""Owns the way from the journal to one sink: in order, one batch at a time, nothing lost.

It knows neither InfluxDB nor the relay, only what can become of a batch.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chassis.loops import Backoff
from exporter.entries import Entry, Place
from exporter.journal import Unwritable
from exporter.lanes import JournalLane, Lane, MemoryLane, Outbox
from exporter.poison import Step
from exporter.sinks.outcomes import (
    Accepted,
    Blocked,
    Broken,
    NothingToSay,
    Outcome,
    Refused,
    Unavailable,
)
from exporter.transitions import Transition

log = logging.getLogger(__name__)

BATCH = 500  # entries
FIRST_PAUSE = 0.5  # seconds, at most
LONGEST_PAUSE = 30.0  # seconds


class Sink(Protocol):
    """Where a pump delivers to. Each call ends by itself in bounded time."""

    name: str

    async def send(self, entries: Sequence[Entry]) -> Outcome:
        """Hand over entries, oldest first, and say what became of them; they may come again."""

    async def check(self) -> Outcome:
        """Say whether the other side could be asked, without telling it anything."""

    async def close(self) -> None:
        """Give back what the sink holds."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is sent at once; a witness is another entry than the suspected ones of the lane."""

    lane: Lane
    entries: list[Entry]
    witness_against: int = 0  # entries in the suspected batch


class Pump:
    """Delivers to one sink. All calls come from one event loop."""

    def __init__(
        self,
        sink: Sink,
        outbox: Outbox,
        place: Place,
        *,
        batch: int = BATCH,
        now: Callable[[], float] = time.monotonic,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        """`now` is a clock that only advances, in seconds; `fraction` is random in [0, 1)."""
        self.name = sink.name
        self.rejected = 0
        self._sink = sink
        self._outbox = outbox
        self._limit = batch
        self._now = now
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE, fraction)
        self._failures = 0  # in a row
        self._journal = JournalLane(sink.name, outbox, place)
        self._memory = MemoryLane(outbox)
        self._begun = False
        self._due: float | None = None
        self._woken = asyncio.Event()
        self._witness: Entry | None = None  # the last entry that was accepted
        self._turn = 0
        self._state: type[Outcome] | None = None  # Accepted, or what keeps the sink down
        self._told: type[Outcome] = Accepted
        self._told_parked = False

    @property
    def up(self) -> bool:
        """Tell whether what was last heard of the other side was good; False before that."""
        return self._state is Accepted

    @property
    def place(self) -> Place:
        """Where the sink stands in the journal."""
        return self._journal.place

    def wake(self) -> None:
        """Say that there may be something to send; during a pause it waits for its end."""
        self._woken.set()

    def offer_undurable(self, rows: Sequence[Transition]) -> None:
        """Take rows that the disk has refused, in order; they go after the durable backlog."""
        self._memory.offer(rows)
        self.wake()

    def forget_undurable(self) -> None:
        """Drop them: they have become durable and come again, with ids."""
        self._memory.forget()
        self.wake()

    async def pump_once(self) -> float | None:
        """Send one batch, if one is due; return the seconds to wait before the next call.

        0 is at once, None until somebody wakes the pump. A call before its time
        does nothing, so that nobody can make the pump hammer.
        """
        if self._due is not None and (early := self._due - self._now()) > 0:
            return early
        self._due = None
        self._woken.clear()
        if not self._begun:
            self.rejected += await self._outbox.rejected(self.name)
            self._begun = True
        pause = await self._step()
        if pause:
            self._due = self._now() + pause
        return pause

    async def rest(self, pause: float | None) -> None:
        """Wait for as long as `pump_once` said."""
        if pause is None:
            await self._woken.wait()
        else:
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Close the sink; what it was sending is sent again at the next start."""
        await self._sink.close()

    async def _step(self) -> float | None:
        batch = await self._next_batch()
        if batch is None:
            return await self._check()
        outcome = await self._sink.send(batch.entries)
        if batch.witness_against:
            return self._heard_witness(batch, outcome)
        return await self._heard(batch, outcome)

    async def _next_batch(self) -> _Batch | None:
        lanes: tuple[Lane, ...] = (self._journal, self._memory)
        for lane in lanes:
            entries = await lane.entries(lane.search.size(self._limit))
            if entries and lane.search.wants_witness:
                return await self._witness_batch(lane, entries)
            if entries:
                return _Batch(lane, entries)
        return None

    async def _witness_batch(self, lane: Lane, suspected: list[Entry]) -> _Batch:
        """Return somebody else's entry, or the suspected ones once more where there is none."""
        witness = self._witness or await self._behind(lane, suspected)
        if witness is not None:
            return _Batch(lane, [witness], len(suspected))
        lane.search.witnessed(len(suspected), accepted=False)
        return _Batch(lane, suspected[: lane.search.size(self._limit)])

    async def _behind(self, lane: Lane, suspected: Sequence[Entry]) -> Entry | None:
        """Return an entry behind a suspected single one, or None.

        Only until this pump has had anything accepted: such a witness may overtake.
        """
        if len(suspected) > 1:
            return None
        following = (await lane.entries(self._limit))[1:]
        return following[self._turn % len(following)] if following else None

    async def _check(self) -> float | None:
        """Nothing waits: find out whether the sink could be reached, unless it is up."""
        if self.up:
            return None
        outcome = await self._sink.check()
        if isinstance(outcome, Unavailable | Blocked | Broken):
            return self._went_down(outcome)
        await self._came_up()
        return None

    async def _heard(self, batch: _Batch, outcome: Outcome) -> float:
        search, count = batch.lane.search, len(batch.entries)
        match outcome:
            case Accepted():
                self._witness = batch.entries[-1]
                search.passed()
                await self._came_up()
                await batch.lane.passed(batch.entries)
            case NothingToSay():
                search.passed()
                await batch.lane.passed(batch.entries)
            case Refused(reason):
                if search.refused(count) is Step.PARK:
                    return await self._park(batch, reason)
            case Broken(reason):
                if search.broke(count) is Step.PARK:
                    return await self._park(batch, reason)
                return self._went_down(outcome)
            case Unavailable() | Blocked():
                search.interrupted()
                return self._went_down(outcome)
        return 0.0

    def _heard_witness(self, batch: _Batch, outcome: Outcome) -> float:
        accepted = isinstance(outcome, Accepted)
        batch.lane.search.witnessed(batch.witness_against, accepted=accepted)
        match outcome:
            case Accepted():
                self._state = Accepted
                self._turn = 0
                self._failures = 0
                return 0.0
            case Unavailable() | Blocked():
                return self._went_down(outcome)
            case Broken():
                self._turn += 1
                return self._went_down(outcome)
            case Refused() | NothingToSay():
                self._turn += 1
                self._witness = None  # it proves nothing any more, as a point behind the retention
                return self._pause()

    async def _park(self, batch: _Batch, reason: str) -> float:
        """Put the one refused entry aside and go on behind it; not before the disk knows of it."""
        (entry,) = batch.entries
        try:
            await batch.lane.park(entry, reason)
        except Unwritable:
            return self._pause()
        batch.lane.search.passed()
        self.rejected += 1
        if not self._told_parked:
            self._told_parked = True
            log.error(
                "%s will never take row %s of home %s, it was put aside: %s",
                self.name,
                entry.transition.id,
                entry.transition.home,
                reason,
                extra={"fields": {"sink": self.name, "home": entry.transition.home}},
            )
        await batch.lane.passed(batch.entries)
        return 0.0

    def _went_down(self, outcome: Unavailable | Blocked | Broken) -> float:
        """Say so once; return the pause before the next try."""
        self._state = type(outcome)
        if self._told is not self._state:
            self._told = self._state
            what = "is blocked, everything is kept" if self._state is Blocked else "is down"
            fields = {"sink": self.name}
            log.warning("%s %s: %s", self.name, what, outcome.reason, extra={"fields": fields})
        return self._pause(outcome.retry_after if isinstance(outcome, Unavailable) else None)

    def _pause(self, asked_for: float | None = None) -> float:
        """Return the next pause in seconds: never shorter than asked for, up to the longest."""
        self._failures += 1
        return max(self._backoff.after(self._failures), min(asked_for or 0.0, LONGEST_PAUSE))

    async def _came_up(self) -> None:
        """Say so once, but not in the middle of a search, where 500s come and go."""
        self._state = Accepted
        self._failures = 0
        if self._journal.search.under_way or self._memory.search.under_way:
            return
        self._told_parked = False
        if self._told is not Accepted:
            self._told = Accepted
            count = (await self._outbox.waiting(self.place.id)).count
            fields = {"sink": self.name}
            log.info("%s is up again, %d rows waited", self.name, count, extra={"fields": fields})
