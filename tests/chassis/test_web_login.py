"""A login of a service's own below a path: asked for where the web.config.file names no users."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from chassis.secrets import Secret
from chassis.web import Login, WebServer
from chassis.web_auth import user_of
from chassis.web_config import WebSettings
from tests.chassis.servers import ROUTES, asked, basic, status, users_file

RIGHT = Secret("right")


async def who(request: web.Request) -> web.Response:
    """Say who asks."""
    return web.Response(text=str(user_of(request)))


@asynccontextmanager
async def guarded(
    config: Path | None = None, password: Secret | None = RIGHT
) -> AsyncIterator[WebServer]:
    """Run a server that asks for a login below /inner/."""
    settings = WebSettings(listen="127.0.0.1:0", web_config_file=config)
    login = Login("admin", password, wrong_waits=0)
    routes = (*ROUTES, web.get("/inner/", who), web.get("/innermost", who))
    server = WebServer(settings, routes, logins={"/inner/": login})
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def test_the_right_password_opens_what_is_below_the_path() -> None:
    """And the handler knows who asks."""
    async with guarded() as server:
        assert await asked(server, "/inner/", login="admin:right") == (200, "admin")
        assert await status(server, "/inner/nothing", login="admin:right") == 404


@pytest.mark.parametrize("login", [None, "admin:wrong", "admin:", "root:right", ":right", "admin"])
@pytest.mark.parametrize(
    "path", ["/inner", "/inner/", "/inner/nothing", "/%69nner/nothing", "/inner%2Fnothing"]
)
async def test_nothing_else_opens_it(login: str | None, path: str) -> None:
    """401 before 404 and 405, with what a browser needs to ask."""
    headers = {} if login is None else {"Authorization": basic(login)}
    async with guarded() as server, ClientSession() as client:
        for method in ("GET", "POST"):
            async with client.request(method, server.url + path, headers=headers) as answer:
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize("path", ["/hello", "/innermost", "/-/healthy"])
async def test_the_rest_asks_for_nothing(path: str) -> None:
    """A path that only begins alike is not below it."""
    async with guarded() as server:
        assert await status(server, path) == 200


async def test_where_there_are_users_only_they_are_let_in(tmp_path: Path) -> None:
    """The login of its own is for where nobody was named."""
    config = users_file(tmp_path / "web.yml", anna="secret")
    async with guarded(config) as server:
        assert await asked(server, "/inner/", login="anna:secret") == (200, "anna")
        assert await status(server, "/inner/", login="admin:right") == 401
        assert await status(server, "/hello") == 401


async def test_without_a_password_nobody_is_let_in() -> None:
    """An empty one is none."""
    async with guarded(password=None) as server:
        assert await status(server, "/inner/", login="admin:") == 401
