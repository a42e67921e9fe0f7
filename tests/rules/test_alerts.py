"""What the alerts say: labels and texts, runbooks, metrics that exist, and what the relay reads."""

import json
import re
from collections.abc import Iterator

import pytest
import requests

from alerting.alerts import Ignored, Notice, PowerOutage, PowerRestored, Rejected, parse_webhook
from alerting.metrics import ALERT_OUTCOMES, DELIVERY_OUTCOMES, WEBHOOK_CODES
from alerting.notice_words import SEVERITIES
from alerting.tally import STATES
from exporter.config import ExporterSettings
from exporter.deliveries import orders_of
from exporter.metrics import FAMILIES
from exporter.power import State
from tests.e2e.real_programs import Running, each, program
from tests.rules.alert_rules import ALERTS, ROOT, AlertRule, Expected, alert_rules, checks, rules
from tests.test_docs_metrics import relays

RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text("utf-8")
TABLE = (ROOT / "docs" / "alerts.md").read_text("utf-8")
GRAFANA = "http://localhost:3000"  # as the compose file publishes it
PARTS = ("It means", "People notice", "Check", "Do", "False alarm")
ROW = re.compile(
    r"^\| \[(\w+)\]\(runbooks\.md#(\w+)\) \| (\w+) \| (\w+) \| ([\w ]+) \|", re.MULTILINE
)
EVALUATION_FAILURES = "prometheus_rule_evaluation_failures_total"
OF_PROMETHEUS = {"up": {"job", "instance"}, EVALUATION_FAILURES: {"rule_group"}}
VALUES = {
    "outcome": {*ALERT_OUTCOMES, *DELIVERY_OUTCOMES},
    "code": {*WEBHOOK_CODES},
    "state": {*STATES},
    "sink": {*orders_of(ExporterSettings())},
    "power_state": {*State},
    "job": {"power-exporter", "power-alerting"},
}

by_name = pytest.mark.parametrize("rule", alert_rules(), ids=lambda rule: rule.name)


# ---------------------------------------------------------------- labels, texts, documents


@by_name
def test_an_alert_says_whom_it_concerns_and_what_it_is(rule: AlertRule) -> None:
    """All that the relay, and any other receiver, goes by."""
    assert rule.labels["severity"] in SEVERITIES
    assert rule.labels["audience"] in {"subscribers", "admins"}
    assert rule.annotations["summary"]
    assert rule.annotations["description"].endswith(".")


@by_name
def test_a_text_queries_nothing(rule: AlertRule) -> None:
    """What a query finds while a text is made is not what the rule has found."""
    texts = " ".join([*rule.annotations.values(), *rule.labels.values()])
    assert not re.search(r"\bquery\b|\bfirst\b|\brange\b", "".join(re.findall("{{.*?}}", texts)))


@by_name
def test_an_alert_names_its_runbook(rule: AlertRule) -> None:
    """By the anchor of a heading that is there."""
    assert rule.annotations["runbook_url"] == f"docs/runbooks.md#{rule.name.lower()}"
    assert f"\n## {rule.name}\n" in RUNBOOKS


@by_name
def test_an_alert_leads_to_its_dashboard(rule: AlertRule) -> None:
    """One that is about a home to that home's, the others to that of the programs."""
    of_a_home = "$labels.home" in rule.annotations["summary"] + rule.annotations["description"]
    wanted = "power-home?var-home={{ $labels.home }}" if of_a_home else "power-self"
    assert rule.annotations["dashboard_url"] == f"{GRAFANA}/d/{wanted}"
    uid = wanted.partition("?")[0]
    board = json.loads((ROOT / "grafana" / "dashboards" / f"{uid}.json").read_text("utf-8"))
    assert board["uid"] == uid
    assert of_a_home == ("home" in {one["name"] for one in board["templating"]["list"]})


def runbooks() -> dict[str, str]:
    """Return the texts of the runbooks by their headings."""
    found = re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL)
    return dict(found)


def test_no_runbook_is_left_over() -> None:
    """Each belongs to an alert, in whatever order."""
    assert set(runbooks()) == {rule.name for rule in alert_rules()}


@pytest.mark.parametrize("part", PARTS)
def test_every_runbook_has_all_its_parts(part: str) -> None:
    """What it means, what people notice, how to check, what to do, when it is none."""
    assert [name for name, text in runbooks().items() if f"**{part}**" not in text] == []


def test_the_table_of_alerts_is_what_the_rules_say() -> None:
    """Every alert has a row with its audience, its severity and its `for`."""
    rows = {match[1]: match.groups()[1:] for match in ROW.finditer(TABLE)}
    assert rows == {
        rule.name: (
            rule.name.lower(),
            rule.labels["audience"],
            rule.labels["severity"],
            rule.after or "at once",
        )
        for rule in alert_rules()
    }


# ---------------------------------------------------------------- metrics


def exported() -> dict[str, set[str]]:
    """Return the labels that each metric has where it is made, those of its target aside."""
    ours = {family.name: set(family.label_names) for family in FAMILIES}
    return ours | {name: set(labels) for name, (_, labels) in relays().items()}


def known() -> set[str]:
    """Return every name that an expression may use: what is exported, and what is recorded."""
    records = {rule["record"] for rule in rules() if "record" in rule}
    return exported().keys() | records | OF_PROMETHEUS.keys()


