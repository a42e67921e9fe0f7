"""Owns the spelling of listen addresses; opens no socket and asks no name server."""

import ipaddress
import re
from dataclasses import dataclass

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?")
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Listen:
    """An address to listen on; an empty host means every address of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        """Spell it as `parse_listen` reads it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach it."""
        return is_loopback(self.host)


def parse_listen(text: str) -> Listen:
    """Read `host:port`, `[::1]:port` or `:port`. Port 0 asks for any free port.

    Raises ValueError that says what is wrong.
    """
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError(f"{text!r} has no port; write host:port, [::1]:port or :port")
    return Listen(_host(host, text), _port(port, text))


def _port(port: str, text: str) -> int:
    if not (port.isascii() and port.isdigit() and len(port) <= len(str(_LAST_PORT))):
        raise ValueError(f"{text!r}: {port!r} is not a port number")
    number = int(port)
    if number > _LAST_PORT:
        raise ValueError(f"{text!r}: port {number} is above {_LAST_PORT}")
    return number


def _host(host: str, text: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise ValueError(f"{text!r}: {host[1:-1]!r} is not an IPv6 address") from None
    if ":" in host:
        raise ValueError(f"{text!r}: write an IPv6 address in brackets, [::1]:port")
    if host and not _is_ipv4_or_name(host):
        raise ValueError(f"{text!r}: {host!r} is neither an address nor a host name")
    return host.lower()


def _is_ipv4_or_name(host: str) -> bool:
    if re.fullmatch(r"[0-9.]+", host):  # 127.1 and 127.0.0.256 are names to nobody
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return False
        return True
    return _HOST_NAME.fullmatch(host) is not None


def is_loopback(host: str) -> bool:
    """Tell whether a host (without brackets) is this machine alone.

    A name other than localhost is not: who knows what it will resolve to.
    """
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
