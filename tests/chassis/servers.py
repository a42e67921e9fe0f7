"""Servers under test, with what their tests ask of them: on loopback, at a free port."""

from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypedDict, Unpack

import bcrypt
from aiohttp import ClientSession, web

from chassis.web import WebServer, bearer_of, require_user, same_token
from chassis.web_config import WebSettings

TOKEN = "right-token"


def hashed(password: str) -> str:
    """Hash as cheaply as bcrypt can."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def basic(login: str) -> str:
    """Spell the Authorization header of user:password."""
    return "Basic " + b64encode(login.encode()).decode()


def overwrite(path: Path, text: str) -> None:
    """Replace what a file holds, in place."""
    path.write_text(text)


def users_file(path: Path, **users: str) -> Path:
    """Write a web.config.file with users and their passwords."""
    lines = [f"  {user}: {hashed(password)}" for user, password in users.items()]
    path.write_text("\n".join(["basic_auth_users:", *lines]) + "\n")
    return path


async def hello(_request: web.Request) -> web.Response:
    """Answer anybody."""
    return web.Response(text="hello")


async def page(_request: web.Request) -> web.Response:
    """Answer with a page."""
    return web.Response(text="<p>", content_type="text/html")


async def length(request: web.Request) -> web.Response:
    """Say how long the body is."""
    return web.json_response(len(await request.read()))


async def beat(request: web.Request) -> web.Response:
    """Take a beat with the right token."""
    return web.Response(status=204 if same_token(bearer_of(request), TOKEN) else 401)


async def whoami(request: web.Request) -> web.Response:
    """Say which user asks."""
    return web.Response(text=require_user(request))


async def boom(_request: web.Request) -> web.Response:
    """Fail, with a text that nobody may see."""
    raise RuntimeError("the inner truth")


async def moved(_request: web.Request) -> web.Response:
    """Lead elsewhere."""
    raise web.HTTPFound("/hello")


ROUTES = (
    web.get("/hello", hello),
    web.get("/page", page),
    web.post("/length", length),
    web.post("/heartbeat/{home}", beat),
    web.post("/whoami", whoami),
    web.get("/boom", boom),
    web.get("/moved", moved),
)


@asynccontextmanager
async def serving(
    *more: web.RouteDef,
    config: Path | None = None,
    external_url: str | None = None,
    listen: str = "127.0.0.1:0",
    ready: Callable[[], str | None] = lambda: None,
    body_limit: int = 1000,
) -> AsyncIterator[WebServer]:
    """Run a server with the routes of above and more."""
    settings = WebSettings(
        listen=listen, web_config_file=config, external_url=external_url, anonymous=True
    )
    server = WebServer(
        settings,
        (*ROUTES, *more),
        bearer=("/heartbeat/",),
        ready=ready,
        body_limit=body_limit,
    )
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class Options(TypedDict, total=False):
    """What else a request may have."""

    headers: dict[str, str]
    data: bytes | AsyncIterator[bytes]


async def asked(
    server: WebServer,
    path: str,
    method: str = "GET",
    login: str | None = None,
    **options: Unpack[Options],
) -> tuple[int, str]:
    """Ask over a new connection; return status and text. `login` is user:password."""
    if login is not None:
        options["headers"] = {"Authorization": basic(login)}
    async with (
        ClientSession() as client,
        client.request(method, server.url + path, allow_redirects=False, **options) as answer,
    ):
        return answer.status, await answer.text()


async def status(
    server: WebServer,
    path: str,
    method: str = "GET",
    login: str | None = None,
    **options: Unpack[Options],
) -> int:
    """Ask and return the status alone."""
    return (await asked(server, path, method, login, **options))[0]