def names_in(expr: str) -> set[str]:
    """Return the metrics that an expression names."""
    words = re.sub(
        r"\b(by|without|on|ignoring|group_left|group_right) *\([^)]*\)", " ", _bare(expr)
    )
    words = re.sub(r"\b(and|or|unless|offset|bool|group_left|group_right)\b", " ", words)
    return set(re.findall(r"(?<![\w.:])[a-zA-Z_:][\w:]*(?![\w:]| *\()", words))


def _bare(expr: str) -> str:
    """Return an expression without texts, selectors, ranges and comments."""
    return re.sub(r"#.*|\"[^\"]*\"|\{[^}]*\}|\[[^\]]*\]", " ", expr)


def selectors_in(expr: str) -> Iterator[tuple[str, str, set[str]]]:
    """Yield each metric and label that an expression selects by, and the values it looks for."""
    for name, matchers in re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expr):
        for label, values in re.findall(r"(\w+) *(?:=~|!~|!=|=) *\"([^\"]*)\"", matchers):
            yield name, label, set(values.split("|"))


def test_every_metric_in_the_rules_exists() -> None:
    """No rule waits for something that nobody exports."""
    named = {name for rule in rules() for name in names_in(rule["expr"])}
    assert named - known() == set()
    assert {"power_on", "up"} & named


def test_every_label_that_a_rule_selects_by_exists() -> None:
    """A selector by a label that the metric lacks, or a value it never has, finds nothing."""
    labels = exported() | OF_PROMETHEUS
    selected = [it for rule in rules() for it in selectors_in(rule["expr"]) if it[0] in labels]
    assert {label for _, label, _ in selected} >= {"sink", "outcome", "code", "state"}
    for name, label, values in selected:
        assert label in labels[name], f"{name} has no label {label}"
        assert values <= VALUES.get(label, values), f"{name} has no {label} {values}"


def test_names_are_found_in_an_expression() -> None:
    """The test above sees what it is to see."""
    expr = (
        'a_b{c="d"} > on (e) group_left (f) max by (g) (rate(h_total[5m] offset 1d)) or vector(1)'
    )
    assert names_in(expr) == {"a_b", "h_total"}
    assert list(selectors_in(expr)) == [("a_b", "c", {"d"})]


@pytest.mark.parametrize("document", ["runbooks.md", "alerts.md"])
def test_every_metric_that_a_document_names_exists(document: str) -> None:
    """Documents name metrics, beginnings of such, and files of ours."""
    text = (ROOT / "docs" / document).read_text("utf-8")
    named = set(re.findall(r"\bpower_(?!status\b)\w+", text))
    assert named
    assert [name for name in named if not any(it.startswith(name) for it in exported())] == []


@pytest.mark.parametrize("name", each("prometheus-2", "prometheus-3"))
def test_prometheus_loads_the_rules_and_counts_their_failures(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Under the name and label that PowerRulesFailing looks for, from the start."""
    folder = tmp_path_factory.mktemp(name)
    config = folder / "prometheus.yml"
    config.write_text(f"rule_files: ['{ALERTS}']\n", "utf-8")
    options = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]

    def command(port: int) -> list[str]:
        return [*program(name), *options, f"--web.listen-address=127.0.0.1:{port}"]

    with Running(command, "/-/ready") as prometheus:
        page = requests.get(f"{prometheus.url}/metrics", timeout=10).text
    groups = set(
        re.findall(rf'^{EVALUATION_FAILURES}{{rule_group="[^"]*;(.*)"}} 0$', page, re.MULTILINE)
    )
    assert groups == {"power-alerts", "power-alerts-operators"}


# ---------------------------------------------------------------- what the relay makes of them


def expected() -> list[Expected]:
    """Return every alert that a promtool case has seen: exactly what Prometheus says."""
    return [alert for check in checks() for alert in check.expected]


def told(alert: Expected, status: str) -> object:
    """Return what the relay reads when it is told of an alert."""
    said = {
        "status": status,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": "2026-11-24T10:00:00Z",
        "endsAt": "2026-11-24T10:10:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
    }
    (read,) = parse_webhook({"version": "4", "alerts": [said]}).alerts
    return read


@pytest.mark.parametrize("status", ["firing", "resolved"])
def test_the_relay_rejects_none(status: str) -> None:
    """Each has what its kind needs."""
    assert [read for it in expected() if isinstance(read := told(it, status), Rejected)] == []


def test_the_relay_reads_an_outage_and_its_end() -> None:
    """Both name the home and the same moment to the millisecond, for subscribers."""
    read = [told(alert, "firing") for alert in expected()]
    outage = PowerOutage(home="flat", since=50_120, audience="subscribers")
    end = PowerRestored(home="flat", since=2_100_500, ended=2_340_123, audience="subscribers")
    assert {outage, end} <= {it for it in read if isinstance(it, PowerOutage | PowerRestored)}


def test_a_resolved_outage_is_no_evidence() -> None:
    """Neither that of a beginning nor of an end."""
    pair = [it for it in expected() if it.labels["alertname"] in {"PowerOutage", "PowerRestored"}]
    assert pair
    assert all(isinstance(told(alert, "resolved"), Ignored) for alert in pair)


def test_other_alerts_do_not_depend_on_a_moment() -> None:
    """A label that changes would make another alert of it each time."""
    keys: dict[tuple[str, ...], set[str]] = {}
    for alert in expected():
        read = told(alert, "firing")
        if isinstance(read, Notice):
            which = (
                read.alertname,
                *(read.labels.get(it, "") for it in ("home", "instance", "outcome")),
            )
            keys.setdefault(which, set()).add(read.key)
    assert {which: len(found) for which, found in keys.items() if len(found) > 1} == {}
