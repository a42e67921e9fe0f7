"""Owns the hours in which a chat is written to without a sound, by the clock on its wall; pure."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

_SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*[-\u2013\u2014]\s*(\d{1,2}):(\d\d)", re.ASCII)
_MINUTES_A_DAY = 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_mute(text: str) -> str | None:
    """Read what people write; return it as HH:MM-HH:MM, None where it is no span of hours.

    24:00 is the day's end. A span that ends where it begins is the whole day.
    """
    minutes = _minutes(text)
    return None if minutes is None else "-".join(f"{m // 60:02d}:{m % 60:02d}" for m in minutes)


def is_muted(mute: str, zone: tzinfo, now: int) -> bool:
    """Tell whether `now` (wall ms) is within the hours, which may go over midnight.

    The clock on the wall decides, also in a night in which it is set: an hour that comes twice is
    muted twice, one that is left out not at all. What is no span mutes nothing.
    """
    minutes = _minutes(mute)
    if minutes is None:
        return False
    start, end = minutes
    local = (_EPOCH + timedelta(milliseconds=now)).astimezone(zone)
    minute = local.hour * 60 + local.minute
    return start <= minute < end if start < end else minute >= start or minute < end


def _minutes(text: str) -> tuple[int, int] | None:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        return None
    hours = [int(found[1]), int(found[3])]
    rest = [int(found[2]), int(found[4])]
    ends = [hour * 60 + minute for hour, minute in zip(hours, rest, strict=True)]
    if max(rest) >= 60 or max(ends) > _MINUTES_A_DAY:  # noqa: PLR2004  minutes of an hour
        return None
    return ends[0] % _MINUTES_A_DAY, ends[1] % _MINUTES_A_DAY
