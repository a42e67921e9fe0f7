"""Owns the values in a JSON document: where they are, and what they equal. Pure."""

import json
import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator

_NUMBER = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?([eE][-+]?[0-9]{1,3})?")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_BAD_ESCAPE = re.compile(r"~(?![01])")

Scalar = bool | int | float | str


class Missing(Exception):
    """The document has no value there."""


def _pointer(text: str) -> str:
    if text and not text.startswith("/"):
        raise ValueError("must be a JSON pointer such as /meters/0/power")
    if _BAD_ESCAPE.search(text):
        raise ValueError("must be a JSON pointer: ~ is spelled ~0, and / in a name ~1")
    return text


Pointer = Annotated[str, AfterValidator(_pointer)]
"""A JSON pointer (RFC 6901); the empty one is the whole document."""


def path_of(pointer: str) -> tuple[str, ...]:
    """Return the names on the way to a value."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def parsed(body: bytes) -> Any:  # noqa: ANN401  JSON is anything
    """Return what a body says; raises ValueError for what is not JSON."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None


def value_at(document: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401  JSON is anything
    """Return the value at the end of a path; raises Missing."""
    for name in path:
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and _INDEX.fullmatch(name) and int(name) < len(document):
            document = document[int(name)]
        else:
            raise Missing
    return document


def number_of(value: Any) -> float | None:  # noqa: ANN401  JSON is anything
    """Return the number that a value is or spells; None for anything else, infinities included."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def likeness(value: Any) -> object:  # noqa: ANN401  JSON is anything
    """Return what two values have in common that are to be the same.

    Numbers are equal by value and to texts that spell them (1, 1.0, "1"), true and
    false to the texts "true" and "false" but to no number; texts count stripped.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    number = number_of(value)
    if number is not None:
        return number
    return value.strip() if isinstance(value, str) else None
