"""Owns the list of ways to break the alerts, each of which a promtool case must notice."""

from typing import NamedTuple

HELD = "home:power_outage_start:held"
START = "power_outage_start_timestamp_seconds"
RESTORED_BY_INSTANCE = (
    "(power_last_outage_end_timestamp_seconds > time() - 1800)"
    " * on (home, job, instance) group_left (since) count_values by (home, job, instance)"
    ' ("since", power_last_outage_start_timestamp_seconds)'
)


class Mutant(NamedTuple):
    """One change to the rule of that name: in a field, `old` becomes `new`.

    An empty `old` sets the whole field; one that becomes empty is left out.
    """

    rule: str
    field: str
    old: str
    new: str


MUTANTS = (
    # the outage that is held
    Mutant(HELD, "expr", "[6h]", "[5h]"),
    Mutant(HELD, "expr", "[6h]", "[7h]"),
    Mutant(HELD, "expr", "unless on (job, instance) up == 1", ""),
    Mutant(HELD, "expr", "up == 1", "up"),
    Mutant(HELD, "expr", "on (job, instance)", "on (job)"),
    Mutant(HELD, "expr", f"unless on (home) {START}", ""),
    Mutant(HELD, "expr", f"unless on (home) {START}", f"unless {START}"),
    Mutant(HELD, "expr", "", START),
    Mutant(HELD, "expr", "", f"{START} or last_over_time({HELD}[6h])"),
    Mutant(HELD, "expr", "", f"max by (home) (last_over_time({START}[6h]))"),
    Mutant("PowerOutage", "expr", "> 0", ">= 0"),
    Mutant("PowerOutage", "expr", "", "power_on == 0"),
    Mutant("PowerOutage", "expr", "> 0", "> 0 unless on (home) power_state == 1"),
    Mutant("PowerOutage", "for", "", "30s"),
    Mutant("PowerOutage", "keep_firing_for", "", "1m"),
    # its end
    Mutant("PowerRestored", "expr", "1800", "1700"),
    Mutant("PowerRestored", "expr", "1800", "1900"),
    Mutant("PowerRestored", "expr", "> time() - 1800", ""),
    Mutant("PowerRestored", "expr", "without ()", "by (home, job, instance)"),
    Mutant("PowerRestored", "expr", "", RESTORED_BY_INSTANCE),
    Mutant(
        "PowerRestored", "expr", "", RESTORED_BY_INSTANCE.replace("home, job, instance", "home")
    ),
    Mutant("PowerRestored", "expr", "", "changes(power_last_outage_end_timestamp_seconds[5m]) > 0"),
    Mutant("PowerRestored", "for", "", "1m"),
    # the battery
    Mutant("UpsBatteryLow", "expr", "0.2", "0.18"),
    Mutant("UpsBatteryLow", "expr", "< 0.2", "<= 0.2"),
    Mutant("UpsBatteryLow", "expr", "< 300", "< 290"),
    Mutant("UpsBatteryLow", "expr", "< 300", "<= 300"),
    Mutant("UpsBatteryLow", "expr", "and on (home, probe) power_probe_vote == 0", ""),
    Mutant("UpsBatteryLow", "expr", "and on (home, probe)", "and on (home)"),
    Mutant("UpsBatteryLow", "expr", "vote == 0", "vote < 1"),
    Mutant(
        "UpsBatteryLow", "expr", "min by (home, probe) (power_battery_charge_ratio) < 0.2 or", ""
    ),
    Mutant("UpsBatteryLow", "for", "30s", ""),
    Mutant("UpsBatteryLow", "for", "30s", "1m"),
    Mutant("UpsBatteryLow", "keep_firing_for", "10m", ""),
    Mutant("UpsBatteryLow", "keep_firing_for", "10m", "8m"),
    Mutant("UpsBatteryLow", "keep_firing_for", "10m", "15m"),
    # homes
    Mutant("PowerStateUnknown", "expr", "min by", "max by"),
    Mutant("PowerStateUnknown", "expr", "[3m]", "[1m]"),
    Mutant("PowerStateUnknown", "expr", "[3m]", "[10m]"),
    Mutant("PowerStateUnknown", "expr", 'power_state="unknown"', 'power_state="off"'),
    Mutant("PowerStateUnknown", "for", "5m", "4m"),
    Mutant("PowerStateUnknown", "for", "5m", "6m"),
    Mutant("PowerProbeFailing", "expr", "and on (home)", "or on (home)"),
    Mutant("PowerProbeFailing", "expr", "} == 1", "} <= 1"),
    Mutant("PowerProbeFailing", "for", "1h", "50m"),
    Mutant("PowerProbeFailing", "for", "1h", "70m"),
    Mutant("PowerHomeWatchedTwice", "expr", "> 1", ">= 1"),
    Mutant("PowerHomeWatchedTwice", "expr", "> 1", "> 2"),
    Mutant("PowerHomeWatchedTwice", "for", "10m", "9m"),
    Mutant("PowerHomeWatchedTwice", "for", "10m", "11m"),
    # the exporter
    Mutant("PowerExporterDown", "expr", 'or absent(up{job="power-exporter"})', ""),
    Mutant("PowerExporterDown", "expr", "", 'absent(up{job="power-exporter"})'),
    Mutant("PowerExporterDown", "expr", 'up{job="power-exporter"} == 0', "up == 0"),
    Mutant("PowerExporterDown", "for", "2m", "1m"),
    Mutant("PowerExporterDown", "for", "2m", "3m"),
    Mutant("PowerJournalDown", "expr", "== 0", "<= 1"),
    Mutant("PowerJournalDown", "for", "1m", ""),
    Mutant("PowerJournalDown", "for", "1m", "2m"),
    Mutant("PowerJournalDown", "keep_firing_for", "1m", "5m"),
    Mutant("PowerConfigReloadFailed", "expr", "== 0", "<= 1"),
    Mutant("PowerConfigReloadFailed", "for", "5m", "4m"),
    Mutant("PowerConfigReloadFailed", "for", "5m", "6m"),
    Mutant("PowerHistoryNotWritten", "expr", "> 0)", ">= 0)"),
    Mutant("PowerHistoryNotWritten", "expr", "600", "500"),
    Mutant("PowerHistoryNotWritten", "expr", "600", "700"),
    Mutant("PowerHistoryNotWritten", "expr", "influxdb", "notify"),
    Mutant("PowerHistoryNotWritten", "for", "1m", ""),
    Mutant("PowerHistoryNotWritten", "keep_firing_for", "2m", ""),
    Mutant("PowerHistoryNotWritten", "keep_firing_for", "2m", "5m"),
    Mutant("PowerFastPathStalled", "expr", "> 0)", ">= 0)"),
    Mutant("PowerFastPathStalled", "expr", "300", "200"),
    Mutant("PowerFastPathStalled", "expr", "300", "400"),
    Mutant("PowerFastPathStalled", "expr", "notify", "influxdb"),
    Mutant("PowerRecordsRejected", "expr", "increase", "resets"),
    Mutant("PowerRecordsRejected", "expr", "", "power_exporter_rejected_total > 0"),
    Mutant("PowerRecordsRejected", "expr", "[1h]", "[30m]"),
    Mutant("PowerRecordsRejected", "expr", "[1h]", "[2h]"),
    # the relay, Telegram and Prometheus
    Mutant("PowerAlertingDown", "expr", 'or absent(up{job="power-alerting"})', ""),
    Mutant("PowerAlertingDown", "expr", "", 'absent(up{job="power-alerting"})'),
    Mutant("PowerAlertingDown", "for", "2m", "1m"),
    Mutant("PowerAlertingDown", "for", "2m", "3m"),
    Mutant("TelegramDeliveryStalled", "expr", "max by (job) ", ""),
    Mutant("TelegramDeliveryStalled", "expr", "> 0)", ">= 0)"),
    Mutant("TelegramDeliveryStalled", "expr", "300", "200"),
    Mutant("TelegramDeliveryStalled", "expr", "300", "400"),
    Mutant("TelegramDeliveryStalled", "for", "1m", ""),
    Mutant("TelegramUnreachable", "expr", "max by (job) ", ""),
    Mutant("TelegramUnreachable", "expr", "max by", "min by"),
    Mutant("TelegramUnreachable", "expr", "> 0", ">= 0"),
    Mutant("TelegramUnreachable", "expr", '{state="active"}', ""),
    Mutant("TelegramUnreachable", "for", "10m", "9m"),
    Mutant("TelegramUnreachable", "for", "10m", "11m"),
    Mutant("TelegramMessageRefused", "expr", "failed", "delivered"),
    Mutant("TelegramMessageRefused", "expr", "failed", "dropped"),
    Mutant("TelegramMessageRefused", "expr", "[1h]", "[2h]"),
    Mutant("PowerWebhookRefused", "expr", '{code!="200"}', ""),
    Mutant("PowerWebhookRefused", "expr", '!="200"', '="503"'),
    Mutant("PowerWebhookRefused", "for", "5m", ""),
    Mutant("PowerWebhookRefused", "for", "5m", "6m"),
    Mutant("PowerWebhookRefused", "expr", "[2m]", "[10m]"),
    Mutant("PowerAlertsRejected", "expr", "|truncated", ""),
    Mutant("PowerAlertsRejected", "expr", "rejected|", ""),
    Mutant("PowerAlertsRejected", "expr", '=~"rejected|truncated"', '!="accepted"'),
    Mutant("PowerAlertsRejected", "expr", "[1h]", "[2h]"),
    Mutant("PowerRulesFailing", "expr", '{rule_group=~".*;power-.*"}', ""),
    Mutant("PowerRulesFailing", "expr", "[2m]", "[10m]"),
    Mutant("PowerRulesFailing", "for", "5m", ""),
    Mutant("PowerRulesFailing", "for", "5m", "6m"),
    Mutant("Watchdog", "expr", "vector(1)", "vector(1) > 1"),
)
