"""Owns the reliability indices of one home (IEEE 1366), with bounds and coverage; pure.

With one customer served, SAIDI is the minutes of sustained interruption, SAIFI
their number, CAIDI their mean, MAIFI the number of momentary ones and ASAI the
part of the time with power. Times and durations here are milliseconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.instants import MS_PER_SECOND, to_rfc3339
from exporter.outages import (
    DurationClass,
    Outage,
    Present,
    Spell,
    duration_class,
    outages_of,
    spells_of,
)
from exporter.power import State
from exporter.transitions import Transition

MS_PER_MINUTE = 60 * MS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of wall time."""

    start: int
    end: int

    def overlap(self, start: int, end: int) -> int:
        """Return how much of [start, end) lies within (ms)."""
        return max(0, min(end, self.end) - max(start, self.start))


@dataclass(frozen=True, slots=True)
class Reliability:
    """What one home's power was in a span; durations are ms, clipped to the span.

    `outage_least` is what was seen off; `outage_most` counts unknown time as well
    and, before each outage, what was booked as on since its earliest start.
    """

    on: int = 0
    outage: int = 0
    unknown: int = 0
    unseen: int = 0
    outage_least: int = 0
    outage_most: int = 0
    momentary: int = 0
    sustained: int = 0
    sustained_outage: int = 0
    longest_outage: int = 0

    @property
    def all(self) -> int:
        """All time of the span since the home's first transition and up to now."""
        return self.on + self.outage + self.unknown

    @property
    def coverage(self) -> float | None:
        """The part of the time in which the state was known."""
        return 1 - self.unseen / self.all if self.all else None

    @property
    def saidi_minutes(self) -> float:
        """System average interruption duration index: minutes of sustained outage."""
        return self.sustained_outage / MS_PER_MINUTE

    @property
    def caidi_minutes(self) -> float | None:
        """Customer average interruption duration index: minutes per sustained outage."""
        return self.saidi_minutes / self.sustained if self.sustained else None

    @property
    def asai(self) -> float | None:
        """Average service availability index over the time that was on or in an outage."""
        served = self.on + self.outage
        return 1 - self.outage / served if served else None

    @property
    def asai_min(self) -> float | None:
        """The least that ASAI can have been: all that may have been off was off."""
        return 1 - self.outage_most / self.all if self.all else None

    @property
    def asai_max(self) -> float | None:
        """The most that ASAI can have been: only what was seen off was off."""
        return 1 - self.outage_least / self.all if self.all else None


def reliability(
    rows: Iterable[Transition], present: Present, asked: Span, sustained_after: int
) -> Reliability:
    """Work out the indices of one home over `asked`.

    The rows must be successive, begin with the home's first row or an on row at or
    before `asked.start`, and go on to the first on row after its end, if there is one.
    """
    rows = tuple(rows)
    if not rows:
        return Reliability()
    span = Span(max(asked.start, rows[0].at), min(asked.end, present.now))
    spells = tuple(spells_of(rows, present))
    outages = tuple(outages_of(rows, present))
    sustained = [o for o in outages if _is_sustained(o, sustained_after)]
    begun = [o for o in outages if span.start <= o.start < span.end]
    begun_sustained = sum(1 for o in begun if _is_sustained(o, sustained_after))
    on = _time(spells, State.ON, span)
    outage = sum(_clipped(o, span) for o in outages)
    blind = _time(spells, State.UNKNOWN, span)
    unknown = max(0, span.end - span.start) - on - outage
    off = [spell for spell in spells if spell.state is State.OFF]
    return Reliability(
        on=on,
        outage=outage,
        unknown=unknown,
        unseen=blind,
        outage_least=sum(span.overlap(spell.start, spell.seen_until) for spell in off),
        outage_most=outage + unknown + _doubtful_before_outages(spells, span),
        momentary=len(begun) - begun_sustained,
        sustained=begun_sustained,
        sustained_outage=sum(_clipped(o, span) for o in sustained),
        longest_outage=max((_clipped(o, span) for o in outages), default=0),
    )


def _is_sustained(outage: Outage, sustained_after: int) -> bool:
    return duration_class(outage.best, sustained_after) is DurationClass.SUSTAINED


def _clipped(outage: Outage, span: Span) -> int:
    return span.overlap(outage.start, outage.start + outage.best)


def _time(spells: Iterable[Spell], state: State, span: Span) -> int:
    return sum(span.overlap(s.start, s.end) for s in spells if s.state is state)


def _doubtful_before_outages(spells: Sequence[Spell], span: Span) -> int:
    """Add up what was booked as on after the last on evidence before each outage."""
    total = 0
    last_on: Spell | None = None
    for spell in spells:
        if spell.state is State.ON:
            last_on = spell
        elif spell.state is State.OFF and last_on is not None:
            total += span.overlap(last_on.seen_until, last_on.end)
            last_on = None
    return total


def to_json(found: Reliability, asked: Span) -> dict[str, Any]:
    """Spell the indices as the API does."""
    return {
        "from": to_rfc3339(asked.start),
        "to": to_rfc3339(asked.end),
        "on_seconds": found.on / MS_PER_SECOND,
        "outage_seconds": found.outage / MS_PER_SECOND,
        "unknown_seconds": found.unknown / MS_PER_SECOND,
        "unseen_seconds": found.unseen / MS_PER_SECOND,
        "coverage": found.coverage,
        "outage_seconds_min": found.outage_least / MS_PER_SECOND,
        "outage_seconds_max": found.outage_most / MS_PER_SECOND,
        "outages": {"momentary": found.momentary, "sustained": found.sustained},
        "saidi_minutes": found.saidi_minutes,
        "saifi": found.sustained,
        "caidi_minutes": found.caidi_minutes,
        "maifi": found.momentary,
        "asai": found.asai,
        "asai_min": found.asai_min,
        "asai_max": found.asai_max,
        "longest_outage_seconds": found.longest_outage / MS_PER_SECOND,
    }
