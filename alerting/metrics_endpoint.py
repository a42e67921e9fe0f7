"""Owns GET /metrics of the relay: what the store counts is asked for at each scrape."""

import asyncio
from contextlib import suppress

from aiohttp import web
from prometheus_client import CollectorRegistry

from alerting.metrics import RelayMetrics
from alerting.store import Store, StoreDown
from chassis.exposition import Format, compress, negotiate, page_answer, takes_gzip
from chassis.own_metrics import END_MARK, render_registry


class MetricsEndpoint:
    """Answers in the format and the coding that were asked for."""

    def __init__(self, store: Store, registry: CollectorRegistry, metrics: RelayMetrics) -> None:
        self._store = store
        self._registry = registry
        self._metrics = metrics

    async def handle(self, request: web.Request) -> web.Response:
        """Answer; while the database is down, with what it knew last."""
        wanted = negotiate(request.headers.get("Accept"))
        zipped = takes_gzip(request.headers.get("Accept-Encoding"))
        body = await asyncio.to_thread(self._page, wanted)
        return page_answer(compress(body) if zipped else body, wanted, zipped=zipped)

    def _page(self, wanted: Format) -> bytes:
        with suppress(StoreDown):  # the webhook says so; a scrape must not fail for it
            self._metrics.tally = self._store.counts()
        openmetrics = wanted is Format.OPENMETRICS
        page = render_registry(self._registry, openmetrics=openmetrics)
        return page + END_MARK if openmetrics else page
