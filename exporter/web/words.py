"""Owns how the page says times, durations, parts and causes to people, in English; pure."""

from datetime import UTC, datetime, timedelta, tzinfo
from math import ceil, floor

from exporter.outages import Outage
from exporter.power import Cause, State

STATES = {
    State.ON: "Power is on",
    State.OFF: "Power is off",
    State.UNKNOWN: "Unknown",
}
CAUSES = {
    Cause.START: "already off at the first look",
    Cause.MEASURED: "measured",
    Cause.INFERRED: "inferred: the machine that watches lost power itself",
    Cause.NOT_OBSERVED: "not observed: nothing was watching",
}
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60  # seconds
_UNITS = (("d", _DAY), ("h", _HOUR), ("min", _MINUTE), ("s", 1))


def duration(ms: float) -> str:
    """Say a duration in its two largest units, rounded down; live.js says the same."""
    left = max(0, int(ms // 1000))
    if left == 0:
        return "0 s" if ms <= 0 else "less than 1 s"
    for place, (unit, size) in enumerate(_UNITS):
        if left >= size:
            smaller, smaller_size = _UNITS[min(place + 1, len(_UNITS) - 1)]
            rest = left % size // smaller_size
            return f"{left // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    raise AssertionError(left)


def at_most(ms: int) -> str:
    """Say an upper bound: as `duration`, but rounded up to what that shows."""
    seconds = ceil(ms / 1000)
    shown = _HOUR if seconds >= _DAY else _MINUTE if seconds >= _HOUR else 1
    return duration(ceil(seconds / shown) * shown * 1000)


def moment(wall: int, zone: tzinfo) -> datetime:
    """Return a wall time (ms) as the home's clock shows it."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=wall)).astimezone(zone)


def time_of_day(wall: int, zone: tzinfo, now: int) -> str:
    """Say when something was: the time, and the date unless it is today's."""
    then, today = moment(wall, zone), moment(now, zone)
    if then.date() == today.date():
        return f"{then:%H:%M:%S}"
    if then.year == today.year:
        return f"{then.day} {then:%b %H:%M:%S}"
    return f"{then.day} {then:%b %Y %H:%M:%S}"


def zone_name(wall: int, zone: tzinfo) -> str:
    """Name the offset that held at a moment: EET, or UTC+03 where it has no letters."""
    name = moment(wall, zone).tzname() or "UTC"
    return f"UTC{name}" if name[0] in "+-" else name


def between(earliest: int | None, latest: int, zone: tzinfo, now: int) -> str:
    """Say when something happened that was only bounded: "between 10:01:58 and 10:02:03"."""
    last = time_of_day(latest, zone, now)
    if earliest is None:
        return f"at {last} or earlier"
    first = time_of_day(earliest, zone, now)
    if first == last:
        return f"at {last}"
    day, _, clock = last.rpartition(" ")
    if day and first.startswith(f"{day} "):  # one date is enough for both
        return f"between {first} and {clock}"
    return f"between {first} and {last}"


def not_before(earliest: int | None, at: int, zone: tzinfo, now: int) -> str | None:
    """Say the lower bound of a moment, or None where there is none, or none that differs."""
    if earliest is None:
        return None
    first, last = moment(earliest, zone), moment(at, zone)
    if f"{first:%d%H%M%S}" == f"{last:%d%H%M%S}":
        return None
    clock = f"{first:%H:%M:%S}" if first.date() == last.date() else time_of_day(earliest, zone, now)
    return f"not before {clock}"


def length_bounds(outage: Outage) -> str | None:
    """Say how long an outage can have been, or None where that says no more than its estimate."""
    least, best = duration(outage.least), duration(outage.best)
    if outage.most is None:
        return f"at least {least}"
    most = at_most(outage.most)
    if least == best == duration(outage.most):
        return None
    return f"at most {most}" if outage.least == 0 else f"{least} to {most}"


def percent(part: float) -> str:
    """Say a part rounded down, so that 100 % is never said of less."""
    return _percent(floor(_ten_thousandths(part)))


def percent_at_most(part: float) -> str:
    """Say an upper bound of a part."""
    return _percent(ceil(_ten_thousandths(part)))


def _ten_thousandths(part: float) -> float:
    return round(part * 10_000, 6)  # 0.9999 * 10000 is not quite 9999


def _percent(ten_thousandths: int) -> str:
    return f"{ten_thousandths / 100:.2f}".rstrip("0").rstrip(".") + " %"


def count(number: int, one: str, many: str) -> str:
    """Say a number of things."""
    return f"{number} {one if number == 1 else many}"
