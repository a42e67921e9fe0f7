"""Owns moments and their spelling; reads no clock.

Wall time is whole milliseconds since the Unix epoch (UTC). Durations come from
the boot clock (CLOCK_BOOTTIME, milliseconds since the machine started), which
no one can set and which goes on while the machine sleeps.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

MS_PER_SECOND = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


class Instant(NamedTuple):
    """One moment on both clocks, in milliseconds."""

    wall: int
    boot: int

    def shifted(self, by_ms: int) -> "Instant":
        """Return the moment `by_ms` later (or earlier) on both clocks."""
        return Instant(self.wall + by_ms, self.boot + by_ms)


def elapsed(earlier: Instant, later: Instant) -> int:
    """Return the milliseconds between two moments by the clock that advanced more.

    A suspended machine moves the boot clock, a paused virtual machine only the
    wall clock: whichever moved more is how long nobody looked.
    """
    return max(later.boot - earlier.boot, later.wall - earlier.wall)


def to_rfc3339(wall_ms: int) -> str:
    """Spell a wall time as RFC 3339 in UTC with milliseconds and Z."""
    seconds, ms = divmod(wall_ms, MS_PER_SECOND)
    moment = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='seconds')}.{ms:03d}Z"


def from_rfc3339(text: str) -> int:
    """Read an RFC 3339 time with an offset; return wall milliseconds.

    Raises ValueError for anything else, a time without an offset included.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError(f"{text!r} is no RFC 3339 time such as 2026-11-24T10:02:03Z")
    moment = datetime.fromisoformat(text.upper())
    return (moment - _EPOCH) // timedelta(milliseconds=1)
