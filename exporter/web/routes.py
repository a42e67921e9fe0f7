"""Owns the sum of the web parts: every route of the exporter but those of chassis and /metrics."""

from aiohttp import web

from exporter.web.api import Api
from exporter.web.events import EventStream
from exporter.web.heartbeat import PREFIX, Heartbeats
from exporter.web.history import RunningOutages
from exporter.web.page import StatusPage
from exporter.web.sources import Sources
from exporter.web.static_files import StaticFiles

BEARER = (PREFIX,)  # what WebServer is to leave out of basic auth


def routes(sources: Sources) -> list[web.RouteDef]:
    """Return the routes; they live as long as the journal's reading side does."""
    running = RunningOutages(sources.board, sources.reading)
    files = StaticFiles()
    return [
        *Api(sources, running).routes(),
        *EventStream(sources).routes(),
        *Heartbeats(sources).routes(),
        *StatusPage(sources, running, files).routes(),
        *files.routes(),
    ]
