"""Addresses in configs: URLs to call and places to listen."""

import pytest

from chassis.addresses import check_http_url, check_listen, check_origin_url


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8086",
        "https://relay.example.org/alerts?x=1",
        "HTTP://h",
        "http://[::1]:1/",
    ],
)
def test_a_url_is_http_or_https_with_a_host(url: str) -> None:
    """It is kept as it is written."""
    assert check_http_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8086",
        "//host",
        "ftp://host",
        "http://",
        "http:///path",
        "http://:80",
        "http://host:port",
        "http://host:99999",
        "http://[::1",
        "http://ho st/",
        "http://host/\n",
        "http://host/a b",
    ],
)
def test_what_is_no_such_url_is_refused(url: str) -> None:
    """Before the first request is made of it."""
    with pytest.raises(ValueError, match="must be a URL that begins with http:// or https://"):
        check_http_url(url)


@pytest.mark.parametrize("url", ["http://me@host/", "http://me:made-up@host/", "http://@host/"])
def test_a_url_holds_no_secret(url: str) -> None:
    """Nor is one repeated."""
    with pytest.raises(ValueError, match="must hold no user or password") as refused:
        check_http_url(url)
    assert "made-up" not in str(refused.value)


def test_an_outer_address_is_a_url_without_a_query() -> None:
    """Its path is the reverse proxy's affair."""
    assert check_origin_url("https://power.example.org/here/") == "https://power.example.org/here/"
    for url in ("https://power.example.org/?a", "https://power.example.org/#a"):
        with pytest.raises(ValueError, match="neither a query nor a fragment"):
            check_origin_url(url)


def test_a_listen_address_is_kept_as_it_is_written() -> None:
    """What is none says why."""
    assert check_listen("[::1]:0") == "[::1]:0"
    with pytest.raises(ValueError, match="has no port"):
        check_listen("localhost")
