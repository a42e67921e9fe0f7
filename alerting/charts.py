"""Owns the picture of a home's days: a bar a day, drawn by matplotlib where that is installed.

matplotlib (the extra `charts`) is imported when a picture is asked for, and by nothing else. No
text of people's stands in a picture: its font may lack their letters.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from importlib.util import find_spec

from alerting.exporter_answers import State, Transition

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOURS = 24.0
_COLOURS: dict[State, str] = {"on": "#a8d5a2", "off": "#c0392b", "unknown": "#d0d0d0"}
_SHORTEST = 0.05  # hours: what is shorter is drawn so long, that it can be seen
_WIDTH, _ROW, _REST = 8.0, 0.26, 0.7  # inches
_DOTS = 110  # per inch


@dataclass(frozen=True, slots=True)
class Spell:
    """A stretch of time in one state (wall ms)."""

    state: State
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of one day, in hours of the clock on the wall."""

    state: State
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Day:
    """One day, and what of it is known."""

    day: date
    bars: tuple[Bar, ...]


def available() -> bool:
    """Tell whether pictures can be drawn; imports nothing."""
    return find_spec("matplotlib") is not None


def spells(
    rows: Sequence[Transition], state: State | None, start: int, now: int
) -> tuple[Spell, ...]:
    """Return what a home's changes since `start` make of the time up to now.

    `state` is that of the whole time where there were none; before the first of all is nothing.
    """
    current, since, found = (rows[0].previous if rows else state), start, list[Spell]()
    for row in rows:
        if current is not None and row.at > since:
            found.append(Spell(current, since, row.at))
        current, since = row.state, max(since, row.at)
    if current is not None and now > since:
        found.append(Spell(current, since, now))
    return tuple(found)


def days(told: Sequence[Spell], start: int, now: int, zone: tzinfo) -> tuple[Day, ...]:
    """Cut spells at a zone's midnights, into every day from `start` to now (wall ms)."""
    first, last = _local(start, zone).date(), _local(now, zone).date()
    bars: dict[date, list[Bar]] = {
        first + timedelta(days=n): [] for n in range((last - first).days + 1)
    }
    for spell in told:
        for day, bar in _cut(spell, zone):
            if day in bars:
                bars[day].append(bar)
    return tuple(Day(day, tuple(found)) for day, found in bars.items())


def draw(told: Sequence[Day], labels: Sequence[str]) -> bytes:
    """Draw days below each other, with their labels, as PNG. Raises ImportError without the extra.

    It takes a good part of a second: never call it in the event loop.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  the extra
    from matplotlib.figure import Figure  # noqa: PLC0415  the extra

    figure = Figure(figsize=(_WIDTH, _REST + _ROW * len(told)), dpi=_DOTS, layout="constrained")
    axes = figure.add_subplot()
    for row, day in enumerate(told):
        for bar in day.bars:
            width = max(bar.end - bar.start, _SHORTEST)
            # What is off lies above: a short outage must not be hidden by what follows it.
            above = 2 if bar.state == "off" else 1
            axes.broken_barh(
                [(bar.start, width)], (row - 0.4, 0.8), facecolors=_COLOURS[bar.state], zorder=above
            )
    axes.set_xlim(0, _HOURS)
    axes.set_xticks(range(0, 25, 3), [f"{hour:02d}:00" for hour in range(0, 25, 3)], fontsize=8)
    axes.set_yticks(range(len(told)), list(labels), fontsize=8)
    axes.set_ylim(len(told) - 0.4, -0.6)
    axes.tick_params(length=0)
    axes.grid(axis="x", color="white", linewidth=0.6, zorder=3)
    for side in axes.spines.values():
        side.set_visible(False)
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture)  # type: ignore[no-untyped-call]
    return picture.getvalue()


def _cut(spell: Spell, zone: tzinfo) -> Iterator[tuple[date, Bar]]:
    start, end = _local(spell.start, zone), _local(spell.end, zone)
    day = start.date()
    while day <= end.date():
        begins = _hour(start) if day == start.date() else 0.0
        ends = _hour(end) if day == end.date() else _HOURS
        if ends > begins or day == start.date():
            yield day, Bar(spell.state, begins, max(begins, ends))
        day += timedelta(days=1)


def _local(wall: int, zone: tzinfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=wall)).astimezone(zone)


def _hour(moment: datetime) -> float:
    return moment.hour + moment.minute / 60 + moment.second / 3600
