"""Clocks that jump, boots of the machine, and a clock that is wrong after a boot.

The clocks are those of tests/e2e/other_machine.py, which answers for the kernel. Only the last
test has the kernel's own answers: a time namespace, in which the machine has just booted.
"""

import ctypes
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from chassis.instants import from_rfc3339
from tests.e2e.exporters import Exporter, file_home, wait_for
from tests.e2e.other_machine import Clocks

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
ROUNDING = 10  # ms: two clocks, each cut to whole milliseconds, are read after each other
TIME_ERROR = 5  # of adjtimex(2)
LIFE = "  heartbeat_interval: 100ms"
HOST = "  - {name: flat, interval: 100ms, timeout: 100ms, probes: [{kind: host}]}"
OTHER_BOOT = "another-boot"
Row = dict[str, Any]


def uptime() -> int:
    """Return how long this machine has been up, in ms."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class Machine(Exporter):
    """An exporter on a machine that has been up for two hours, and whose clocks can be moved."""

    def __init__(self, folder: Path, homes: str) -> None:
        super().__init__(folder, homes, LIFE, ready="/-/healthy")
        self._file = folder / "clocks"
        self.clocks = Clocks(boot=2 * HOUR - uptime())

    def _argv(self, port: int) -> list[str]:
        self.clocks.write(self._file)
        self.write_config(port)
        exporter = ["exporter.cli", "--config", "config.yaml"]
        return [sys.executable, "-m", "tests.e2e.other_machine", str(self._file), *exporter]

    def move(self, *, wall: int = 0, boot: int = 0) -> None:
        """Move its clocks, in ms."""
        old = self.clocks
        self.clocks = replace(old, wall=old.wall + wall, boot=old.boot + boot)
        self.clocks.write(self._file)

    def reboot(self, *, wall: int, up: int) -> None:
        """Start it again on a machine that has been up for so long, its wall clock moved."""
        moved = self.clocks.wall + wall
        self.clocks = Clocks(wall=moved, boot=up - uptime(), boot_id=OTHER_BOOT)
        self.start()

    def ready(self) -> bool:
        """Tell whether /-/ready says so."""
        return requests.get(self.url + "/-/ready", timeout=10).ok


@pytest.fixture
def meter(tmp_path: Path) -> Path:
    """The file that says whether power is on."""
    meter = tmp_path / "meter"
    meter.write_text("on", encoding="ascii")
    return meter


@pytest.fixture
def machine(tmp_path: Path, meter: Path) -> Iterator[Machine]:
    """A machine with a home that is on."""
    with Machine(tmp_path, file_home(meter, unknown_after="30s")) as machine:
        machine.wait_for_state("on")
        yield machine


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Machine]:
    """A machine that watches its own power."""
    with Machine(tmp_path, HOST) as machine:
        machine.wait_for_state("on")
        yield machine


def states(rows: list[Row]) -> list[tuple[str, str]]:
    """Return the states of rows and their causes."""
    return [(row["state"], row["cause"]) for row in rows]


def moments(rows: list[Row]) -> list[int]:
    """Return the `at` of rows in ms."""
    return [from_rfc3339(row["at"]) for row in rows]


# ---------------------------------------------------------------- while it runs


@pytest.mark.parametrize("step", [10 * SECOND, -10 * SECOND, -HOUR])
def test_a_clock_that_is_set_makes_no_row(machine: Machine, meter: Path, step: int) -> None:
    """It is counted and logged; the state goes on, and later rows come after earlier ones."""
    machine.move(wall=step)
    wait_for(lambda: machine.metric("power_exporter_clock_steps_total") == 1)
    assert 'msg="the clock was set"' in machine.output()
    for state in ("off", "on"):
        meter.write_text(state, encoding="ascii")
        machine.wait_for_state(state)
    wait_for(lambda: len(machine.rows()) == 3)
    rows = machine.rows()
    assert [row["state"] for row in rows] == ["on", "off", "on"]
    assert moments(rows) == sorted(set(moments(rows)))
    (outage,) = machine.get("/api/v1/homes/flat/outages")["outages"]
    assert 0 < outage["seconds"] < 60


@pytest.mark.parametrize("boot", [HOUR, 0], ids=["suspended", "paused"])
def test_a_machine_that_slept_saw_nothing(machine: Machine, boot: int) -> None:
    """Suspended (both clocks moved) or a paused virtual one (wall time did): unknown, then on."""
    slept_from = from_rfc3339(machine.home()["last_evidence_at"])
    machine.move(wall=HOUR, boot=boot)
    wait_for(lambda: len(machine.rows()) == 3)
    rows = machine.rows()
    assert states(rows) == [("on", "start"), ("unknown", "not_observed"), ("on", "measured")]
    assert slept_from < moments(rows)[1] < slept_from + MINUTE
    assert moments(rows)[2] >= slept_from + HOUR
    assert machine.get("/api/v1/homes/flat/outages")["outages"] == []


# ---------------------------------------------------------------- over a restart


def test_a_clock_set_back_while_it_was_stopped(machine: Machine, meter: Path) -> None:
    """In the same boot the boot clock tells how short the gap was: no unknown spell."""
    machine.stop()
    machine.move(wall=-HOUR)
    machine.start()
    machine.wait_for_state("on")
    meter.write_text("off", encoding="ascii")
    wait_for(lambda: len(machine.rows()) == 2)
    rows = machine.rows()
    assert [row["state"] for row in rows] == ["on", "off"]
    assert moments(rows)[1] > moments(rows)[0]


def test_a_boot_after_a_blackout_is_an_inferred_outage(host: Machine) -> None:
    """A home on this machine's own power was off from the last evidence to the boot, at most."""
    seen = from_rfc3339(host.home()["last_evidence_at"])
    host.kill()
    died = int(time.time() * 1000)
    host.reboot(wall=10 * MINUTE, up=5 * MINUTE)
    booted = died + 5 * MINUTE
    wait_for(lambda: len(host.rows()) == 3)
    rows = host.rows()
    assert states(rows) == [("on", "start"), ("off", "inferred"), ("on", "inferred")]
    assert seen < moments(rows)[1] <= died + SECOND
    assert booted - ROUNDING <= moments(rows)[2] < booted + MINUTE
    assert rows[1]["votes"] == rows[2]["votes"] == []
    assert rows[1]["confirmed_at"] > rows[2]["at"]
    assert rows[2]["not_before"] == rows[1]["at"]
    (outage,) = host.get("/api/v1/homes/flat/outages")["outages"]
    assert (outage["cause"], outage["class"], outage["seconds_min"]) == ("inferred", "sustained", 0)
    assert outage["seconds"] == (moments(rows)[2] - moments(rows)[1]) / 1000
    assert host.metric('power_outages_total{home="flat",duration_class="sustained"}') == 1


