"""Owns the stretch of time that a question is about; pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo

from chassis.instants import MS_PER_SECOND, to_rfc3339

MS_PER_DAY = 86_400_000
_LATEST = 253_402_300_799_999  # the last millisecond of the year 9999

Point = int | date  # wall time in ms, or a day, which begins when the home's day does


class NotAskable(Exception):
    """The question cannot be asked as it was put; the message says why, on one line."""


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of time that is asked for: to `end` or now, from `start` or `days` before it."""

    start: Point | None = None
    end: Point | None = None
    days: int = 30

    def __post_init__(self) -> None:
        match self.start, self.end:
            case (int() as start, int() as end) if start >= end:
                raise NotAskable("--from must be before --to")
            case (date() as first, date() as last) if first >= last:
                raise NotAskable("--from must be before --to: the day of --to is not included")

    def params(self, zone: tzinfo, now: int) -> dict[str, str]:
        """Spell it as the API reads it, for a home in `zone` at wall time `now`."""
        end = None if self.end is None else _wall(self.end, zone)
        if self.start is not None:
            start = _wall(self.start, zone)
        else:
            start = (now if end is None else end) - self.days * MS_PER_DAY
        until = {} if end is None else {"to": _spelled(end)}
        return {"from": _spelled(start), **until}


def _wall(point: Point, zone: tzinfo) -> int:
    if isinstance(point, int):
        return point
    return round(datetime.combine(point, time(), zone).timestamp() * MS_PER_SECOND)


def _spelled(wall: int) -> str:
    return to_rfc3339(min(max(wall, 0), _LATEST))
