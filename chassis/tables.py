"""Owns plain tables: columns that stand straight in a terminal, in any script; pure."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_GAP = "  "
_UNSHOWN = "\N{REPLACEMENT CHARACTER}"
_STEERING = {"Cc", "Cs", "Zl", "Zp"}  # would move the cursor, break the line or break the encoding
_TURNING = {*"\u061c\u200e\u200f", *"\u202a\u202b\u202c\u202d\u202e", *"\u2066\u2067\u2068\u2069"}
_NO_WIDTH = {"Mn", "Me", "Cf"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title; numbers stand at its right."""

    title: str
    number: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """Return the lines of a table with its titles, each ended by a newline.

    Every row has a cell for each column.
    """
    lines = [[column.title for column in columns], *([printable(c) for c in row] for row in rows)]
    widths = [max(map(width, cells)) for cells in zip(*lines, strict=True)]
    return "".join(f"{_line(cells, columns, widths)}\n" for cells in lines)


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    places = zip(cells, columns, widths, strict=True)
    return _GAP.join(_placed(cell, column, wide) for cell, column, wide in places).rstrip()


def _placed(cell: str, column: Column, wide: int) -> str:
    room = " " * (wide - width(cell))
    return room + cell if column.number else cell + room


def printable(text: str) -> str:
    """Return a text on one line without what would steer a terminal or turn the line about."""
    return "".join(_UNSHOWN if _steers(character) else character for character in text)


def _steers(character: str) -> bool:
    return unicodedata.category(character) in _STEERING or character in _TURNING


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
