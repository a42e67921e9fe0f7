"""Owns the event stream: durable rows as server-sent events, in order, to who may come back.

Nothing is queued for a reader: its next rows are read from the journal when the
last ones have left, so a slow one costs a socket buffer, and one that takes nothing
at all is cut off. One that has gone is noticed at once: its place is another's.
It goes on from its Last-Event-ID.
"""

import asyncio
import logging
import sqlite3
from typing import Any

from aiohttp import web

from chassis.problems import Problem
from chassis.web import connection_end
from exporter.journal_reader import JournalReader
from exporter.transitions import Transition, to_json
from exporter.web.query import id_of, read_id
from exporter.web.shapes import to_bytes, to_text
from exporter.web.sources import Sources

log = logging.getLogger(__name__)

Ends = list["asyncio.Future[Any]"]

BATCH = 100
KEEP_ALIVE = 15.0  # seconds
PATIENCE = 30.0  # seconds in which a reader must have taken what was sent
MOST_READERS = 256
HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}


class EventStream:
    """Answers GET /api/v1/events."""

    def __init__(
        self, sources: Sources, *, keep_alive: float = KEEP_ALIVE, patience: float = PATIENCE
    ) -> None:
        """`keep_alive` and `patience` are seconds."""
        self._sources = sources
        self._keep_alive = keep_alive
        self._patience = patience
        self._readers = 0

    def routes(self) -> list[web.RouteDef]:
        """Return the path and its handler."""
        return [web.get("/api/v1/events", self.events)]

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Send the rows after the last one that the reader has, and then each new one."""
        last = self._begins_after(request)
        if self._readers >= MOST_READERS:
            raise Problem(503, detail="there are too many readers of events")
        if request.method == "HEAD":
            return web.Response(headers=HEADERS)
        response = web.StreamResponse(headers=HEADERS)
        self._readers += 1
        try:
            await response.prepare(request)
            await self._send(response, b"retry: 2000\n\n")
            await self._follow(response, last, connection_end(request))
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()
        except sqlite3.Error as fault:
            log.warning("an event stream ends: the journal cannot be read: %s", fault)
        finally:
            self._readers -= 1
        return response

    def _begins_after(self, request: web.Request) -> int:
        """Return the id that the reader has: by default, and at most, the journal's last."""
        newest = self._sources.feed.last_id
        header = request.headers.get("Last-Event-ID")
        if header:
            return min(read_id(header, "Last-Event-ID"), newest)
        for name in ("lastEventId", "after"):
            if (id_ := id_of(request.query, name)) is not None:
                return min(id_, newest)
        return newest

    async def _follow(self, response: web.StreamResponse, last: int, gone: asyncio.Event) -> None:
        ends: Ends = [asyncio.ensure_future(self._sources.stopping.wait())]
        ends.append(asyncio.ensure_future(gone.wait()))
        try:
            while not any(end.done() for end in ends):
                rows = await self._sources.reading.read(JournalReader.after, last, BATCH)
                if rows:
                    await self._send(response, b"".join(map(event, rows)))
                    last = rows[-1].id or last
                else:
                    await self._wait_beyond(last, response, ends)
        finally:
            for end in ends:
                end.cancel()

    async def _wait_beyond(self, last: int, response: web.StreamResponse, ends: Ends) -> None:
        """Wait for a row after `last` or for one of `ends`, with a sign of life now and then."""
        news = asyncio.ensure_future(self._sources.feed.wait_beyond(last))
        try:
            while not await _any_of([news, *ends], self._keep_alive):
                await self._send(response, b": alive\n\n")
        finally:
            news.cancel()

    async def _send(self, response: web.StreamResponse, data: bytes) -> None:
        async with asyncio.timeout(self._patience):
            await response.write(data)


async def _any_of(awaited: Ends, within: float) -> bool:
    """Wait at most `within` seconds; tell whether one of them is done."""
    done, _ = await asyncio.wait(awaited, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    return bool(done)


def event(row: Transition) -> bytes:
    """Spell a durable row as an event."""
    return b"event: transition\nid: %d\ndata: %b\n\n" % (
        row.id or 0,
        to_bytes(to_text(to_json(row))),
    )
