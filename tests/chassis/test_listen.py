"""Listen addresses are read as they are written, and loopback is told from the rest."""

import pytest

from chassis.listen import Listen, is_loopback, parse_listen


@pytest.mark.parametrize(
    "text, host, port",
    [
        ("127.0.0.1:10910", "127.0.0.1", 10910),
        ("[::1]:80", "::1", 80),
        ("[0:0:0:0:0:0:0:1]:80", "::1", 80),
        (":10910", "", 10910),
        ("0.0.0.0:0", "0.0.0.0", 0),  # noqa: S104  it is read, not bound
        ("Exporter.local:65535", "exporter.local", 65535),
    ],
)
def test_an_address_is_read(text: str, host: str, port: int) -> None:
    """Each form that people write gives host and port."""
    assert parse_listen(text) == Listen(host, port)


@pytest.mark.parametrize(
    "text, what",
    [
        ("10910", "no port"),
        ("", "no port"),
        ("127.0.0.1", "no port"),
        ("127.0.0.1:", "not a port number"),
        ("127.0.0.1:-1", "not a port number"),
        ("127.0.0.1:٣", "not a port number"),
        ("127.0.0.1:65536", "above 65535"),
        ("127.0.0.1:" + "9" * 5000, "not a port number"),
        ("::1:80", "brackets"),
        ("[::g]:80", "not an IPv6 address"),
        ("[127.0.0.1]:80", "not an IPv6 address"),
        ("127.0.0.256:80", "neither an address nor a host name"),
        ("http//x:80", "neither an address nor a host name"),
        ("a b:80", "neither an address nor a host name"),
    ],
)
def test_a_faulty_address_is_refused_by_name(text: str, what: str) -> None:
    """The error says what is wrong."""
    with pytest.raises(ValueError, match=what):
        parse_listen(text)


@pytest.mark.parametrize("text", ["127.0.0.1:1", "[::1]:1", ":1", "name:1"])
def test_an_address_is_spelled_as_it_is_read(text: str) -> None:
    """What is printed can be read again."""
    assert str(parse_listen(text)) == text


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST."]
)
def test_loopback_is_this_machine_alone(host: str) -> None:
    """All of 127/8, ::1 and localhost are."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1", "localhost.example", "nas"],  # noqa: S104
)
def test_other_hosts_are_not_loopback(host: str) -> None:
    """Every address, others' addresses and names that may resolve to anything are not."""
    assert not is_loopback(host)
