"""The kind http against real servers, sound and broken ones."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from pydantic import ValidationError

from exporter.power import State
from tests.exporter.probes.promises import Case, Keys
from tests.exporter.probes.rig import SHORT, World, refused, serving, settings_of, silent, world


async def _answered(_w: World, stack: AsyncExitStack, _folder: Path) -> Keys:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    return {"url": f"http://127.0.0.1:{await stack.enter_async_context(serving(answer))}/"}


async def _hanging(_w: World, stack: AsyncExitStack, _folder: Path) -> Keys:
    return {"url": f"http://127.0.0.1:{await stack.enter_async_context(serving(None))}/"}


PROMISES = Case(_answered, _hanging)


STATUS = {"ups": {"status": "OL", "volts": 230.5, "relay": True, "text": "12.5", "none": None}}


class Server:
    """A web server that counts connections and remembers what it was sent."""

    def __init__(self) -> None:
        self.connections: set[object] = set()
        self.requests: list[web.BaseRequest] = []
        self.status = 200
        self.body = b'{"ups": {"status": "OL"}}'
        self.headers: dict[str, str] = {}
        self.hang_up = False
        self.port = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        assert request.transport is not None
        self.connections.add(request.transport)
        response = web.Response(status=self.status, body=self.body, headers=self.headers)
        if self.hang_up:
            request.transport.close()
        return response

    def url(self, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}/status"


@asynccontextmanager
async def server(
    host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Run a web server."""
    made = Server()
    runner = web.ServerRunner(web.Server(made.answer))
    await runner.setup()
    site = web.TCPSite(runner, host, 0, ssl_context=tls)
    await site.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("status", [200, 204, 301, 401, 404, 500, 503])
async def test_any_answer_is_alive(status: int) -> None:
    """Whoever can say no has power; redirects are not followed."""
    async with world() as w, server() as s:
        s.status, s.body = status, b""
        s.headers = {"Location": "/elsewhere"}
        finding = await w.find(w.make("http", url=s.url()))
        assert (finding.vote, finding.detail) == (State.ON, f"HTTP {status}")
        assert len(s.requests) == 1


async def test_a_refused_connection_is_alive() -> None:
    """As for tcp."""
    async with world() as w:
        with refused() as port:
            finding = await w.find(w.make("http", url=f"http://127.0.0.1:{port}/"))
        assert (finding.vote, finding.detail) == (State.ON, "refused: something answers")


async def test_silence_is_dead() -> None:
    """Neither a connection nor an answer."""
    async with world() as w:
        with silent() as port:
            finding = await w.find(w.make("http", url=f"http://127.0.0.1:{port}/"), SHORT)
        assert (finding.vote, finding.detail) == (State.OFF, "no answer in 0.2s")
        assert finding.silent


async def test_a_server_that_never_answers_is_dead() -> None:
    """A connection alone is no HTTP answer."""
    async with world() as w, serving(None) as port:
        finding = await w.find(w.make("http", url=f"http://127.0.0.1:{port}/"), SHORT)
        assert finding.vote is State.OFF


@pytest.mark.parametrize(
    "reply, reset",
    [(b"", False), (b"", True), (b"SSH-2.0-x\r\n", False), (b"HTTP/1.1 2x0 ?\r\n\r\n", False)],
)
async def test_who_does_not_speak_http_is_alive(reply: bytes, reset: bool) -> None:  # noqa: FBT001
    """Something answers, be it nonsense, an end or a reset."""
    async with world() as w, serving(reply, reset=reset) as port:
        finding = await w.find(w.make("http", url=f"http://127.0.0.1:{port}/"))
        assert finding.vote is State.ON


async def test_a_name_that_leads_nowhere_is_unknown() -> None:
    """What could not be looked up was not measured."""
    async with world() as w:
        finding = await w.find(w.make("http", url="http://no-such-host.invalid/"))
        assert finding.vote is State.UNKNOWN


@pytest.mark.parametrize("host, listen", [("[::1]", "::1"), ("localhost", "127.0.0.1")])
async def test_the_host_is_named_as_in_the_url(host: str, listen: str) -> None:
    """By whatever address it is reached."""
    async with world() as w, server(listen) as s:
        finding = await w.find(w.make("http", url=s.url(host)))
        assert finding.detail == "HTTP 200"
        assert s.requests[0].headers["Host"] == f"{host}:{s.port}"


# ---------------------------------------------------------------- connections


async def test_a_connection_is_kept() -> None:
    """Attempts after the first need no new one, whatever was answered."""
    async with world() as w, server() as s:
        probe = w.make("http", url=s.url())
        for s.status, s.body in [(200, b"{}"), (404, b"x" * 10_000), (200, b"")]:
            assert (await w.find(probe)).vote is State.ON
        assert len(s.connections) == 1


async def test_a_kept_connection_that_was_closed_is_no_answer() -> None:
    """The peer hung up meanwhile: it is asked again at once, on a new one."""
    async with world() as w, server() as s:
        probe = w.make("http", url=s.url())
        for _ in range(3):
            s.hang_up = False
            assert (await w.find(probe)).detail == "HTTP 200"
            for connection in s.connections:
                assert isinstance(connection, object)
                connection.abort()  # type: ignore[attr-defined]
        assert len(s.connections) == 3


