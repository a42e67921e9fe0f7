"""Owns how an exporter's answers are told to people: each becomes a table in the home's time; pure.

Running outages come first; what is not known is said as unknown, and what cannot be
worked out as a dash.
"""

from collections.abc import Iterable, Sequence

from chassis.instants import MS_PER_SECOND
from chassis.tables import Column, table
from exporter.power import Cause, State
from exporter.web import words
from power_status.answers import Home, Outage, Reliability

NONE = "\N{EN DASH}"
NO_HOMES = "The exporter watches no home.\n"
NO_OUTAGES = "No outage was seen.\n"
_STATUS = tuple(map(Column, ("Home", "Power", "Since", "For", "Remarks")))
_OUTAGES = tuple(map(Column, ("Home", "Off from", "Until", "Lasted", "Bounds", "Class", "Remarks")))
RELIABILITY = (
    Column("Home"),
    Column("SAIDI (min)", number=True),
    Column("SAIFI", number=True),
    Column("CAIDI (min)", number=True),
    Column("MAIFI", number=True),
    Column("ASAI", number=True),
    Column("ASAI bounds"),
    Column("Coverage", number=True),
    Column("Off for"),
    Column("Longest outage"),
    Column("Watched for"),
    Column("Period"),
)

# ---------------------------------------------------------------- status


def status_table(homes: Iterable[Home], now: int) -> str:
    """Tell how homes stand at wall time `now` (ms)."""
    rows = [_status_row(home, now) for home in sorted(homes, key=_urgency)]
    return table(_STATUS, rows) if rows else NO_HOMES


def _urgency(home: Home) -> tuple[int, str]:
    order = (State.OFF, State.UNKNOWN, State.ON)
    return order.index(home.state if home.outage is None else State.OFF), home.title.casefold()


def _status_row(home: Home, now: int) -> tuple[str, ...]:
    dark = home.outage if home.state is State.OFF else None
    since = home.since if dark is None else dark.start  # unknown spells inside do not end it
    return (
        _name(home),
        home.state.value,
        NONE if since is None else _moment(since, home, now),
        NONE if since is None else words.duration(now - since),
        "; ".join(_standing(home, now)),
    )


def _standing(home: Home, now: int) -> Iterable[str]:
    if home.since is None:
        yield "the first verdict is awaited"
    elif home.state is State.UNKNOWN and home.last_evidence_at is not None:
        yield f"last seen at {words.time_of_day(home.last_evidence_at, home.zone, now)}"
    if (outage := home.outage) is None:
        return
    if home.state is State.UNKNOWN:
        began = words.time_of_day(outage.start, home.zone, now)
        lasts = _lasts(outage.seconds)
        yield f"the outage since {began} has not been seen to end ({lasts})"
    yield f"{outage.duration_class.value} so far"
    yield from _beginning(outage, home, now)


# ---------------------------------------------------------------- outages


def outages_table(found: Iterable[tuple[Home, Sequence[Outage]]], now: int) -> str:
    """Tell the outages of homes: those that run, then the newest first."""
    pairs = [(home, outage) for home, outages in found for outage in outages]
    pairs.sort(key=lambda pair: (not pair[1].running, -pair[1].start))
    rows = [_outage_row(home, outage, now) for home, outage in pairs]
    return table(_OUTAGES, rows) if rows else NO_OUTAGES


def _outage_row(home: Home, outage: Outage, now: int) -> tuple[str, ...]:
    lasted = _lasts(outage.seconds)
    return (
        _name(home),
        _moment(outage.start, home, now),
        _until(home, outage, now),
        f"{lasted} so far" if outage.running else lasted,
        _bounds(outage),
        outage.duration_class.value,
        "; ".join(_remarks(home, outage, now)),
    )


def _until(home: Home, outage: Outage, now: int) -> str:
    if outage.end is not None:
        return _moment(outage.end, home, now)
    return State.UNKNOWN.value if home.state is State.UNKNOWN else "still off"


def _bounds(outage: Outage) -> str:
    """Say how long it can have been, or nothing where that is what the estimate says already."""
    least, best = _lasts(outage.seconds_min), _lasts(outage.seconds)
    if outage.seconds_max is None:
        return f"at least {least}"
    if least == best == _lasts(outage.seconds_max):
        return ""
    most = words.at_most(round(outage.seconds_max * MS_PER_SECOND))
    return f"at most {most}" if outage.seconds_min == 0 else f"{least} to {most}"


def _remarks(home: Home, outage: Outage, now: int) -> Iterable[str]:
    yield from _beginning(outage, home, now)
    if outage.unseen_seconds:
        yield f"unknown for {_lasts(outage.unseen_seconds)} of it"
    if outage.id is None:
        yield "not stored yet: the exporter's disk refuses"


def _beginning(outage: Outage, home: Home, now: int) -> Iterable[str]:
    """Say what is not certain of an outage's beginning."""
    if outage.cause is not Cause.MEASURED:
        yield words.CAUSES[outage.cause]
    if outage.start_earliest is None:
        if outage.cause is not Cause.START:
            yield "began then or earlier"
    elif bound := words.not_before(outage.start_earliest, outage.start, home.zone, now):
        yield f"began {bound}"


# ---------------------------------------------------------------- reliability


def reliability_table(found: Sequence[tuple[Home, Reliability]], now: int) -> str:
    """Tell the indices of homes, in the order given."""
    rows = [_reliability_row(home, indices, now) for home, indices in found]
    return table(RELIABILITY, rows) if rows else NO_HOMES


def _reliability_row(home: Home, found: Reliability, now: int) -> tuple[str, ...]:
    return (_name(home), *_indices(found), _period(home, found, now))


def _indices(found: Reliability) -> tuple[str, ...]:
    if found.coverage is None:  # no time was watched: a nought would be said of nothing
        return (NONE,) * (len(RELIABILITY) - 2)
    return (
        _minutes(found.saidi_minutes),
        str(found.saifi),
        _minutes(found.caidi_minutes),
        str(found.maifi),
        _percent(found.asai),
        _asai_bounds(found),
        _percent(found.coverage),
        _lasts(found.outage_seconds),
        _lasts(found.longest_outage_seconds),
        _lasts(found.watched_seconds),
    )


def _asai_bounds(found: Reliability) -> str:
    if found.asai_min is None or found.asai_max is None:
        return NONE
    return f"{words.percent(found.asai_min)} to {words.percent_at_most(found.asai_max)}"


def _period(home: Home, found: Reliability, now: int) -> str:
    return f"{_moment(found.start, home, now)} to {_moment(found.end, home, now)}"


# ---------------------------------------------------------------- what all of them say


def _name(home: Home) -> str:
    return home.name if home.title == home.name else f"{home.name} ({home.title})"


def _moment(wall: int, home: Home, now: int) -> str:
    return f"{words.time_of_day(wall, home.zone, now)} {words.zone_name(wall, home.zone)}"


def _lasts(seconds: float) -> str:
    return words.duration(seconds * MS_PER_SECOND)


def _minutes(minutes: float | None) -> str:
    return NONE if minutes is None else f"{minutes:.1f}"


def _percent(part: float | None) -> str:
    return NONE if part is None else words.percent(part)
