"""What the fake InfluxDB keeps: points that merge, types held to within a shard, a retention."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.line_protocol import Line, Typed, Value, parse

SHARD = 7 * 86_400 * 1_000_000_000  # ns
STRING_AT_MOST = 1024 * 1024


@dataclass(frozen=True)
class StoredPoint:
    """One point as a query would find it; `time` is ns."""

    measurement: str
    tags: dict[str, str]
    time: int
    fields: dict[str, Value]
    types: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Spell it for GET /_points."""
        return self.__dict__.copy()


class Store:
    """One bucket. With a file, it outlives its process."""

    def __init__(self, retention: float | None = None, file: Path | None = None) -> None:
        """`retention` is in seconds."""
        self.retention = retention
        self._file = file
        self._points: dict[tuple[str, tuple[tuple[str, str], ...], int], dict[str, Typed]] = {}
        self._types: dict[tuple[str, str, int], str] = {}
        if file is not None and file.exists():
            for text in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
                self._put(parse(text, "ns", 0)[0][0])

    def write(self, lines: Sequence[Line], now: int) -> str | None:
        """Store what can be stored; say as the server does what was dropped."""
        dropped, reason, kept = 0, "", []
        for line in lines:
            why = self._why_not(line, now)
            if why is None:
                self._put(line)
                kept.append(line)
            else:
                dropped, reason = dropped + 1, reason or why
        self._keep(kept)
        if not dropped:
            return None
        return f"failure writing points to database: partial write: {reason} dropped={dropped}"

    def _why_not(self, line: Line, now: int) -> str | None:
        if self.retention is not None and line.time < now - int(self.retention * 1e9):
            return "points beyond retention policy"
        for key, typed in line.fields.items():
            if isinstance(typed.value, str) and len(typed.value) > STRING_AT_MOST:
                return f'input field "{key}" on measurement "{line.measurement}" is too long'
            has = self._types.get((line.measurement, key, line.time // SHARD), typed.type)
            if has != typed.type:
                return (
                    f'field type conflict: input field "{key}" on measurement '
                    f'"{line.measurement}" is type {typed.type}, already exists as type {has}'
                )
        return None

    def _put(self, line: Line) -> None:
        for key, typed in line.fields.items():
            self._types[line.measurement, key, line.time // SHARD] = typed.type
        point = self._points.setdefault((line.measurement, line.tags, line.time), {})
        point.update(line.fields)

    def _keep(self, lines: Sequence[Line]) -> None:
        if self._file is None or not lines:
            return
        with self._file.open("a", encoding="utf-8") as file:
            for line in lines:
                file.write(json.dumps(_with_time(line)) + "\n")

    def points(self, measurement: str | None = None, **tags: str) -> list[StoredPoint]:
        """Return the points of a measurement that have these tags, in order of time."""
        found = [
            StoredPoint(
                name,
                dict(own),
                time,
                {key: typed.value for key, typed in fields.items()},
                {key: typed.type for key, typed in fields.items()},
            )
            for (name, own, time), fields in self._points.items()
            if measurement in (None, name) and tags.items() <= dict(own).items()
        ]
        return sorted(found, key=lambda point: (point.measurement, point.time))


def _with_time(line: Line) -> str:
    """The line's text with its time in ns, whatever precision it came in."""
    stamp = line.text.rsplit(" ", 1)[-1]
    body = line.text.rsplit(" ", 1)[0] if stamp.lstrip("-").isdigit() else line.text
    return f"{body} {line.time}"
