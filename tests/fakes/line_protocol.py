"""InfluxDB's line protocol, read as strictly as the server reads it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

Value = int | float | str | bool

_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)
_FLOAT = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_TRUE = {"t", "T", "true", "True", "TRUE"}
_FALSE = {"f", "F", "false", "False", "FALSE"}
_KEY_AT_MOST = 65_535  # bytes of measurement and tags
_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}


class Malformed(Exception):
    """A line that cannot be read; the text is the server's."""


@dataclass(frozen=True)
class Typed:
    """A value with the type it is stored as: float, integer, unsigned, string or boolean."""

    type: str
    value: Value


@dataclass(frozen=True)
class Line:
    """One point as written; `time` is ns."""

    measurement: str
    tags: tuple[tuple[str, str], ...]
    fields: dict[str, Typed]
    time: int
    text: str


def split_lines(text: str) -> Iterator[str]:
    """Yield the lines; a line feed within a quoted field value does not end one."""
    start, quoted, position, spaces = 0, False, 0, 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif char == " " and not quoted:
            spaces += 1
        elif char == '"' and spaces:  # quotes mean something in the fields only
            quoted = not quoted
        elif char == "\n" and not quoted:
            yield text[start:position]
            start, spaces = position + 1, 0
        position += 1
    yield text[start:]


def parse(text: str, precision: str, now: int) -> tuple[list[Line], list[str]]:
    """Return the points of a body and what is wrong with its bad lines."""
    lines, faults = [], []
    for raw in split_lines(text):
        if not raw.strip() or raw.lstrip().startswith("#"):
            continue
        try:
            lines.append(parse_line(raw, precision, now))
        except Malformed as fault:
            faults.append(f"unable to parse '{raw}': {fault}")
    return lines, faults


def parse_line(text: str, precision: str, now: int) -> Line:
    """Read one line; raises Malformed."""
    key, rest = _cut(text, " ")
    if not rest:
        raise Malformed("missing fields")
    if len(key.encode()) > _KEY_AT_MOST:
        raise Malformed(f"max key size exceeded: {len(key.encode())} > {_KEY_AT_MOST}")
    fields, stamp = _cut_fields(rest)
    measurement, *tags = _split(key, ",")
    if not measurement:
        raise Malformed("missing measurement")
    return Line(
        _unescape(measurement, ", "),
        tuple(sorted(_tag(tag) for tag in tags)),
        dict(_field(field) for field in _split(fields, ",", quotes=True)),
        _time(stamp, precision, now),
        text,
    )


def _cut(text: str, at: str) -> tuple[str, str]:
    """Cut at the first unescaped character."""
    position = 0
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == at:
            return text[:position], text[position + 1 :]
        position += 1
    return text, ""


def _cut_fields(text: str) -> tuple[str, str]:
    """Cut the fields from the time at the first space that is neither escaped nor quoted."""
    parts = _split(text, " ", quotes=True)
    if len(parts) > 2:
        raise Malformed("bad timestamp")
    return parts[0], parts[1] if len(parts) == 2 else ""


def _split(text: str, at: str, *, quotes: bool = False) -> list[str]:
    parts, start, position, quoted = [], 0, 0, False
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == '"' and quotes:
            quoted = not quoted
        elif text[position] == at and not quoted:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    if quoted:
        raise Malformed("unbalanced quotes")
    return [*parts, text[start:]]


def _unescape(text: str, special: str) -> str:
    return re.sub(rf"\\([{re.escape(special)}])", r"\1", text)


def _tag(text: str) -> tuple[str, str]:
    key, value = _cut(text, "=")
    if not key:
        raise Malformed("missing tag key")
    if not value:
        raise Malformed("missing tag value")
    if "=" in _cut(value, "=")[1] or _cut(value, "=")[0] != value:
        raise Malformed("invalid tag format")
    return _unescape(key, ",= "), _unescape(value, ",= ")


def _field(text: str) -> tuple[str, Typed]:
    key, value = _cut(text, "=")
    if key == text:
        raise Malformed("invalid field format")
    if not key:
        raise Malformed("missing field key")
    if not value:
        raise Malformed("missing field value")
    return _unescape(key, ",= "), _value(value)


def _value(text: str) -> Typed:
    if text.startswith('"'):
        if len(text) < 2 or not text.endswith('"'):
            raise Malformed("unbalanced quotes")
        return Typed("string", re.sub(r'\\(["\\])', r"\1", text[1:-1]))
    if text in _TRUE | _FALSE:
        return Typed("boolean", text in _TRUE)
    if re.fullmatch(r"[-+]?\d+i", text) and int(text[:-1]) in _INT64:
        return Typed("integer", int(text[:-1]))
    if re.fullmatch(r"\d+u", text) and int(text[:-1]) in _UINT64:
        return Typed("unsigned", int(text[:-1]))
    if _FLOAT.fullmatch(text):
        return Typed("float", float(text))
    if text[0] in "-+.0123456789NnIi":
        raise Malformed("invalid number")
    raise Malformed("invalid boolean")


def _time(text: str, precision: str, now: int) -> int:
    if not text:
        return now
    if not re.fullmatch(r"-?\d+", text):
        raise Malformed("bad timestamp")
    time = int(text) * _NS[precision]
    if time not in _INT64:
        raise Malformed("time outside range -9223372036854775806 - 9223372036854775806")
    return time
