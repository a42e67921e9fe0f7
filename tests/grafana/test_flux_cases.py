"""The table tests of the Flux queries are well-formed, and expect what the definitions give.

That the queries give it too is seen on a real InfluxDB: tests/grafana/flux_runner.py.
"""

import json
from dataclasses import replace

import pytest

from tests.grafana import flux_cases
from tests.grafana.flux_cases import FLUX, Case
from tests.grafana.flux_truth import ANSWERS, Asked

QUERIES = [file.stem for file in flux_cases.files()]
CASES = [case for query in QUERIES for case in flux_cases.cases_of(query)]


def test_every_query_has_its_cases_and_its_truth() -> None:
    """No query goes untested, and no cases belong to none."""
    assert set(QUERIES) == set(ANSWERS)
    assert {file.name for file in FLUX.glob("*.cases.yml")} == {f"{q}.cases.yml" for q in QUERIES}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_expects_what_the_definitions_give(case: Case) -> None:
    """The expected rows are the truth, computed from the points without any Flux."""
    assert flux_cases.differences(flux_cases.truth_of(case), case.rows, case) == []


def test_the_dashboards_hold_the_queries_that_are_tested() -> None:
    """What Grafana asks is a query of this folder, letter for letter."""
    asked = {
        target["query"]
        for file in (FLUX.parent / "dashboards").glob("*.json")
        for panel in json.loads(file.read_text("utf-8"))["panels"]
        for target in panel.get("targets", [])
        if "query" in target
    }
    assert asked, "a dashboard asks InfluxDB"
    assert asked <= {flux_cases.flux_text(query) for query in QUERIES}


@pytest.mark.parametrize("query", QUERIES)
def test_no_two_cases_have_one_name(query: str) -> None:
    """A failing case can be found by its name."""
    names = [case.name for case in CASES if case.query == query]
    assert len(names) == len(set(names))


def test_a_wrong_row_is_found() -> None:
    """A value that is off by more than the tolerance, a missing row and a wrong order are told."""
    case = next(c for c in CASES if c.query == "per-day" and len(c.rows) == 3)
    first = list(case.rows[0])
    first[2] += 0.001
    assert flux_cases.differences(case.rows, [tuple(first), *case.rows[1:]], case)
    assert flux_cases.differences(case.rows, case.rows[1:], case)
    assert flux_cases.differences(case.rows, case.rows[::-1], case)
    assert not flux_cases.differences(case.rows, case.rows[::-1], replace(case, ordered=False))


@pytest.mark.parametrize(
    "change, fault",
    [
        ({"more": 1}, "its keys are not"),
        ({"name": "no sentence"}, "its name is no sentence"),
        ({"expect": {"columns": ["a"], "rows": [[1, 2]], "order": "free"}}, "as many values"),
        ({"expect": {"columns": [], "rows": [], "order": "any"}}, "not as it should be"),
        ({"points": [{"measurement": "x", "home": "a", "time": "", "fields": {"on": 1}}]}, "no m"),
        (
            {
                "points": [
                    {"measurement": "power_outage", "home": "", "time": "", "fields": {True: 1}}
                ]
            },
            "no text",
        ),
    ],
)
def test_a_case_that_is_not_well_formed_is_refused(change: dict[str, object], fault: str) -> None:
    """What a case must have is asked for."""
    sound = dict.fromkeys(flux_cases.KEYS, "") | {
        "name": "A sentence.",
        "points": [],
        "expect": {"columns": [], "rows": [], "order": "free"},
    }
    assert list(flux_cases.faults(sound)) == []
    assert any(fault in found for found in flux_cases.faults(sound | change))


def test_variables_are_replaced_as_grafana_does_it() -> None:
    """Nothing of Grafana's is left, and `now` stands below the imports."""
    asked = Asked((), start=0, to=3_600_000, now=7_200_000, homes="a|b", zone="Europe/Kyiv")
    for query in QUERIES:
        text = flux_cases.brought_to_life(query, asked, bucket="power", home="a|b")
        assert "${" not in text
        assert "v.timeRange" not in text
        assert "v.defaultBucket" not in text
        assert "r.home =~ /^(?:a|b)$/" in text
        assert text.index("option now = () => 1970-01-01T02:00:00Z") > text.rindex("import ")


@pytest.mark.parametrize("query", [*QUERIES, "prelude"])
def test_no_name_is_one_that_grafanas_macro_replaces(query: str) -> None:
    """Grafana replaces WORD.bucket and the like for every WORD: only `v` may have such a name."""
    text = (FLUX / f"{query}.flux").read_text(encoding="utf-8")
    names = {"bucket", "defaultBucket", "organization", "windowPeriod"}
    names |= {"timeRangeStart", "timeRangeStop"}
    found = {match[1] for match in flux_cases.MACRO.finditer(text) if match[2] in names}
    assert found <= {"v"}


@pytest.mark.parametrize("query", [*QUERIES, "prelude"])
def test_a_query_needs_nothing_that_hardening_forbids(query: str) -> None:
    """With INFLUXD_HARDENING_ENABLED nothing may be fetched from elsewhere."""
    text = (FLUX / f"{query}.flux").read_text(encoding="utf-8")
    assert "http" not in text
    assert "sql" not in text
