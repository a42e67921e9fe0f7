"""A sink that is turned on later, and `power-exporter backfill influxdb`, which sends the past."""

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.commands import ended, power_exporter, power_exporter_begun
from tests.e2e.exporters import file_home, wait_for
from tests.e2e.real_programs import free_port
from tests.e2e.servers import Influx, influx_settings
from tests.e2e.services import Service

BACKFILL = ("--config", "config.yaml", "backfill", "influxdb")
QUICK = {"off_after": "0s", "on_after": "0s"}


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[Influx]:
    """A fake InfluxDB."""
    with Influx(tmp_path) as influx:
        yield influx


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[Service]:
    """An exporter without a sink that has seen an outage: three rows."""
    meter = tmp_path / "meter"
    meter.write_text("on", encoding="ascii")
    with Service(tmp_path, file_home(meter, **QUICK)) as exporter:
        for state in ("on", "off", "on"):
            meter.write_text(state, encoding="ascii")
            exporter.wait_for_state(state)
        wait_for(lambda: len(exporter.rows()) == 3)
        yield exporter


def turn_on(exporter: Service, influx: Influx) -> None:
    """Configure InfluxDB while the exporter runs."""
    exporter.settings = influx_settings(exporter.folder, influx.url)
    exporter.reload()
    wait_for(lambda: exporter.metric('power_exporter_sink_up{sink="influxdb"}') == 1)


def test_a_sink_starts_at_the_journals_end_and_backfill_brings_the_past(
    exporter: Service, influx: Influx
) -> None:
    """The past comes only when it is asked for, beside the running exporter, twice if one likes."""
    turn_on(exporter, influx)
    (exporter.folder / "meter").write_text("off", encoding="ascii")
    wait_for(lambda: influx.ids() == [4])
    wait_for(lambda: exporter.metric('power_exporter_outbox_pending{sink="influxdb"}') == 0)
    for _ in range(2):
        done = power_exporter(*BACKFILL, cwd=exporter.folder)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[-1] == "4 rows told"
        assert influx.ids() == [1, 2, 3, 4]
    (exporter.folder / "meter").write_text("on", encoding="ascii")
    wait_for(lambda: influx.ids() == [1, 2, 3, 4, 5])
    assert [point["fields"]["start_id"] for point in influx.points("power_outage")] == [2, 4]


def test_a_sink_that_is_turned_off_and_on_again_starts_at_the_end(
    exporter: Service, influx: Influx
) -> None:
    """What happened while nobody asked for it is past: only backfill brings it."""
    turn_on(exporter, influx)
    exporter.settings = ""
    exporter.reload()
    meter = exporter.folder / "meter"
    meter.write_text("off", encoding="ascii")
    exporter.wait_for_state("off")
    assert exporter.metric('power_exporter_sink_up{sink="influxdb"}') is None
    turn_on(exporter, influx)
    meter.write_text("on", encoding="ascii")
    wait_for(lambda: 5 in influx.ids())
    assert influx.ids() == [5]
    assert power_exporter(*BACKFILL, cwd=exporter.folder).returncode == 0
    assert influx.ids() == [1, 2, 3, 4, 5]


def test_backfill_works_while_the_exporter_is_stopped(exporter: Service, influx: Influx) -> None:
    """And takes nothing from what the exporter still has to send."""
    exporter.stop()
    exporter.settings = influx_settings(exporter.folder, influx.url)
    exporter.write_config()
    assert power_exporter(*BACKFILL, cwd=exporter.folder).returncode == 0
    assert influx.ids() == [1, 2, 3]
    exporter.start()
    (exporter.folder / "meter").write_text("off", encoding="ascii")
    exporter.wait_for_state("off")
    wait_for(lambda: influx.ids() == [row["id"] for row in exporter.rows()])


def test_rows_that_are_refused_are_counted_and_said(exporter: Service, influx: Influx) -> None:
    """One that is older than the bucket keeps does not hold up the others."""
    turn_on(exporter, influx)
    influx.poison("id=1i", "422")
    done = power_exporter(*BACKFILL, cwd=exporter.folder)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "2 rows told, 1 refused"
    assert "HTTP 422" in done.stderr
    assert influx.ids() == [2, 3]


def test_without_influxdb_in_the_config_it_is_a_wrong_config(exporter: Service) -> None:
    """Exit code 2, in words that name the key."""
    done = power_exporter(*BACKFILL, cwd=exporter.folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "exporter.influxdb" in done.stderr


def test_a_wrong_token_ends_it_at_once(exporter: Service, influx: Influx) -> None:
    """Nobody waits for what only a person can mend: exit code 1, with the server's words."""
    exporter.settings = influx_settings(exporter.folder, influx.url, "wrong-token")
    exporter.write_config()
    done = power_exporter(*BACKFILL, cwd=exporter.folder)
    assert done.returncode == 1
    assert "HTTP 401" in done.stderr
    assert "Traceback" not in done.stderr
    assert "wrong-token" not in done.stderr


def test_without_a_journal_there_is_nothing_to_send(tmp_path: Path) -> None:
    """Exit code 1, it says where it looked, and makes no folder."""
    homes, settings = file_home(tmp_path / "meter"), influx_settings(tmp_path, "http://127.0.0.1:1")
    Service(tmp_path, homes, settings).write_config(1)
    done = power_exporter(*BACKFILL, cwd=tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"data: the journal cannot be read: .+\n", done.stderr)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_unreachable_server_is_waited_for_until_somebody_ends_it(
    exporter: Service, number: signal.Signals
) -> None:
    """It has not given up after some seconds; Ctrl-C ends it without a traceback, not with 0."""
    port = free_port()
    exporter.settings = influx_settings(exporter.folder, f"http://127.0.0.1:{port}")
    exporter.write_config()
    with power_exporter_begun(*BACKFILL, cwd=exporter.folder) as backfill:
        with pytest.raises(subprocess.TimeoutExpired):
            backfill.wait(2)  # a gap made of time: it must live through its first pauses
        backfill.send_signal(number)
        code, _, err = ended(backfill)
    assert code != 0
    assert "Traceback" not in err


def test_it_goes_on_when_the_server_is_back(exporter: Service, influx: Influx) -> None:
    """A server that is away for a moment costs a pause, not the run."""
    turn_on(exporter, influx)
    influx.fail("503", 2)
    done = power_exporter(*BACKFILL, cwd=exporter.folder)
    assert done.returncode == 0
    assert influx.ids() == [1, 2, 3]
