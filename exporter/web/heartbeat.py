"""Owns the HTTP side of heartbeats: a right token is heard, all others get the same 401."""

from dataclasses import dataclass

from aiohttp import web

from chassis.problems import Problem
from chassis.web_auth import bearer_of
from exporter.web.sources import Sources

PREFIX = "/heartbeat/"  # of the paths that ask for a token and are outside basic auth


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """Answers POST /heartbeat/{home} and /heartbeat/{home}/{probe}."""

    sources: Sources

    def routes(self) -> list[web.RouteDef]:
        """Return the paths and their handler."""
        return [
            web.post(f"{PREFIX}{{home}}", self.beat),
            web.post(f"{PREFIX}{{home}}/{{probe}}", self.beat),
        ]

    async def beat(self, request: web.Request) -> web.Response:
        """Take a beat, dated to its arrival; its body is nobody's business."""
        at = self.sources.clock.now()
        home, probe = request.match_info["home"], request.match_info.get("probe")
        token = bearer_of(request) or ""
        if not self.sources.beats.accept(home, probe, token, at):
            raise Problem(
                401,
                detail="no heartbeat is taken for this token",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return web.Response(status=204)
