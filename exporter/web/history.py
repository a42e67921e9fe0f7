"""Owns a home's past as its own views show it: the journal's rows, then those not durable yet.

What a home has refused is noted on the loop before the journal is read: a row that
becomes durable in between is then found twice, never not at all, and the durable
one stands.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.board import Board, HomeView
from exporter.indices import Span
from exporter.journal_reader import JournalReader
from exporter.outages import Outage, Present, outages_of
from exporter.power import State
from exporter.reading import Reading
from exporter.transitions import Transition
from exporter.web.query import ALL, LATEST


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a home stood when its past was asked for."""

    home: str
    undurable: tuple[Transition, ...]
    present: Present
    sustained_after: int

    @classmethod
    def of(cls, view: HomeView, now: int) -> "Standing":
        """Note where a home stands at wall time `now`."""
        config = view.config
        return cls(config.name, view.undurable, view.present(now), config.sustained_after)


def page_of(reader: JournalReader, standing: Standing, span: Span, most: int) -> list[Transition]:
    """Return the first rows with `at` in the span, oldest first."""
    rows = reader.of_home(standing.home, (span.start, span.end), 0, most)
    if len(rows) < most:
        refused = [row for row in standing.undurable if span.start <= row.at < span.end]
        rows = _joined(rows, refused)[:most]
    return rows


def first_at(reader: JournalReader, standing: Standing) -> int | None:
    """Return the date of the home's first row (wall ms), or None where it has none."""
    rows = page_of(reader, standing, ALL, 1)
    return rows[0].at if rows else None


def around(reader: JournalReader, standing: Standing, span: Span) -> list[Transition]:
    """Return the rows that tell of the span: from the on row before it to the on row after it."""
    rows = reader.around(standing.home, span.start, span.end)
    if rows and rows[-1].state is State.ON and rows[-1].at >= span.end:
        return rows
    return _joined(rows, standing.undurable)


def _joined(durable: Sequence[Transition], refused: Iterable[Transition]) -> list[Transition]:
    known = {row.at for row in durable}
    return [*durable, *(row for row in refused if row.at not in known)]


def outages_in(rows: Iterable[Transition], present: Present, span: Span = ALL) -> list[Outage]:
    """Return the outages that overlap the span, whole, oldest first."""
    return [outage for outage in outages_of(rows, present) if _overlaps(outage, span)]


def _overlaps(outage: Outage, span: Span) -> bool:
    end = outage.start + max(outage.best, 1)
    return outage.start < span.end and end > span.start


@dataclass(frozen=True, slots=True)
class _Kept:
    """The rows of a running outage, good for as long as the home has no new row."""

    last: Transition | None
    undurable: tuple[Transition, ...]
    rows: tuple[Transition, ...]


class RunningOutages:
    """Knows the running outages of all homes without reading the journal each time."""

    def __init__(self, board: Board, reading: Reading) -> None:
        self._board = board
        self._reading = reading
        self._kept: dict[str, _Kept] = {}

    async def of(self, views: Iterable[HomeView], now: int) -> dict[str, Outage]:
        """Return the running outages among homes, by the home's name; durations are up to `now`."""
        dark = [view for view in views if view.belief.in_outage and not view.held]
        unread = [view for view in dark if not self._is_kept(view)]
        if unread:
            await self._read([(view.last, Standing.of(view, now)) for view in unread])
        found = {view.config.name: self._running(view, now) for view in dark}
        return {home: outage for home, outage in found.items() if outage is not None}

    def _is_kept(self, view: HomeView) -> bool:
        kept = self._kept.get(view.config.name)
        return kept is not None and (kept.last, kept.undurable) == (view.last, view.undurable)

    async def _read(self, wanted: list[tuple[Transition | None, Standing]]) -> None:
        found = await self._reading.read(_latest, [standing for _, standing in wanted])
        self._kept = {home: kept for home, kept in self._kept.items() if home in self._board.homes}
        for (last, standing), rows in zip(wanted, found, strict=True):
            self._kept[standing.home] = _Kept(last, standing.undurable, tuple(rows))

    def _running(self, view: HomeView, now: int) -> Outage | None:
        kept = self._kept.get(view.config.name)
        outages = outages_in(kept.rows, view.present(now)) if kept else []
        return outages[-1] if outages and outages[-1].running else None


def _latest(reader: JournalReader, standings: Sequence[Standing]) -> list[list[Transition]]:
    """Return the rows of each home since its last on row."""
    return [around(reader, standing, Span(LATEST, LATEST)) for standing in standings]
