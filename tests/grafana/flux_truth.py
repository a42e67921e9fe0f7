"""Answers what the Flux queries ask, from the definitions alone: the truth they are held against.

It knows the points and docs/metrics.md's words, not the Flux: every second since a home's first
transition is on, outage or unknown; an outage lasts from off to the next on. Times: ms since 1970.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
HOUR_MS = 3_600_000
QUARTER_MS = 900_000  # clocks of every zone differ from UTC by whole quarters of an hour
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STATES = {"off": 0, "unknown": 1, "on": 2}


@dataclass(frozen=True, slots=True)
class Spell:
    """What a home was for a while: on, outage or unknown; the last one ends now."""

    home: str
    start: int
    end: int
    kind: str
    last: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of which points: `homes` is a regular expression, an empty zone is UTC."""

    points: tuple[Row, ...]
    start: int
    to: int
    now: int
    homes: str = ".*"
    zone: str = "UTC"

    @property
    def stop(self) -> int:
        """The end of the range as far as it is past."""
        return min(self.to, self.now)

    @property
    def tz(self) -> ZoneInfo:
        """The time zone of the days."""
        return ZoneInfo(self.zone or "UTC")

    def of(self, measurement: str) -> list[Row]:
        """Return the chosen homes' points, oldest first, none of the future."""
        found = [
            point
            for point in self.points
            if point["measurement"] == measurement
            and re.fullmatch(self.homes, point["home"])
            and point["time"] <= self.now
        ]
        return sorted(found, key=lambda point: (point["home"], point["time"]))


def spells(asked: Asked) -> list[Spell]:
    """Return all that every home was from its first transition to now."""
    found: list[Spell] = []
    rows = asked.of("power_transition")
    for row, after in zip(rows, [*rows, None][1:], strict=True):
        last = after is None or after["home"] != row["home"]
        end = asked.now if last or after is None else after["time"]
        kind = {"on": "on", "off": "outage"}.get(row["fields"]["state"], "unknown")
        before = found[-1] if found and found[-1].home == row["home"] else None
        if kind == "unknown" and before is not None and before.kind == "outage":
            kind = "outage"
        if before is not None and before.kind == kind:
            found[-1] = Spell(row["home"], before.start, end, kind, last)
        else:
            found.append(Spell(row["home"], row["time"], end, kind, last))
    return found


def overlap(spell: Spell, start: int, end: int) -> int:
    """Return how much of a spell lies between two times, in ms."""
    return max(0, min(spell.end, end) - max(spell.start, start))


def outages_of(asked: Asked) -> list[Spell]:
    """Return the outages that overlap the range."""
    if asked.start >= asked.now:
        return []
    found = (spell for spell in spells(asked) if spell.kind == "outage")
    return [
        spell
        for spell in found
        if spell.start < asked.stop and (spell.end > asked.start or spell.end == spell.start)
    ]


# ---------------------------------------------------------------- tables


def current(asked: Asked) -> list[Row]:
    """Return the state of each home now."""
    newest = {row["home"]: row for row in asked.of("power_transition")}
    rows = [
        {
            "home": home,
            "state": STATES[row["fields"]["state"]],
            "since": row["time"],
            "for_s": (asked.now - row["time"]) / 1000,
        }
        for home, row in newest.items()
    ]
    return sorted(rows, key=lambda row: (row["state"], row["home"]))


def outages(asked: Asked) -> list[Row]:
    """Return a row for each outage that overlaps the range, newest first."""
    notes = {(point["home"], point["time"]): point["fields"] for point in asked.of("power_outage")}
    rows: list[Row] = []
    for spell in outages_of(asked):
        note = notes.get((spell.home, spell.start), {})
        rows.append(
            {
                "home": spell.home,
                "start": spell.start,
                "end": None if spell.last else spell.end,
                "duration_s": (spell.end - spell.start) / 1000,
                "ongoing": spell.last,
                "cause": note.get("cause", ""),
                "min_s": note.get("duration_min_s"),
                "max_s": note.get("duration_max_s"),
                "from": str(spell.start - HOUR_MS),
                "to": "now" if spell.last else str(spell.end + HOUR_MS),
            }
        )
    return sorted(rows, key=lambda row: -row["start"])


