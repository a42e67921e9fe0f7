"""The web server: problems, health, bounds, addresses and its end."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from typing_extensions import override

from chassis.listen import Listen
from chassis.problems import Problem
from chassis.service import StartFailed
from chassis.web import WebServer, connection_end
from chassis.web_accept import Acceptor, bind
from tests.chassis.servers import asked, serving, status


async def raw(server: WebServer, text: str) -> str:
    """Send a text as it is and return all that comes until the server closes."""
    address = server.addresses[0]
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(text.encode("latin-1"))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode("latin-1")


@pytest.mark.parametrize(
    "method, path, code, title",
    [
        ("GET", "/nothing", 404, "Not Found"),
        ("GET", "/no%20thing", 404, "Not Found"),
        ("GET", "/length", 405, "Method Not Allowed"),
        ("GET", "/boom", 500, "Internal Server Error"),
        ("POST", "/length", 413, "Request Entity Too Large"),
        ("POST", "/whoami", 403, "Forbidden"),
    ],
)
async def test_an_error_is_a_problem_document(
    method: str, path: str, code: int, title: str
) -> None:
    """Whoever raises it, it has the shape of RFC 9457."""
    async with serving() as server, ClientSession() as client:
        data = b"x" * 2000 if method == "POST" else None
        async with client.request(method, server.url + path, data=data) as answer:
            assert answer.status == code
            assert answer.content_type == "application/problem+json"
            document = json.loads(await answer.text())
    assert document["type"] == "about:blank"
    assert (document["title"], document["status"]) == (title, code)
    assert document["instance"] == path.replace("%20", " ")


async def test_a_method_that_is_not_allowed_is_told_which_are() -> None:
    """RFC 9110 wants Allow."""
    async with (
        serving() as server,
        ClientSession() as client,
        client.delete(server.url + "/length") as answer,
    ):
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_a_problem_carries_what_it_was_given() -> None:
    """Detail, headers and further members; none of the RFC's own can be replaced."""

    async def handler(_request: web.Request) -> web.Response:
        raise Problem(
            429,
            "Slow down",
            "in a second",
            headers={"Retry-After": "1"},
            members={"faults": [1], "status": 200},
        )

    async with (
        serving(web.get("/slow", handler)) as server,
        ClientSession() as client,
        client.get(server.url + "/slow") as answer,
    ):
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        document = json.loads(await answer.text())
    assert document == {
        "type": "about:blank",
        "title": "Slow down",
        "status": 429,
        "detail": "in a second",
        "instance": "/slow",
        "faults": [1],
    }


async def test_what_went_wrong_inside_is_logged_and_not_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A traceback may hold anything."""
    async with serving() as server:
        code, text = await asked(server, "/boom")
    assert code == 500
    assert "truth" not in text
    faults = [record for record in caplog.records if record.exc_info]
    assert [str(fault.exc_info[1]) for fault in faults if fault.exc_info] == ["the inner truth"]


async def test_what_went_wrong_inside_is_logged_though_the_client_has_gone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody would hear of it otherwise; that the client has gone is no fault of ours."""
    faults = {"/gone": ConnectionResetError("gone"), "/fault": RuntimeError("the inner truth")}
    begun = asyncio.Semaphore(0)

    async def handler(request: web.Request) -> web.Response:
        begun.release()
        await connection_end(request).wait()
        raise faults[request.path]

    async with serving(*(web.get(path, handler) for path in faults)) as server:
        address = server.addresses[0]
        for path in faults:
            _, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            await begun.acquire()
            writer.close()
    assert [r.exc_info[1] for r in caplog.records if r.exc_info] == [faults["/fault"]]


async def test_an_answer_that_has_begun_is_cut_off_and_not_followed_by_an_error() -> None:
    """A second head inside the body would look like data."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half of")
        raise RuntimeError("oh")

    async with serving(web.get("/half", handler)) as server:
        answer = await raw(server, "GET /half HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.count("HTTP/1.1") == 1
    assert not answer.endswith("0\r\n\r\n"), "an end would call it whole"


async def test_a_redirect_is_no_problem() -> None:
    """It goes out as it is."""
    async with serving() as server:
        assert await status(server, "/moved") == 302


@pytest.mark.parametrize(
    "text", ["nonsense\r\n\r\n", "GET /hello HTTP/1.1\r\nAuthorization\x00: hunter2\r\n\r\n"]
)
async def test_what_is_no_http_is_answered_400_and_not_quoted(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither to the client nor in the log, which a scanner must not fill."""
    caplog.set_level(logging.INFO)
    async with serving() as server:
        answer = await raw(server, text)
    assert answer.startswith(("HTTP/1.1 400 ", "HTTP/1.0 400 "))
    assert "application/problem+json" in answer
    assert "hunter2" not in answer
    assert [record for record in caplog.records if record.name != "chassis.web"] == []


