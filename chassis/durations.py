"""Owns durations: texts such as 1m30s become milliseconds and back."""

import re
from typing import Annotated

from pydantic import PlainValidator, ValidationInfo

_UNITS = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_SPELLED = ("d", "h", "m", "s", "ms")
_PATTERN = re.compile("".join(rf"(?:([0-9]{{1,12}}){unit})?" for unit in _UNITS))


def parse_duration(text: str) -> int:
    """Return the milliseconds of a text such as 200ms, 5s, 1m30s, 12h or 30d.

    The units y, w, d, h, m, s and ms follow each other in this order, each with a
    whole number. Raises ValueError.
    """
    match = _PATTERN.fullmatch(text)
    if match is None or not text:
        raise ValueError(f"must be a duration such as 5s or 1m30s, not {text[:40]!r}")
    parts = zip(match.groups(), _UNITS.values(), strict=True)
    return sum(int(number) * ms for number, ms in parts if number)


def format_duration(ms: int) -> str:
    """Spell milliseconds as `parse_duration` reads them; raises ValueError below 0."""
    if ms < 0:
        raise ValueError("a duration is never negative")
    spelled = ""
    for unit in _SPELLED:
        number, ms = divmod(ms, _UNITS[unit])
        spelled += f"{number}{unit}" if number else ""
    return spelled or "0s"


def duration_between(least: int = 0, most: int | None = None) -> PlainValidator:
    """Return a validator of durations between two bounds (ms, both included).

    A file spells a duration as text; code gives milliseconds.
    """

    def read(value: object, info: ValidationInfo) -> int:
        if info.mode == "python" and isinstance(value, int):
            ms = value
        elif isinstance(value, str):
            ms = parse_duration(value)
        else:
            raise ValueError("must be a duration such as 5s or 1m30s (a number and its unit)")
        if ms < least or (most is not None and ms > most):
            raise ValueError(f"must be {_bounds(least, most)}, not {format_duration(max(ms, 0))}")
        return ms

    return PlainValidator(read)


def _bounds(least: int, most: int | None) -> str:
    if most is not None:
        return f"between {format_duration(least)} and {format_duration(most)}"
    return "longer than 0s" if least <= 1 else f"at least {format_duration(least)}"


Duration = Annotated[int, duration_between()]
"""A duration in ms, 0s included."""

PositiveDuration = Annotated[int, duration_between(1)]
"""A duration in ms, longer than 0s."""
