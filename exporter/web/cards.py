"""Owns what the page says of one home: its view and its rows become lines of text; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from chassis.instants import to_rfc3339
from exporter.board import HomeView, ProbeView
from exporter.indices import Reliability, Span, reliability
from exporter.outages import Outage, duration_class, outages_of, spells_of
from exporter.power import State
from exporter.transitions import Transition
from exporter.web import words
from exporter.web.timeline import DAY, Bar, last_day, last_week

WINDOWS = (7, 30)  # days
_FIRST_ON_THE_PAGE = (State.OFF, State.UNKNOWN, State.ON)


@dataclass(frozen=True, slots=True)
class When:
    """A moment for people and for programs; `ms` is wall time."""

    ms: int
    iso: str
    text: str
    zone: str


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a home without its past; `ago` is how long it has been in its state."""

    name: str
    title: str
    group: str | None
    zone: str
    state: str
    headline: str
    since: When | None
    ago: str
    notes: tuple[str, ...]
    place: tuple[int, str]


@dataclass(frozen=True, slots=True)
class OutageLine:
    """One row of the table of outages."""

    start: When
    end: When | None
    length: str
    length_bounds: str | None
    start_earliest: str | None
    end_earliest: str | None
    unseen: str | None
    cause: str
    duration_class: str


@dataclass(frozen=True, slots=True)
class Availability:
    """How much of a window power was on, and how much of it was seen."""

    window: str
    part: str
    bounds: str
    coverage: str
    outages: str


@dataclass(frozen=True, slots=True)
class ProbeLine:
    """The last word of one probe."""

    name: str
    kind: str
    role: str
    vote: str
    word: str
    detail: str
    age: str


@dataclass(frozen=True, slots=True)
class Past:
    """What a home's rows tell; `total` counts the outages in them, `outages` are the newest."""

    outages: tuple[OutageLine, ...]
    total: int
    availability: tuple[Availability, ...]
    bars: tuple[Bar, ...]


def card_of(view: HomeView, outage: Outage | None, now: int) -> Card:
    """Say how a home stands at wall time `now`."""
    config, zone = view.config, ZoneInfo(view.config.timezone)
    since = _since(view, outage)
    order = State.OFF if outage is not None else view.state
    return Card(
        name=config.name,
        title=config.title,
        group=config.group,
        zone=config.timezone,
        state=view.state.value,
        headline=words.STATES[view.state],
        since=None if since is None else when(since, zone, now),
        ago="" if since is None else words.duration(now - since),
        notes=tuple(_notes(view, outage, zone, now)),
        place=(_FIRST_ON_THE_PAGE.index(order), config.title.casefold()),
    )


def _since(view: HomeView, outage: Outage | None) -> int | None:
    """Return since when it is so (wall ms): dark since the outage began, blind spells or not."""
    return outage.start if outage is not None and view.state is State.OFF else view.since


def _notes(view: HomeView, outage: Outage | None, zone: ZoneInfo, now: int) -> list[str]:
    if view.held:
        return ["The clock is not believed yet: nothing can be dated."]
    if view.last is None:
        return ["Not known yet: the first verdict is awaited."]
    notes = []
    if view.state is State.UNKNOWN and view.belief.evidence is not None:
        was = "on" if view.last_known is State.ON else "off"
        seen = words.time_of_day(view.belief.evidence, zone, now)
        notes.append(f"Power was last seen {was} at {seen}.")
    if outage is not None:
        notes.append(_of_running(outage, view, zone, now))
    if view.undurable:
        rows = words.count(len(view.undurable), "change is", "changes are")
        notes.append(f"{rows} not stored yet: the disk refuses.")
    return notes


def _of_running(outage: Outage, view: HomeView, zone: ZoneInfo, now: int) -> str:
    started = words.between(outage.start_earliest, outage.start, zone, now)
    kind = duration_class(outage.best, view.config.sustained_after).value
    lasted = (
        ""
        if view.state is State.OFF
        else f" and has not been seen to end ({words.duration(outage.best)})"
    )
    return f"The outage started {started}{lasted}. It is {kind} so far."


def when(wall: int, zone: ZoneInfo, now: int) -> When:
    """Say a moment."""
    return When(
        wall, to_rfc3339(wall), words.time_of_day(wall, zone, now), words.zone_name(wall, zone)
    )


def past_of(rows: Sequence[Transition], view: HomeView, now: int, shown: int) -> Past | None:
    """Tell a home's past from rows over the longest window; None where there is none.

    Of the outages the newest, at most `shown`, are told.
    """
    if not rows or view.held:
        return None
    zone, present = ZoneInfo(view.config.timezone), view.present(now)
    outages = list(outages_of(rows, present))
    spells = tuple(spells_of(rows, present))
    sustained_after = view.config.sustained_after
    windows = (Span(now - days * DAY, now) for days in WINDOWS)
    return Past(
        outages=tuple(
            _outage_line(outage, sustained_after, zone, now)
            for outage in reversed(outages[-shown:])
        ),
        total=len(outages),
        availability=tuple(
            _availability(days, reliability(rows, present, window, sustained_after))
            for days, window in zip(WINDOWS, windows, strict=True)
        ),
        bars=(last_day(spells, now, zone), last_week(spells, now, zone)),
    )


def _outage_line(outage: Outage, sustained_after: int, zone: ZoneInfo, now: int) -> OutageLine:
    return OutageLine(
        start=when(outage.start, zone, now),
        end=None if outage.end is None else when(outage.end, zone, now),
        length=words.duration(outage.best),
        length_bounds=words.length_bounds(outage),
        start_earliest="or earlier"
        if outage.start_earliest is None
        else words.not_before(outage.start_earliest, outage.start, zone, now),
        end_earliest=None
        if outage.end is None
        else words.not_before(outage.end_earliest, outage.end, zone, now),
        unseen=words.duration(outage.unseen) if outage.unseen else None,
        cause=words.CAUSES[outage.cause],
        duration_class=duration_class(outage.best, sustained_after).value,
    )


def _availability(days: int, found: Reliability) -> Availability:
    window = f"Last {days} days"
    if found.all < days * DAY:
        window += f" (watched for {words.duration(found.all)})"
    least, most, seen = found.asai_min, found.asai_max, found.coverage
    return Availability(
        window=window,
        part="no data" if found.asai is None else words.percent(found.asai),
        bounds=""
        if least is None or most is None
        else f"{words.percent(least)} to {words.percent_at_most(most)}",
        coverage="no data" if seen is None else words.percent(seen),
        outages=f"{words.count(found.sustained, 'sustained', 'sustained')}, "
        f"{words.count(found.momentary, 'momentary', 'momentary')}",
    )


def probe_line(probe: ProbeView, now: int) -> ProbeLine:
    """Say what a probe found last; of a reference it is that it is alive, not that power is on."""
    alive = probe.role == "reference"
    said = {
        State.ON: "alive" if alive else "on",
        State.OFF: "dead" if alive else "off",
        State.UNKNOWN: "unknown",
        None: "not asked yet",
    }
    return ProbeLine(
        name=probe.name,
        kind=probe.kind,
        role=probe.role,
        vote=(probe.vote or State.UNKNOWN).value,
        word=said[probe.vote],
        detail=probe.detail,
        age="" if probe.at is None else f"{words.duration(now - probe.at)} ago",
    )
