"""Owns what a sink still has to get: rows, each with the outage that it opens or ends."""

from collections.abc import Callable, Iterable, Sequence

from exporter.entries import Entry, Waiting
from exporter.journal_reader import JournalReader
from exporter.outages import DurationClass, Outage, Present, duration_class, outages_of
from exporter.power import State
from exporter.reading import Reading
from exporter.recorder import Recorder
from exporter.transitions import Transition

SustainedAfter = Callable[[str], int]


class JournalOutbox:
    """The journal as sinks see it."""

    def __init__(
        self, recorder: Recorder, reading: Reading, sustained_after: SustainedAfter
    ) -> None:
        """`sustained_after` tells a home's threshold (ms), also of homes that are gone."""
        self._recorder = recorder
        self._reading = reading
        self._sustained_after = sustained_after

    async def cursor(self, sink: str) -> int:
        """Return the id up to which a sink has all; a new sink starts at the journal's end."""
        return await self._recorder.cursor(sink)

    async def entries_after(self, id_: int, limit: int) -> list[Entry]:
        """Return the committed entries after an id, in order."""
        return await self._reading.read(entries_after, id_, limit, self._sustained_after)

    async def entries_of(self, rows: Sequence[Transition]) -> list[Entry]:
        """Return entries of rows not in the journal yet, all that there are of their homes."""
        return await self._reading.read(_entries_of, rows, self._sustained_after)

    async def advance(self, sink: str, id_: int) -> None:
        """Remember that a sink has all up to an id."""
        await self._recorder.advance(sink, id_)

    async def park(self, sink: str, entry: Entry, reason: str) -> None:
        """Remember that a sink refused an entry for good, and why."""
        await self._recorder.park(sink, entry.transition.id or 0, reason)

    async def waiting(self, sink: str) -> Waiting:
        """Return how many rows wait for a sink, and since when."""
        cursor = await self._recorder.cursor(sink)
        return Waiting(*await self._reading.read(JournalReader.waiting, cursor))

    async def rejected(self, sink: str) -> int:
        """Return how many rows a sink has refused for good."""
        return await self._reading.read(JournalReader.rejected, sink)


def entries_after(
    reader: JournalReader, id_: int, limit: int, sustained_after: SustainedAfter
) -> list[Entry]:
    """Return at most `limit` committed entries after an id, in order."""
    return [
        _entry(row, reader.before(row.home, row.at), reader, (), sustained_after)
        for row in reader.after(id_, limit)
    ]


def _entries_of(
    reader: JournalReader, rows: Sequence[Transition], sustained_after: SustainedAfter
) -> list[Entry]:
    entries = []
    for row in rows:
        own = [other for other in rows if other.home == row.home]
        earlier = [other for other in own if other.at < row.at]
        before = earlier[-1] if earlier else reader.before(row.home, row.at)
        entries.append(_entry(row, before, reader, own, sustained_after))
    return entries


def _entry(
    row: Transition,
    before: Transition | None,
    reader: JournalReader,
    undurable: Sequence[Transition],
    sustained_after: SustainedAfter,
) -> Entry:
    outage = None
    if _may_open_or_end(row, before):
        around = reader.around(row.home, row.at - 1, row.at + (row.state is State.OFF))
        known = {other.at for other in around}
        around.extend(other for other in undurable if other.at not in known)
        outage = _opened_or_ended(row, outages_of(around, Present(row.at, row.at)))
    sustained = outage is not None and (
        duration_class(outage.best, sustained_after(row.home)) is DurationClass.SUSTAINED
    )
    return Entry(row, before.at if before else None, outage, sustained)


def _may_open_or_end(row: Transition, before: Transition | None) -> bool:
    if row.state is State.UNKNOWN:
        return False
    was = before.previous if before and before.state is State.UNKNOWN else row.previous
    return was is not row.state and (row.state is State.OFF or was is State.OFF)


def _opened_or_ended(row: Transition, outages: Iterable[Outage]) -> Outage | None:
    for outage in outages:
        if row.at == (outage.start if row.state is State.OFF else outage.end):
            return outage
    return None
