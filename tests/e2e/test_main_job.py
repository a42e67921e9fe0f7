"""The main job as a stranger sees it: power goes and comes back, and every reader learns of it."""

import contextlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from chassis.instants import from_rfc3339
from tests.e2e.exporters import Exporter, file_home, wait_for
from tests.e2e.plug import Plug, plug_home, tcp_probe
from tests.e2e.prometheus import Prometheus
from tests.e2e.real_programs import Running, each, needs, program
from tests.e2e.servers import Influx, influx_settings

NS = 1_000_000  # in a millisecond
HOMES = ("flat", "shed")
LIFE = "  heartbeat_interval: 200ms"
Row = dict[str, Any]


class Street:
    """Two homes: `flat` has a meter that writes a file, `shed` a plug with a TCP port."""

    def __init__(self, folder: Path, plug: Plug) -> None:
        self._meter = folder / "meter"
        self._plug = plug
        self._meter.write_text("on", encoding="ascii")
        flat = file_home(self._meter, title='"Наша хата"', group="feeder-12")
        self.homes = f"{flat}\n{plug_home('shed', tcp_probe(plug, name='fridge'))}"

    def power_off(self) -> None:
        """Let the power of the street go."""
        self._meter.write_text("off", encoding="ascii")
        self._plug.power_off()

    def power_on(self) -> None:
        """Bring it back."""
        self._plug.power_on()
        self._meter.write_text("on", encoding="ascii")


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    """A street that has power."""
    with Plug() as plug:
        yield Street(tmp_path, plug)


def outage_and_restoration(exporter: Exporter, street: Street) -> dict[str, list[Row]]:
    """Let an outage pass; return the three rows of each home."""
    for state, change in (("on", None), ("off", street.power_off), ("on", street.power_on)):
        if change is not None:
            change()
        for home in HOMES:
            exporter.wait_for_state(state, home)
    return {home: rows_of(exporter, home) for home in HOMES}


def rows_of(exporter: Exporter, home: str) -> list[Row]:
    """Return a home's rows, once there are three: the API may show a state before its row."""
    path = f"/api/v1/homes/{home}/transitions"
    wait_for(lambda: len(exporter.get(path)["transitions"]) >= 3)
    found: list[Row] = exporter.get(path)["transitions"]
    return found


def ms(row: Row, key: str = "at") -> int:
    """Return one of a row's moments in ms."""
    return from_rfc3339(row[key])


# ---------------------------------------------------------------- the API and /metrics


def test_the_api_tells_the_outage(tmp_path: Path, street: Street) -> None:
    """Rows, the state and the outage agree, while it runs and when it is over."""
    with Exporter(tmp_path, street.homes, LIFE) as exporter:
        for home in HOMES:
            exporter.wait_for_state("on", home)
        street.power_off()
        for home in HOMES:
            exporter.wait_for_state("off", home)
        for home in HOMES:
            running = exporter.home(home)["outage"]
            assert (running["running"], running["end"]) == (True, None)
            assert running["start"] == exporter.home(home)["since"]
        street.power_on()
        for home in HOMES:
            exporter.wait_for_state("on", home)
            check_history(exporter, home)
        assert [row["id"] for row in exporter.rows()] == [1, 2, 3, 4, 5, 6]


def check_history(exporter: Exporter, home: str) -> None:
    """Compare a home's three rows with its one outage."""
    first, off, on = rows_of(exporter, home)
    assert (first["state"], first["previous"], first["not_before"]) == ("on", None, None)
    assert [first["cause"], off["cause"], on["cause"]] == ["start", "measured", "measured"]
    assert (off["state"], off["previous"], on["previous"]) == ("off", "on", "off")
    for row in (off, on):
        assert ms(row, "not_before") < ms(row) < ms(row, "confirmed_at")
    (vote,) = off["votes"]
    assert vote["vote"] == "off"
    assert vote["detail"] == ("says off" if home == "flat" else "no answer in 0.15s")
    (outage,) = exporter.get(f"/api/v1/homes/{home}/outages")["outages"]
    assert outage["id"] == off["id"]
    assert (outage["start"], outage["start_earliest"]) == (off["at"], off["not_before"])
    assert (outage["end"], outage["end_earliest"]) == (on["at"], on["not_before"])
    assert (outage["class"], outage["running"]) == ("momentary", False)
    assert outage["seconds"] == pytest.approx((ms(on) - ms(off)) / 1000)
    assert outage["seconds_min"] == pytest.approx((ms(on, "not_before") - ms(off)) / 1000)
    assert outage["seconds_max"] == pytest.approx((ms(on) - ms(off, "not_before")) / 1000)


