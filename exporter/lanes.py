"""Owns where a pump's entries come from: the journal, and rows that the disk has refused."""

import logging
from collections.abc import Sequence
from typing import Protocol

from exporter.entries import Entry, Waiting
from exporter.journal import Unwritable
from exporter.poison import Search
from exporter.transitions import Transition

log = logging.getLogger(__name__)


class Outbox(Protocol):
    """What a pump needs of the journal."""

    async def cursor(self, sink: str) -> int:
        """Return the id up to which a sink has all. Raises Unwritable."""

    async def entries_after(self, id_: int, limit: int) -> list[Entry]:
        """Return at most `limit` committed entries after an id, in order."""

    async def entries_of(self, rows: Sequence[Transition]) -> list[Entry]:
        """Return entries of rows not in the journal yet, all that there are of their homes."""

    async def advance(self, sink: str, id_: int) -> None:
        """Remember that a sink has all up to an id. Raises Unwritable."""

    async def park(self, sink: str, entry: Entry, reason: str) -> None:
        """Remember that a sink refused an entry for good, and why. Raises Unwritable."""

    async def waiting(self, sink: str) -> Waiting:
        """Return how many rows wait for a sink, and since when."""

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

    While the disk refuses, the cursor runs ahead in memory; what it has passed is
    then sent again after a crash, which is harmless, instead of all the time.
    """

    def __init__(self, sink: str, outbox: Outbox) -> None:
        self.search = Search()
        self._sink = sink
        self._outbox = outbox
        self._cursor: int | None = None
        self._saved = 0

    async def entries(self, limit: int) -> list[Entry]:
        """Return the entries after the cursor; none while not even the cursor can be had."""
        try:
            cursor = await self._where()
        except Unwritable:
            return []
        return await self._outbox.entries_after(cursor, limit)

    async def _where(self) -> int:
        if self._cursor is None:
            self._cursor = self._saved = await self._outbox.cursor(self._sink)
        elif self._saved < self._cursor:
            await self._save(self._cursor)
        return self._cursor

    async def passed(self, entries: Sequence[Entry]) -> None:
        """Move the cursor, on the disk too if that is possible."""
        last = entries[-1].transition.id
        if last is not None:  # as every row of the journal
            self._cursor = last
            await self._save(last)

    async def _save(self, id_: int) -> None:
        try:
            await self._outbox.advance(self._sink, id_)
        except Unwritable as fault:
            log.debug("the cursor of %s waits for the disk: %s", self._sink, fault)
        else:
            self._saved = id_

    async def park(self, entry: Entry, reason: str) -> None:
        """Put the entry among the rejected ones."""
        await self._outbox.park(self._sink, entry, reason)


class MemoryLane:
    """Rows that the disk has refused so far, for a sink that gets them all the same.

    All of them are kept, sent or not, as long as the disk refuses: what a row
    opens or ends is told by the others of its home.
    """

    def __init__(self, outbox: Outbox) -> None:
        self.search = Search()
        self._outbox = outbox
        self._rows: list[Transition] = []
        self._done = 0

    def offer(self, rows: Sequence[Transition]) -> None:
        """Add rows, in order."""
        self._rows.extend(rows)

    def forget(self) -> None:
        """Drop all: they are durable now and come with ids."""
        self._rows = []  # a new list: a batch under way belongs to the old one
        self._done = 0
        self.search.forget()

    async def entries(self, limit: int) -> list[Entry]:
        """Return the entries not sent yet, oldest first."""
        rows, done = self._rows, self._done
        head = rows[done : done + limit]
        if not head:
            return []
        homes = {row.home for row in head}
        entries = await self._outbox.entries_of([row for row in rows if row.home in homes])
        due = {(row.home, row.at) for row in head}
        return [entry for entry in entries if (entry.transition.home, entry.transition.at) in due]

    async def passed(self, entries: Sequence[Entry]) -> None:
        """Go on behind these, unless they were forgotten while they were on their way."""
        for entry in entries:
            if self._done < len(self._rows) and self._rows[self._done] == entry.transition:
                self._done += 1

    async def park(self, entry: Entry, reason: str) -> None:
        """Let go of the entry: it is tried again when it has an id."""
