"""Owns what panels ask: PromQL of a Prometheus, Flux of an InfluxDB.

Both datasources are variables of the dashboard, so that one can be exchanged for another.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grafana_foundation_sdk.builders import prometheus as prometheus_builders
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.cog import variants as cogvariants
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import prometheus as prometheus_models

FLUX = Path(__file__).resolve().parent.parent / "flux"
PRELUDE = "prelude.flux"
PROMETHEUS = common.DataSourceRef(type_val="prometheus", uid="${prometheus}")
INFLUXDB = common.DataSourceRef(type_val="influxdb", uid="${influxdb}")

Shape = Literal["series", "table"]


@dataclass(frozen=True, slots=True)
class Prom:
    """A PromQL query. An instant one asks for the end of the range, in one moment."""

    expr: str
    legend: str = ""
    instant: bool = False
    shape: Shape = "series"
    min_step: str = ""  # no finer than this, such as 1m

    def target(self, ref_id: str) -> cogbuilder.Builder[cogvariants.Dataquery]:
        """Return it as Grafana wants it."""
        formats = prometheus_models.PromQueryFormat
        query = (
            prometheus_builders.Dataquery()
            .datasource(PROMETHEUS)
            .ref_id(ref_id)
            .expr(self.expr)
            .format(formats.TABLE if self.shape == "table" else formats.TIME_SERIES)
            .editor_mode(prometheus_models.QueryEditorMode.CODE)
        )
        if self.legend:
            query = query.legend_format(self.legend)
        if self.min_step:
            query = query.interval(self.min_step)
        return query.instant() if self.instant else query.range()


def at_end(expr: str, legend: str = "") -> Prom:
    """Return an instant query for a table: a row a series, its labels as columns."""
    return Prom(expr, legend, instant=True, shape="table")


@dataclass(frozen=True, slots=True)
class Flux:
    """A Flux query: a file of grafana/flux, after the prelude that all of them share."""

    name: str

    @property
    def text(self) -> str:
        """Return the whole query, after the prelude; Grafana's variables are still in it."""
        files = (FLUX / PRELUDE, FLUX / f"{self.name}.flux")
        return "\n".join(file.read_text(encoding="utf-8") for file in files)

    def for_annotation(self) -> dict[str, object]:
        """Return it as an annotation holds it."""
        return {"query": self.text, "refId": "Anno"}

    def target(self, ref_id: str) -> cogbuilder.Builder[cogvariants.Dataquery]:
        """Return it as Grafana wants it."""
        return _FluxTarget(ref_id, self.text)


Query = Prom | Flux


def datasource_of(query: Query) -> common.DataSourceRef:
    """Return where a query goes."""
    return PROMETHEUS if isinstance(query, Prom) else INFLUXDB


class _FluxQuery(cogvariants.Dataquery):
    """What the SDK has no model of: a Flux query of an InfluxDB datasource."""

    def __init__(self, ref_id: str, query: str) -> None:
        self.ref_id = ref_id
        self.query = query

    def to_json(self) -> dict[str, object]:
        return {"datasource": INFLUXDB, "refId": self.ref_id, "query": self.query}


class _FluxTarget(cogbuilder.Builder[cogvariants.Dataquery]):
    def __init__(self, ref_id: str, query: str) -> None:
        self._query = _FluxQuery(ref_id, query)

    def build(self) -> cogvariants.Dataquery:
        return self._query
