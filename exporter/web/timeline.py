"""Owns the bar of states that the page draws as SVG: what was when, and the ticks below it; pure.

A bar has a fixed number of slots. A slot shows the worst that it saw (off before
unknown before on), so the shortest outage can be seen and no bar grows without end.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import groupby

from chassis.instants import MS_PER_SECOND
from exporter.indices import Span
from exporter.outages import Spell
from exporter.power import State
from exporter.web.words import duration, moment

HOUR = 3600 * MS_PER_SECOND
DAY = 24 * HOUR
SLOTS = 480
_WORST_LAST = (State.ON, State.UNKNOWN, State.OFF)


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring slots in one state, or "none"; `left` and `width` are percent of the bar."""

    state: str
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark below the bar, at `left` percent."""

    left: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar and what it says in words."""

    title: str
    alternative: str
    blocks: tuple[Block, ...]
    ticks: tuple[Tick, ...]


def last_day(spells: Sequence[Spell], now: int, zone: tzinfo) -> Bar:
    """Draw the 24 hours up to now."""
    span = Span(now - DAY, now)
    return _bar("Last 24 hours", span, spells, _ticks(span, zone, every_hours=6, form="%H:%M"))


def last_week(spells: Sequence[Spell], now: int, zone: tzinfo) -> Bar:
    """Draw the 7 days up to now."""
    span = Span(now - 7 * DAY, now)
    return _bar("Last 7 days", span, spells, _ticks(span, zone, every_hours=24, form="%a"))


def _bar(title: str, span: Span, spells: Sequence[Spell], ticks: Iterable[Tick]) -> Bar:
    return Bar(title, _in_words(title, spells, span), tuple(_blocks(spells, span)), tuple(ticks))


def _in_words(title: str, spells: Sequence[Spell], span: Span) -> str:
    times = {
        state: sum(span.overlap(spell.start, spell.end) for spell in spells if spell.state is state)
        for state in State
    }
    said = [f"{state.value} {duration(time)}" for state, time in times.items() if time]
    if (before := span.end - span.start - sum(times.values())) > 0:
        said.append(f"not watched {duration(before)}")
    return f"{title}: {', '.join(said)}"


def _blocks(spells: Iterable[Spell], span: Span) -> Iterator[Block]:
    slots: list[State | None] = [None] * SLOTS
    for spell in sorted(spells, key=lambda spell: _WORST_LAST.index(spell.state)):
        if span.overlap(spell.start, spell.end):
            first, last = _slot(spell.start, span), _slot(spell.end - 1, span)
            slots[first : last + 1] = [spell.state] * (last + 1 - first)
    for state, run in groupby(range(SLOTS), key=slots.__getitem__):
        places = list(run)
        name = "none" if state is None else state.value
        yield Block(name, _share(places[0]), _share(len(places)))


def _share(slots: int) -> float:
    return round(100 * slots / SLOTS, 3)


def _slot(at: int, span: Span) -> int:
    return min(max((at - span.start) * SLOTS // (span.end - span.start), 0), SLOTS - 1)


def _ticks(span: Span, zone: tzinfo, *, every_hours: int, form: str) -> Iterator[Tick]:
    """Mark the round hours of the home's own clock."""
    local = moment(span.start, zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    while (wall := _wall(local, zone)) < span.end:
        left = 100 * (wall - span.start) / (span.end - span.start)
        if left >= 0:
            yield Tick(round(left, 2), f"{local:{form}}")
        local += timedelta(hours=every_hours)


def _wall(local: datetime, zone: tzinfo) -> int:
    return int(local.replace(tzinfo=zone).timestamp()) * MS_PER_SECOND