def in_words(ms: int) -> str:
    """Return a duration as an annotation tells it: seconds, or whole minutes."""
    if ms < 60_000:
        return f"{(ms + 500) // 1000} s"
    hours, minutes = divmod((ms + 30_000) // 60_000, 60)
    parts = [f"{hours} h"] * (hours > 0) + [f"{minutes} min"] * (minutes > 0)
    return " ".join(parts)


def annotations(asked: Asked) -> list[Row]:
    """Return a region for each outage that overlaps the range."""
    rows: list[Row] = [
        {
            "time": spell.start,
            "timeEnd": spell.end,
            "text": f"{spell.home} {'is' if spell.last else 'was'} without power for "
            + in_words(spell.end - spell.start),
            "tags": f"outage,{spell.home}",
        }
        for spell in outages_of(asked)
    ]
    return sorted(rows, key=lambda row: -row["time"])[:900]


def summary(asked: Asked) -> list[Row]:
    """Return one row about the range, none where no home was seen."""
    everything = [spell for spell in spells(asked) if spell.start < asked.stop]
    if asked.start >= asked.now or not everything:
        return []
    found = outages_of(asked)
    lengths = [(spell.end - spell.start) / 1000 for spell in found]
    known = [spell for spell in everything if spell.kind != "unknown"]
    whole = sum(overlap(spell, asked.start, asked.stop) for spell in everything)
    seen = sum(overlap(spell, asked.start, asked.stop) for spell in known)
    return [
        {
            "outages": sum(spell.start >= asked.start for spell in found),
            "running": sum(spell.last for spell in found),
            "off_s": sum(overlap(spell, asked.start, asked.stop) for spell in found) / 1000,
            "longest_s": max(lengths, default=None),
            "median_s": median(lengths) if lengths else None,
            "coverage": seen / whole if whole else None,
        }
    ]


# ---------------------------------------------------------------- calendar


def local(ms: int, zone: ZoneInfo) -> datetime:
    """Return a time as the clocks of a zone show it."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).astimezone(zone)


def unix(when: datetime) -> int:
    """Return a time in ms since 1970."""
    return round(when.timestamp() * 1000)


def begin_of(period: str, when: datetime) -> datetime:
    """Return when the day, week, month or year began that holds a time."""
    day = when.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if period == "year" else day


def next_of(period: str, begin: datetime) -> datetime:
    """Return when the period after this one begins."""
    days = {"day": 1, "week": 7, "month": 32, "year": 370}[period]
    return begin_of(period, begin + timedelta(days=days))


def periods(period: str, start: int, stop: int, zone: ZoneInfo) -> Iterator[tuple[datetime, int]]:
    """Yield each period that overlaps a time, with its end."""
    begin = begin_of(period, local(start, zone))
    while unix(begin) < stop:
        after = next_of(period, begin)
        yield begin, unix(after)
        begin = after


def hours_by(asked: Asked, period: str, start: int) -> Iterator[tuple[datetime, Row]]:
    """Yield each period with its hours without power, those unknown and the coverage."""
    everything = [spell for spell in spells(asked) if spell.start < asked.stop]
    if asked.start >= asked.now or not everything:
        return
    first = {spell.home: spell.start for spell in reversed(everything)}
    for begin, end in periods(period, start, asked.stop, asked.tz):
        low, high = max(start, unix(begin)), min(asked.stop, end)
        homes = sum(time < high for time in first.values())
        off = sum(overlap(s, low, high) for s in everything if s.kind == "outage")
        known = off + sum(overlap(s, low, high) for s in everything if s.kind == "on")
        yield (
            begin,
            {
                "hours": off / HOUR_MS if known else None,
                "unknown_hours": ((high - low) * homes - known) / HOUR_MS,
                "coverage": known / ((end - unix(begin)) * homes) if homes else 0.0,
            },
        )


def per(period: str, label: str) -> Callable[[Asked], list[Row]]:
    """Return the answer by day, week or month."""

    def answer(asked: Asked) -> list[Row]:
        return [
            {"_time": unix(begin), period: begin.strftime(label), **row}
            for begin, row in hours_by(asked, period, asked.start)
        ]

    return answer


def years(asked: Asked) -> list[Row]:
    """Return the months of the year that holds the range's end, beside those of the year before."""
    this = begin_of("year", local(asked.stop, asked.tz))
    last = this.replace(year=this.year - 1)
    rows: dict[str, Row] = defaultdict(
        lambda: dict.fromkeys(
            ("last_year", "this_year", "last_year_coverage", "this_year_coverage")
        )
    )
    for begin, row in hours_by(asked, "month", unix(last)):
        name = "last_year" if begin.year == last.year else "this_year"
        month = rows[begin.strftime("%m")]
        month[name], month[f"{name}_coverage"] = row["hours"], row["coverage"]
    return [{"month": month, **rows[month]} for month in sorted(rows)]


def quarters(spell: Spell, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the quarters of hours that a spell has within a range: where each begins, its ms."""
    at, end = max(spell.start, start), min(spell.end, stop)
    while at < end:
        after = min(end, (at // QUARTER_MS + 1) * QUARTER_MS)
        yield at, after - at
        at = after


def hours_of_week(asked: Asked) -> list[Row]:
    """Return the share without power of each hour of the week, a row an hour of the day."""
    everything = [spell for spell in spells(asked) if spell.start < asked.stop]
    if asked.start >= asked.now or not everything:
        return []
    off: dict[tuple[int, int], int] = defaultdict(int)
    known: dict[tuple[int, int], int] = defaultdict(int)
    for spell in everything:
        if spell.kind == "unknown":
            continue
        for at, length in quarters(spell, asked.start, asked.stop):
            clock = local(at, asked.tz)
            cell = clock.weekday(), clock.hour
            known[cell] += length
            off[cell] += length if spell.kind == "outage" else 0
    return [
        {"hour": f"{h:02}"}
        | {
            name: off[d, h] / known[d, h] if known[d, h] else None
            for d, name in enumerate(WEEKDAYS)
        }
        for h in range(24)
    ]


def cumulative(asked: Asked) -> list[Row]:
    """Return each home's hours without power since the range began, wherever they bend."""
    if asked.start >= asked.now:
        return []
    by_home: dict[str, list[Spell]] = defaultdict(list)
    for spell in spells(asked):
        if spell.start < asked.stop:
            by_home[spell.home].append(spell)
    return [row for home, rows in sorted(by_home.items()) for row in _line(asked, home, rows)]


def _line(asked: Asked, home: str, rows: Iterable[Spell]) -> Iterator[Row]:
    rows = [spell for spell in rows if spell.end > asked.start or spell.last]
    off = [spell for spell in rows if spell.kind == "outage"]
    for at in sorted({max(spell.start, asked.start) for spell in rows} | {asked.stop}):
        hours = sum(overlap(spell, asked.start, at) for spell in off) / HOUR_MS
        yield {"home": home, "_time": at, "_value": hours}


ANSWERS: dict[str, Callable[[Asked], list[Row]]] = {
    "current": current,
    "outages": outages,
    "outages-annotation": annotations,
    "summary": summary,
    "per-day": per("day", "%Y-%m-%d"),
    "per-week": per("week", "%Y-%m-%d"),
    "per-month": per("month", "%Y-%m"),
    "this-year-against-last": years,
    "hours-of-week": hours_of_week,
    "cumulative": cumulative,
}
