"""Silence while the network itself is silent says nothing about power."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.exporters import Exporter, wait_for
from tests.e2e.plug import Plug, plug_home, tcp_probe


@pytest.fixture
def fridge() -> Iterator[Plug]:
    """The plug that has no battery."""
    with Plug() as plug:
        yield plug


@pytest.fixture
def router() -> Iterator[Plug]:
    """The router, which has one."""
    with Plug() as plug:
        yield plug


def watched(folder: Path, fridge: Plug, router: Plug, where: str) -> Exporter:
    """Return an exporter whose reference is the home's own or everybody's."""
    mains = tcp_probe(fridge, name="fridge")
    if where == "home":
        own = tcp_probe(router, name="router", role="reference")
        return Exporter(folder, plug_home("flat", mains, own))
    return Exporter(folder, plug_home("flat", mains), f"  references: [{tcp_probe(router)}]")


@pytest.mark.parametrize("where", ["home", "exporter"])
def test_a_living_reference_makes_silence_an_outage(
    tmp_path: Path, fridge: Plug, router: Plug, where: str
) -> None:
    """The network is fine, the plug is silent: off."""
    with watched(tmp_path, fridge, router, where) as exporter:
        exporter.wait_for_state("on")
        fridge.power_off()
        exporter.wait_for_state("off")
        assert [row["state"] for row in exporter.rows()] == ["on", "off"]


@pytest.mark.parametrize("where", ["home", "exporter"])
def test_a_silent_reference_makes_it_unknown_never_off(
    tmp_path: Path, fridge: Plug, router: Plug, where: str
) -> None:
    """The network is gone: unknown, and no outage; when it is back, on."""
    with watched(tmp_path, fridge, router, where) as exporter:
        exporter.wait_for_state("on")
        router.power_off()
        fridge.power_off()
        exporter.wait_for_state("unknown")
        assert exporter.metric('power_on{home="flat"}') == 1
        router.power_on()
        fridge.power_on()
        exporter.wait_for_state("on")
        assert [row["state"] for row in exporter.rows()] == ["on", "unknown", "on"]
        assert exporter.get("/api/v1/homes/flat/outages")["outages"] == []
        assert exporter.metric('power_outage_seconds_total{home="flat"}') == 0


def test_an_outage_behind_a_silent_network_is_seen_when_it_is_back(
    tmp_path: Path, fridge: Plug, router: Plug
) -> None:
    """Unknown while nobody can say; off as soon as the reference vouches for the path."""
    with watched(tmp_path, fridge, router, "home") as exporter:
        exporter.wait_for_state("on")
        router.power_off()
        fridge.power_off()
        exporter.wait_for_state("unknown")
        router.power_on()
        exporter.wait_for_state("off")
        assert [row["state"] for row in exporter.rows()] == ["on", "unknown", "off"]
        (outage,) = exporter.get("/api/v1/homes/flat/outages")["outages"]
        first = exporter.rows()[0]
        assert outage["start_earliest"] >= first["at"]
        assert outage["start"] == exporter.rows()[2]["at"]


def test_a_reference_alone_never_votes(tmp_path: Path, fridge: Plug, router: Plug) -> None:
    """A silent router beside a plug that answers changes nothing."""
    with watched(tmp_path, fridge, router, "home") as exporter:
        exporter.wait_for_state("on")
        router.power_off()
        failures = 'power_probe_failures_total{home="flat",probe="router",kind="tcp"}'
        wait_for(lambda: (exporter.metric(failures) or 0) >= 5)
        assert [row["state"] for row in exporter.rows()] == ["on"]