async def test_a_long_body_is_left_alone() -> None:
    """An endless answer is alive as soon as it begins."""
    async with world() as w, server() as s:
        s.body = b"x" * 3_000_000
        probe = w.make("http", url=s.url())
        assert (await w.find(probe)).vote is State.ON
        assert (await w.find(probe)).vote is State.ON


# ---------------------------------------------------------------- TLS


@asynccontextmanager
async def tls_server() -> AsyncIterator[Server]:
    """Run a web server with a certificate that nobody knows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1", "localhost").configure_cert(context)
    async with server(tls=context) as s:
        yield s


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_certificate_that_does_not_hold_is_alive(host: str) -> None:
    """Something answered, though nobody should believe what it says."""
    async with world() as w, tls_server() as s:
        finding = await w.find(w.make("http", url=s.url(host, "https")))
        assert finding.vote is State.ON
        assert s.requests == []


async def test_a_value_without_a_certificate_that_holds_is_unknown() -> None:
    """Nobody is believed who cannot say who he is."""
    async with world() as w, tls_server() as s:
        probe = w.make("http", url=s.url(scheme="https"), field="/ups/status", on=["OL"])
        finding = await w.find(probe)
        assert finding.vote is State.UNKNOWN
        assert "certificate" in finding.detail


async def test_https_where_there_is_http_is_alive() -> None:
    """The handshake fails, but it is answered."""
    async with world() as w, server() as s:
        finding = await w.find(w.make("http", url=s.url(scheme="https")))
        assert finding.vote is State.ON


# ---------------------------------------------------------------- values


async def value(w: World, s: Server, **keys: object) -> tuple[State, str]:
    """Ask a meter; return vote and detail."""
    finding = await w.find(w.make("http", Path(), url=s.url(), **keys))
    assert not finding.silent
    return finding.vote, finding.detail


@pytest.mark.parametrize(
    "body, keys, vote",
    [
        (b'{"v": "OL"}', {"on": ["OL"], "off": ["OB"]}, State.ON),
        (b'{"v": "OB"}', {"on": ["OL"], "off": ["OB"]}, State.OFF),
        (b'{"v": "LB"}', {"on": ["OL"], "off": ["OB"]}, State.UNKNOWN),
        (b'{"v": "OB"}', {"on": ["OL"]}, State.UNKNOWN),
        (b'{"v": true}', {"on": [True], "off": [False]}, State.ON),
        (b'{"v": 1}', {"on": [True], "off": [False]}, State.UNKNOWN),
        (b'{"v": "0"}', {"on": [1], "off": [0]}, State.OFF),
        (b'{"v": null}', {"on": ["OL"]}, State.UNKNOWN),
        (b'{"v": [1]}', {"on": [1]}, State.UNKNOWN),
        (b'{"w": 1}', {"on": [1]}, State.UNKNOWN),
        (b"nonsense", {"on": [1]}, State.UNKNOWN),
        (b"", {"on": [1]}, State.UNKNOWN),
        (b'{"v": 230.1}', {"on_above": 100.0}, State.ON),
        (b'{"v": 100}', {"on_above": 100.0}, State.OFF),
        (b'{"v": "12.5"}', {"on_above": 100.0}, State.OFF),
        (b'{"v": "much"}', {"on_above": 100.0}, State.UNKNOWN),
        (b'{"v": 1e999}', {"on_above": 100.0}, State.UNKNOWN),
        (b"x" * 2_000_000, {"on": [1]}, State.UNKNOWN),
    ],
)
async def test_what_a_value_says(body: bytes, keys: dict[str, object], vote: State) -> None:
    """On and off are what the config calls so; all else is unknown."""
    async with world() as w, server() as s:
        s.body = body
        assert (await value(w, s, field="/v", **keys))[0] is vote


@pytest.mark.parametrize("status", [301, 404, 500])
async def test_a_value_of_an_error_page_is_none(status: int) -> None:
    """Only a success holds what was asked for."""
    async with world() as w, server() as s:
        s.status = status
        found = await value(w, s, field="/ups/status", on=["OL"])
        assert found == (State.UNKNOWN, f"no value: HTTP {status}")


async def test_a_meter_that_does_not_answer_is_unknown() -> None:
    """Its silence says nothing of the mains: it has a battery of its own."""
    async with world() as w:
        with silent() as port:
            url = f"http://127.0.0.1:{port}/"
            finding = await w.find(w.make("http", url=url, field="/v", on=[1]), SHORT)
        assert (finding.vote, finding.detail) == (State.UNKNOWN, "no value: no answer in 0.2s")
        with refused() as port:
            url = f"http://127.0.0.1:{port}/"
            assert (await w.find(w.make("http", url=url, field="/v", on=[1]))).vote is State.UNKNOWN


# ---------------------------------------------------------------- readings


SHELLY_1 = b"""{"voltage": 231.0, "relays": [{"ison": true}],
 "meters": [{"power": 12.5, "is_valid": true, "total": 6000}], "temperature": 30.2}"""
SHELLY_EM = b"""{"emeters": [{"power": 10.5, "current": 0.1, "voltage": 230.5, "total": 5.5}]}"""
SHELLY_2 = b"""{"id": 0, "output": true, "apower": 8.9, "voltage": 237.5, "freq": 50.0,
 "current": 0.064, "aenergy": {"total": 6.5, "by_minute": [0, 0, 0], "minute_ts": 1626935779}}"""
SHELLY_2_ALL = b'{"sys": {}, "switch:0": {"apower": 8.9, "aenergy": {"total": 6.5}}}'
TASMOTA = b"""{"StatusSNS": {"Time": "2026-01-01T00:00:00", "ENERGY": {"Total": 3.185,
 "Power": 36, "Voltage": 235, "Current": 0.153, "Frequency": 50}}}"""


@pytest.mark.parametrize(
    "device, body, readings",
    [
        ("shelly-gen1", SHELLY_1, {"volts": 231.0, "watts": 12.5, "energy_wh": 100.0}),
        (
            "shelly-gen1",
            SHELLY_EM,
            {"volts": 230.5, "watts": 10.5, "amperes": 0.1, "energy_wh": 5.5},
        ),
        (
            "shelly-gen2",
            SHELLY_2,
            {"volts": 237.5, "watts": 8.9, "amperes": 0.064, "hertz": 50.0, "energy_wh": 6.5},
        ),
        ("shelly-gen2", SHELLY_2_ALL, {"watts": 8.9, "energy_wh": 6.5}),
        (
            "tasmota",
            TASMOTA,
            {"volts": 235, "watts": 36, "amperes": 0.153, "hertz": 50, "energy_wh": 3185.0},
        ),
        ("tasmota", b"nonsense", {}),
    ],
)
async def test_what_a_device_reads(device: str, body: bytes, readings: dict[str, float]) -> None:
    """Known devices need no pointers; being alive is their vote, whatever they read."""
    async with world() as w, server() as s:
        s.body = body
        finding = await w.find(w.make("http", url=s.url(), device=device))
        assert finding.vote is State.ON
        assert finding.readings == pytest.approx(readings)


async def test_readings_are_where_the_config_says() -> None:
    """Its pointers go before the device's; what is no number is left out."""
    async with world() as w, server() as s:
        s.body = b'{"StatusSNS": {"ENERGY": {"Power": 36, "Voltage": 235}}, "w": "40", "a": "?"}'
        keys = {"device": "tasmota", "readings": {"watts": "/w", "amperes": "/a"}}
        finding = await w.find(w.make("http", Path(), url=s.url(), **keys))
        assert finding.readings == {"watts": 40.0, "volts": 235.0}


