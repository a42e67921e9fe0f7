"""Owns how tests read the rules, and the promtool cases that stand beside them; starts nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "rules"
ALERTS = RULES / "alerts.yml"
CASES = sorted((Path(__file__).parent / "alerts").glob("*.yml"))


@dataclass(frozen=True, slots=True)
class AlertRule:
    """An alert as its rule describes it; durations are spelled as there, empty for none."""

    name: str
    expr: str
    after: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """An alert as a promtool case expects it: what a Prometheus makes of the rule."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """What one promtool case expects of an alert at one moment."""

    alertname: str
    expected: tuple[Expected, ...]


@cache
def load(file: Path) -> dict[str, Any]:
    """Read a YAML file that is a mapping, once; what is returned is not to be changed."""
    loaded = yaml.safe_load(file.read_text("utf-8"))
    assert isinstance(loaded, dict), file
    return loaded


def rules(*files: Path) -> list[dict[str, Any]]:
    """Return the rules of files; of all that ship if none is named."""
    groups = [group for file in files or RULES.glob("*.yml") for group in load(file)["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def alert_rules() -> list[AlertRule]:
    """Return every alert that ships."""
    return [
        AlertRule(
            rule["alert"],
            rule["expr"],
            rule.get("for", ""),
            rule.get("labels", {}),
            rule.get("annotations", {}),
        )
        for rule in rules()
        if "alert" in rule
    ]


def checks() -> Iterator[Check]:
    """Yield all that the promtool cases expect."""
    for file in CASES:
        for group in load(file)["tests"]:
            for test in group["alert_rule_test"]:
                name = test["alertname"]
                found = [_expected(name, alert) for alert in test["exp_alerts"]]
                yield Check(name, tuple(found))


def _expected(name: str, alert: dict[str, Any]) -> Expected:
    return Expected({"alertname": name, **alert["exp_labels"]}, alert["exp_annotations"])
