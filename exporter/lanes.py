"""Owns where a pump's entries come from: the journal, and rows that the disk has refused."""

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Protocol

from exporter.entries import Entry, Place, Waiting, place_of
from exporter.journal import Unwritable
from exporter.poison import Search
from exporter.power import State
from exporter.transitions import Transition

log = logging.getLogger(__name__)

UNDURABLE = 100_000  # rows that wait in memory for one sink, at most


class Outbox(Protocol):
    """What a pump needs of the journal."""

    async def entries_after(self, id_: int, limit: int) -> list[Entry]:
        """Return at most `limit` committed entries after an id, in order."""

    async def entries_of(
        self, rows: Sequence[Transition], own: Mapping[str, Sequence[Transition]]
    ) -> list[Entry]:
        """Return entries of rows not in the journal yet; `own` has those of each home, in order."""

    async def advance(self, sink: str, id_: int) -> None:
        """Remember that a sink has all up to an id. Raises Unwritable."""

    async def park(self, sink: str, entry: Entry, reason: str) -> None:
        """Remember that a sink refused an entry for good, and why. Raises Unwritable."""

    async def waiting(self, id_: int) -> Waiting:
        """Return how many rows stand behind an id, and since when."""

    async def rejected(self, sink: str) -> int:
        """Return how many rows a sink has refused for good."""


class Lane(Protocol):
    """Entries in order; the head is what is sent next."""

    search: Search

    async def entries(self, limit: int) -> list[Entry]:
        """Return at most `limit` entries from the head on."""

    async def passed(self, entries: Sequence[Entry]) -> None:
        """Go on behind these entries of the head."""

    async def park(self, entry: Entry, reason: str) -> None:
        """Note that the entry at the head was refused for good. Raises Unwritable."""


class JournalLane:
    """What the journal holds behind the sink's cursor.

    While the disk refuses, the cursor (`place`) runs ahead in memory; what it has
    passed is then sent again after a crash, which is harmless, instead of all the time.
    """

    def __init__(self, sink: str, outbox: Outbox, place: Place) -> None:
        self.search = Search()
        self.place = place
        self._sink = sink
        self._outbox = outbox

    async def entries(self, limit: int) -> list[Entry]:
        """Return the entries after the cursor."""
        if not self.place.kept:
            await self._save()
        return await self._outbox.entries_after(self.place.id, limit)

    async def passed(self, entries: Sequence[Entry]) -> None:
        """Move the cursor, on the disk too if that is possible."""
        last = entries[-1].transition.id
        if last is not None:  # as every row of the journal
            self.place = Place(last, kept=False)
            await self._save()

    async def _save(self) -> None:
        try:
            await self._outbox.advance(self._sink, self.place.id)
        except Unwritable as fault:
            log.debug("the cursor of %s waits for the disk: %s", self._sink, fault)
        else:
            self.place = Place(self.place.id)

    async def park(self, entry: Entry, reason: str) -> None:
        """Put the entry among the rejected ones."""
        await self._outbox.park(self._sink, entry, reason)


class MemoryLane:
    """Rows that the disk has refused so far, for a sink that gets them all the same.

    Kept are those that wait and, of each home, the sent ones that tell what these
    open or end: from its last on row. Once `most` are kept no more are taken until
    all are durable; with a hole between them they would tell outages that never were.
    """

    def __init__(self, outbox: Outbox, most: int = UNDURABLE) -> None:
        self.search = Search()
        self._outbox = outbox
        self._most = most
        self._queue: deque[Transition] = deque()
        self._own: dict[str, list[Transition]] = {}
        self._kept = 0
        self._full = False

    def offer(self, rows: Sequence[Transition]) -> None:
        """Add rows, in order, for as long as there is room."""
        for row in rows:
            if self._full:
                return
            self._queue.append(row)
            self._own.setdefault(row.home, []).append(row)
            self._kept += 1
            if self._kept >= self._most:
                self._full = True
                log.warning("%d rows wait for the disk: newer ones are sent after it", self._kept)

    def forget(self) -> None:
        """Drop all: they are durable now and come with ids."""
        self._queue = deque()
        self._own = {}  # new lists: a batch under way reads the old ones
        self._kept = 0
        self._full = False
        self.search.forget()

    async def entries(self, limit: int) -> list[Entry]:
        """Return the entries not sent yet, oldest first."""
        head = list(islice(self._queue, limit))
        if not head:
            return []
        return await self._outbox.entries_of(head, {row.home: self._own[row.home] for row in head})

    async def passed(self, entries: Sequence[Entry]) -> None:
        """Go on behind these, unless they were forgotten while they were on their way."""
        on: dict[str, Transition] = {}
        for entry in entries:
            if self._queue and self._queue[0] == entry.transition:
                row = self._queue.popleft()
                if row.state is State.ON:
                    on[row.home] = row
        for home, row in on.items():
            needless = place_of(row, self._own[home])
            self._own[home] = self._own[home][needless:]
            self._kept -= needless

    async def park(self, entry: Entry, reason: str) -> None:
        """Let go of the entry: it is tried again when it has an id."""
