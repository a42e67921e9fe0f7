"""Owns GET /metrics: which format and coding the scraper asks for, and who does the work.

Values are read at one moment on the loop, which alone changes the board. A big
page is spelled and compressed in a thread, so that no round of probes waits for it.
"""

import asyncio

from aiohttp import web
from prometheus_client import CollectorRegistry

from chassis.exposition import Format, compress, negotiate, page_answer, takes_gzip
from chassis.own_metrics import END_MARK, own_registry, render_registry
from exporter.board import Board
from exporter.metrics import FAMILIES
from exporter.metrics_text import Exposition, Reading

SAMPLES_ON_THE_LOOP = 10_000  # about 3 ms


class MetricsEndpoint:
    """Answers GET /metrics from a board and from a registry of the process's own metrics."""

    def __init__(self, board: Board, registry: CollectorRegistry | None = None) -> None:
        self._board = board
        self._registry = own_registry() if registry is None else registry
        self._exposition = Exposition(FAMILIES)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer in the format and the coding that were asked for."""
        wanted = negotiate(request.headers.get("Accept"))
        zipped = takes_gzip(request.headers.get("Accept-Encoding"))
        readings = self._exposition.read(self._board)
        if sum(len(reading.values) for reading in readings) <= SAMPLES_ON_THE_LOOP:
            body = self._page(readings, wanted, zipped=zipped)
        else:
            body = await asyncio.to_thread(self._page, readings, wanted, zipped=zipped)
        return page_answer(body, wanted, zipped=zipped)

    def _page(self, readings: list[Reading], wanted: Format, *, zipped: bool) -> bytes:
        openmetrics = wanted is Format.OPENMETRICS
        page = b"".join(
            (
                self._exposition.write(readings, openmetrics=openmetrics),
                render_registry(self._registry, openmetrics=openmetrics),
                END_MARK if openmetrics else b"",
            )
        )
        return compress(page) if zipped else page
