"""Owns the question of a container's health check: does this address answer 200?

    python -m chassis.health_check URL [SECONDS]

Exit code 0 for a 200 within SECONDS (default 3), else 1, with the reason on standard error; 2 for a
wrong command line. The standard library alone, and little of it: it runs every few seconds, on
small machines too. No redirect is followed and no proxy asked. It sends no secret, so that the
certificate of an https address need not be verified.
"""

import socket
import sys
from collections.abc import Sequence
from time import monotonic
from urllib.parse import SplitResult, urlsplit

WITHIN = 3.0  # seconds; less than a health check's own timeout, so that the reason is told
DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_LINE = 200  # bytes of a status line
USAGE = "usage: python -m chassis.health_check http[s]://HOST[:PORT][/PATH] [SECONDS]"
FINE, FAILED, WRONG = 0, 1, 2


class NotHealthy(Exception):
    """The address does not answer 200; the text says what happens instead."""


def main(argv: Sequence[str]) -> int:
    """Ask once; return the exit code."""
    try:
        url, within = _asked(argv)
    except ValueError:
        print(USAGE, file=sys.stderr)  # noqa: T201  a command's answer
        return WRONG
    try:
        check(url, within)
    except NotHealthy as reason:
        print(f"{url.geturl()} {reason}", file=sys.stderr)  # noqa: T201  as above
        return FAILED
    return FINE


def _asked(argv: Sequence[str]) -> tuple[SplitResult, float]:
    """Return the address and the seconds; raises ValueError."""
    text, *more = argv or [""]
    url = urlsplit(text)
    if url.scheme not in DEFAULT_PORTS or not url.hostname or url.port == 0 or len(more) > 1:
        raise ValueError(text)
    within = float(more[0]) if more else WITHIN
    if not 0 < within < float("inf"):
        raise ValueError(within)
    return url, within


def check(url: SplitResult, within: float) -> None:
    """Raise NotHealthy unless the address answers 200 within so many seconds in all."""
    deadline = monotonic() + within
    try:
        with _connected(url, within) as connection:
            connection.settimeout(_left(deadline))
            connection.sendall(_request(url))
            line = _status_line(connection, deadline)
    except TimeoutError:
        raise NotHealthy(f"does not answer within {within:g} s") from None
    except (OSError, UnicodeError) as fault:
        raise NotHealthy(f"cannot be asked: {fault}") from None
    if line[:5] != b"HTTP/" or line.split()[1:2] != [b"200"]:
        said = line.decode("ascii", "replace").strip()
        raise NotHealthy(f"answers {said!r}" if said else "ends the connection without an answer")


def _connected(url: SplitResult, within: float) -> socket.socket:
    assert url.hostname is not None
    port = url.port or DEFAULT_PORTS[url.scheme]
    connection = socket.create_connection((url.hostname, port), within)
    if url.scheme == "http":
        return connection
    import ssl  # noqa: PLC0415  what plain http, the usual case, need not load

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(connection, server_hostname=url.hostname)
    except BaseException:
        connection.close()
        raise


def _request(url: SplitResult) -> bytes:
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    host = url.netloc.rpartition("@")[2]
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("ascii")


def _status_line(connection: socket.socket, deadline: float) -> bytes:
    """Return the first line, or as much of it as there is before the end or LONGEST_LINE."""
    got = b""
    while b"\n" not in got and len(got) < LONGEST_LINE:
        connection.settimeout(_left(deadline))
        part = connection.recv(LONGEST_LINE)
        if not part:
            break
        got += part
    return got.partition(b"\n")[0]


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
