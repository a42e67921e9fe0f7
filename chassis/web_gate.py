"""Owns what every request passes: Host and Origin, basic auth, and errors as problem documents."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from chassis.problems import Problem, problem_of, problem_response
from chassis.web_auth import USER, Login, PasswordChecks, TooManyChecks
from chassis.web_origin import Origins
from chassis.web_tls import WatchedGuard

log = logging.getLogger(__name__)

SERVER_NAME = "power-status"
BODY_WITHIN = 30.0  # seconds in which a request that has a body must be dealt with
CHALLENGE = {"WWW-Authenticate": 'Basic realm="power status", charset="UTF-8"'}
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
        "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """The one middleware. Fields are swapped by a reload."""

    def __init__(
        self,
        watched: WatchedGuard,
        origins: Origins,
        passwords: PasswordChecks,
        logins: Mapping[str, Login],
    ) -> None:
        """`logins` are asked for below a path, while the web.config.file names no users."""
        self.watched = watched
        self.origins = origins
        self._logins = dict(logins)
        self.bearer: set[web.AbstractRoute] = set()  # those that authenticate by themselves
        self._passwords = passwords

    @web.middleware
    async def enter(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request in, or answer with a problem document."""
        try:
            headers = request.headers
            refusal = self.origins.refusal(headers.get("Host"), headers.get("Origin"))
            if refusal is not None:
                raise Problem(403, detail=refusal)
            if request.match_info.route not in self.bearer:
                await self._identify(request)
            if request.body_exists:
                return await _in_time(request, handler)
            return await handler(request)
        except Problem as problem:
            return problem_response(problem, request.path)
        except web.HTTPException as error:
            if error.status < 400:  # noqa: PLR2004  a redirect
                raise
            return problem_response(problem_of(error), request.path)
        except Exception as fault:  # noqa: BLE001  the border of every request
            return _internal_error(request, fault)

    async def _identify(self, request: web.Request) -> None:
        """Note which user asks; before anything tells whether what is asked for exists."""
        header = request.headers.get("Authorization")
        if users := self.watched.look().users:
            try:
                user = await self._passwords.check(users, header)
            except TooManyChecks:
                raise Problem(503, headers={"Retry-After": "1"}) from None
        elif login := self._login_of(request.path):
            user = await login.check(header)
        else:
            return
        if user is None:
            raise Problem(401, headers=CHALLENGE)
        request[USER] = user

    def _login_of(self, path: str) -> Login | None:
        below = (login for top, login in self._logins.items() if f"{path}/".startswith(top))
        return next(below, None)


async def _in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a request that has a body: whoever sends it too slowly is not waited for."""
    limit = asyncio.timeout(BODY_WITHIN)
    try:
        async with limit:
            return await handler(request)
    except TimeoutError:
        if not limit.expired():
            raise
        raise Problem(408, headers={"Connection": "close"}) from None


def _internal_error(request: web.Request, fault: Exception) -> web.Response:
    """Answer 500 without saying why, and say why in the log."""
    transport = request.transport
    gone = transport is None or transport.is_closing()
    if gone and isinstance(fault, OSError):  # as whatever is read or written then
        raise ConnectionResetError("the client has gone")
    fields = {"method": request.method, "path": request.path}
    log.error("a request failed", exc_info=fault, extra={"fields": fields})
    if gone or request.writer.output_size > 0:
        raise ConnectionResetError("no answer can be given: all that is left is to end it")
    return problem_response(Problem(500), request.path)


async def dress(_request: web.Request, response: web.StreamResponse) -> None:
    """Give an answer the headers that all have, and a page those that keep foreign content out."""
    headers = response.headers
    headers["Server"] = SERVER_NAME
    headers["X-Content-Type-Options"] = "nosniff"
    if headers.get("Content-Type", "").startswith("text/html"):
        for name, value in PAGE_HEADERS.items():
            headers.setdefault(name, value)
