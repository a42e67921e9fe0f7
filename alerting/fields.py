"""Owns how single values of a webhook are read; pure.

Times become wall milliseconds since the epoch. A failed template counts as missing.
"""

import re
from collections.abc import Mapping
from decimal import Decimal

from chassis.instants import MS_PER_SECOND, from_rfc3339

_FIRST = 1  # 0 is how metrics say that there is none, and Go's zero time lies before it
_LAST = from_rfc3339("9999-01-01T00:00:00Z")  # a time later than this has no local time everywhere
_LONGEST = 64  # characters of a time
_UNIX = re.compile(r"\d{1,16}(\.\d{0,40})?([Ee][+-]?\d{1,2})?", re.ASCII)
_BELOW_NANOSECONDS = re.compile(r"(\.\d{9})\d+", re.ASCII)
_FAILED_TEMPLATE = "<error expanding template"
_NOT_STORABLE = re.compile(r"[\x00\ud800-\udfff]")  # JSON can spell them, databases refuse them


class Faulty(Exception):
    """A value is not what it must be; the message names the fault, never the value."""


def texts(value: object) -> dict[str, str] | None:
    """Return an object of texts in the order of its names, or None if it is none.

    What a failed template gave is left out.
    """
    if not isinstance(value, dict):
        return None
    if not all(isinstance(text, str) for text in value.values()):
        return None
    return {
        _storable(name): _storable(text)
        for name, text in sorted(value.items())
        if not _failed(text)
    }


def some_texts(value: object) -> dict[str, str]:
    """Return what are texts in an object, as `texts` does."""
    if not isinstance(value, dict):
        return {}
    return texts({name: text for name, text in value.items() if isinstance(text, str)}) or {}


def needed(found: Mapping[str, str], name: str, longest: int) -> str:
    """Return the text of that name. Raises Faulty if it is missing or too long."""
    text = found.get(name)
    if text is None:
        raise Faulty(f"{name} is missing")
    if len(text) > longest:
        raise Faulty(f"{name} is longer than {longest} characters")
    return text


def unix_time(found: Mapping[str, str], name: str) -> int:
    """Read decimal Unix seconds, rounded to milliseconds. Raises Faulty."""
    text = needed(found, name, _LONGEST)
    if not _UNIX.fullmatch(text):
        raise Faulty(f"{name} is no Unix time in seconds")
    return _dated(round(Decimal(text) * MS_PER_SECOND), name)


def unix_time_within(found: Mapping[str, str], name: str, earliest: int, latest: int) -> int | None:
    """Read decimal Unix seconds; None if they are missing, faulty or not within the bounds."""
    try:
        moment = unix_time(found, name)
    except Faulty:
        return None
    return moment if earliest <= moment <= latest else None


def rfc3339_time(value: object, name: str) -> int:
    """Read an RFC 3339 time with any number of fractional digits. Raises Faulty."""
    if value is None or value == "":
        raise Faulty(f"{name} is missing")
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise Faulty(f"{name} is no RFC 3339 time")
    try:
        moment = from_rfc3339(_BELOW_NANOSECONDS.sub(r"\1", value))
    except (ValueError, OverflowError):
        raise Faulty(f"{name} is no RFC 3339 time") from None
    return _dated(moment, name)


def _dated(moment: int, name: str) -> int:
    if not _FIRST <= moment < _LAST:
        raise Faulty(f"{name} is out of range")
    return moment


def _failed(text: str) -> bool:
    return not text or text.startswith(_FAILED_TEMPLATE)


def _storable(text: str) -> str:
    return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
