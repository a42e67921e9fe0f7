"""Runs the table tests of the Flux queries on a real InfluxDB, and on made-up histories too.

`python -m tests.grafana.flux_runner --url URL --token-file FILE --org ORG [--bucket PREFIX]
[--random N] [--seed S]`: each case gets a bucket of its own, which is deleted afterwards. It prints
a table and ends with 1 where a row is not as expected.
"""

import argparse
import csv
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from tests.grafana import flux_cases as cases
from tests.grafana import flux_random
from tests.grafana.flux_truth import ANSWERS, Asked, Row

GROUPED = {"cumulative": ("home",)}
PATIENCE = 120  # seconds for one answer


class InfluxDB:
    """The HTTP interface of an InfluxDB 2."""

    def __init__(self, url: str, token: str, org: str) -> None:
        """Find the organization by its name. Raises LookupError where it is not there."""
        self._url, self._org = url.rstrip("/"), org
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Token {token}"
        found = self._call("GET", "/api/v2/orgs", params={"org": org}).json()["orgs"]
        if not found:
            raise LookupError(f"no organization {org}")
        self._org_id = found[0]["id"]

    @contextmanager
    def bucket(self, name: str, points: tuple[Row, ...]) -> Iterator[str]:
        """Hold a bucket with these points, and with nothing else."""
        body = {"orgID": self._org_id, "name": name, "retentionRules": []}
        made = self._call("POST", "/api/v2/buckets", json=body).json()["id"]
        try:
            lines = "\n".join(map(cases.line_of, points)).encode()
            where = {"org": self._org, "bucket": name, "precision": "ms"}
            if lines:
                self._call("POST", "/api/v2/write", params=where, data=lines)
            yield name
        finally:
            self._call("DELETE", f"/api/v2/buckets/{made}")

    def ask(self, text: str) -> "Result":
        """Return what a query gives."""
        dialect = {"header": True, "annotations": ["datatype", "group", "default"]}
        body = {"query": text, "type": "flux", "dialect": dialect}
        answer = self._call("POST", "/api/v2/query", params={"org": self._org}, json=body)
        return Result(answer.text)

    def _call(self, method: str, path: str, **more: Any) -> requests.Response:  # noqa: ANN401  what requests takes
        answer = self._session.request(method, self._url + path, timeout=PATIENCE, **more)
        if not answer.ok:
            raise ValueError(f"{answer.status_code}: {answer.text.strip()}")
        return answer


class Result:
    """The tables of an answer, as annotated CSV holds them."""

    def __init__(self, text: str) -> None:
        """Read them. Raises ValueError where the query failed midway."""
        self.rows: list[Row] = []
        self.groups: set[tuple[str, ...]] = set()
        self.tables: set[str] = set()
        types: list[str] = []
        group: list[str] = []
        head: list[str] = []
        for line in csv.reader(text.splitlines()):
            if not line or line[0] == "#default":
                continue
            if line[0] == "#datatype":
                types, head = line[1:], []
            elif line[0] == "#group":
                group = line[1:]
            elif not head:
                head = line[1:]
                self.groups.add(tuple(n for n, g in zip(head, group, strict=True) if g == "true"))
            else:
                self._add(dict(zip(head, map(_value, line[1:], types), strict=True)))
        if self.rows and "error" in self.rows[0]:
            raise ValueError(self.rows[0]["error"])

    def _add(self, row: Row) -> None:
        self.tables.add(str(row.pop("table", "")))
        row.pop("result", None)
        self.rows.append(row)


def _value(text: str, kind: str) -> object:
    """Return a cell's value; an empty one is null, and a text empty."""
    if kind == "string":
        return text
    if not text:
        return None
    if kind == "boolean":
        return text == "true"
    if kind == "double":
        return float(text)
    return int(text) if kind == "long" else text


def faults(influxdb: InfluxDB, case: cases.Case, bucket: str) -> list[str]:
    """Return what is not as a case expects."""
    text = cases.brought_to_life(case.query, case.asked, bucket=bucket, home=case.home)
    try:
        result = influxdb.ask(text)
    except ValueError as fault:
        return [f"it failed: {fault}"]
    found: list[str] = []
    if case.rows and result.groups != {case.group}:
        found.append(f"grouped by {result.groups}, not by {case.group}")
    if not case.group and len(result.tables) > 1:
        found.append(f"{len(result.tables)} tables, not one")
    try:
        rows = [tuple(row[name] for name in case.columns) for row in result.rows]
    except KeyError as missing:
        return [*found, f"no column {missing}"]
    return found + cases.differences(case.rows, rows, case)


def run_cases(influxdb: InfluxDB, prefix: str, tally: Counter[tuple[str, bool]]) -> None:
    """Run all table tests."""
    for query in ANSWERS:
        for number, case in enumerate(cases.cases_of(query)):
            with influxdb.bucket(f"{prefix}-{query}-{number}", case.asked.points) as bucket:
                tell(case, faults(influxdb, case, bucket), tally)


def run_random(
    influxdb: InfluxDB, prefix: str, seeds: range, tally: Counter[tuple[str, bool]]
) -> None:
    """Ask everything of made-up histories, and hold the answers against the truth."""
    for seed in seeds:
        source = random.Random(seed)
        points, now = flux_random.history(source)
        asked = flux_random.questions(source, points, now)
        with influxdb.bucket(f"{prefix}-random-{seed}", points) as bucket:
            for number, question in enumerate(asked):
                for query in ANSWERS:
                    name = f"seed {seed}, question {number}"
                    case = truthful(query, name, question)
                    tell(case, faults(influxdb, case, bucket), tally)


def truthful(query: str, name: str, asked: Asked) -> cases.Case:
    """Return a case that expects what the definitions give."""
    rows = ANSWERS[query](asked)
    columns = tuple(rows[0]) if rows else ()
    case = cases.Case(query, name, asked, asked.homes, columns, ())
    case = replace(case, group=GROUPED.get(query, ()), tolerance=2e-6)
    ordered = query in ("per-day", "per-week", "per-month", "hours-of-week", "current")
    return replace(case, rows=tuple(cases.truth_of(case)), ordered=ordered)


def tell(case: cases.Case, found: list[str], tally: Counter[tuple[str, bool]]) -> None:
    """Count a case, and say what is wrong with it."""
    tally[case.query, not found] += 1
    if found:
        say(f"NOT AS EXPECTED  {case}")
        for fault in found[:5]:
            say(f"    {fault}")


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")


def main() -> int:
    """Run what is asked for; return how the process should end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--token-file", required=True, type=Path)
    parser.add_argument("--org", required=True)
    parser.add_argument("--bucket", default="flux-cases", help="what the buckets' names begin with")
    parser.add_argument("--random", type=int, default=0, help="how many made-up histories")
    parser.add_argument("--seed", type=int, default=0, help="the first one's seed")
    wanted = parser.parse_args()
    influxdb = InfluxDB(wanted.url, wanted.token_file.read_text().strip(), wanted.org)
    tally: Counter[tuple[str, bool]] = Counter()
    began = time.monotonic()
    run_cases(influxdb, wanted.bucket, tally)
    seeds = range(wanted.seed, wanted.seed + wanted.random)
    run_random(influxdb, wanted.bucket, seeds, tally)
    say(f"\n{'query':<24} {'as expected':>12} {'not':>6}")
    for query in ANSWERS:
        say(f"{query:<24} {tally[query, True]:>12} {tally[query, False]:>6}")
    say(f"{sum(tally.values())} answers in {time.monotonic() - began:.0f} s")
    return int(any(not right for _, right in tally.elements()))


if __name__ == "__main__":
    sys.exit(main())
