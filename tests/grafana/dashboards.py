"""Reads the generated dashboards: their panels, queries, variables, annotations and links.

It reads the JSON that Grafana reads, and knows nothing of what made it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "grafana" / "dashboards"

Json = dict[str, Any]

NO_DATA = ("row", "text")  # kinds of panels that ask for nothing
PROMETHEUS, INFLUXDB = "prometheus", "influxdb"
INSIDE = re.compile(r"^(query_result|label_values)\((?P<inner>.*)\)$", re.DOTALL)
LABEL = re.compile(r"^(?P<inner>.*?)(,\s*\w+)?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Query:
    """One question to a datasource, and where on which dashboard it stands.

    `place` is a panel's title, or what kind of thing else asks; `text` is PromQL or Flux with
    Grafana's variables in it.
    """

    uid: str
    place: str
    ref: str
    kind: str
    text: str
    instant: bool = False
    legend: str = ""
    panel: Json = field(default_factory=dict, hash=False, compare=False)

    def __str__(self) -> str:
        return f"{self.uid}/{self.place}/{self.ref}"


@dataclass(frozen=True)
class Dashboard:
    """One dashboard as its file holds it."""

    document: Json
    name: str = ""

    @property
    def uid(self) -> str:
        """What links call it by."""
        return str(self.document.get("uid", ""))

    @property
    def title(self) -> str:
        """What people call it by."""
        return str(self.document.get("title", ""))

    @cached_property
    def panels(self) -> list[Json]:
        """Every panel and row, those in folded rows too."""
        return list(_flat(self.document.get("panels", [])))

    @property
    def asking(self) -> list[Json]:
        """The panels that show data."""
        return [panel for panel in self.panels if panel["type"] not in NO_DATA]

    @property
    def variables(self) -> dict[str, Json]:
        """Its variables by name."""
        return {one["name"]: one for one in self.document["templating"]["list"]}

    @property
    def annotations(self) -> list[Json]:
        """Its annotations, but for those that Grafana puts into every dashboard."""
        return [one for one in self.document["annotations"]["list"] if not one.get("builtIn")]

    @property
    def since(self) -> str:
        """How far back it looks when it is opened, such as 24h."""
        return str(self.document["time"]["from"]).removeprefix("now-")

    @property
    def queries(self) -> list[Query]:
        """Everything that it asks."""
        asked = [*self._of_panels(), *self._of_variables(), *self._of_annotations()]
        return [query for query in asked if query.text]

    @property
    def promql(self) -> list[Query]:
        """Everything that it asks of a Prometheus."""
        return [query for query in self.queries if query.kind == PROMETHEUS]

    def _of_panels(self) -> Iterator[Query]:
        for panel in self.panels:
            for target in panel.get("targets", []):
                yield Query(
                    self.uid,
                    panel.get("title", ""),
                    target.get("refId", ""),
                    kind_of(target),
                    target.get("expr") or target.get("query") or "",
                    bool(target.get("instant")),
                    target.get("legendFormat", ""),
                    panel,
                )

    def _of_variables(self) -> Iterator[Query]:
        for name, one in self.variables.items():
            if one["type"] == "query":
                asked = one["query"]
                text = asked if isinstance(asked, str) else asked.get("query", "")
                yield Query(
                    self.uid, "variable", name, kind_of(one), asked_by_variable(text), instant=True
                )

    def _of_annotations(self) -> Iterator[Query]:
        for one in self.annotations:
            target = one.get("target") or {}
            text = one.get("expr") or target.get("expr") or target.get("query") or ""
            yield Query(self.uid, "annotation", one["name"], kind_of(one), text)


def _flat(panels: Iterable[Json]) -> Iterator[Json]:
    for panel in panels:
        yield panel
        yield from _flat(panel.get("panels") or [])


def kind_of(asking: Json) -> str:
    """Return what kind of datasource something asks."""
    return str((asking.get("datasource") or {}).get("type", ""))


def asked_by_variable(text: str) -> str:
    """Return the PromQL inside of query_result(…) or label_values(…, label)."""
    match = INSIDE.match(text.strip())
    if match is None:
        return text
    if match[1] == "query_result":
        return match["inner"]
    inner = LABEL.match(match["inner"])
    return inner["inner"] if inner else text


def committed() -> list[Dashboard]:
    """Return every dashboard of grafana/dashboards."""
    return [read(file) for file in sorted(FOLDER.glob("**/*.json"))]


def read(file: Path) -> Dashboard:
    """Return one dashboard."""
    return Dashboard(json.loads(file.read_text(encoding="utf-8")), file.name)


def texts(document: object) -> Iterator[str]:
    """Yield every text in a JSON document."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for value in document.values():
            yield from texts(value)
    elif isinstance(document, list):
        for value in document:
            yield from texts(value)


def named(document: object, *names: str) -> Iterator[Any]:
    """Yield every value that stands under one of these keys, at any depth."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in names:
                yield value
            yield from named(value, *names)
    elif isinstance(document, list):
        for value in document:
            yield from named(value, *names)
