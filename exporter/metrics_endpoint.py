"""Owns GET /metrics: which format and coding the scraper asks for, and who does the work.

Values are read at one moment on the loop, which alone changes the board. A big
page is spelled and compressed in a thread, so that no round of probes waits for it.
"""

import asyncio
import gzip
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from aiohttp import web
from prometheus_client import CollectorRegistry

from exporter.board import Board
from exporter.metrics import FAMILIES
from exporter.metrics_text import Exposition, Reading
from exporter.self_metrics import END_MARK, own_registry, render_registry

FAST_LEVEL = 1  # of gzip: a sixth of the default's time for an eighth more bytes
SAMPLES_ON_THE_LOOP = 10_000  # about 3 ms


class Format(Enum):
    """A format that can be asked for: its media type and version."""

    TEXT = ("text/plain", "0.0.4")
    OPENMETRICS = ("application/openmetrics-text", "1.0.0")

    @property
    def content_type(self) -> str:
        """What the answer is labelled with; Prometheus 3 refuses one that is not."""
        media_type, version = self.value
        return f"{media_type}; version={version}; charset=utf-8"


class _Accepted(NamedTuple):
    """One item of an Accept or Accept-Encoding header; `weight` is its q."""

    name: str
    parameters: dict[str, str]
    weight: float


class _Liking(NamedTuple):
    """How much a format is liked, and how exactly the item that says so names it."""

    weight: float
    exactness: int


def negotiate(accept: str | None) -> Format:
    """Choose the format that an Accept header likes best (RFC 9110, 12.5.1).

    Liked equally, the one that it names more exactly wins, and OpenMetrics where
    it names both; text wherever it does not name OpenMetrics.
    """
    ranges = list(_weighted(accept or ""))
    text, openmetrics = (_liking(ranges, offer) for offer in Format)
    asked_for = openmetrics.weight > 0 and openmetrics.exactness > 0
    return Format.OPENMETRICS if asked_for and openmetrics >= text else Format.TEXT


def takes_gzip(accept_encoding: str | None) -> bool:
    """Tell whether an Accept-Encoding header allows gzip."""
    codings = {coding.name: coding.weight for coding in _weighted(accept_encoding or "")}
    return codings.get("gzip", codings.get("*", 0.0)) > 0


def compress(page: bytes) -> bytes:
    """Compress quickly."""
    return gzip.compress(page, FAST_LEVEL, mtime=0)


def _weighted(header: str) -> Iterator[_Accepted]:
    for item in header.lower().split(","):
        name, *rest = (part.strip() for part in item.split(";"))
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip(): value.strip(' "') for key, _, value in pairs}
        try:
            weight = float(parameters.pop("q", "1"))
        except ValueError:
            continue
        if name and 0 <= weight <= 1:
            yield _Accepted(name, parameters, weight)


def _liking(ranges: list[_Accepted], offer: Format) -> _Liking:
    """Ask the ranges that match a format most exactly."""
    media_type, version = offer.value
    exactness = {"*/*": 0, f"{media_type.partition('/')[0]}/*": 1, media_type: 2}
    likings = (
        (exactness[accepted.name] + ("version" in accepted.parameters), accepted.weight)
        for accepted in ranges
        if accepted.name in exactness and accepted.parameters.get("version", version) == version
    )
    exact, weight = max(likings, default=(0, 0.0))
    return _Liking(weight, exact)


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
        headers = {"Content-Type": wanted.content_type, "Vary": "Accept, Accept-Encoding"}
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)

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
