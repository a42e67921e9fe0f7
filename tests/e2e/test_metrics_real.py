"""Real programs read /metrics: promtool finds nothing to mend, Prometheus stores what we say."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from prometheus_client.parser import text_string_to_metric_families

from chassis.own_metrics import own_registry, render_registry
from exporter.board import Board, SinkView
from exporter.metrics import FAMILIES, render
from exporter.metrics_endpoint import MetricsEndpoint
from exporter.power import State
from tests.e2e.real_programs import Running, each, program
from tests.exporter.boards import (
    EPOCH,
    READING_NAMES,
    board_with,
    home_with,
    probe_view,
    row,
    rows_of,
)

ON, OFF, UNKNOWN = State.ON, State.OFF, State.UNKNOWN
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def full_board() -> Board:
    """Return a board that has a sample of every family, and labels that need escaping."""
    flat = home_with(rows_of(ON, OFF, ON, OFF, UNKNOWN), title='Дім "на" \\ розі\n100%')
    readings = dict.fromkeys(READING_NAMES, 0.75)
    flat.probes = {
        "розетка": probe_view(ON, "http", "розетка", **readings),
        "ups": probe_view(UNKNOWN, "nut", "ups"),
    }
    shed = home_with(rows_of(ON), (row(OFF, EPOCH + 90_000, ON, None),), name="shed")
    waiting = SinkView("influxdb", pending=2, oldest=EPOCH, rejected=1)
    return board_with(flat, shed, home_with([], name="new"), sinks=(waiting,))


@pytest.mark.parametrize("name", each("promtool-2", "promtool-3"))
def test_promtool_finds_nothing_to_mend(name: str) -> None:
    """Names, types, units and help of every family pass the linter."""
    page = render(full_board(), openmetrics=False)
    assert all(f"\n{family.name}".encode() in page for family in FAMILIES)
    page += render_registry(own_registry(), openmetrics=False)
    checked = subprocess.run(
        [*program(name), "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr.decode()) == (0, "")


@pytest.mark.parametrize("name", each("promtool-2", "promtool-3"))
def test_promtool_finds_a_fault(name: str) -> None:
    """The linter is asked what it can answer: a counter without `_total` is a complaint."""
    faulty = b"# HELP power_faults Faults.\n# TYPE power_faults counter\npower_faults 1\n"
    checked = subprocess.run(
        [*program(name), "check", "metrics"], input=faulty, capture_output=True, check=False
    )
    assert checked.returncode != 0
    assert b"_total" in checked.stderr


# ---------------------------------------------------------------- scraped by a server


class Exporter:
    """The endpoint on a loopback port; `/text` is for a server that always asks for OpenMetrics."""

    def __init__(self, board: Board) -> None:
        self._endpoint = MetricsEndpoint(board)
        self.given: dict[str, str] = {}  # content type, without its parameters, by path
        app = web.Application()
        app.router.add_get("/metrics", self._handle)
        app.router.add_get("/text", self._text)
        self.server = TestServer(app)

    async def _handle(self, request: web.Request) -> web.Response:
        response = await self._endpoint.handle(request)
        self.given[request.path] = response.content_type
        return response

    async def _text(self, request: web.Request) -> web.Response:
        headers = {**request.headers, "Accept": "text/plain"}
        return await self._handle(request.clone(headers=headers))


@pytest.fixture
async def exporter() -> AsyncIterator[Exporter]:
    """Serve the full board."""
    served = Exporter(full_board())
    async with served.server:
        yield served


def prometheus(name: str, folder: Path, target: str) -> Running:
    """Return a server that scrapes both paths of a target twice a second."""
    jobs = "".join(
        f"  - job_name: {path}\n    metrics_path: /{path}\n"
        f"    static_configs: [{{targets: ['{target}']}}]\n"
        for path in ("metrics", "text")
    )
    config = folder / "prometheus.yml"
    config.write_text(
        f"global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}\nscrape_configs:\n{jobs}"
    )
    options = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    return Running(
        lambda port: [*program(name), *options, f"--web.listen-address=127.0.0.1:{port}"],
        "/-/ready",
    )


async def asked(server: Running, path: str, **query: str) -> dict[str, Any]:
    """Ask the server's HTTP API; return its answer."""
    async with (
        ClientSession() as session,
        session.get(f"{server.url}/api/v1/{path}", params=query) as response,
    ):
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


async def stored(server: Running, query: str) -> Samples:
    """Return what an instant query finds, without the labels that the server has added."""
    answer = await asked(server, "query", query=query)
    samples = {}
    for series in answer["data"]["result"]:
        labels = {k: v for k, v in series["metric"].items() if k not in ("job", "instance")}
        name = labels.pop("__name__", "")
        samples[name, frozenset(labels.items())] = float(series["value"][1])
    return samples


async def scraped(server: Running) -> None:
    """Wait until both jobs have been scraped well."""
    async with asyncio.timeout(60):
        while True:
            if await stored(server, "count(up == 1)") == {("", frozenset()): 2}:
                return
            await asyncio.sleep(0.1)


def told() -> Samples:
    """Return every sample of the full board; Prometheus knows no empty label."""
    page = render(full_board(), openmetrics=False).decode()
    return {
        (sample.name, frozenset((k, v) for k, v in sample.labels.items() if v)): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


@pytest.mark.parametrize("name", each("prometheus-2", "prometheus-3"))
async def test_prometheus_stores_what_the_board_says(
    name: str, tmp_path: Path, exporter: Exporter
) -> None:
    """Every sample arrives exactly, by OpenMetrics, which the server asks for, and by text."""
    target = f"{exporter.server.host}:{exporter.server.port}"
    with prometheus(name, tmp_path, target) as server:
        await scraped(server)
        assert exporter.given == {"/metrics": "application/openmetrics-text", "/text": "text/plain"}
        for job in ("metrics", "text"):
            assert await stored(server, f'{{__name__=~"power_.+",job="{job}"}}') == told()
            own = await stored(server, f'{{__name__=~"(process|python)_.+",job="{job}"}}')
            assert ("process_open_fds", frozenset()) in own
        metadata = await asked(server, "metadata", metric="power_state")
        types = {entry["type"] for entry in metadata["data"]["power_state"]}
        assert types == {"stateset", "gauge"}
