"""Owns what Self-monitoring shows of Prometheus and Alertmanager: scrapes, rules, notifications."""

from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.layout import Placed
from grafana.kit.looks import OFF, ON, thresholds
from grafana.kit.panels import About, time_series
from grafana.kit.queries import Prom
from grafana.self_programs import scrape_durations, up_over_time

OURS = 'rule_group=~".*;power-.*"'
NO_PROMETHEUS = "Prometheus does not scrape itself"


def prometheus() -> list[Placed]:
    """Return how scrapes and rules do."""
    return [
        Placed(up_over_time(), 12, 8),
        Placed(scrape_durations(), 12, 8),
        Placed(_rule_durations(), 12, 8),
        Placed(_rule_failures(), 12, 8),
    ]


def alerting() -> list[Placed]:
    """Return how alerts get on."""
    return [Placed(_to_alertmanager(), 12, 8), Placed(_from_alertmanager(), 12, 8)]


def _rule_durations() -> models.Panel:
    about = About(
        title="How long rules take",
        description=(
            "The last evaluation of each group of rules of this project. power-alerts is evaluated "
            "every 2 s (dashed) and must be much faster than that, or outages are told late; the "
            "recording rules have a minute."
        ),
        unit="s",
        no_value=NO_PROMETHEUS,
        levels=thresholds(ON, (2, OFF)),
    )
    last = f"prometheus_rule_group_last_duration_seconds{{{OURS}}}"
    return time_series(about, Prom(_of_group(f"max by (rule_group) ({last})"), legend="{{group}}"))


def _rule_failures() -> models.Panel:
    about = About(
        title="Evaluations that failed or were missed",
        description=(
            "Should be 0. failed: a rule could not be evaluated; PowerRulesFailing tells it after "
            "5 minutes. missed: the group took longer than its interval. The page Rules of "
            "Prometheus shows the error."
        ),
        unit="cpm",
        no_value=NO_PROMETHEUS,
    )
    failed = f"prometheus_rule_evaluation_failures_total{{{OURS}}}"
    missed = f"prometheus_rule_group_iterations_missed_total{{{OURS}}}"
    return time_series(about, _per_minute(failed, "failed"), _per_minute(missed, "missed"))


def _to_alertmanager() -> models.Panel:
    about = About(
        title="From Prometheus to Alertmanager",
        description=(
            "Alerts sent, those that met an error, and those dropped because of it. The last two "
            "should be 0: else look whether Alertmanager runs, and at its address in "
            "prometheus.yml."
        ),
        unit="cpm",
        no_value=NO_PROMETHEUS,
    )
    return time_series(
        about,
        _per_minute("prometheus_notifications_sent_total", "sent"),
        _per_minute("prometheus_notifications_errors_total", "errors"),
        _per_minute("prometheus_notifications_dropped_total", "dropped"),
    )


def _from_alertmanager() -> models.Panel:
    about = About(
        title="From Alertmanager to the relay",
        description=(
            "Notifications by webhook, which is how the relay gets them, and those of them that "
            "failed; Alertmanager repeats these. Failures go with PowerWebhookRefused or "
            "PowerAlertingDown: look at the relay and at the token file."
        ),
        unit="cpm",
        no_value="Alertmanager is not scraped",
    )
    webhook = 'integration="webhook"'
    return time_series(
        about,
        _per_minute(f"alertmanager_notifications_total{{{webhook}}}", "sent"),
        _per_minute(f"alertmanager_notifications_failed_total{{{webhook}}}", "failed"),
    )


def _per_minute(counter: str, legend: str) -> Prom:
    return Prom(f"60 * sum(rate({counter}[$__rate_interval]))", legend=legend)


def _of_group(expr: str) -> str:
    """Return it with the group's name alone, without the path of its file before it."""
    return f'label_replace({expr}, "group", "$1", "rule_group", ".*;(.*)")'