# ---------------------------------------------------------------- credentials and keys


async def test_credentials_are_sent_and_never_shown(tmp_path: Path) -> None:
    """They come from files, and go to the server alone."""
    (tmp_path / "headers").write_text("X-Api-Key: hush\n\nX-Empty:\n")
    (tmp_path / "user").write_text("admin:pass:wörd\n")
    keys = {"headers_file": "headers", "basic_auth_file": "user"}
    async with world() as w, server() as s:
        await w.find(w.make("http", tmp_path, url=s.url(), **keys))
        sent = s.requests[0].headers
        assert sent["X-Api-Key"] == "hush"
        assert sent["Authorization"] == "Basic YWRtaW46cGFzczp3w7ZyZA=="
        assert "hush" not in repr(settings_of("http", tmp_path, url=s.url(), **keys))


@pytest.mark.parametrize(
    "headers", ["hush", "a b: hush", "X-A: 1\nX-A: hush", "Host: hush", "X-A: hu\x01sh"]
)
def test_headers_that_are_none_are_a_fault(tmp_path: Path, headers: str) -> None:
    """And the fault does not tell the secret."""
    (tmp_path / "headers").write_text(headers)
    with pytest.raises(ValidationError) as fault:
        settings_of("http", tmp_path, url="http://plug/", headers_file="headers")
    assert "hush" not in str(fault.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"on": ["OL"]},
        {"on_above": 1},
        {"field": "/v"},
        {"field": "v", "on": [1]},
        {"field": "/a~2", "on": [1]},
        {"field": "/v", "on": [1], "on_above": 1},
        {"field": "/v", "on": [1], "off": ["1"]},
        {"field": "/v", "on": [[1]]},
        {"device": "toaster"},
        {"readings": {"volt": "/v"}},
        {"readings": {"volts": "v"}},
        {"url": "ftp://plug/"},
        {"url": "http://user:hush@plug/"},
        {"url": "http://fe80::1/"},
    ],
)
def test_keys_that_make_no_sense_are_a_fault(keys: dict[str, object]) -> None:
    """A config that could never mean anything is refused."""
    with pytest.raises(ValidationError):
        settings_of("http", Path(), **{"url": "http://plug/", **keys})
