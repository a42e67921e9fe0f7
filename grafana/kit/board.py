"""Owns a dashboard as a whole: its variables, its links to the others, and its JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.layout import Section, arranged
from grafana.kit.queries import PROMETHEUS

TAG = "power"
ALL = "$__all"
# A home is chosen by its title, and goes into queries by its name.
TITLES = r'/home="(?<value>[^"]+)".*title="(?<text>(?:[^"\\]|\\.)+)"/'
# Data sources stay the same from one dashboard to the next, and so does the time.
THE_TIME = "${__url_time_range}"
THE_SOURCES = "${prometheus:queryparam}&${influxdb:queryparam}"

Annotation = dict[str, object]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. `homes`: whether it has the variable `$home`, and for one or for several."""

    uid: str
    title: str
    description: str
    sections: Sequence[Section]
    homes: Literal["one", "several", "none"] = "several"
    since: str = "now-7d"
    refresh: str = "30s"
    more_variables: Sequence[models.VariableModel] = ()
    annotations: Sequence[Annotation] = field(default_factory=tuple)

    def json(self) -> str:
        """Return the dashboard as Grafana provisions it."""
        built = (
            builders.Dashboard(self.title)
            .uid(self.uid)
            .description(self.description)
            .tags([TAG])
            .timezone("browser")
            .time(self.since, "now")
            .refresh(self.refresh)
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .readonly()
            .build()
        )
        built.panels = arranged(self.sections)
        built.templating = models.DashboardDashboardTemplating(list_val=self._variables())
        built.links = [_to_the_others()]
        document = json.loads(json.dumps(built, cls=JSONEncoder))
        document["annotations"] = {"list": [_alerts_of_grafana(), *self.annotations]}
        return json.dumps(_cleaned(document), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def _variables(self) -> list[models.VariableModel]:
        found = [_datasource("prometheus", "Prometheus"), _datasource("influxdb", "InfluxDB")]
        if self.homes != "none":
            found.append(_home(several=self.homes == "several"))
        return [*found, *self.more_variables]


def link(title: str, uid: str, home: str = "", *more: str) -> models.DashboardLink:
    """Return a link of a value to another dashboard; `home`: what Grafana puts in for the home."""
    return link_at(title, uid, home, *more, THE_TIME)


def link_at(title: str, uid: str, home: str, *more: str) -> models.DashboardLink:
    """Return such a link to a time of its own, which `more` holds."""
    parts = [f"var-home={home}"] if home else []
    url = f"/d/{uid}?" + "&".join([*parts, *more, THE_SOURCES])
    made = models.DashboardLink(title=title, url=url)
    made.target_blank = False
    return made


# To the home of a table's row, whose column `home` tells it, and to that of a series.
TO_HOME_OF_ROW = link("Open this home", "power-home", "${__data.fields.home}")
TO_HOME_OF_SERIES = link("Open this home", "power-home", "${__field.labels.home}")


def _to_the_others() -> models.DashboardLink:
    return models.DashboardLink(
        title="Power",
        type_val=models.DashboardLinkType.DASHBOARDS,
        icon="dashboard",
        tags=[TAG],
        as_dropdown=False,
        include_vars=True,
        keep_time=True,
    )


def _datasource(kind: str, label: str) -> models.VariableModel:
    made = builders.DatasourceVariable(kind).label(label).type(kind).build()
    made.hide = models.VariableHide.DONT_HIDE
    return made


def _home(*, several: bool) -> models.VariableModel:
    made = (
        builders.QueryVariable("home")
        .label("Home")
        .description("The homes that are shown, by their titles")
        .datasource(PROMETHEUS)
        .query({"query": "query_result(max by (home, title) (power_home_info))", "refId": "home"})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .regex(TITLES)
        .sort(models.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
        .multi(several)
        .include_all(several)
        .build()
    )
    if several:
        made.all_value = ".*"
        made.current = models.VariableOption(selected=True, text="All", value=ALL)
    return made


def _alerts_of_grafana() -> Annotation:
    """Return the annotations that every dashboard of Grafana begins with."""
    return {
        "builtIn": 1,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    }


def _cleaned(document: Any) -> Any:  # noqa: ANN401  a JSON document
    """Return it without what older Grafanas do not know: where links stand."""
    if isinstance(document, dict):
        kept = {key: value for key, value in document.items() if value != "inControlsMenu"}
        return {key: _cleaned(value) for key, value in kept.items()}
    if isinstance(document, list):
        return [_cleaned(value) for value in document]
    return document
