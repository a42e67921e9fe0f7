"""Every dashboard keeps every rule, and every rule notices a dashboard that breaks it."""

import inspect
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.grafana import lint_boards, lint_panels, lint_queries
from tests.grafana.dashboards import FOLDER, Dashboard, Json, committed, named
from tests.grafana.lint_boards import Boards

Rule = Callable[[Boards], list[str]]
Break = Callable[[Json], object]  # changes a dashboard's document
A_COUNTER = 'power_outage_seconds_total{home=~"$home"}'


def rules_of(module: ModuleType) -> list[Rule]:
    """Return the rules of a module: its public functions that take dashboards."""
    found = inspect.getmembers(module, inspect.isfunction)
    return [
        rule
        for name, rule in found
        if rule.__module__ == module.__name__
        and not name.startswith("_")
        and [*inspect.signature(rule).parameters] == ["boards"]
    ]


RULES = [rule for module in (lint_boards, lint_panels, lint_queries) for rule in rules_of(module)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_dashboard_keeps_the_rule(rule: Rule) -> None:
    """What breaks it is listed."""
    assert rule(committed()) == []


# ---------------------------------------------------------------- each rule can be broken


def asking(document: Json, *kinds: str) -> Json:
    """Return a dashboard's first panel of a kind that asks Prometheus something."""
    return next(
        panel
        for panel in document["panels"]
        if panel["type"] in kinds and panel["targets"][0].get("expr")
    )


def ask(expr: str, *kinds: str) -> Break:
    """Let a panel ask something else."""
    return lambda document: asking(document, *(kinds or ("stat",)))["targets"][0].update(expr=expr)


def change(**values: object) -> Break:
    """Let a dashboard say something else of itself."""
    return lambda document: document.update(values)


def panel(**values: object) -> Break:
    """Let a panel say something else of itself."""
    return lambda document: asking(document, "stat").update(values)


def defaults(**values: object) -> Break:
    """Let a panel's values look otherwise."""
    return lambda document: asking(document, "stat")["fieldConfig"]["defaults"].update(values)


def variable(which: str, **values: object) -> Break:
    """Let a variable be otherwise."""

    def edit(document: Json) -> None:
        (one,) = (v for v in document["templating"]["list"] if v["name"] == which)
        one.update(values)

    return edit


def first_link(old: str, new: str) -> Break:
    """Let all links of values be otherwise."""

    def edit(document: Json) -> None:
        links = [one for some in named(document, "links", "value") if isinstance(some, list)
                 for one in some if isinstance(one, dict) and "url" in one]  # fmt: skip
        assert any(old in str(one["url"]) for one in links)
        for one in links:
            one["url"] = str(one["url"]).replace(old, new)

    return edit


def steps(*values: float, colour: str = "#D55E00") -> list[Any]:
    """Return thresholds of this colour at these values."""
    return [{"value": None, "color": colour}, *({"value": v, "color": colour} for v in values)]


BREAKS: list[tuple[str, Break]] = [
    ("every_datasource_is_a_variable", panel(datasource={"type": "prometheus", "uid": "abc"})),
    ("no_datasource_is_asked_for_on_import", change(__inputs=[{}])),
    ("uids_and_titles_are_unique", change(uid="power-home")),
    ("no_title_is_that_of_its_folder", change(title="General")),
    ("every_dashboard_says_what_it_is_for", change(description="Power")),
    ("crosshair_and_time_zone_are_shared", change(graphTooltip=0)),
    ("crosshair_and_time_zone_are_shared", change(timezone="utc")),
    ("the_schema_is_one_that_grafana_reads", change(schemaVersion=16)),
    ("nothing_stands_in_the_controls_menu", panel(placement="inControlsMenu")),
    ("variables_that_are_used_are_there", ask("power_on{home=~'$hone'}")),
    ("variables_that_are_there_are_used", variable("home", name="house")),
    ("variables_of_homes_have_all", variable("home", allValue=None)),
    ("links_lead_to_dashboards_that_are_there", first_link("/d/power-home", "/d/power-house")),
    ("links_keep_the_time", first_link("${__url_time_range}", "")),
    ("links_keep_the_datasources", first_link("${prometheus:queryparam}", "")),
    ("links_set_variables_that_are_there", first_link("var-home=", "var-house=")),
    ("every_panel_has_a_title", panel(title=" ")),
    ("every_panel_is_described", panel(description="Homes off")),
    ("every_panel_has_a_unit", defaults(unit="")),
    ("every_panel_has_a_text_for_no_data", defaults(noValue="")),
    ("every_panel_asks_something", panel(targets=[])),
    ("every_panel_is_of_grafanas_core", panel(type="flant-statusmap-panel")),
    ("panels_that_reduce_say_how", panel(options={"reduceOptions": {"calcs": []}})),
    ("ids_are_unique", panel(id=2)),
    ("queries_of_a_panel_are_told_apart", lambda document: [
        target.update(refId="A") for target in asking(document, "table")["targets"]
    ]),
    ("panels_fit_into_the_grid", panel(gridPos={"x": 20, "y": 0, "w": 8, "h": 4})),
    ("no_panel_stands_over_another", panel(gridPos={"x": 4, "y": 0, "w": 8, "h": 4})),
    ("thresholds_have_their_reasons", defaults(thresholds={"steps": steps(42.5)})),
    ("colours_are_those_of_the_kit", defaults(thresholds={"steps": steps(1, colour="red")})),
    ("every_query_is_promql", ask("power_on{home=~'$home'")),
    ("every_metric_is_one_that_there_is", ask("power_no{home=~'$home'}")),
    ("every_label_is_one_that_its_metric_has", ask("sum by (house) (power_on{home=~'$home'})")),
    ("counters_are_not_shown_as_they_are", ask(A_COUNTER)),
    ("counters_are_not_shown_as_they_are", ask(f"{A_COUNTER} - {A_COUNTER}")),
    ("only_counters_have_a_rate", ask("rate(power_on{home=~'$home'}[$__rate_interval])")),
    ("rates_are_over_grafanas_interval", ask(f"rate({A_COUNTER}[5m])")),
    ("tables_and_numbers_ask_for_one_moment", lambda document:
        asking(document, "table")["targets"][0].update(instant=False)),
    ("queries_follow_the_choice_of_homes", ask("max(power_on)")),
]  # fmt: skip


@pytest.mark.parametrize(
    "name,edit", BREAKS, ids=[f"{n}-{name}" for n, (name, _) in enumerate(BREAKS)]
)
def test_a_dashboard_that_breaks_the_rule_is_found(name: str, edit: Break) -> None:
    """The overview is changed in this one thing, and only that rule has to see it."""
    (rule,) = (rule for rule in RULES if rule.__name__ == name)
    file = FOLDER / "power-overview.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    edit(document)
    others = [board for board in committed() if board.name != file.name]
    assert rule([*others, Dashboard(document, file.name)]) != []


def test_every_rule_is_broken_once() -> None:
    """But for one that another test breaks: see below."""
    assert {rule.__name__ for rule in RULES} == {name for name, _ in BREAKS} | {
        "colours_have_words"
    }


def test_a_colour_without_a_word_is_found() -> None:
    """A mapping that colours a value and says nothing."""
    file = FOLDER / "power-overview.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    mapping = {"type": "value", "options": {"1": {"color": "#009E73", "index": 0, "text": ""}}}
    asking(document, "stat")["fieldConfig"]["defaults"]["mappings"] = [mapping]
    assert lint_panels.colours_have_words([Dashboard(document, file.name)]) != []
