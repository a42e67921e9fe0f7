"""Every PromQL that reads what programs say of themselves, on the running programs.

Exporter, relay, Alertmanager and Prometheus run with the shipped files, as in the compose file.
"""

import json
import sys
from pathlib import Path
from time import monotonic

import pytest

from tests.e2e.alertmanager import VERSIONS
from tests.e2e.plug import Plug, tcp_probe
from tests.e2e.real_programs import Running
from tests.e2e.relays import PRIVATE
from tests.e2e.stack import Stack
from tests.grafana.dashboards import Query, committed
from tests.grafana.promql import filled_in
from tests.grafana.test_promql import ELSEWHERE

METER = {"voltage": 229.5, "power": 40.0, "current": 0.2, "frequency": 50.0, "energy": 1234.5}
HOMES = """\
homes:
  - name: flat
    title: Our flat
    group: feeder-12
    timezone: Etc/UTC
    interval: 200ms
    timeout: 300ms
    off_after: 400ms
    on_after: 400ms
    probes:
      - {plug}
  - name: shop
    probes:
      - kind: http
        name: meter
        url: {url}/meter.json
        readings:
          volts: /voltage
          watts: /power
          amperes: /current
          hertz: /frequency
          energy_wh: /energy
"""
# The kind of probe that reads a UPS's battery is not there yet.
NOT_YET = "power_battery_"
QUERIES = [
    query
    for board in committed()
    for query in board.promql
    if (board.uid == "power-self" or any(name in query.text for name in ELSEWHERE))
    and NOT_YET not in query.text
]


def answered(stack: Stack, query: Query) -> bool:
    """Tell whether a query finds something now."""
    return bool(stack.prometheus.query(as_asked(query)))


def as_asked(query: Query) -> str:
    """Return a query with short windows: the programs have just begun."""
    short = {"__rate_interval": "15s", "__interval": "15s", "__range": "1m", "__range_s": "60"}
    return filled_in(query.text, short)


@pytest.mark.parametrize("prometheus,alertmanager", VERSIONS)
def test_every_query_returns_series(tmp_path: Path, prometheus: str, alertmanager: str) -> None:
    """After some scrapes, with an outage that was told and a device that tells its readings."""
    (device := tmp_path / "device").mkdir()
    (device / "meter.json").write_text(json.dumps(METER), encoding="utf-8")
    serve = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(device)]
    with Plug() as plug, Running(lambda port: [*serve, str(port)], "/meter.json") as meter:
        homes = HOMES.format(plug=tcp_probe(plug), url=meter.url)
        with Stack(tmp_path / "stack", homes, (prometheus, alertmanager)) as stack:
            stack.relay.subscribe(PRIVATE)
            stack.wait_until_seen("Watchdog")
            plug.power_off()
            stack.telegram.wait_for_texts((PRIVATE, 1))
            waiting = QUERIES
            deadline = monotonic() + 60
            while waiting and monotonic() < deadline:
                waiting = [query for query in waiting if not answered(stack, query)]
            assert [str(query) for query in waiting] == []
