"""Owns which Host and Origin are our own: the defence against DNS rebinding and foreign pages."""

from functools import lru_cache
from urllib.parse import urlsplit

from chassis.listen import Listen, is_loopback

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_REMEMBERED = 256  # pairs of Host and Origin


class Origins:
    """Judges requests by their Host and Origin headers."""

    def __init__(self, listen: Listen, external_url: str | None) -> None:
        self._listen = listen
        self._external_host = self._external_origin = None
        if external_url is not None:
            parts = urlsplit(external_url)
            self._external_host = parts.hostname
            self._external_origin = _without_default_port(parts.scheme, parts.netloc)
        self.refusal = lru_cache(_REMEMBERED)(self._refusal)

    def _refusal(self, host: str | None, origin: str | None) -> str | None:
        """Say why a request is refused, or None.

        Who sends no Host (HTTP/1.0) is no browser, and only a browser can be made to ask.
        """
        if host is not None and self._listen.is_loopback and not self._is_own_host(host):
            return "the Host is foreign"
        if origin is not None and not self._is_own_origin(origin, host):
            return "the Origin is foreign"
        return None

    def _is_own_host(self, host: str) -> bool:
        name = host_name(host)
        if name is None:
            return False
        return is_loopback(name) or name in {self._listen.host, self._external_host}

    def _is_own_origin(self, origin: str, host: str | None) -> bool:
        scheme, separator, authority = origin.lower().partition("://")
        if not separator or scheme not in _DEFAULT_PORTS:
            return False
        own = _without_default_port(scheme, authority)
        if own == self._external_origin:
            return True
        return host is not None and own == _without_default_port(scheme, host)


def _without_default_port(scheme: str, authority: str) -> str:
    authority = authority.lower()
    return f"{scheme}://{authority.removesuffix(_DEFAULT_PORTS.get(scheme, ''))}"


def host_name(host: str) -> str | None:
    """Return the name or address in a Host header, without port and brackets; None for nonsense."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            return None
        return name.lower()
    name, _, port = host.partition(":")
    if not name or (port and not (port.isascii() and port.isdigit())):
        return None
    return name.lower()
