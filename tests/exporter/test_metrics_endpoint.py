"""GET /metrics over HTTP: formats, codings, and who does the work."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, Gauge, Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from chassis.exposition import Format, negotiate, takes_gzip
from exporter.board import Board
from exporter.metrics_endpoint import MetricsEndpoint
from exporter.power import State
from tests.exporter.boards import board_with, home_with, rows_of

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    "accept",
    [
        PROMETHEUS_2,
        PROMETHEUS_3,
        "application/openmetrics-text",
        "Application/OpenMetrics-Text; Version=1.0.0",
        'application/openmetrics-text; version="1.0.0"; charset=utf-8',
        "application/openmetrics-text, text/plain",
        "application/openmetrics-text;q=0.5, */*;q=0.5",
        "text/plain;q=0, application/openmetrics-text;q=0.1",
        "text/plain;version=1.0.0, application/openmetrics-text;q=0.1",
    ],
)
def test_openmetrics_is_given_where_it_is_asked_for(accept: str) -> None:
    """It is named, and liked no less than text."""
    assert negotiate(accept) is Format.OPENMETRICS


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "application/json",
        "text/plain",
        "text/*, application/openmetrics-text;q=0.9",
        "application/openmetrics-text;q=0.5, text/plain",
        "application/openmetrics-text;q=0.5, */*",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=0, */*;q=0",
        "application/openmetrics-text, text/plain;version=0.0.4",
        "application/openmetrics-text;q=7, text/plain;q=0.5",
        "application/openmetrics-text;q=much",
        "application/openmetrics-text;q=nan",
        "application/openmetrics-text;version=0.0.1",
        "application/openmetrics-text;version=2.0.0, text/plain;q=0.1",
        ";;, ,=;q=",
    ],
)
def test_text_is_given_otherwise(accept: str | None) -> None:
    """Whoever asks for nothing that we have still gets the text that every scraper reads."""
    assert negotiate(accept) is Format.TEXT


@pytest.mark.parametrize(
    "header,taken",
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("br;q=1.0, *;q=0", False),
        ("", False),
        (None, False),
    ],
)
def test_gzip_is_used_only_where_it_is_accepted(header: str | None, taken: bool) -> None:  # noqa: FBT001
    """A weight of 0 forbids it, a star allows it."""
    assert takes_gzip(header) is taken


# ---------------------------------------------------------------- over HTTP


@dataclass(frozen=True)
class Answer:
    """An answer as it came over the wire."""

    headers: Mapping[str, str]
    body: bytes


async def answer_of(
    board: Board, headers: dict[str, str], registry: CollectorRegistry | None = None
) -> Answer:
    """Ask a server of the endpoint once."""
    app = web.Application()
    app.router.add_get("/metrics", MetricsEndpoint(board, registry).handle)
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        response = await client.get("/metrics", headers={"Accept-Encoding": "", **headers})
        assert response.status == 200
        return Answer(response.headers, await response.read())


def small_board() -> Board:
    """Return a board of one home."""
    return board_with(home_with(rows_of(State.ON), title="Дім"))


async def test_text_is_the_default_and_says_so() -> None:
    """The content type has version and charset, without which Prometheus 3 refuses the answer."""
    answer = await answer_of(small_board(), {})
    assert answer.headers["Content-Type"] == TEXT
    assert "Content-Encoding" not in answer.headers
    read = text_string_to_metric_families(answer.body.decode())
    families = {family.name for family in read}
    assert {"power_on", "process_open_fds", "python_info", "python_gc_collections"} <= families


async def test_openmetrics_ends_once() -> None:
    """Both halves of the page, ours and the library's, stand before one end mark."""
    answer = await answer_of(small_board(), {"Accept": PROMETHEUS_3})
    assert answer.headers["Content-Type"] == OPENMETRICS
    assert answer.body.count(b"# EOF\n") == 1
    text = answer.body.decode()
    read = openmetrics_parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    families = {family.name for family in read}
    assert {"power_on", "process_open_fds", "python_info", "python_gc_collections"} <= families


async def test_a_zipped_page_is_the_same_page() -> None:
    """What was compressed is the page, and caches are told what it depends on."""
    registry = CollectorRegistry()
    plain = await answer_of(small_board(), {}, registry)
    zipped = await answer_of(small_board(), {"Accept-Encoding": "gzip"}, registry)
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.body) == plain.body
    assert zipped.headers["Vary"] == plain.headers["Vary"] == "Accept, Accept-Encoding"


async def test_the_process_is_told_from_the_given_registry() -> None:
    """The library's global registry is never shown."""
    registry = CollectorRegistry()
    Gauge("given", "A metric of this test.", registry=registry).set(7)
    answer = await answer_of(small_board(), {}, registry)
    assert b"\ngiven 7.0\n" in answer.body
    assert b"python_info" not in answer.body


class Witness:
    """A collector that notes which thread asked it."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def collect(self) -> Iterator[Metric]:
        self.threads.append(threading.get_ident())
        return iter(())


@pytest.mark.parametrize("homes,on_the_loop", [(1, True), (700, False)])
async def test_a_big_page_is_written_in_a_thread(homes: int, on_the_loop: bool) -> None:  # noqa: FBT001
    """No round of probes waits while ten thousand samples are spelled and compressed."""
    witness, registry = Witness(), CollectorRegistry()
    registry.register(witness)
    witness.threads.clear()
    views = [home_with(rows_of(State.ON), name=f"home-{index}") for index in range(homes)]
    answer = await answer_of(board_with(*views), {}, registry)
    assert answer.body.count(b"\npower_on{") == homes
    assert [thread == threading.get_ident() for thread in witness.threads] == [on_the_loop]
