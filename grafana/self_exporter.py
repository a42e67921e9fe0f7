"""Owns what Self-monitoring shows of the exporter: its probes, its rounds, its outboxes."""

from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.board import TO_HOME_OF_SERIES
from grafana.kit.layout import Placed
from grafana.kit.looks import OFF, ON, WARN, Word, Words, thresholds
from grafana.kit.panels import About, bar_gauge, stat_panel, time_series
from grafana.kit.queries import Prom

WORST = 10
PROBE = "by (home, probe, kind)"
OF_PROBE = "{{home}} {{probe}} ({{kind}})"
RELOAD: Words = {"1": Word("taken", ON), "0": Word("REFUSED", WARN)}


def probes() -> list[Placed]:
    """Return how the probes do."""
    return [
        Placed(_failing(), 8, 4),
        Placed(_answering(), 8, 4),
        Placed(_attempts_now(), 8, 4),
        Placed(_worst_success(), 12, 10),
        Placed(_slowest(), 12, 10),
        Placed(_success(), 8, 8),
        Placed(_durations(), 8, 8),
        Placed(_attempts(), 8, 8),
    ]


def exporter() -> list[Placed]:
    """Return how the exporter itself does."""
    return [
        Placed(_reload(), 6, 4),
        Placed(_clock_steps(), 6, 4),
        Placed(_rejected(), 6, 4),
        Placed(_waiting_now(), 6, 4),
        Placed(_lag(), 8, 8),
        Placed(_pending(), 8, 8),
        Placed(_oldest(), 8, 8),
    ]


def _failing() -> models.Panel:
    about = About(
        title="Probes that find nothing, though there is power",
        description=(
            "Orange from 1 on: such a probe cannot vouch for the next outage. After an hour the "
            "alert PowerProbeFailing tells which. Below are those with the worst success."
        ),
        unit="none",
        no_value="no probe",
        levels=thresholds(ON, (1, WARN)),
    )
    on = 'power_state{power_state="on"} == 1'
    failing = f"max {PROBE} (power_probe_success) == 0 and on (home) {on}"
    none = "0 * count(power_probe_success)"
    return stat_panel(about, Prom(f"count({failing}) or {none}", legend="failing", instant=True))


def _answering() -> models.Panel:
    about = About(
        title="Probes that succeed now",
        description="Of all probes, how many found power on, or their device alive, at last.",
        unit="none",
        no_value="no probe",
    )
    each = f"max {PROBE} (power_probe_success)"
    return stat_panel(
        about,
        Prom(f"sum({each})", legend="succeed", instant=True),
        Prom(f"count({each})", legend="of", instant=True),
    )


def _attempts_now() -> models.Panel:
    about = About(
        title="Attempts per second",
        description=(
            "All probes of all exporters. It follows from the config: the number of probes divided "
            "by their intervals. Much less: rounds are late, see the schedule lag."
        ),
        unit="cps",
        decimals=1,
        no_value="no probe",
    )
    expr = "sum(rate(power_probe_attempts_total[$__rate_interval]))"
    return stat_panel(about, Prom(expr, legend="attempts"), sparkline=True)


def _worst_success() -> models.Panel:
    about = About(
        title=f"Success in the last hour, the {WORST} worst probes",
        description=(
            "The part of attempts that found power on or the device alive. During an outage 0 is "
            "right. With power on: below 99 % (orange) the way to the device loses something, "
            "below 50 % (red) the probe is no witness; the alert PowerProbeFailing waits for a "
            "whole hour without success. A bar leads to the home."
        ),
        unit="percentunit",
        decimals=1,
        no_value="no attempt in the last hour",
        levels=thresholds(OFF, (0.5, WARN), (0.99, ON)),
        links=[TO_HOME_OF_SERIES],
    )
    failed = f"max {PROBE} (increase(power_probe_failures_total[1h]))"
    tried = f"(max {PROBE} (increase(power_probe_attempts_total[1h])) > 0)"
    expr = f"bottomk({WORST}, 1 - {failed} / {tried})"
    return bar_gauge(about, Prom(expr, legend=OF_PROBE, instant=True))


def _slowest() -> models.Panel:
    about = About(
        title=f"How long the last attempt took, the {WORST} slowest probes",
        description=(
            "From 2 s (orange), the default timeout, on it is most often an attempt that had no "
            "answer. A probe that has power and is slow will sooner or later be taken for dead: "
            "raise its home's timeout, or find what is slow. A bar leads to the home."
        ),
        unit="s",
        no_value="no probe",
        levels=thresholds(ON, (2, WARN)),
        links=[TO_HOME_OF_SERIES],
    )
    expr = f"topk({WORST}, max {PROBE} (power_probe_duration_seconds))"
    return bar_gauge(about, Prom(expr, legend=OF_PROBE, instant=True))


def _success() -> models.Panel:
    about = About(
        title="Success by kind of probe",
        description=(
            "The part of attempts that found power on or the device alive. All kinds that fall "
            "together are a fault of the network here, or a large outage; one kind alone is a "
            "fault of its own, such as a missing permission."
        ),
        unit="percentunit",
        decimals=1,
        no_value="no probe",
    )
    failed = "sum by (kind) (rate(power_probe_failures_total[$__rate_interval]))"
    tried = "sum by (kind) (rate(power_probe_attempts_total[$__rate_interval]))"
    return time_series(about, Prom(f"1 - {failed} / ({tried} > 0)", legend="{{kind}}"))


