"""Reads rules/recording.yml, and evaluates it as of any moment of a past that a Prometheus holds.

Rules that read other rules come after those: what has been recorded is added to
the data as blocks, as Prometheus itself would have kept it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.history.recalled import Labels, Recalled, add_blocks

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "rules" / "recording.yml"
WINDOWS = (7, 30, 365)  # days
BY_HOME = ("home",)
BY_CLASS = ("duration_class", "home")

Recorded = dict[tuple[str, int], dict[Labels, float]]  # by rule and moment (Unix seconds)


@dataclass(frozen=True, slots=True)
class Rule:
    """One recording rule as the file has it."""

    record: str
    expr: str


def read_groups(file: Path = FILE) -> dict[str, list[Rule]]:
    """Return the rules by the name of their group."""
    groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    return {
        group["name"]: [Rule(rule["record"], rule["expr"]) for rule in group["rules"]]
        for group in groups
    }


def read_rules(file: Path = FILE) -> list[Rule]:
    """Return every rule."""
    return [rule for rules in read_groups(file).values() for rule in rules]


def levels(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Return the rules in steps: each reads no rule but those of the steps before."""
    steps: list[list[Rule]] = []
    waiting = list(rules)
    while waiting:
        names = {rule.record for rule in waiting}
        ready = [rule for rule in waiting if not names & reads(rule)]
        assert ready, f"rules that wait for each other: {names}"
        steps.append(ready)
        waiting = [rule for rule in waiting if rule not in ready]
    return steps


def reads(rule: Rule) -> set[str]:
    """Return the recorded series that a rule reads."""
    return set(re.findall(r"\b\w+:\w+:\w+", rule.expr))


def evaluate(
    version: str, folder: Path, tsdb: Path, rules: Sequence[Rule], moments: Iterable[int]
) -> Recorded:
    """Return what each rule gives at each moment, on Prometheus 2 or 3, whose data are at hand."""
    moments = list(moments)
    recorded: Recorded = {}
    for number, step in enumerate(levels(rules)):
        with Recalled(f"prometheus-{version}", folder, tsdb) as prometheus:
            found = {
                (rule.record, at): prometheus.at(rule.expr, at) for rule in step for at in moments
            }
        recorded |= found
        text = folder / f"recorded-{number}.txt"
        text.write_text("".join([*_lines(found), "# EOF\n"]), encoding="utf-8")
        add_blocks(f"promtool-{version}", text, tsdb)
    return recorded


def _lines(found: Mapping[tuple[str, int], Mapping[Labels, float]]) -> Iterable[str]:
    for (record, at), series in sorted(found.items()):
        for labels, value in series.items():
            pairs = ",".join(f'{name}="{text}"' for name, text in sorted(labels))
            yield f"{record}{{{pairs}}} {value!r} {at}\n"
