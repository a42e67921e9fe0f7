"""Gaps of a real exporter: killed, restarted, stopped for a while, its disk full."""

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
import requests

from tests.e2e.exporters import Exporter, file_home, wait_for
from tests.e2e.real_programs import StartError

LIFE = "  heartbeat_interval: 200ms"


@pytest.fixture
def meter(tmp_path: Path) -> Path:
    """The file that says whether power is on."""
    meter = tmp_path / "meter"
    meter.write_text("on", encoding="ascii")
    return meter


@pytest.fixture
def exporter(tmp_path: Path, meter: Path) -> Iterator[Exporter]:
    """A running exporter with one home that is on."""
    with Exporter(tmp_path, file_home(meter, unknown_after="4s"), LIFE) as exporter:
        exporter.wait_for_state("on")
        yield exporter


def test_a_quick_restart_after_a_kill_writes_nothing(exporter: Exporter) -> None:
    """The state goes on; no row, no unknown spell."""
    exporter.kill()
    exporter.start()
    exporter.wait_for_state("on")
    assert [row["state"] for row in exporter.rows()] == ["on"]


def test_a_long_gap_is_unknown_and_not_observed(exporter: Exporter) -> None:
    """More than unknown_after without the exporter: unknown from the last evidence, then on."""
    seen = exporter.home()["last_evidence_at"]
    exporter.kill()
    wait_for(Elapsed(4.5))
    exporter.start()
    exporter.wait_for_state("on")
    first, unknown, on = exporter.rows()
    assert (first["state"], unknown["state"], on["state"]) == ("on", "unknown", "on")
    assert unknown["cause"] == "not_observed"
    assert unknown["votes"] == []
    assert unknown["at"] > seen
    assert on["cause"] == "measured"
    assert on["not_before"] == unknown["at"]


def test_a_stopped_process_does_not_call_it_off(exporter: Exporter, meter: Path) -> None:
    """SIGSTOP for longer than unknown_after: the state becomes unknown, then what is measured."""
    os.kill(exporter.pid, signal.SIGSTOP)
    wait_for(Elapsed(4.5))
    os.kill(exporter.pid, signal.SIGCONT)
    wait_for(lambda: len(exporter.rows()) >= 3)
    assert [row["state"] for row in exporter.rows()] == ["on", "unknown", "on"]
    assert exporter.get("/api/v1/homes/flat/outages")["outages"] == []
    assert meter.read_text(encoding="ascii") == "on"


def test_counters_do_not_go_back_over_a_kill(exporter: Exporter) -> None:
    """What /metrics has shown once is in the journal."""
    observed = 'power_observed_seconds_total{home="flat"}'
    wait_for(lambda: (exporter.metric(observed) or 0) > 0.5)
    shown = exporter.metric(observed) or 0
    exporter.kill()
    exporter.start()
    assert (exporter.metric(observed) or 0) >= shown


def test_a_clean_stop_is_quick(exporter: Exporter) -> None:
    """SIGTERM ends it with code 0, and the next start continues."""
    assert exporter.stop() == 0
    exporter.start()
    exporter.wait_for_state("on")
    assert len(exporter.rows()) == 1


def test_a_full_disk_goes_on_deciding_and_catches_up(exporter: Exporter, meter: Path) -> None:
    """Changes are shown as not durable, and written unchanged when there is room again."""
    resource.prlimit(exporter.pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
    wait_for(lambda: exporter.metric("power_exporter_journal_up") == 0)
    meter.write_text("off", encoding="ascii")
    exporter.wait_for_state("off")
    assert exporter.metric('power_on{home="flat"}') == 0
    shown = exporter.get("/api/v1/homes/flat/transitions")["transitions"][-1]
    assert (shown["id"], shown["durable"], shown["state"]) == (None, False, "off")
    assert [row["state"] for row in exporter.rows()] == ["on"]
    resource.prlimit(
        exporter.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    )
    wait_for(lambda: exporter.metric("power_exporter_journal_up") == 1)
    written = exporter.rows()[-1]
    assert written["id"] == 2
    assert "durable" not in written
    same = ("state", "previous", "at", "not_before", "confirmed_at", "cause", "votes")
    assert {key: written[key] for key in same} == {key: shown[key] for key in same}


def test_a_second_exporter_on_the_same_folder_is_refused(exporter: Exporter) -> None:
    """Two writers would break the ids: the second ends with code 1 and says why."""
    second = Exporter(exporter.folder, exporter.homes, exporter.settings)
    with pytest.raises(StartError, match="another exporter uses this folder"), second:
        raise AssertionError("it started")
    assert requests.get(exporter.url + "/-/healthy", timeout=10).ok


class Elapsed:
    """True once so many seconds have passed: a gap is made of time, so this one is waited out."""

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds

    def __call__(self) -> bool:
        """Tell whether it is over."""
        return monotonic() >= self._until
