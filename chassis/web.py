"""Owns the web server: puts routes behind the gate, listens, answers for health, stops in 1 s."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from aiohttp import web

from chassis.listen import Listen, parse_listen
from chassis.problems import Problem, problem_response
from chassis.service import StartFailed
from chassis.web_accept import Acceptor, Connection, bind
from chassis.web_auth import Login, PasswordChecks, bearer_of, same_token, user_of
from chassis.web_config import WebSettings
from chassis.web_gate import Gate, dress
from chassis.web_origin import Origins
from chassis.web_tls import WatchedGuard, WebConfigFaulty

__all__ = [
    "Login",
    "Problem",
    "WebConfigFaulty",
    "WebServer",
    "bearer_of",
    "connection_end",
    "problem_response",
    "require_user",
    "same_token",
    "user_of",
]

log = logging.getLogger(__name__)

BODY_LIMIT = 1024 * 1024  # bytes
KEEP_ALIVE = (
    75.0  # seconds; a scrape a minute keeps its connection, and a head must be done by then
)
STOP_WITHIN = 0.4  # seconds that requests have to end by themselves, and then to be cancelled

NO_LOGINS: Mapping[str, Login] = MappingProxyType({})

Ready = Callable[[], str | None]


class WebServer:
    """Serves routes at one address, from `start` to `stop`."""

    def __init__(
        self,
        settings: WebSettings,
        routes: Iterable[web.RouteDef],
        *,
        bearer: tuple[str, ...] = (),
        logins: Mapping[str, Login] = NO_LOGINS,
        ready: Ready = lambda: None,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        """Read the web.config.file; raises StartFailed if it cannot be used.

        Routes whose path begins with one of `bearer` are outside basic auth: their
        handlers ask for a token (`bearer_of`, `same_token`). Whatever is below a path of
        `logins` ("/admin/") asks for that login where the file names no users. `ready` says
        what is not ready yet, or None. A larger body than `body_limit` (bytes) is a 413.
        """
        self._settings = settings
        self._listen = parse_listen(settings.listen)
        self._passwords = PasswordChecks()
        try:
            watched = WatchedGuard(settings.web_config_file)
        except WebConfigFaulty as faulty:
            raise StartFailed("; ".join(map(str, faulty.faults))) from faulty
        self._gate = Gate(watched, self._origins(settings), self._passwords, logins)
        self._ready = ready
        self._app = web.Application(client_max_size=body_limit, middlewares=[self._gate.enter])
        self._app.on_response_prepare.append(dress)
        self._add((*self._health(), *routes), bearer)
        self._runner: web.AppRunner | None = None
        self._acceptor: Acceptor[Connection] | None = None

    def _origins(self, settings: WebSettings) -> Origins:
        return Origins(self._listen, settings.external_url)

    def _add(self, routes: Iterable[web.RouteDef], bearer: tuple[str, ...]) -> None:
        for definition in routes:
            added = definition.register(self._app.router)
            if bearer and definition.path.startswith(bearer):
                self._gate.bearer.update(added)

    # --- life ---

    async def start(self) -> None:
        """Listen; raises StartFailed if that cannot be."""
        sockets = await bind(self._listen)
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=STOP_WITHIN)
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        self._acceptor = Acceptor[Connection](
            sockets,
            lambda open_: Connection(server, open_, KEEP_ALIVE),
            lambda: self._gate.watched.look().tls,
        )
        self._acceptor.start()
        log.info("listening", extra={"fields": {"url": self.url}})

    async def stop(self) -> None:
        """Stop listening and end what runs, streams included, within 1 s."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None and self._runner is not None:
            acceptor.close()
            await self._runner.cleanup()
            acceptor.abort()
        self._passwords.close()

    def reload(self, settings: WebSettings) -> None:
        """Use other settings from now on; raises WebConfigFaulty before anything has changed.

        Another address to listen on needs a restart.
        """
        open_to_others = not self._listen.is_loopback and not settings.anonymous
        if open_to_others and settings.web_config_file is None:
            log.error("still listening for others, so users and TLS stay as they are: restart")
            return
        watched = WatchedGuard(settings.web_config_file)
        if settings.listen != self._settings.listen:
            log.warning("listen has changed: that takes a restart")
        self._gate.watched, self._gate.origins = watched, self._origins(settings)
        self._settings = settings

    # --- where ---

    @property
    def addresses(self) -> tuple[Listen, ...]:
        """The addresses it really listens on, with the ports that were free."""
        sockets = self._acceptor.sockets if self._acceptor is not None else []
        return tuple(Listen(*sock.getsockname()[:2]) for sock in sockets)

    @property
    def url(self) -> str:
        """The URL under which this machine reaches it."""
        scheme = "http" if self._gate.watched.look().tls is None else "https"
        first = self.addresses[0]
        everywhere = first.host in {"0.0.0.0", "::"}  # noqa: S104  it is compared, not bound
        return f"{scheme}://{Listen('localhost', first.port) if everywhere else first}"

    # --- health ---

    def _health(self) -> tuple[web.RouteDef, ...]:
        return web.get("/-/healthy", self._answer_healthy), web.get("/-/ready", self._answer_ready)

    async def _answer_healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="healthy\n")

    async def _answer_ready(self, _request: web.Request) -> web.Response:
        reason = self._ready()
        if reason is not None:
            raise Problem(503, detail=reason)
        return web.Response(text="ready\n")


def connection_end(request: web.Request) -> asyncio.Event:
    """Return what is set as soon as the client has gone: a handler is not told otherwise."""
    connection = request.protocol
    assert isinstance(connection, Connection)
    return connection.ended


def require_user(request: web.Request) -> str:
    """Return who asks; raises the 403 for a service that knows no users."""
    user = user_of(request)
    if user is None:
        raise Problem(403, detail="only users of the web.config.file may do this")
    return user
