"""Owns the dashboard Self-monitoring: whether what watches the power is itself well."""

from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.board import Board
from grafana.kit.layout import Placed, Section
from grafana.kit.looks import HEALTH, OFF, ON, WARN, Word, Words
from grafana.kit.panels import About, stat_panel
from grafana.kit.queries import Prom
from grafana.self_alerting import alerting, prometheus
from grafana.self_exporter import exporter, probes
from grafana.self_programs import over_time, programs
from grafana.self_relay import relay

UID = "power-self"
RUNBOOK = "Its page in docs/runbooks.md says what to do."
RULES: Words = {"1": Word("up", ON), "0": Word("FAILING", OFF)}
WARNS: Words = {"1": Word("up", ON), "0": Word("DOWN", WARN)}


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=UID,
        title="Power: self-monitoring",
        description="Whether the exporter, the relay, Prometheus and Alertmanager do their work.",
        sections=[
            Section("", [*_words(), Placed(programs(), 24, 8)]),
            Section("Probes", probes()),
            Section("Exporter", exporter()),
            Section("Relay and Telegram", relay()),
            Section("Prometheus and Alertmanager", [*prometheus(), *alerting()]),
            Section("Memory, processor, files", over_time()),
        ],
        homes="none",
        since="now-6h",
    )


def _words() -> list[Placed]:
    """Return the line of words that one glance takes in."""
    panels = [_exporter(), _relay(), _alertmanager(), _rules()]
    more = [_journal(), _influxdb(), _fast_path(), _telegram()]
    return [Placed(panel, 3, 4) for panel in [*panels, *more]]


def _word(
    title: str, description: str, expr: str, no_value: str, words: Words = HEALTH
) -> models.Panel:
    about = About(title=title, description=description, unit="none", no_value=no_value, words=words)
    return stat_panel(about, Prom(expr, legend=title, instant=True))


def _exporter() -> models.Panel:
    return _word(
        "Exporter",
        "DOWN: an exporter does not answer Prometheus, or none is scraped (job power-exporter). "
        "Nobody watches its homes. After 2 minutes the alert PowerExporterDown tells it: critical. "
        f"{RUNBOOK}",
        'min(up{job="power-exporter"}) or vector(0)',
        "no data",
    )


def _relay() -> models.Panel:
    return _word(
        "Relay",
        "DOWN: a relay does not answer Prometheus, or none is scraped (job power-alerting). If no "
        "other runs, nobody is told of outages; none is lost. After 2 minutes the alert "
        f"PowerAlertingDown: critical. {RUNBOOK}",
        'min(up{job="power-alerting"}) or vector(0)',
        "no data",
    )


def _alertmanager() -> models.Panel:
    return _word(
        "Alertmanager",
        "DOWN: Prometheus cannot scrape it (job alertmanager), so that alerts probably do not get "
        "through either. Outages still come by the exporter's fast path. Start it again, and read "
        "its log. No alert can tell this, but a dead man's switch (docs/alerts.md).",
        'min(up{job="alertmanager"})',
        "not scraped",
    )


def _rules() -> models.Panel:
    failures = 'prometheus_rule_evaluation_failures_total{rule_group=~".*;power-.*"}'
    return _word(
        "Rules",
        "FAILING: Prometheus could not evaluate a rule of this project in the last 2 minutes, as "
        "in the alert PowerRulesFailing (critical after 5 minutes). Outages may not be told "
        f"through Alertmanager. {RUNBOOK}",
        f"1 - clamp_max(sum(increase({failures}[2m]) > bool 0), 1)",
        "no rules",
        RULES,
    )


def _journal() -> models.Panel:
    return _word(
        "Journal",
        "DOWN: an exporter cannot write its journal: the disk is full, read-only or broken. "
        "Outages are told, but forgotten if it stops before it can write. After a minute the "
        f"alert PowerJournalDown: critical. {RUNBOOK}",
        "min(power_exporter_journal_up)",
        "no exporter",
    )


def _influxdb() -> models.Panel:
    return _word(
        "InfluxDB",
        "DOWN: InfluxDB did not take what an exporter last sent. Nothing is lost, the journal "
        "keeps it. When rows have waited for 10 minutes the alert PowerHistoryNotWritten tells it: "
        f"a warning, and so orange here. {RUNBOOK} "
        "No data: not configured, or no exporter answers.",
        'min(power_exporter_sink_up{sink="influxdb"})',
        "no data",
        WARNS,
    )


def _fast_path() -> models.Panel:
    return _word(
        "Fast path",
        "DOWN: the relay did not take what an exporter last sent directly. Outages come through "
        "Alertmanager alone, seconds later and without bounds. When rows have waited for 5 minutes "
        f"the alert PowerFastPathStalled: a warning, and so orange here. {RUNBOOK} "
        "No data: not configured, or no exporter answers.",
        'min(power_exporter_sink_up{sink="notify"})',
        "no data",
        WARNS,
    )


def _telegram() -> models.Panel:
    up = "max(power_alerting_telegram_up)"
    active = 'sum(power_alerting_subscribers{state="active"}) > 0'
    return _word(
        "Telegram",
        "DOWN: no relay reaches the Bot API, though there are subscribers. After 10 minutes the "
        f"alert TelegramUnreachable: a warning, and so orange here. Messages wait. {RUNBOOK} "
        "No data: there is no bot and nobody active to be told, or no relay answers.",
        f"{up} == 1 or ({up} and {active})",
        "no data",
        WARNS,
    )
