"""Which metrics there are, with their labels: ours by the code, other programs' by a list.

test_known.py holds the list to what real programs export.
"""

from dataclasses import dataclass
from functools import cache

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from alerting.metrics import RelayMetrics
from chassis.own_metrics import own_registry, render_registry
from exporter.metrics import FAMILIES
from exporter.metrics_text import Kind
from tests.rules.recording_rules import read_rules

OF_EVERY_TARGET = frozenset({"job", "instance"})
COUNTING = ("_total", "_bucket", "_sum", "_count")

# What Prometheus adds to each scrape.
OF_A_SCRAPE = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
ALERTS = frozenset({"alertname", "alertstate", "severity", "audience", "home", "since", "probe"})

# Of other programs: each name with the labels that dashboards may count on. Every one is there in
# the oldest and in the newest version that is tested against.
PROMETHEUS: dict[str, tuple[str, ...]] = {
    "prometheus_build_info": ("version",),
    "prometheus_config_last_reload_successful": (),
    "prometheus_notifications_alertmanagers_discovered": (),
    "prometheus_notifications_dropped_total": (),
    "prometheus_notifications_errors_total": ("alertmanager",),
    "prometheus_notifications_sent_total": ("alertmanager",),
    "prometheus_rule_evaluation_failures_total": ("rule_group",),
    "prometheus_rule_evaluations_total": ("rule_group",),
    "prometheus_rule_group_interval_seconds": ("rule_group",),
    "prometheus_rule_group_last_duration_seconds": ("rule_group",),
    "prometheus_rule_group_last_evaluation_timestamp_seconds": ("rule_group",),
    "prometheus_rule_group_iterations_missed_total": ("rule_group",),
    "prometheus_target_scrapes_sample_out_of_order_total": (),
    "prometheus_tsdb_head_series": (),
    "prometheus_tsdb_head_samples_appended_total": ("type",),
    "prometheus_tsdb_lowest_timestamp_seconds": (),
    "prometheus_tsdb_storage_blocks_bytes": (),
    "prometheus_tsdb_wal_corruptions_total": (),
    "prometheus_tsdb_compactions_failed_total": (),
}
ALERTMANAGER: dict[str, tuple[str, ...]] = {
    "alertmanager_build_info": ("version",),
    "alertmanager_alerts": ("state",),
    "alertmanager_alerts_received_total": ("status", "version"),
    "alertmanager_alerts_invalid_total": ("version",),
    "alertmanager_config_last_reload_successful": (),
    "alertmanager_notifications_total": ("integration",),
    "alertmanager_notifications_failed_total": ("integration", "reason"),
    "alertmanager_notification_latency_seconds_bucket": ("integration", "le"),
    "alertmanager_notification_latency_seconds_count": ("integration",),
    "alertmanager_notification_latency_seconds_sum": ("integration",),
    "alertmanager_silences": ("state",),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as dashboards may ask for it."""

    labels: frozenset[str]
    counter: bool


@cache
def metrics() -> dict[str, Metric]:
    """Return every metric by its name."""
    found = {
        **{name: _other(name, labels) for name, labels in (PROMETHEUS | ALERTMANAGER).items()},
        **{name: Metric(OF_EVERY_TARGET, counter=False) for name in OF_A_SCRAPE},
        "ALERTS": Metric(OF_EVERY_TARGET | ALERTS, counter=False),
        "home:power_outage_start:held": Metric(OF_EVERY_TARGET | {"home"}, counter=False),
    }
    for family in FAMILIES:
        labels = OF_EVERY_TARGET | set(family.label_names)
        found[family.name] = Metric(labels, counter=family.kind is Kind.COUNTER)
    for rule in read_rules():
        found[rule.record] = Metric(_of_a_rule(rule.record), counter=False)
    return found | _rendered(_relay()) | _rendered(own_registry())


def _other(name: str, labels: tuple[str, ...]) -> Metric:
    return Metric(OF_EVERY_TARGET | set(labels), counter=name.endswith(COUNTING))


def _of_a_rule(record: str) -> frozenset[str]:
    if record.startswith("power:"):
        return frozenset()
    more = {"duration_class"} if record.startswith("home:power_outages:") else set()
    return frozenset({"home"} | more)


def _relay() -> CollectorRegistry:
    registry = CollectorRegistry()
    RelayMetrics(registry, "1")
    return registry


def _rendered(registry: CollectorRegistry) -> dict[str, Metric]:
    text = render_registry(registry, openmetrics=False).decode()
    found: dict[str, Metric] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            before = found.get(sample.name, Metric(OF_EVERY_TARGET, counter=False))
            counting = family.type in ("counter", "histogram")
            found[sample.name] = Metric(before.labels | set(sample.labels), counter=counting)
    return {name: metric for name, metric in found.items() if not name.endswith("_created")}