def test_a_boot_after_a_clean_stop_is_no_outage(host: Machine) -> None:
    """Whoever shut the machine down did not have a blackout."""
    host.stop()
    host.reboot(wall=10 * MINUTE, up=5 * MINUTE)
    wait_for(lambda: len(host.rows()) == 3)
    expected = [("on", "start"), ("unknown", "not_observed"), ("on", "measured")]
    assert states(host.rows()) == expected
    assert host.get("/api/v1/homes/flat/outages")["outages"] == []


def test_a_boot_says_nothing_about_another_home(machine: Machine) -> None:
    """Only a `host` probe lives on this machine's power: elsewhere it is unknown."""
    machine.kill()
    machine.reboot(wall=10 * MINUTE, up=5 * MINUTE)
    wait_for(lambda: len(machine.rows()) == 3)
    expected = [("on", "start"), ("unknown", "not_observed"), ("on", "measured")]
    assert states(machine.rows()) == expected


def test_a_restart_in_the_same_boot_means_the_machine_had_power(host: Machine) -> None:
    """However long the exporter was away, and however it ended: no row."""
    host.kill()
    host.move(wall=HOUR, boot=HOUR)
    host.start()
    host.wait_for_state("on")
    wait_for(host.ready)
    assert states(host.rows()) == [("on", "start")]


# ---------------------------------------------------------------- a clock that is surely wrong