def test_metrics_tell_the_outage(tmp_path: Path, street: Street) -> None:
    """Gauges follow the state, counters count it once, moments are those of the rows."""
    with Exporter(tmp_path, street.homes, LIFE) as exporter:
        rows = outage_and_restoration(exporter, street)
        for home, (_, off, on) in rows.items():
            own = f'{{home="{home}"}}'
            wait_for(partial(exporter.metric, f"power_last_outage_end_timestamp_seconds{own}"))
            assert exporter.metric("power_on" + own) == 1
            states = {
                state: exporter.metric(f'power_state{{home="{home}",power_state="{state}"}}')
                for state in ("on", "off", "unknown")
            }
            assert states == {"on": 1, "off": 0, "unknown": 0}
            moments = {
                "power_last_transition_timestamp_seconds": ms(on),
                "power_last_outage_start_timestamp_seconds": ms(off),
                "power_last_outage_end_timestamp_seconds": ms(on),
                "power_outage_start_timestamp_seconds": 0,
            }
            for name, moment in moments.items():
                assert exporter.metric(name + own) == moment / 1000
            outages = f'power_outages_total{{home="{home}",duration_class="%s"}}'
            assert exporter.metric(outages % "momentary") == 1
            assert exporter.metric(outages % "sustained") == 0
            off_for = exporter.metric("power_outage_seconds_total" + own)
            assert off_for == pytest.approx((ms(on) - ms(off)) / 1000)


def test_the_event_stream_tells_each_row_once(tmp_path: Path, street: Street) -> None:
    """A program that follows the events has the same rows as one that asks afterwards."""
    told: list[Row] = []
    with Exporter(tmp_path, street.homes, LIFE) as exporter:
        following = threading.Thread(target=follow, args=(exporter.url, told))
        following.start()
        outage_and_restoration(exporter, street)
        wait_for(lambda: len(told) >= 6)
        rows = exporter.rows()
    following.join()  # the exporter's end is the stream's
    assert told == rows


def follow(url: str, told: list[Row]) -> None:
    """Keep what the event stream tells, from the first row on, until it ends."""
    begin = {"Last-Event-ID": "0"}
    with (
        contextlib.suppress(requests.RequestException),
        requests.get(url + "/api/v1/events", headers=begin, stream=True, timeout=30) as stream,
    ):
        told.extend(
            json.loads(line.removeprefix(b"data: "))
            for line in stream.iter_lines(chunk_size=1)
            if line.startswith(b"data: ")
        )


# ---------------------------------------------------------------- Prometheus


@pytest.mark.parametrize("name", each("prometheus-2", "prometheus-3"))
def test_prometheus_sees_the_outage(name: str, tmp_path: Path, street: Street) -> None:
    """What PromQL answers is what happened, in both major versions."""
    with (
        Exporter(tmp_path, street.homes, LIFE) as exporter,
        Prometheus(name, tmp_path / name, f"127.0.0.1:{exporter.port}") as server,
    ):
        for state, change in (("on", None), ("off", street.power_off), ("on", street.power_on)):
            if change is not None:
                change()
            for home in HOMES:
                exporter.wait_for_state(state, home)
                is_on = f'power_on{{home="{home}"}} == {int(state == "on")}'
                wait_for(partial(server.query, is_on))
            believed = {
                (labels["home"], labels["power_state"])
                for labels, value in server.query("power_state == 1")
            }
            assert believed == {(home, state) for home in HOMES}
        check_promql(server, exporter)


def check_promql(server: Prometheus, exporter: Exporter) -> None:
    """Ask what dashboards and alerts ask."""
    for home in HOMES:
        _, off, on = rows_of(exporter, home)
        own = f'{{home="{home}"}}'
        wait_for(partial(server.value, f"power_last_outage_end_timestamp_seconds{own}"))
        assert server.value(f"changes(power_on{own}[5m])") == 2
        assert server.value(f"sum by (home) (power_outages_total{own})") == 1
        assert server.value(f'power_transitions_total{{home="{home}",to="off"}}') == 1
        ended = server.value(f"power_last_outage_end_timestamp_seconds{own}")
        started = server.value(f"power_last_outage_start_timestamp_seconds{own}")
        assert (started, ended) == (ms(off) / 1000, ms(on) / 1000)
        off_for = server.value(f"power_outage_seconds_total{own}")
        assert off_for == pytest.approx((ms(on) - ms(off)) / 1000)
    joined = 'power_on * on (home) group_left (title, group) power_home_info{home="flat"}'
    ((labels, _),) = server.query(joined)
    assert (labels["title"], labels["group"]) == ("Наша хата", "feeder-12")
    assert server.value("up") == 1
    assert server.last_error() == ""


# ---------------------------------------------------------------- InfluxDB


