"""Owns how homes and tables are spelled for programs: the JSON of a home, CSV, and JSON answers."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from aiohttp import web

from chassis.instants import MS_PER_SECOND, to_rfc3339
from exporter.board import HomeView, ProbeView
from exporter.outages import Outage
from exporter.outages import to_json as outage_json

NO_STORE = {"Cache-Control": "no-store"}
OUTAGE_COLUMNS = (
    "id", "home", "start", "start_earliest", "end", "end_earliest", "seconds", "seconds_min",
    "seconds_max", "unseen_seconds", "class", "cause", "running",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_text(shape: object) -> str:
    """Spell JSON on one line."""
    return json.dumps(shape, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def to_bytes(text: str) -> bytes:
    """Encode JSON; what UTF-8 has no bytes for (half a surrogate pair) gets JSON's own escape."""
    return text.encode("utf-8", "backslashreplace")


def json_answer(text: str) -> web.Response:
    """Answer with JSON that nobody keeps."""
    return web.Response(
        body=to_bytes(text), headers={**NO_STORE, "Content-Type": "application/json"}
    )


def csv_answer(text: str, filename: str) -> web.Response:
    """Answer with a CSV file to be saved."""
    headers = {
        **NO_STORE,
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{filename}"',
    }
    return web.Response(body=text.encode(), headers=headers)


def home_json(view: HomeView, outage: Outage | None) -> dict[str, Any]:
    """Spell a home as it stands, with its running outage."""
    config = view.config
    return {
        "name": config.name,
        "title": config.title,
        "timezone": config.timezone,
        "group": config.group,
        "sustained_after_seconds": config.sustained_after / MS_PER_SECOND,
        "state": view.state.value,
        "since": _time(view.since),
        "last_evidence_at": _time(view.belief.evidence),
        "outage": outage_json(outage, config.sustained_after) if outage else None,
        "probes": [_probe_json(probe) for probe in view.probes.values()],
        "readings": {name: _finite(values) for name, values in view.readings().items()},
    }


def _probe_json(probe: ProbeView) -> dict[str, Any]:
    asked = probe.finding is not None
    return {
        "name": probe.name,
        "kind": probe.kind,
        "role": probe.role,
        "vote": probe.vote.value if probe.vote else None,
        "detail": probe.detail,
        "duration_seconds": round(probe.duration_seconds, 6) if asked else None,
        "at": _time(probe.at),
    }


def _finite(readings: Mapping[str, float]) -> dict[str, float]:
    """Leave out what is no number: JSON has no word for it."""
    return {name: value for name, value in readings.items() if isfinite(value)}


def _time(wall: int | None) -> str | None:
    return None if wall is None else to_rfc3339(wall)


def outages_json(outages: Iterable[Outage], sustained_after: int) -> str:
    """Spell outages as JSON."""
    return to_text({"outages": [outage_json(outage, sustained_after) for outage in outages]})


def outages_csv(outages: Iterable[Outage], sustained_after: int) -> str:
    """Spell outages as CSV (RFC 4180) with a header; what is null is empty."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(OUTAGE_COLUMNS)
    for outage in outages:
        shape = outage_json(outage, sustained_after)
        writer.writerow([cell(shape[column]) for column in OUTAGE_COLUMNS])
    return text.getvalue()


def cell(value: object) -> object:
    """Spell one value for CSV; no text may begin a formula in a spreadsheet."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() if value.startswith(_FORMULA_STARTS):
            return f"'{value}"
        case _:
            return value
