"""Owns what a sink still has to get: rows, each with the outage that it opens or ends."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from exporter.entries import Entry, Waiting, place_of
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

    async def cursor(self, sink: str) -> int | None:
        """Return the id up to which a sink has all; None for one that has no place yet."""
        return await self._reading.read(JournalReader.cursor, sink)

    async def entries_after(self, id_: int, limit: int) -> list[Entry]:
        """Return the committed entries after an id, in order."""
        return await self._reading.read(entries_after, id_, limit, self._sustained_after)

    async def entries_of(
        self, rows: Sequence[Transition], own: Mapping[str, Sequence[Transition]]
    ) -> list[Entry]:
        """Return entries of rows not in the journal yet; `own` has those of each home, in order."""
        return await self._reading.read(entries_of, rows, own, self._sustained_after)

    async def advance(self, sink: str, id_: int) -> None:
        """Remember that a sink has all up to an id."""
        await self._recorder.advance(sink, id_)

    async def park(self, sink: str, entry: Entry, reason: str) -> None:
        """Remember that a sink refused an entry for good, and why."""
        await self._recorder.park(sink, entry.transition.id or 0, reason)

    async def waiting(self, id_: int) -> Waiting:
        """Return how many rows stand behind an id, and since when."""
        return Waiting(*await self._reading.read(JournalReader.waiting, id_))

    async def rejected(self, sink: str) -> int:
        """Return how many rows a sink has refused for good."""
        return await self._reading.read(JournalReader.rejected, sink)


def entries_after(
    reader: JournalReader, id_: int, limit: int, sustained_after: SustainedAfter
) -> list[Entry]:
    """Return at most `limit` committed entries after an id, in order."""
    return [
        _entry(row, reader.before(row.home, row.at), partial(_around, row, reader), sustained_after)
        for row in reader.after(id_, limit)
    ]


def entries_of(
    reader: JournalReader,
    rows: Sequence[Transition],
    own: Mapping[str, Sequence[Transition]],
    sustained_after: SustainedAfter,
) -> list[Entry]:
    """Return entries of rows not in the journal yet.

    `own` has of each home the rows that the journal lacks, in order, these among
    them. Only as many of them are looked at as the outage of a row has.
    """
    entries = []
    for row in rows:
        mine = own[row.home]
        place = place_of(row, mine)
        before = mine[place - 1] if place else reader.before(row.home, row.at)
        around = partial(_around_undurable, mine, place, reader)
        entries.append(_entry(row, before, around, sustained_after))
    return entries


def _around(row: Transition, reader: JournalReader) -> list[Transition]:
    return reader.around(row.home, row.at - 1, row.at + (row.state is State.OFF))


def _around_undurable(
    mine: Sequence[Transition], place: int, reader: JournalReader
) -> list[Transition]:
    """Return the rows from the on row before to the first on row from `place` on."""
    last = next((at for at in range(place, len(mine)) if mine[at].state is State.ON), len(mine))
    first = next((at for at in range(place - 1, -1, -1) if mine[at].state is State.ON), None)
    if first is not None:
        return list(mine[first : last + 1])
    begin = mine[0].at
    journal = reader.around(mine[0].home, begin - 1, begin - 1)
    earlier = [row for row in journal if row.at < begin]  # the disk may take the others by now
    return [*earlier, *mine[: last + 1]]


def _entry(
    row: Transition,
    before: Transition | None,
    around: Callable[[], Iterable[Transition]],
    sustained_after: SustainedAfter,
) -> Entry:
    outage = None
    if _may_open_or_end(row, before):
        outage = _opened_or_ended(row, outages_of(around(), Present(row.at, row.at)))
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