def test_influxdb_gets_the_points_of_the_contract(tmp_path: Path, street: Street) -> None:
    """Every field of both measurements, its type, its tags, its moment to the nanosecond."""
    with Influx(tmp_path) as influx:
        settings = f"{LIFE}\n{influx_settings(tmp_path, influx.url)}"
        with Exporter(tmp_path, street.homes, settings) as exporter:
            rows = outage_and_restoration(exporter, street)
            wait_for(lambda: influx.ids() == [1, 2, 3, 4, 5, 6])
            for home, of_home in rows.items():
                check_transition_points(influx.points("power_transition", home=home), of_home)
                (outage,) = exporter.get(f"/api/v1/homes/{home}/outages")["outages"]
                check_outage_point(influx.points("power_outage", home=home), outage)


def check_transition_points(points: list[Row], rows: list[Row]) -> None:
    """Compare a home's points with its rows."""
    before = None
    for point, row in zip(points, rows, strict=True):
        fields = {
            "on": int(row["state"] == "on"),
            "state": row["state"],
            "cause": row["cause"],
            "id": row["id"],
        }
        types = {"on": "integer", "state": "string", "cause": "string", "id": "integer"}
        if before is not None:
            fields["previous_seconds"] = pytest.approx((ms(row) - ms(before)) / 1000)
            types["previous_seconds"] = "float"
        before = row
        assert point["tags"] == {"home": row["home"]}
        assert point["time"] == ms(row) * NS
        assert point["fields"] == fields
        assert point["types"] == types


def check_outage_point(points: list[Row], outage: Row) -> None:
    """Compare the one point of an outage that has ended with what the API says of it."""
    (point,) = points
    assert point["tags"] == {"home": outage["home"]}
    assert point["time"] == ms(outage, "start") * NS
    assert point["fields"] == {
        "start_id": outage["id"],
        "cause": "measured",
        "duration_s": pytest.approx(outage["seconds"]),
        "duration_min_s": pytest.approx(outage["seconds_min"]),
        "duration_max_s": pytest.approx(outage["seconds_max"]),
        "sustained": 0,
    }
    assert point["types"] == {
        "start_id": "integer",
        "cause": "string",
        "duration_s": "float",
        "duration_min_s": "float",
        "duration_max_s": "float",
        "sustained": "integer",
    }


# ---------------------------------------------------------------- an independent reader of it


class VictoriaMetrics(Running):
    """A real server that takes InfluxDB's line protocol, and knows nothing of our tests."""

    def __init__(self, folder: Path) -> None:
        options = [f"-storageDataPath={folder / 'vm'}", "-retentionPeriod=1y"]
        super().__init__(
            lambda port: [
                *program("victoria-metrics"),
                *options,
                f"-httpListenAddr=127.0.0.1:{port}",
            ],
            "/health",
        )

    def samples_are(self, count: int, name: str, **labels: str) -> bool:
        """Tell whether a series has so many samples by now."""
        return len(self.samples(name, **labels)) == count

    def samples(self, name: str, **labels: str) -> list[tuple[int, float]]:
        """Return all samples of one series as (ms, value); [] if there is none."""
        requests.get(self.url + "/internal/force_flush", timeout=10).raise_for_status()
        wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
        answer = requests.post(
            self.url + "/api/v1/export", data={"match[]": f"{name}{{{wanted}}}"}, timeout=10
        )
        answer.raise_for_status()
        series = [json.loads(line) for line in answer.text.splitlines()]
        assert len(series) <= 1, series
        return [
            pair for one in series for pair in zip(one["timestamps"], one["values"], strict=True)
        ]


@needs("victoria-metrics")
@pytest.mark.parametrize("prefix", ["", "/influx"])
def test_victoriametrics_reads_what_we_write(tmp_path: Path, street: Street, prefix: str) -> None:
    """A server of another make finds our series, also behind a path; moments to the millisecond."""
    with VictoriaMetrics(tmp_path) as server:
        settings = f"{LIFE}\n{influx_settings(tmp_path, server.url + prefix)}"
        with Exporter(tmp_path, street.homes, settings) as exporter:
            rows = outage_and_restoration(exporter, street)
            for home, (first, off, on) in rows.items():
                wait_for(partial(server.samples_are, 3, "power_transition_id", home=home))
                known = server.samples("power_transition_on", home=home)
                assert known == [(ms(first), 1), (ms(off), 0), (ms(on), 1)]
                (ended,) = server.samples("power_outage_duration_s", home=home)
                assert ended[0] == ms(off)
                assert ended[1] == pytest.approx((ms(on) - ms(off)) / 1000)
                assert server.samples("power_outage_sustained", home=home) == [(ms(off), 0)]
            wait_for(lambda: exporter.metric('power_exporter_sink_up{sink="influxdb"}') == 1)
