"""Owns outages: transitions of one home become outages with bounds; pure.

An outage runs from an off transition to the next on transition of its home;
unknown spells inside belong to it. Times are wall milliseconds since the epoch.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chassis.instants import MS_PER_SECOND, to_rfc3339
from exporter.power import Cause, State
from exporter.transitions import Transition

SUSTAINED_AFTER = 300_000
"""IEEE 1366's five minutes (ms), for a home whose own threshold is not known."""


class DurationClass(StrEnum):
    """IEEE 1366: longer than the threshold is sustained."""

    MOMENTARY = "momentary"
    SUSTAINED = "sustained"


def duration_class(ms: int, sustained_after: int) -> DurationClass:
    """Class a duration by a threshold, both in ms; exactly the threshold is still momentary."""
    return DurationClass.SUSTAINED if ms > sustained_after else DurationClass.MOMENTARY


@dataclass(frozen=True, slots=True)
class Spell:
    """A stretch [start, end) in one state; what stood at `seen_until` was still evidence of it."""

    state: State
    start: int
    end: int
    seen_until: int


@dataclass(frozen=True, slots=True)
class Outage:
    """One outage; `end` is None while it runs and its durations are then up to now.

    `start_earliest` is the last on evidence before it (None if there was none),
    `end_earliest` the last off evidence. `best`, `least` and `most` are its
    duration in ms: the estimate, what was seen off, and what it can have been.
    """

    id: int | None
    home: str
    start: int
    start_earliest: int | None
    end: int | None
    end_earliest: int | None
    best: int
    least: int
    most: int | None
    unseen: int
    cause: Cause
    spells: tuple[Spell, ...]

    @property
    def running(self) -> bool:
        """Tell whether power has not been seen since."""
        return self.end is None


@dataclass(frozen=True, slots=True)
class Present:
    """Where a home stands now: `evidence` is the last evidence of its latest row's state."""

    now: int
    evidence: int


def spells_of(rows: Iterable[Transition], present: Present) -> Iterator[Spell]:
    """Yield the stretches between rows of one home, the last one up to now."""
    last: Transition | None = None
    for row in rows:
        if last is not None:
            seen = row.not_before if row.not_before is not None else row.at
            yield Spell(last.state, last.at, row.at, min(max(seen, last.at), row.at))
        last = row
    if last is not None:
        end = max(present.now, last.at)
        yield Spell(last.state, last.at, end, min(max(present.evidence, last.at), end))


def outages_of(rows: Iterable[Transition], present: Present) -> Iterator[Outage]:
    """Yield the outages in rows of one home, oldest first.

    The rows must be successive and begin early enough for `start_earliest`: with
    the home's first row or with an on row.
    """
    rows = tuple(rows)
    opened: int | None = None
    for index, row in enumerate(rows):
        if row.state is State.OFF and opened is None:
            opened = index
        elif row.state is State.ON and opened is not None:
            yield _outage(rows, opened, index, present)
            opened = None
    if opened is not None:
        yield _outage(rows, opened, None, present)


def _outage(
    rows: tuple[Transition, ...], opened: int, closed: int | None, present: Present
) -> Outage:
    first = rows[opened]
    if closed is None:
        end, spells = max(present.now, first.at), tuple(spells_of(rows[opened:], present))
    else:
        end = rows[closed].at
        spells = tuple(spells_of(rows[opened : closed + 1], Present(end, end)))[:-1]
    off = [spell for spell in spells if spell.state is State.OFF]
    earliest = last_on_evidence(rows[: opened + 1])
    return Outage(
        id=first.id,
        home=first.home,
        start=first.at,
        start_earliest=earliest,
        end=None if closed is None else end,
        end_earliest=None if closed is None else off[-1].seen_until,
        best=end - first.at,
        least=sum(spell.seen_until - spell.start for spell in off),
        most=None if earliest is None else end - earliest,
        unseen=sum(spell.end - spell.start for spell in spells if spell.state is State.UNKNOWN),
        cause=first.cause,
        spells=spells,
    )


def last_on_evidence(rows: tuple[Transition, ...]) -> int | None:
    """Return the last on evidence before the last row, an off row, also across unknown spells."""
    for row in reversed(rows):
        if row.previous is State.ON:
            return row.not_before
    return None


def to_json(outage: Outage, sustained_after: int) -> dict[str, Any]:
    """Spell an outage as the API does; durations are seconds."""
    return {
        "id": outage.id,
        "home": outage.home,
        "start": to_rfc3339(outage.start),
        "start_earliest": _time(outage.start_earliest),
        "end": _time(outage.end),
        "end_earliest": _time(outage.end_earliest),
        "seconds": outage.best / MS_PER_SECOND,
        "seconds_min": outage.least / MS_PER_SECOND,
        "seconds_max": None if outage.most is None else outage.most / MS_PER_SECOND,
        "unseen_seconds": outage.unseen / MS_PER_SECOND,
        "class": duration_class(outage.best, sustained_after).value,
        "cause": outage.cause.value,
        "running": outage.running,
    }


def _time(wall: int | None) -> str | None:
    return None if wall is None else to_rfc3339(wall)