def _durations() -> models.Panel:
    about = About(
        title="Longest attempt by kind of probe",
        description=(
            "Of all probes of a kind, the slowest within each step. What has no answer takes as "
            "long as the home's timeout."
        ),
        unit="s",
        no_value="no probe",
    )
    expr = "max by (kind) (max_over_time(power_probe_duration_seconds[$__interval]))"
    return time_series(about, Prom(expr, legend="{{kind}}"))


def _attempts() -> models.Panel:
    about = About(
        title="Attempts per second by kind of probe",
        description=(
            "A flat line, as long as the config stays. A dip: rounds were late or the exporter did "
            "not run."
        ),
        unit="cps",
        no_value="no probe",
    )
    expr = "sum by (kind) (rate(power_probe_attempts_total[$__rate_interval]))"
    return time_series(about, Prom(expr, legend="{{kind}}"))


def _reload() -> models.Panel:
    about = About(
        title="Last config reload",
        description=(
            "REFUSED: an exporter goes on with its old config, and would not start with the new "
            "one; its log names the line. After 5 minutes the alert PowerConfigReloadFailed: a "
            "warning, and so orange here."
        ),
        unit="none",
        no_value="no exporter",
        words=RELOAD,
    )
    expr = "min(power_exporter_config_last_reload_successful)"
    return stat_panel(about, Prom(expr, legend="reload", instant=True))


def _clock_steps() -> models.Panel:
    about = About(
        title="Clock steps, 24 h",
        description=(
            "How often the wall clock of an exporter's machine jumped by more than a second. From "
            "1 (orange) on: look at its time synchronisation; outages are dated by that clock."
        ),
        unit="none",
        decimals=0,
        no_value="no exporter",
        levels=thresholds(ON, (1, WARN)),
    )
    expr = "sum(increase(power_exporter_clock_steps_total[24h]))"
    return stat_panel(about, Prom(expr, legend="steps", instant=True))


def _rejected() -> models.Panel:
    about = About(
        title="Rows refused for good, 1 h",
        description=(
            "Rows that InfluxDB or the relay refused and that were parked; they are still in the "
            "journal. Any at all (orange, from 0.001 on) raise the alert PowerRecordsRejected, "
            "which looks at the same hour. The exporter's log says why."
        ),
        unit="none",
        decimals=0,
        no_value="no sink",
        levels=thresholds(ON, (0.001, WARN)),
    )
    expr = "sum by (sink) (increase(power_exporter_rejected_total[1h]))"
    return stat_panel(about, Prom(expr, legend="{{sink}}", instant=True))


def _waiting_now() -> models.Panel:
    about = About(
        title="Rows that wait now",
        description=(
            "Rows of the journal that InfluxDB (influxdb) or the relay (notify) does not have yet. "
            "Usually 0. A number that stays: the sink does not answer; how long is what counts, "
            "see the age of the oldest."
        ),
        unit="none",
        no_value="no sink",
    )
    expr = "sum by (sink) (power_exporter_outbox_pending)"
    return stat_panel(about, Prom(expr, legend="{{sink}}", instant=True))


def _lag() -> models.Panel:
    about = About(
        title="Schedule lag",
        description=(
            "How late rounds of probes begin; milliseconds are usual. Dashed: 1 s, from where on "
            "outages are noticed late: the machine is too busy, or the exporter has too many homes "
            "(docs/scaling.md). No alert looks at it."
        ),
        unit="s",
        no_value="no exporter",
        levels=thresholds(ON, (1, WARN)),
    )
    expr = "max by (instance) (max_over_time(power_exporter_schedule_lag_seconds[$__interval]))"
    return time_series(about, Prom(expr, legend="{{instance}}"))


def _pending() -> models.Panel:
    about = About(
        title="Rows that wait, by sink",
        description=(
            "The most within each step. A peak that goes is an outage of the sink that is over; a "
            "line that rises is one that lasts."
        ),
        unit="none",
        no_value="no sink",
    )
    expr = "sum by (sink) (max_over_time(power_exporter_outbox_pending[$__interval]))"
    return time_series(about, Prom(expr, legend="{{sink}}"))


def _oldest() -> models.Panel:
    about = About(
        title="Age of the oldest row that waits",
        description=(
            "0 when nothing waits. Dashed: 5 minutes, from where on the alert PowerFastPathStalled "
            "tells of notify, and 10 minutes, from where on PowerHistoryNotWritten tells of "
            "influxdb. Nothing is lost: see whether the sink runs, and what the exporter's log "
            "says of its answer."
        ),
        unit="s",
        no_value="no sink",
        levels=thresholds(ON, (300, WARN), (600, OFF)),
    )
    oldest = "power_exporter_outbox_oldest_timestamp_seconds"
    expr = f"max by (sink) (time() - ({oldest} > 0) or 0 * {oldest})"
    return time_series(about, Prom(expr, legend="{{sink}}"))