async def test_a_body_may_be_as_large_as_the_limit() -> None:
    """And no larger, however it is sent."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 500

    async with serving(body_limit=1000) as server:
        assert await asked(server, "/length", "POST", data=b"x" * 1000) == (200, "1000")
        assert await status(server, "/length", "POST", data=b"x" * 1001) == 413
        assert await status(server, "/length", "POST", data=chunks()) == 413


async def test_health_is_told() -> None:
    """Alive is alive; ready is what the service says it is."""
    reasons: list[str] = ["the first round"]
    async with serving(ready=lambda: reasons[0] if reasons else None) as server:
        assert await asked(server, "/-/healthy") == (200, "healthy\n")
        code, text = await asked(server, "/-/ready")
        assert (code, json.loads(text)["detail"]) == (503, "the first round")
        reasons.clear()
        assert await asked(server, "/-/ready") == (200, "ready\n")


async def test_an_answer_tells_little_of_the_server_and_a_page_lets_nothing_in() -> None:
    """No versions; foreign scripts, frames and referrers are kept out."""
    async with serving() as server, ClientSession() as client:
        async with client.get(server.url + "/hello") as answer:
            assert answer.headers["Server"] == "power-status"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "Content-Security-Policy" not in answer.headers
        async with client.get(server.url + "/page") as answer:
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
            assert answer.headers["Referrer-Policy"] == "same-origin"


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:0", ":0"])
async def test_it_listens_where_it_is_told_and_says_where(listen: str) -> None:
    """Port 0 is any that is free, the same at every address."""
    async with serving(listen=listen) as server:
        assert await status(server, "/hello") == 200
        ports = {address.port for address in server.addresses}
        assert len(ports) == 1
        assert ports != {0}


async def test_it_listens_on_ipv6() -> None:
    """In brackets."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    async with serving(listen="[::1]:0") as server:
        assert server.url.startswith("http://[::1]:")
        assert await status(server, "/hello") == 200
    async with serving(listen=":0") as server:
        port = server.addresses[0].port
        async with ClientSession() as client:
            for host in ("127.0.0.1", "[::1]"):
                async with client.get(f"http://{host}:{port}/hello") as answer:
                    assert answer.status == 200


async def test_an_address_that_is_taken_is_a_start_that_failed() -> None:
    """The reason names the address."""
    async with serving() as server:
        taken = str(server.addresses[0])
        with pytest.raises(StartFailed, match=taken):
            async with serving(listen=taken):
                pass


# ---------------------------------------------------------------- bounds and the end


async def test_a_stream_does_not_hold_the_stop() -> None:
    """A handler that would stream for ever is cancelled."""
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return response

    async with serving(web.get("/stream", handler)) as server:
        reading = asyncio.create_task(
            raw(server, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        )
        await begun.wait()
        await server.stop()
        assert cancelled.is_set()
        await reading


async def test_a_request_that_runs_may_end_during_the_stop() -> None:
    """A stop is no reason to lose an answer."""
    begun, go = asyncio.Event(), asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        begun.set()
        await go.wait()
        return web.Response(text="done")

    async with serving(web.get("/slow", handler)) as server:
        asking = asyncio.create_task(asked(server, "/slow"))
        await begun.wait()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        go.set()
        assert await asking == (200, "done")
        await stopping


class Held(asyncio.Protocol):
    """A connection that says that it is in."""

    def __init__(self, open_: set["Held"], ended: asyncio.Event) -> None:
        self._open = open_
        self._ended = ended
        self.line: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.line = transport
        self._open.add(self)
        transport.write(b"in")

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)
        self._ended.set()


async def test_more_connections_than_allowed_are_refused_until_one_ends() -> None:
    """File descriptors are not endless."""
    sockets, ended = await bind(Listen("127.0.0.1", 0)), asyncio.Event()
    address = sockets[0].getsockname()
    acceptor = Acceptor[Held](sockets, lambda open_: Held(open_, ended), lambda: None, most=1)
    acceptor.start()
    reader, writer = await asyncio.open_connection(*address)
    assert await reader.readexactly(2) == b"in"
    refused, other = await asyncio.open_connection(*address)
    assert await refused.read() == b""
    writer.close()
    await ended.wait()
    again, third = await asyncio.open_connection(*address)
    assert await again.readexactly(2) == b"in"
    acceptor.close()
    acceptor.abort()
    for each in (writer, other, third):
        each.close()
