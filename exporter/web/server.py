"""Owns the exporter's web server: all routes of the exporter put together, and the reload."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from chassis.web import Problem, WebServer, require_user
from chassis.yaml_config import ConfigError
from exporter.config import ExporterSettings
from exporter.metrics_endpoint import MetricsEndpoint
from exporter.web.routes import BEARER, routes
from exporter.web.sources import Sources

Reload = Callable[[], Awaitable[None]]


def exporter_web(settings: ExporterSettings, sources: Sources, reload: Reload) -> WebServer:
    """Return the web server, not listening yet. Raises StartFailed."""

    async def answer_reload(request: web.Request) -> web.Response:
        require_user(request)
        try:
            await reload()
        except ConfigError as wrong:
            faults = [str(fault) for fault in wrong.faults]
            detail = "the config is faulty, the old one is kept:\n" + "\n".join(faults)
            raise Problem(500, detail=detail, members={"faults": faults}) from wrong
        return web.Response(text="reloaded\n")

    metrics = MetricsEndpoint(sources.board)
    return WebServer(
        settings,
        [
            *routes(sources),
            web.get("/metrics", metrics.handle),
            web.post("/-/reload", answer_reload),
        ],
        bearer=BEARER,
        ready=sources.board.unready,
    )
