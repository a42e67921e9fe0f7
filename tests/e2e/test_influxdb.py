"""The way to InfluxDB through its troubles: nothing is lost, everything arrives in order."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from chassis.instants import from_rfc3339
from tests.e2e.exporters import file_home, wait_for
from tests.e2e.servers import Influx, influx_settings
from tests.e2e.services import Service

PENDING = 'power_exporter_outbox_pending{sink="influxdb"}'
OLDEST = 'power_exporter_outbox_oldest_timestamp_seconds{sink="influxdb"}'
UP = 'power_exporter_sink_up{sink="influxdb"}'
REJECTED = 'power_exporter_rejected_total{sink="influxdb"}'
QUICK = {"off_after": "0s", "on_after": "0s"}


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[Influx]:
    """A fake InfluxDB."""
    with Influx(tmp_path) as influx:
        yield influx


@pytest.fixture
def meter(tmp_path: Path) -> Path:
    """The file that says whether power is on."""
    meter = tmp_path / "meter"
    meter.write_text("on", encoding="ascii")
    return meter


@pytest.fixture
def exporter(tmp_path: Path, meter: Path, influx: Influx) -> Iterator[Service]:
    """An exporter whose first row has arrived."""
    settings = influx_settings(tmp_path, influx.url)
    with Service(tmp_path, file_home(meter, **QUICK), settings) as exporter:
        wait_for(lambda: influx.ids() == [1] and exporter.metric(UP) == 1)
        yield exporter


def turn(exporter: Service, *states: str) -> None:
    """Let power go or come, each time seen and committed."""
    for state in states:
        (exporter.folder / "meter").write_text(state, encoding="ascii")
        exporter.wait_for_state(state)


def idle(exporter: Service) -> bool:
    """Tell whether nothing waits and the sink is up."""
    return (exporter.metric(PENDING), exporter.metric(OLDEST), exporter.metric(UP)) == (0, 0, 1)


def test_while_it_is_down_rows_wait_and_metrics_say_so(exporter: Service, influx: Influx) -> None:
    """Pending counts them, oldest is the first one's confirmation; then all arrive."""
    wait_for(lambda: idle(exporter))
    influx.kill()
    turn(exporter, "off", "on", "off")
    wait_for(lambda: exporter.metric(PENDING) == 3 and exporter.metric(UP) == 0)
    oldest = exporter.metric(OLDEST)
    assert oldest == from_rfc3339(exporter.rows()[1]["confirmed_at"]) / 1000
    influx.start_again()
    wait_for(lambda: influx.ids() == [1, 2, 3, 4], within=60)
    wait_for(lambda: idle(exporter))
    assert exporter.metric(REJECTED) == 0


@pytest.mark.parametrize("status", ["401", "403", "404"])
def test_blocked_it_keeps_all_and_goes_on_by_itself(
    exporter: Service, influx: Influx, status: str
) -> None:
    """A wrong token, right or bucket: nothing is parked, nobody has to restart anything."""
    influx.fail(status, 2)
    turn(exporter, "off", "on")
    wait_for(lambda: influx.ids() == [1, 2, 3])
    wait_for(lambda: idle(exporter))
    assert [write["status"] for write in influx.writes()][1:3] == [int(status)] * 2
    assert exporter.metric(REJECTED) == 0
    assert exporter.output().count("influxdb is blocked, everything is kept") == 1
    assert exporter.output().count("influxdb is up again") == 1


def test_a_wrong_token_is_mended_by_a_reload(exporter: Service, influx: Influx) -> None:
    """The real 401 blocks, the log names no token, a new file and SIGHUP let it go on."""
    exporter.settings = influx_settings(exporter.folder, influx.url, "wrong-token")
    exporter.reload()
    turn(exporter, "off")
    wait_for(lambda: exporter.metric(UP) == 0)
    assert influx.ids() == [1]
    influx_settings(exporter.folder, influx.url)
    exporter.reload()
    wait_for(lambda: influx.ids() == [1, 2])
    wait_for(lambda: idle(exporter))
    assert "wrong-token" not in exporter.output()
    assert "influx-token" not in exporter.output()


@pytest.mark.parametrize("status", ["400", "422"])
def test_a_poisoned_point_is_parked_and_the_rest_go_on(
    exporter: Service, influx: Influx, status: str
) -> None:
    """It is counted once, over a restart too; its neighbours are not held up."""
    influx.poison("id=3i", status)
    influx.fail("503", 1)
    turn(exporter, "off", "on", "off", "on")
    wait_for(lambda: influx.ids() == [1, 2, 4, 5])
    wait_for(lambda: exporter.metric(REJECTED) == 1 and idle(exporter))
    assert len(exporter.rows()) == 5
    exporter.stop()
    exporter.start()
    wait_for(lambda: exporter.metric(REJECTED) == 1)
    turn(exporter, "off")
    wait_for(lambda: 6 in influx.ids())


def test_retry_after_is_honoured(exporter: Service, influx: Influx) -> None:
    """It is asked for two seconds of peace, which are longer than the first pauses."""
    influx.fail("503", 1, retry_after="2")
    turn(exporter, "off")
    wait_for(lambda: len(influx.writes()) == 2)
    asked = monotonic()  # a little after the answer
    wait_for(lambda: len(influx.writes()) == 3)
    assert monotonic() - asked > 1.5
    assert influx.ids() == [1, 2]


def test_an_answer_that_got_lost_is_harmless(exporter: Service, influx: Influx) -> None:
    """The connection is cut after the points were stored: the repetition is the same to a byte."""
    influx.fail("reset-after", 1)
    turn(exporter, "off")
    wait_for(lambda: idle(exporter) and len(influx.writes()) == 3)
    _, first, again = influx.writes()
    assert first["lines"] == again["lines"]
    assert len(influx.points("power_transition")) == 2


def test_a_day_without_internet_arrives_in_order(exporter: Service, influx: Influx) -> None:
    """Over a hundred changes, a kill amid them, the sink unreachable throughout: all arrive."""
    influx.kill()
    path = exporter.folder / "meter"
    for many in (60, 120):
        while len(exporter.rows()) < many:
            for state in ("off", "on"):
                path.write_text(state, encoding="ascii")
                exporter.wait_for_state(state)
        exporter.kill()
        exporter.start()
    rows = exporter.rows()
    wait_for(lambda: exporter.metric(PENDING) == len(rows) - 1)
    influx.start_again()
    wait_for(lambda: len(influx.ids()) == len(rows), within=60)
    sent = [line for write in influx.writes() for line in write["lines"]]
    times = [int(line.rsplit(" ", 1)[1]) for line in sent if line.startswith("power_transition")]
    assert times == sorted(times)
    assert [p["fields"]["id"] for p in influx.points("power_transition")] == [
        row["id"] for row in rows
    ]
    wait_for(lambda: idle(exporter))
