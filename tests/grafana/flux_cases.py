"""Reads and checks the table tests of the Flux queries: grafana/flux/NAME.cases.yml.

A case names its points, what is asked of them, and the rows that must come back. A query is brought
to life as Grafana does it: by replacing text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.grafana.flux_truth import ANSWERS, Asked, Row

FLUX = Path(__file__).resolve().parents[2] / "grafana" / "flux"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MEASUREMENTS = {"power_transition", "power_outage", "power_consumption"}
KEYS = {"name", "now", "range", "home", "timezone", "points", "expect"}
EXPECTED = {"columns", "rows", "group", "order", "tolerance"}
# Grafana replaces WORD.name for these names, whatever the word: its macro knows no other rule.
MACRO = re.compile(r"([a-zA-Z]+)\.([a-zA-Z]+)")
IMPORTS = re.compile(r'(?:^import (?:\w+ )?"[^"]+"\n)+', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a table test. `group`: the columns that the result is grouped by."""

    query: str
    name: str
    asked: Asked
    home: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    group: tuple[str, ...] = ()
    ordered: bool = True
    tolerance: float = 1e-6

    def __str__(self) -> str:
        return f"{self.query}: {self.name}"


def files() -> list[Path]:
    """Return the queries' files, the prelude not among them."""
    return sorted(path for path in FLUX.glob("*.flux") if path.stem != "prelude")


def flux_text(query: str) -> str:
    """Return a query with its prelude, as the dashboards hold it."""
    return "\n".join((FLUX / f"{name}.flux").read_text("utf-8") for name in ("prelude", query))


def cases_of(query: str) -> list[Case]:
    """Return a query's cases. Raises ValueError, telling which is not well-formed and why."""
    documents = yaml.safe_load((FLUX / f"{query}.cases.yml").read_text(encoding="utf-8"))
    return [_case(query, document) for document in documents]


def _case(query: str, document: dict[str, Any]) -> Case:
    expect = document["expect"]
    for fault in faults(document):
        raise ValueError(f"{query}: {document.get('name')}: {fault}")
    home = document["home"]
    return Case(
        query=query,
        name=document["name"],
        asked=Asked(
            points=tuple({**p, "time": ms_of(p["time"])} for p in document["points"]),
            start=ms_of(document["range"]["from"]),
            to=ms_of(document["range"]["to"]),
            now=ms_of(document["now"]),
            homes=".*" if home == "All" else home,
            zone=document["timezone"],
        ),
        home=home,
        columns=tuple(expect["columns"]),
        rows=tuple(tuple(row) for row in expect["rows"]),
        group=tuple(expect.get("group", ())),
        ordered=expect["order"] == "matters",
        tolerance=float(expect["tolerance"]),
    )


def faults(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the form of a case."""
    if set(document) - KEYS or KEYS - set(document):
        yield f"its keys are not {sorted(KEYS)}"
        return
    expect = document["expect"]
    if set(expect) - EXPECTED or expect.get("order") not in ("matters", "free"):
        yield "what it expects is not as it should be"
    if not document["name"].endswith("."):
        yield "its name is no sentence"
    for row in expect["rows"]:
        if len(row) != len(expect["columns"]):
            yield f"{row} has not as many values as there are columns"
    for point in document["points"]:
        yield from _faults_of_point(point)


def _faults_of_point(point: Mapping[str, Any]) -> Iterator[str]:
    if set(point) != {"measurement", "home", "time", "fields"} or not point["fields"]:
        yield f"{point} is no point"
    elif point["measurement"] not in MEASUREMENTS:
        yield f"{point['measurement']} is no measurement of ours"
    elif not all(isinstance(name, str) for name in point["fields"]):
        yield "a field's name is no text: `on` wants quotes"


# ---------------------------------------------------------------- times and values


def ms_of(text: str) -> int:
    """Return an RFC 3339 time in ms since 1970; what is finer is cut off."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    when = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    return round((when - EPOCH).total_seconds()) * 1000 + int((fraction + "000")[:3])


def rfc3339(ms: int) -> str:
    """Return a time as the cases spell it."""
    text = (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


def spelt(value: object, column: str) -> object:
    """Return a value of the truth as the cases spell it: times as text."""
    is_time = column in ("_time", "time", "timeEnd", "start", "end", "since")
    return rfc3339(value) if is_time and isinstance(value, int) else value


def truth_of(case: Case) -> list[tuple[Any, ...]]:
    """Return the rows that the definitions give."""
    rows = ANSWERS[case.query](case.asked)
    return [tuple(spelt(row[name], name) for name in case.columns) for row in rows]


def differences(
    wanted: Sequence[tuple[Any, ...]], got: Sequence[tuple[Any, ...]], case: Case
) -> list[str]:
    """Return what differs, in words; [] where nothing does."""
    if len(wanted) != len(got):
        return [f"{len(got)} rows, not {len(wanted)}"]
    if not case.ordered:
        wanted, got = sorted(wanted, key=str), sorted(got, key=str)
    return [
        f"row {number}, {name}: {value!r}, not {right!r}"
        for number, (row, right_row) in enumerate(zip(got, wanted, strict=True))
        for name, value, right in zip(case.columns, row, right_row, strict=True)
        if not same(right, value, case.tolerance)
    ]


def same(wanted: object, got: object, tolerance: float) -> bool:
    """Tell whether two values are the same; numbers within the tolerance, times within 1 ms."""
    if isinstance(wanted, bool) or isinstance(got, bool) or wanted is None or got is None:
        return wanted is got
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        return abs(wanted - got) <= tolerance
    if isinstance(wanted, str) and isinstance(got, str) and re.fullmatch(r"\d{4}-.*T.*Z", got):
        return abs(ms_of(wanted) - ms_of(got)) <= 1
    return wanted == got


# ---------------------------------------------------------------- as Grafana asks


def brought_to_life(query: str, asked: Asked, *, bucket: str, home: str) -> str:
    """Return a query's text with Grafana's variables replaced, and `now` as the case has it."""
    text = flux_text(query)
    text = text.replace("${home:regex}", ".*" if home == "All" else home)
    text = text.replace("${timezone}", asked.zone)
    values = {
        "timeRangeStart": rfc3339(asked.start),
        "timeRangeStop": rfc3339(asked.to),
        "windowPeriod": "1m0s",
        "bucket": f'"{bucket}"',
        "defaultBucket": f'"{bucket}"',
        "organization": '"home"',
    }
    for match in MACRO.finditer(text):
        if match[2] in values:
            text = text.replace(match[0], values[match[2]])
    return with_now(text, rfc3339(asked.now))


def with_now(text: str, now: str) -> str:
    """Return a query in which it is `now`."""
    imports = IMPORTS.search(text)
    at = imports.end() if imports else 0
    return f"{text[:at]}option now = () => {now}\n{text[at:]}"


def line_of(point: Row) -> str:
    """Return a point as line protocol, to the millisecond."""
    fields = ",".join(f"{key}={_field(value)}" for key, value in point["fields"].items())
    return f"{point['measurement']},home={point['home']} {fields} {point['time']}"


def _field(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value}i" if isinstance(value, int) else f"{value}"
