"""Owns the reading of query parameters: a typed value, or a 400 that names the parameter."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta

from multidict import MultiMapping

from chassis.instants import MS_PER_SECOND
from chassis.problems import Problem
from exporter.indices import Span

Query = MultiMapping[str]

LIMIT_DEFAULT = 100
LIMIT_MOST = 1000
EARLIEST = 0
LATEST = 253_402_300_799_999  # the last millisecond of the year 9999
ALL = Span(EARLIEST, LATEST)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A + that was not escaped arrives as a space.
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?"
    r"(?:[Zz]|([-+ ])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)


def malformed(name: str, what: str) -> Problem:
    """Return the 400 that blames a parameter."""
    return Problem(400, detail=f"{name}: {what}")


def span_of(query: Query, default: Span = ALL) -> Span:
    """Read `from` and `to`; what is not given is as in `default`."""
    start, end = time_of(query, "from"), time_of(query, "to")
    span = Span(default.start if start is None else start, default.end if end is None else end)
    if span.start >= span.end and (start is not None or end is not None):
        raise malformed("from", "must be before `to`")
    return span


def time_of(query: Query, name: str) -> int | None:
    """Read a time (wall ms), rounded up to a millisecond; None where it is not given."""
    text = only(query, name)
    if text is None:
        return None
    try:
        return wall_of(text)
    except ValueError as fault:
        raise malformed(
            name, "is not a time with an offset as in RFC 3339, such as 2026-11-24T10:00:00Z"
        ) from fault


def wall_of(text: str) -> int:
    """Read any RFC 3339 time, rounded up to a millisecond; raises ValueError for what is none.

    Rounded up, as half-open ranges of whole milliseconds need it: what is at or after
    10.0001 s is at or after 10.001 s. Years before 1970 count as its beginning.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    date, minute, second, fraction, sign, hours, minutes = found.groups()
    leap = second == "60"
    moment = datetime.fromisoformat(f"{date}T{minute}:{59 if leap else second}+00:00")
    offset = 0 if sign is None else (int(hours) * 60 + int(minutes)) * 60 * MS_PER_SECOND
    wall = (moment - _EPOCH) // timedelta(milliseconds=1) + leap * MS_PER_SECOND
    wall += offset if sign == "-" else -offset
    return min(max(wall + _rounded_up(fraction or "0"), EARLIEST), LATEST)


def _rounded_up(fraction: str) -> int:
    """Return the milliseconds of a second's decimals, rounded up."""
    return int(fraction[:3].ljust(3, "0")) + bool(fraction[3:].strip("0"))


def limit_of(query: Query) -> int:
    """Read `limit`."""
    number = _number(query, "limit")
    if number is None:
        return LIMIT_DEFAULT
    if not 1 <= number <= LIMIT_MOST:
        raise malformed("limit", f"is not a whole number from 1 to {LIMIT_MOST}")
    return number


def id_of(query: Query, name: str) -> int | None:
    """Read the id of a row; 0 stands before the first, None where it is not given."""
    return _number(query, name)


def read_id(text: str, name: str) -> int:
    """Read an id, or raise the 400 that blames `name`."""
    if re.fullmatch(r"\d{1,18}", text, re.ASCII) is None:
        raise malformed(name, "is not a whole number of 0 or more")
    return int(text)


def _number(query: Query, name: str) -> int | None:
    text = only(query, name)
    return None if text is None else read_id(text, name)


def choice_of(query: Query, name: str, choices: tuple[str, ...]) -> str:
    """Read one of a few words; the first is the default."""
    text = only(query, name)
    if text is None:
        return choices[0]
    if text not in choices:
        raise malformed(name, f"is none of {', '.join(choices)}")
    return text


def cursor_to(home: str, at: int) -> str:
    """Return the cursor of the page that begins after the row of a home that is dated `at`.

    A date, as no row ever changes its own or comes to stand before another; an id
    would not do for the rows that the disk has refused so far.
    """
    return base64.urlsafe_b64encode(f"{home}:{at}".encode()).decode().rstrip("=")


def cursor_of(query: Query, home: str) -> int | None:
    """Read `cursor`: the date (wall ms) of the row that the page comes after."""
    text = only(query, "cursor")
    if text is None:
        return None
    fault = malformed("cursor", "is not what an answer for this home gave as `next`")
    try:
        inside = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
        of, _, at = inside.decode("ascii").partition(":")
    except (binascii.Error, ValueError) as bad:
        raise fault from bad
    if of != home or re.fullmatch(r"\d{1,15}", at, re.ASCII) is None:
        raise fault
    return int(at)


def only(query: Query, name: str) -> str | None:
    """Return the text of a parameter that may be given once; None where it is not given."""
    values = query.getall(name, [])
    if len(values) > 1:
        raise malformed(name, "is given more than once")
    return values[0] if values else None
