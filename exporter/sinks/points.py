"""Owns how a row is told to InfluxDB: entries become points, points become line protocol; pure.

Types are exact here because InfluxDB enforces them only within a shard: an
integer is written as 1i, and a float always with three decimals. A row never
changes, so its points have the same fields however often they are written; the
row that ends an outage repeats `start_id` and `cause`, which it adds to.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from chassis.instants import MS_PER_SECOND
from exporter.entries import Entry
from exporter.outages import Outage
from exporter.power import State

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Seconds:
    """A float field in seconds, kept as exact milliseconds."""

    ms: int


Value = int | str | Seconds


@dataclass(frozen=True, slots=True)
class Point:
    """One point; `at` is wall ms. Without a field there is none."""

    measurement: str
    home: str
    at: int
    fields: dict[str, Value]

    def line(self) -> str:
        """Spell it as line protocol, to the nanosecond."""
        fields = ",".join(f"{key}={_spelt(value)}" for key, value in self.fields.items())
        return f"{self.measurement},home={_tag(self.home)} {fields} {self.at * NS_PER_MS}"


def points_of(entries: Iterable[Entry]) -> list[Point]:
    """Return the points of entries, in their order."""
    points = []
    for entry in entries:
        points.append(_transition_point(entry))
        if entry.opens or entry.ends:
            points.append(_outage_point(entry))
    return points


def _transition_point(entry: Entry) -> Point:
    row = entry.transition
    fields: dict[str, Value] = {}
    if row.state is not State.UNKNOWN:
        fields["on"] = int(row.state is State.ON)
    fields["state"] = row.state.value
    if entry.previous_at is not None:  # the first row has no state before it to have lasted
        fields["previous_seconds"] = Seconds(row.at - entry.previous_at)
    fields["cause"] = row.cause.value
    if row.id is not None:
        fields["id"] = row.id
    return Point("power_transition", row.home, row.at, fields)


def _outage_point(entry: Entry) -> Point:
    outage = entry.outage
    if outage is None:
        raise ValueError("the entry neither opens nor ends an outage")
    fields: dict[str, Value] = {}
    if outage.id is not None:
        fields["start_id"] = outage.id
    fields["cause"] = outage.cause.value
    if entry.ends:
        fields |= _durations(outage)
        fields["sustained"] = int(entry.sustained)
    return Point("power_outage", outage.home, outage.start, fields)


def _durations(outage: Outage) -> dict[str, Value]:
    durations: dict[str, Value] = {
        "duration_s": Seconds(outage.best),
        "duration_min_s": Seconds(outage.least),
    }
    if outage.most is not None:
        durations["duration_max_s"] = Seconds(outage.most)
    return durations


def _spelt(value: Value) -> str:
    match value:
        case Seconds(ms):
            return f"{ms / MS_PER_SECOND:.3f}"
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case int():
            return f"{value}i"


def _tag(value: str) -> str:
    for special in (",", "=", " "):
        value = value.replace(special, f"\\{special}")
    return value
