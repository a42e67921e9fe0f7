"""docs/metrics.md and the code name the same metrics, with the same types, labels and units."""

import re
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from alerting.metrics import RelayMetrics
from chassis.own_metrics import own_registry, render_registry
from exporter.metrics import FAMILIES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
ROW = re.compile(
    r"^\| `(?P<name>\w+)` \| (?P<kind>\w+) \|(?P<labels>[^|]*)\|(?P<unit>[^|]*)\|(.+)\|$"
)


class Described(NamedTuple):
    """A metric as a row of the page describes it."""

    kind: str
    labels: tuple[str, ...]
    unit: str


def described() -> dict[str, Described]:
    """Return every row of the page's tables, by the metric's name."""
    rows = [match for line in PAGE.read_text("utf-8").splitlines() if (match := ROW.match(line))]
    names = [row["name"] for row in rows]
    assert len(names) == len(set(names))
    return {
        row["name"]: Described(
            row["kind"],
            tuple(filter(None, row["labels"].strip().split(", "))),
            row["unit"].strip(),
        )
        for row in rows
    }


def test_every_metric_of_ours_is_described_as_it_is() -> None:
    """Names, types, labels in their order and units are those of the table in the code."""
    ours = {
        family.name: Described(family.kind.value, family.label_names, family.unit or "")
        for family in FAMILIES
    }
    page = {name: row for name, row in described().items() if is_the_exporters(name)}
    assert page == ours


def is_the_exporters(name: str) -> bool:
    """Tell whether a metric is neither the relay's nor the process's."""
    return name.startswith("power_") and not name.startswith("power_alerting_")


def relays() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the relay's own metrics, by the names that are asked for, with types and labels."""
    registry = CollectorRegistry()
    RelayMetrics(registry, "1")
    text = render_registry(registry, openmetrics=False).decode()
    return {
        family.name + ("_total" if family.type == "counter" else ""): (
            family.type,
            tuple(sorted({label for sample in family.samples for label in sample.labels} - {"le"})),
        )
        for family in text_string_to_metric_families(text)
        if not family.name.endswith("_created")
    }


def test_every_metric_of_the_relay_is_described_as_it_is() -> None:
    """With its type and labels."""
    page = {
        name: (row.kind, row.labels)
        for name, row in described().items()
        if name.startswith("power_alerting_")
    }
    assert page == relays()


def test_every_metric_of_the_process_is_described() -> None:
    """Those that prometheus_client brings are on the page too, with their types and labels."""
    text = render_registry(own_registry(), openmetrics=False).decode()
    process = {
        sample.name: (family.type, tuple(sorted(sample.labels)))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    page = {name: row for name, row in described().items() if not name.startswith("power_")}
    assert {name: (row.kind, row.labels) for name, row in page.items()} == process


def test_every_metric_named_in_the_text_exists() -> None:
    """Prose between the tables names no metric that there is not."""
    named = set(re.findall(r"`(power_\w+)`", PAGE.read_text("utf-8")))
    assert named == {family.name for family in FAMILIES} | relays().keys()
