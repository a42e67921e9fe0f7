"""Kills a real exporter again and again: what it showed as durable is not lost or changed.

`make crash` kills it 200 times, `make test` fewer; the seed is fixed, so a fault can be met again.
"""

import json
import random
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest
import requests

from chassis.instants import from_rfc3339
from tests.e2e.exporters import Exporter, file_home, wait_for
from tests.e2e.real_programs import Running
from tests.e2e.witness import HOMES, Witness
from tests.fakes.line_protocol import parse_line

SEED = 1366
FAULTS = ("503", "429", "502", "401", "403", "reset-before", "reset-after")
SETTINGS = """\
  heartbeat_interval: 150ms
  influxdb: {{url: {url}, org: home, bucket: power, token_file: token, timeout: 2s}}"""


@pytest.fixture
def influxdb(tmp_path: Path) -> Iterator[Running]:
    """A fake InfluxDB in a process of its own."""
    arguments = ["--file", str(tmp_path / "points")]
    command = [sys.executable, "-m", "tests.fakes.influxdb", *arguments]
    with Running(lambda port: [*command, "--port", str(port)], "/health") as running:
        yield running


@pytest.fixture
def exporter(tmp_path: Path, influxdb: Running) -> Iterator[Exporter]:
    """An exporter of two homes that writes to it."""
    (tmp_path / "token").write_text("influx-token", encoding="ascii")
    (tmp_path / "token").chmod(0o600)
    for home in HOMES:
        (tmp_path / home).write_text("on", encoding="ascii")
    quick = {"off_after": "0s", "on_after": "100ms", "unknown_after": "700ms"}
    homes = "\n".join(file_home(tmp_path / home, home, **quick) for home in HOMES)
    with Exporter(tmp_path, homes, SETTINGS.format(url=influxdb.url)) as exporter:
        yield exporter


def test_nothing_durable_is_lost_or_changed(
    exporter: Exporter,
    influxdb: Running,
    kills: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Through kills, sink faults and a full disk every row reaches InfluxDB as shown."""
    chance = random.Random(SEED)
    with Witness(exporter) as witness:
        for _ in range(kills):
            trouble(exporter, influxdb, chance)
            exporter.kill()
            exporter.start()
        requests.post(influxdb.url + "/_heal", timeout=5)
        caught_up(exporter)
        rows = exporter.rows()
    assert witness.faults == []
    assert [row["id"] for row in rows] == list(range(1, len(rows) + 1))
    written = {row["id"]: json.dumps(row, sort_keys=True) for row in rows}
    assert witness.seen.items() <= written.items()
    assert len(witness.seen) > kills
    check_points(influxdb, rows)
    summary = f"{kills} kills, {len(rows)} rows, {len(witness.seen)} seen before the end"
    with capsys.disabled():
        print(f"\n{summary}")  # noqa: T201  whoever runs `make crash` reads it


def trouble(exporter: Exporter, influxdb: Running, chance: random.Random) -> None:
    """Let power come and go, and things go wrong, for a moment."""
    for _ in range(chance.randint(3, 10)):
        meter = exporter.folder / chance.choice(HOMES)
        meter.write_text(chance.choice(("on", "off", "off", "garbage")), encoding="ascii")
        if chance.random() < 0.2:
            fault = {"count": chance.randint(1, 3), "how": chance.choice(FAULTS)}
            requests.post(influxdb.url + "/_fail", json=fault, timeout=5)
        if chance.random() < 0.05:
            room = chance.choice((4096, resource.RLIM_INFINITY))
            limits = (room, resource.RLIM_INFINITY)
            resource.prlimit(exporter.pid, resource.RLIMIT_FSIZE, limits)
        sleep(chance.random() * 0.3)  # the moment of the kill is what is drawn here


def caught_up(exporter: Exporter) -> None:
    """Wait until InfluxDB has all."""
    pending = 'power_exporter_outbox_pending{sink="influxdb"}'
    up = 'power_exporter_sink_up{sink="influxdb"}'
    wait_for(
        lambda: exporter.metric(pending) == 0 and exporter.metric(up) == 1,
        within=60,
    )


def check_points(influxdb: Running, rows: list[dict[str, object]]) -> None:
    """Compare what InfluxDB holds, and all that it was ever sent, with the journal."""
    found = requests.get(
        influxdb.url + "/_points", params={"measurement": "power_transition"}, timeout=30
    ).json()
    by_id = {point["fields"]["id"]: point for point in found}
    assert by_id.keys() == {row["id"] for row in rows}
    for row in rows:
        fields = by_id[row["id"]]["fields"]
        assert by_id[row["id"]]["tags"] == {"home": row["home"]}
        assert by_id[row["id"]]["time"] == from_rfc3339(str(row["at"])) * 1_000_000
        assert (fields["state"], fields["cause"]) == (row["state"], row["cause"])
        assert fields.get("on") == {"on": 1, "off": 0, "unknown": None}[str(row["state"])]
    sent: dict[tuple[str, str, int, str], object] = {}
    for write in requests.get(influxdb.url + "/_received", timeout=30).json():
        for line in write["lines"]:
            point = parse_line(line, "ns", 0)
            for key, value in point.fields.items():
                place = (point.measurement, str(point.tags), point.time, key)
                assert sent.setdefault(place, value) == value, place