def test_rows_wait_for_a_clock_that_lost_its_time(host: Machine) -> None:
    """Nothing is dated by it: unknown and not ready; when it is right, as if it had been."""
    host.kill()
    died = int(time.time() * 1000)
    host.reboot(wall=-24 * HOUR, up=5 * MINUTE)
    refused = requests.get(host.url + "/-/ready", timeout=10)
    assert refused.status_code == 503
    assert "clock" in refused.json()["detail"]
    assert host.state() == "unknown"
    assert host.metric('power_state{home="flat",power_state="unknown"}') == 1
    assert states(host.rows()) == [("on", "start")]
    host.move(wall=24 * HOUR + 10 * MINUTE)
    wait_for(host.ready)
    wait_for(lambda: len(host.rows()) == 3)
    rows = host.rows()
    assert states(rows) == [("on", "start"), ("off", "inferred"), ("on", "inferred")]
    booted = died + 5 * MINUTE
    assert booted - ROUNDING <= moments(rows)[2] < booted + MINUTE
    host.wait_for_state("on")


def test_what_was_measured_meanwhile_is_dated_right(machine: Machine, meter: Path) -> None:
    """An outage that began while the clock was in doubt has the time it really began."""
    machine.kill()
    machine.reboot(wall=-24 * HOUR, up=5 * MINUTE)
    probe = 'power_probe_attempts_total{home="flat",probe="file",kind="file"}'
    wait_for(lambda: (machine.metric(probe) or 0) >= 3)
    meter.write_text("off", encoding="ascii")
    began = int(time.time() * 1000) + 10 * MINUTE
    wait_for(lambda: machine.home()["probes"][0]["vote"] == "off")
    assert len(machine.rows()) == 1
    machine.move(wall=24 * HOUR + 10 * MINUTE)
    machine.wait_for_state("off")
    wait_for(lambda: len(machine.rows()) == 4)
    rows = machine.rows()
    assert [row["state"] for row in rows] == ["on", "unknown", "on", "off"]
    assert began - SECOND < moments(rows)[3] < began + 5 * SECOND


def test_after_an_hour_the_clock_is_believed(machine: Machine) -> None:
    """A machine whose clock is wrong for good is not blind for good."""
    machine.kill()
    machine.reboot(wall=-24 * HOUR, up=HOUR - SECOND)
    wait_for(machine.ready)
    machine.wait_for_state("on")
    assert moments(machine.rows()) == sorted(set(moments(machine.rows())))


# ---------------------------------------------------------------- a boot, by the kernel's word

_IN_A_YOUNG_MACHINE = ["unshare", "--user", "--map-root-user", "--time", "--boottime"]


def _may_be_young() -> bool:
    if shutil.which("unshare") is None:
        return False
    done = subprocess.run([*_IN_A_YOUNG_MACHINE, "1", "true"], capture_output=True, check=False)
    return done.returncode == 0


class YoungMachine(Exporter):
    """An exporter in a time namespace, in which the machine has booted a short while ago."""

    def __init__(self, folder: Path, homes: str, up: int) -> None:
        super().__init__(folder, homes, LIFE, ready="/-/healthy")
        self._up = up

    def _argv(self, port: int) -> list[str]:
        shift = str((self._up - uptime()) // SECOND)
        return [*_IN_A_YOUNG_MACHINE, shift, *super()._argv(port)]


def kernel_is_synchronised() -> bool:
    """Ask the kernel, which no namespace changes."""
    asked = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    return bool(asked != TIME_ERROR)


@pytest.mark.skipif(
    not _may_be_young(), reason="not run: no time namespace can be had here (needs root or userns)"
)
def test_after_a_boot_rows_wait_while_the_kernel_has_no_time(tmp_path: Path, meter: Path) -> None:
    """Only while it says so, and for two minutes at most: then they are written, dated right."""
    doubted = not kernel_is_synchronised()
    begun = int(time.time() * 1000)
    with YoungMachine(tmp_path, file_home(meter), up=115 * SECOND) as machine:
        ready = requests.get(machine.url + "/-/ready", timeout=10)
        if doubted:
            assert ready.status_code == 503
            assert "synchronised" in ready.json()["detail"]
            assert machine.rows() == []
        wait_for(lambda: len(machine.rows()) == 1)
        (row,) = machine.rows()
        assert states([row]) == [("on", "start")]
        assert begun <= from_rfc3339(row["at"])
        assert ("the clock is believed" in machine.output()) is doubted
        machine.wait_for_state("on")
