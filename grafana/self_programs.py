"""Owns what Self-monitoring shows of every program: is it up, which version, what does it need."""

from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.layout import Placed
from grafana.kit.looks import HEALTH, OFF, ON, WARN, thresholds
from grafana.kit.panels import About, state_timeline, table_panel, time_series
from grafana.kit.queries import Prom, at_end
from grafana.kit.tables import Column, with_columns

# The jobs as prometheus.yml names them; others may be scraped by the same Prometheus.
JOBS = 'job=~"power-exporter|power-alerting|prometheus|alertmanager"'
ONE_EACH = "max by (job, instance)"
EACH = "{{job}} {{instance}}"
FILES = thresholds(ON, (0.8, WARN), (0.95, OFF))
RESTARTS = thresholds(ON, (1, WARN), (5, OFF))
VERSIONS = (
    "power_exporter_build_info",
    "power_alerting_build_info",
    "prometheus_build_info",
    "alertmanager_build_info",
)


def programs() -> models.Panel:
    """Return a line a program."""
    about = About(
        title="Programs",
        description=(
            "Every target of the jobs power-exporter, power-alerting, prometheus and alertmanager, "
            "those that are down first. Restarts: in the last 24 hours; one is an update, 5 (red) "
            "are a crash that repeats: read the log. Open files: the part of what the system "
            "allows; from 80 % (orange) on raise the limit. From 95 % (red) on a burst is enough "
            "to make probes and requests fail."
        ),
        unit="none",
        no_value="nothing is scraped",
    )
    versions = " or ".join(f"max by (job, instance, version) ({name})" for name in VERSIONS)
    panel = table_panel(
        about,
        at_end(f"{ONE_EACH} (up{{{JOBS}}})"),
        at_end(versions),
        at_end(f"{ONE_EACH} (process_start_time_seconds{{{JOBS}}}) * 1000"),
        at_end(f"{ONE_EACH} (changes(process_start_time_seconds{{{JOBS}}}[24h]))"),
        at_end(f"{ONE_EACH} (process_resident_memory_bytes{{{JOBS}}})"),
        at_end(f"{ONE_EACH} (rate(process_cpu_seconds_total{{{JOBS}}}[$__rate_interval]))"),
        at_end(f"{ONE_EACH} ({_open_files()})"),
        at_end(f"{ONE_EACH} (scrape_duration_seconds{{{JOBS}}})"),
    )
    return with_columns(panel, _columns(), first=[("State", False), ("Job", False)])


def _columns() -> list[Column]:
    return [
        Column("job", "Job"),
        Column("Value #A", "State", words=HEALTH, width=80),
        Column("instance", "Instance"),
        Column("version", "Version"),
        Column("Value #C", "Started", unit="dateTimeFromNow"),
        Column("Value #D", "Restarts, 24 h", levels=RESTARTS),
        Column("Value #E", "Memory", unit="bytes", decimals=0),
        Column("Value #F", "Processor, cores", decimals=3),
        Column("Value #G", "Open files", unit="percentunit", decimals=1, levels=FILES),
        Column("Value #H", "Scrape took", unit="s"),
    ]


def over_time() -> list[Placed]:
    """Return what the programs needed over time, and when they were up."""
    panels = [_memory(), _processor(), _files()]
    return [Placed(panel, 8, 8) for panel in panels]


def up_over_time() -> models.Panel:
    """Return a band a program."""
    about = About(
        title="Scrapes that succeeded",
        description=(
            "Each target, the worst within each step: DOWN where Prometheus got no answer to a "
            "scrape. The exporter and the relay are alerted on after 2 minutes (PowerExporterDown, "
            "PowerAlertingDown). A gap: Prometheus itself did not run."
        ),
        unit="none",
        no_value="nothing is scraped",
        words=HEALTH,
    )
    expr = f"min by (job, instance) (min_over_time(up{{{JOBS}}}[$__interval]))"
    return state_timeline(about, Prom(expr, legend=EACH))


def scrape_durations() -> models.Panel:
    """Return how long scrapes take."""
    about = About(
        title="How long scrapes take",
        description=(
            "Dashed: 5 s, the timeout in prometheus.yml; a scrape that takes longer has failed. A "
            "rising line is a machine too busy, or too many homes for it (docs/scaling.md)."
        ),
        unit="s",
        levels=thresholds(ON, (5, OFF)),
        no_value="nothing is scraped",
    )
    expr = f"max by (job, instance) (max_over_time(scrape_duration_seconds{{{JOBS}}}[$__interval]))"
    return time_series(about, Prom(expr, legend=EACH))


def _memory() -> models.Panel:
    about = About(
        title="Memory",
        description=(
            "Resident memory of each program. A line that rises for days and never falls is a "
            "leak: report it with the version, and restart the program meanwhile."
        ),
        unit="bytes",
    )
    expr = f"max by (job, instance) (process_resident_memory_bytes{{{JOBS}}})"
    return time_series(about, Prom(expr, legend=EACH))


def _processor() -> models.Panel:
    about = About(
        title="Processor",
        description=(
            "Cores that each program keeps busy; 1 is one whole core. An exporter or a relay that "
            "stays near 1 cannot keep up: watch the schedule lag and what waits."
        ),
        unit="none",
        decimals=3,
    )
    expr = f"max by (job, instance) (rate(process_cpu_seconds_total{{{JOBS}}}[$__rate_interval]))"
    return time_series(about, Prom(expr, legend=EACH))


def _files() -> models.Panel:
    about = About(
        title="Open files of those allowed",
        description=(
            "Open file descriptors, sockets included, as a part of the system's limit for the "
            "process. Dashed: 80 %, time to raise the limit, and 95 %. At 100 % probes become "
            "unknown, and requests fail."
        ),
        unit="percentunit",
        decimals=1,
        levels=FILES,
    )
    return time_series(about, Prom(f"max by (job, instance) ({_open_files()})", legend=EACH))


def _open_files() -> str:
    return f"process_open_fds{{{JOBS}}} / process_max_fds{{{JOBS}}}"
