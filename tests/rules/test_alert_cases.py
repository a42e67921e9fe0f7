"""What the alerts do in time: the promtool cases pass, and notice an alert that is broken."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from tests.e2e.real_programs import each, needs, program
from tests.rules.alert_rules import ALERTS, CASES, ROOT, alert_rules, checks, load, rules
from tests.rules.mutants import HELD, MUTANTS, Mutant

BOTH = each("promtool-2", "promtool-3")
DOCUMENT = ROOT / "docs" / "alerts.md"
NAMES = [rule.name for rule in alert_rules()]


def run(promtool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool to its end."""
    return subprocess.run(
        [*program(promtool), *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("promtool", BOTH)
def test_the_rules_are_valid(promtool: str) -> None:
    """Prometheus takes them, and has nothing to remark."""
    checked = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", ALERTS)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules(ALERTS))} rules found" in checked.stdout


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
@pytest.mark.parametrize("promtool", BOTH)
def test_the_alerts_do_what_the_cases_say(promtool: str, case: Path) -> None:
    """They fire, stay and end when they are to, and only then."""
    tested = run(promtool, "test", "rules", case)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@needs("promtool-3")
def test_the_example_of_a_rule_of_ones_own_is_valid(tmp_path: Path) -> None:
    """Whoever copies it from docs/alerts.md has a file that Prometheus takes."""
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    file = tmp_path / "mine.yml"
    file.write_text(example, "utf-8")
    checked = run("promtool-3", "check", "rules", "--lint=all", "--lint-fatal", file)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    """Only the watchdog has no moment of silence."""
    fires = {check.alertname for check in checks() if check.expected}
    silent = {check.alertname for check in checks() if not check.expected}
    assert fires == set(NAMES)
    assert silent == set(NAMES) - {"Watchdog"}


# ---------------------------------------------------------------- a rule that is broken is noticed


def alert_of(rule: str) -> str:
    """Return the alert whose cases hold a rule."""
    return "PowerOutage" if rule == HELD else rule


def rules_of(alert: str) -> list[dict[str, Any]]:
    """Return the rules that an alert's cases need."""
    wanted = {alert, HELD} if alert == "PowerOutage" else {alert}
    return [rule for rule in rules(ALERTS) if name_of(rule) in wanted]


def broken(mutant: Mutant) -> list[dict[str, Any]]:
    """Return the same with one of them broken."""
    found = rules_of(alert_of(mutant.rule))
    return [changed(rule, mutant) if name_of(rule) == mutant.rule else rule for rule in found]


def name_of(rule: dict[str, Any]) -> str:
    """Return a rule's name, be it an alert or a record."""
    return str(rule.get("alert") or rule.get("record"))


def changed(rule: dict[str, Any], mutant: Mutant) -> dict[str, Any]:
    """Return the rule with the mutant's change."""
    before = " ".join(str(rule.get(mutant.field, "")).split())
    if mutant.old:
        assert mutant.old in before, "the list names what is not there any more"
    after = before.replace(mutant.old, mutant.new) if mutant.old else mutant.new
    kept = {key: value for key, value in rule.items() if key != mutant.field}
    return {**kept, mutant.field: after} if after else kept


def cases_of(alert: str, case: Path) -> list[dict[str, Any]]:
    """Return the groups of a file in which an alert is looked at, with those looks alone."""
    groups = []
    for group in load(case)["tests"]:
        looks = [test for test in group["alert_rule_test"] if test["alertname"] == alert]
        if looks:
            groups.append({**group, "alert_rule_test": looks})
    return groups


def passes(folder: Path, alert: str, tried: list[dict[str, Any]]) -> bool:
    """Tell whether an alert's cases pass with these rules."""
    folder = Path(mkdtemp(dir=folder))
    document = {"groups": [{"name": "tried", "rules": tried}]}
    (folder / "rules.yml").write_text(json.dumps(document), "utf-8")  # JSON is YAML
    files = []
    for case in CASES:
        if groups := cases_of(alert, case):
            kept = {**load(case), "rule_files": ["rules.yml"], "tests": groups}
            files.append(folder / case.name)
            files[-1].write_text(json.dumps(kept), "utf-8")
    return run("promtool-3", "test", "rules", *files).returncode == 0


@needs("promtool-3")
@pytest.mark.parametrize("name", NAMES)
def test_the_cases_of_an_alert_pass_by_themselves(name: str, tmp_path: Path) -> None:
    """So what makes them fail below is the change alone."""
    assert passes(tmp_path, name, rules_of(name))


@needs("promtool-3")
@pytest.mark.parametrize("rule", [HELD, *NAMES])
def test_a_rule_that_is_broken_is_noticed(rule: str, tmp_path: Path) -> None:
    """Each of its thresholds, durations and conditions is held by a case."""
    mine = [mutant for mutant in MUTANTS if mutant.rule == rule]
    with ThreadPoolExecutor(cpu_count()) as pool:
        passed = pool.map(lambda it: passes(tmp_path, alert_of(rule), broken(it)), mine)
        assert [mutant for mutant, survived in zip(mine, passed, strict=True) if survived] == []


def test_every_alert_is_broken_in_some_way() -> None:
    """The list of changes misses no alert."""
    assert {mutant.rule for mutant in MUTANTS} == {*NAMES, HELD}
