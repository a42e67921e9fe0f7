"""Owns the dashboard Home: all that is known of one home, from its state now to what it uses."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models

from grafana.home_probes import probe_panels
from grafana.home_readings import consumption_panels, reading_panels
from grafana.home_state import UID, outage_panels, state_panels
from grafana.kit.board import Annotation, Board
from grafana.kit.layout import Section
from grafana.kit.looks import OFF
from grafana.kit.promql import HOME
from grafana.kit.queries import INFLUXDB, PROMETHEUS, Flux

# The finest step of annotations from Prometheus; Grafana asks for some 100 steps a range.
ANNOTATION_STEP = "60s"


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=UID,
        title="Power: home",
        description="One home: its state now, its outages, its probes, and what its devices read.",
        sections=[
            Section("", state_panels()),
            Section("Outages", outage_panels()),
            Section("Probes", probe_panels()),
            Section("Readings", reading_panels()),
            Section("Consumption", consumption_panels()),
        ],
        homes="one",
        since="now-24h",
        refresh="10s",
        more_variables=[_timezone()],
        annotations=[_exact_outages(), _coarse_outages()],
    )


def _timezone() -> models.VariableModel:
    """Return the home's own time zone, which Flux queries begin with; never another home's."""
    made = (
        builders.QueryVariable("timezone")
        .label("Time zone")
        .description("The time zone of the home, from its config")
        .datasource(PROMETHEUS)
        .query({"query": f"label_values(power_home_info{{{HOME}}}, timezone)", "refId": "timezone"})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .hide(models.VariableHide.HIDE_VARIABLE)
        .build()
    )
    made.skip_url_sync = True
    return made


def _exact_outages() -> Annotation:
    """Return the outages of InfluxDB: a region each, from its first moment to its last.

    They are on, and those of Prometheus off: with both on, each outage would be marked twice.
    """
    return {
        "datasource": INFLUXDB.to_json(),
        "enable": True,
        "hide": False,
        "iconColor": OFF,
        "name": "Outages",
        "target": Flux("outages-annotation").for_annotation(),
    }


def _coarse_outages() -> Annotation:
    """Return the outages of Prometheus: a mark at the first step of each, for want of InfluxDB.

    Grafana 9 reads the query from `expr` and `step`, later ones from `target`.
    """
    expr = (
        f"1 - max by (home) (min_over_time(power_on{{{HOME}}}[$__interval])) == 1"
        f" unless max by (home) (power_on{{{HOME}}} offset $__interval) == 0"
    )
    return {
        "datasource": PROMETHEUS.to_json(),
        "enable": False,
        "expr": expr,
        "hide": False,
        "iconColor": OFF,
        "name": "Outages, coarse (without InfluxDB)",
        "step": ANNOTATION_STEP,
        "tagKeys": "home",
        "target": {"expr": expr, "interval": ANNOTATION_STEP, "range": True, "refId": "Anno"},
        "textFormat": "An outage begins within the step before this mark",
        "titleFormat": "Power off",
    }
