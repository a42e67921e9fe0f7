"""What the recording rules are called, how they are spelled, and what they do at the edges."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.e2e.real_programs import each, needs, program
from tests.rules.recording_mutants import MUTANTS, Mutant
from tests.rules.recording_rules import FILE, ROOT, WINDOWS, Rule, read_groups, read_rules

BOTH = each("promtool-2", "promtool-3")
EDGES = Path(__file__).parent / "recording_edges.yml"
DOCUMENT = ROOT / "docs" / "recording-rules.md"

COUNTERS = {
    "power_outage_seconds": "power_outage_seconds_total",
    "power_sustained_outage_seconds": "power_sustained_outage_seconds_total",
    "power_observed_seconds": "power_observed_seconds_total",
    "power_unknown_seconds": "power_unknown_seconds_total",
}
RECORDS = (
    *(f"home:{name}:increase" for name in COUNTERS),
    "home:power_outages:increase",
    "home:power_availability:ratio",
    "power:homes:count",
    "power:saidi_minutes:increase",
    "power:saifi:increase",
    "power:maifi:increase",
    "power:caidi_minutes:ratio",
    "power:asai:ratio",
)


def run(promtool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool to its end."""
    return subprocess.run(
        [*program(promtool), *map(str, arguments)], capture_output=True, text=True, check=False
    )


# ---------------------------------------------------------------- names and spelling


@pytest.mark.parametrize("days", WINDOWS)
def test_every_rule_is_there_for_each_window(days: int) -> None:
    """The names are those that dashboards and people rely on."""
    rules = read_groups()[f"power-recording-{days}d"]
    assert [rule.record for rule in rules] == [f"{name}{days}d" for name in RECORDS]


@pytest.mark.parametrize("days", WINDOWS)
def test_the_windows_differ_in_nothing_else(days: int) -> None:
    """What is proved of one holds for the others."""

    def of_a_week(rule: Rule) -> Rule:
        """Return the rule as it would be for 7 days."""
        expr = re.sub(rf"\b{days} \* 86400", "7 * 86400", rule.expr)
        return Rule(
            re.sub(rf"{days}d$", "7d", rule.record), re.sub(rf"(?<=\D){days}d\b", "7d", expr)
        )

    groups = read_groups()
    weekly = groups["power-recording-7d"]
    assert [of_a_week(rule) for rule in groups[f"power-recording-{days}d"]] == weekly


def test_the_counters_are_treated_alike() -> None:
    """What is proved of one of them holds for the others."""
    exprs = {rule.record: rule.expr for rule in read_rules()}
    alike = {
        exprs[f"home:{name}:increase7d"].replace(counter, "COUNTER")
        for name, counter in COUNTERS.items()
    }
    assert len(alike) == 1
    assert alike.pop().count("COUNTER") == 2


def test_the_rules_add_no_label_and_keep_up() -> None:
    """Labels are those of the expression; a minute is less than the 5 that a query looks back."""
    for group in yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"]:
        assert group["interval"] == "1m"
        assert all(set(rule) == {"record", "expr"} for rule in group["rules"])


def test_every_rule_is_documented() -> None:
    """The document has a row for each rule, and names none that is not there."""
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE))
    assert rows == {f"{name}7d" for name in RECORDS}
    named = set(re.findall(r"\b(?:home|power):\w+:\w+?\d+d\b", text))
    assert named <= {rule.record for rule in read_rules()}


@pytest.mark.parametrize("promtool", BOTH)
def test_the_examples_are_valid(promtool: str, tmp_path: Path) -> None:
    """What the document offers to be pasted is PromQL."""
    (block,) = re.findall(r"```promql\n(.+?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    examples = [
        {"record": f"example:{number}", "expr": text}
        for number, text in enumerate(block.split("\n\n"))
    ]
    file = tmp_path / "examples.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "examples", "rules": examples}]}))
    checked = run(promtool, "check", "rules", file)
    assert f"{len(examples)} rules found" in checked.stdout, checked.stdout + checked.stderr


# ---------------------------------------------------------------- edges


@pytest.mark.parametrize("promtool", BOTH)
def test_the_rules_are_valid(promtool: str) -> None:
    """Prometheus takes them, and has nothing to remark."""
    checked = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", FILE)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RECORDS) * len(WINDOWS)} rules found" in checked.stdout


@pytest.mark.parametrize("promtool", BOTH)
def test_the_rules_do_what_the_edge_cases_say(promtool: str) -> None:
    """No value is wrong, and none is missing that could be had."""
    tested = run(promtool, "test", "rules", EDGES)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def broken(mutant: Mutant) -> str:
    """Return the file with one rule broken."""
    text = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    (rule,) = (r for g in text["groups"] for r in g["rules"] if r["record"] == mutant.rule)
    before = " ".join(rule["expr"].split())
    assert mutant.old in before, "the list names what is not there any more"
    rule["expr"] = before.replace(mutant.old, mutant.new)
    return yaml.safe_dump(text)


def name_of(mutant: Mutant) -> str:
    """Return a test's id: what is taken away, and what comes in its place."""
    old, new = (re.sub(r"[^\w>=]+", "_", text)[:60] for text in (mutant.old, mutant.new))
    return f"{mutant.rule}-{old}-{new}"


@needs("promtool-2")
@pytest.mark.parametrize("mutant", MUTANTS, ids=name_of)
def test_an_edge_case_notices_a_broken_rule(mutant: Mutant, tmp_path: Path) -> None:
    """Whoever changes a rule for the worse is told."""
    (tmp_path / "recording.yml").write_text(broken(mutant), encoding="utf-8")
    cases = EDGES.read_text(encoding="utf-8").replace("../../rules/recording.yml", "recording.yml")
    (tmp_path / "edges.yml").write_text(cases, encoding="utf-8")
    tested = run("promtool-2", "test", "rules", tmp_path / "edges.yml")
    assert tested.returncode == 1
    assert "got:" in tested.stdout + tested.stderr, "it failed for another reason"
