"""Host and Origin: a page elsewhere and a name that rebinds are refused."""

import pytest

from chassis.listen import parse_listen
from chassis.web_origin import Origins
from tests.chassis.servers import serving, status

EXTERNAL = "https://power.example.org"


def refused(
    host: str | None, origin: str | None = None, *, listen: str = "127.0.0.1:10910"
) -> bool:
    """Tell whether a request is refused by a server behind a reverse proxy."""
    return Origins(parse_listen(listen), EXTERNAL).refusal(host, origin) is not None


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:10910",
        "127.0.0.1",
        "localhost:8080",
        "LocalHost",
        "127.1.2.3:1",
        "[::1]:10910",
        "[::1]",
        "power.example.org",
        "power.example.org:443",
        None,
    ],
)
def test_own_hosts_are_let_in(host: str | None) -> None:
    """Any port: a tunnel may lead here. Who sends no Host is no browser."""
    assert not refused(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:10910",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "192.0.2.1",
        "exporter:10910",
        "",
        ":10910",
        "[::1",
        "[::1]evil",
        "localhost:evil",
        "localhost@evil.example",
        "evil.example#localhost",
    ],
)
def test_foreign_hosts_are_refused_on_loopback(host: str) -> None:
    """Such a name leads here only by DNS rebinding."""
    assert refused(host)


@pytest.mark.parametrize("listen", [":10910", "0.0.0.0:10910", "192.0.2.1:1", "exporter:1"])
def test_any_host_is_let_in_elsewhere(listen: str) -> None:
    """In compose Prometheus says exporter:10910."""
    assert not refused("exporter:10910", listen=listen)


@pytest.mark.parametrize(
    "host, origin",
    [
        ("localhost:10910", "http://localhost:10910"),
        ("LOCALHOST:10910", "http://localhost:10910"),
        ("localhost", "http://localhost:80"),
        ("[::1]:10910", "http://[::1]:10910"),
        ("127.0.0.1:10910", "https://power.example.org"),
        ("power.example.org", "https://POWER.example.org:443"),
    ],
)
def test_own_origins_are_let_in(host: str, origin: str) -> None:
    """The page's own, and the one outside of the proxy."""
    assert not refused(host, origin)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://evil.example",
        "http://localhost:10911",
        "http://localhost",
        "http://power.example.org:8080",
        "http://localhost:10910.evil.example",
        "http://user@localhost:10910",
        "file://localhost:10910",
        "localhost:10910",
        "http://localhost:10910 http://evil.example",
    ],
)
@pytest.mark.parametrize("listen", ["127.0.0.1:10910", ":10910"])
def test_foreign_origins_are_refused_everywhere(origin: str, listen: str) -> None:
    """Another port is another origin, and so is none that can be named."""
    assert refused("localhost:10910", origin, listen=listen)


async def test_the_server_refuses_before_anything_else() -> None:
    """Reads too, and for paths that do not exist."""
    async with serving(external_url=EXTERNAL) as server:
        for path in ("/hello", "/-/healthy", "/nothing"):
            assert await status(server, path, headers={"Host": "evil.example"}) == 403
            assert await status(server, path, headers={"Origin": "http://evil.example"}) == 403
        assert await status(server, "/hello", headers={"Host": "power.example.org"}) == 200
        assert await status(server, "/hello", headers={"Origin": EXTERNAL}) == 200
        assert await status(server, "/hello", headers={"Origin": server.url}) == 200
