"""Owns listening sockets and accepting: each connection gets the TLS context of that moment.

asyncio's own servers fix the context when they are made; here it may change, and
even come and go, while the socket listens on.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from aiohttp import web
from typing_extensions import override

from chassis.listen import Listen
from chassis.problems import Problem, problem_response
from chassis.service import StartFailed
from chassis.web_gate import SERVER_NAME

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 1_000
HANDSHAKE_WITHIN = 10.0  # seconds
LINGERING = 5.0  # seconds that the rest of a refused body is read, so that the answer arrives
SHUTDOWN_WITHIN = 1.0  # seconds that a TLS client has to say goodbye
UNACKNOWLEDGED = 30_000  # ms after which a client that takes nothing is cut off
_BACKLOG = 128
_AT_ONCE = 64  # connections that are accepted before other things get their turn
_PAUSE = 0.5  # seconds after a failure to accept, such as no file descriptor
_NO_SUCH_ADDRESS = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
_TRIES = 10  # to find one port that is free in both families


async def bind(listen: Listen) -> list[socket.socket]:
    """Return sockets that listen; of a name, at each of its addresses. Raises StartFailed."""
    for tries_left in reversed(range(_TRIES)):
        try:
            return _bind_all(listen, await _addresses(listen))
        except OSError as fault:
            clash = fault.errno == errno.EADDRINUSE and listen.port == 0
            if not (clash and tries_left):
                reason = fault.strerror or str(fault)
                raise StartFailed(f"cannot listen on {listen}: {reason}") from fault
    raise AssertionError("the last try returns or raises")


async def _addresses(listen: Listen) -> list[tuple[int, Any]]:
    """Return families and addresses, IPv4 first: with port 0 it chooses the port of all."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(
        listen.host or None, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    unique = dict.fromkeys((int(family), address) for family, _, _, _, address in found)
    return sorted(unique, key=lambda entry: entry[0] != socket.AF_INET)


def _bind_all(listen: Listen, addresses: list[tuple[int, Any]]) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, address in addresses:
            port = sockets[0].getsockname()[1] if sockets else listen.port
            try:
                sockets.append(_bind_one(family, (address[0], port, *address[2:])))
            except OSError as fault:
                if fault.errno not in _NO_SUCH_ADDRESS:
                    raise
                missing = fault  # a machine without IPv6 may still name ::1
        if not sockets and missing is not None:
            raise missing
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _bind_one(family: int, address: tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit it: who stops reading does not hold a connection for ever.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
        sock.setblocking(False)  # noqa: FBT003  the socket module's own signature
    except OSError:
        sock.close()
        raise
    return sock


class Connection(web.RequestHandler):
    """One client's connection; what is no HTTP gets a problem document too."""

    def __init__(self, server: web.Server, open_: set["Connection"], keep_alive: float) -> None:
        """`keep_alive`: seconds that it may be idle, and that the head of a request may take."""
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # None is how aiohttp itself says it
            keepalive_timeout=keep_alive,
            lingering_time=LINGERING,
        )
        self._open = open_
        self.line: asyncio.Transport | None = None
        self.ended = asyncio.Event()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.line = transport
        self._open.add(self)
        super().connection_made(transport)

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        self._open.discard(self)
        self.ended.set()
        super().connection_lost(exc)

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what never reached the gate; `message` may quote a header, so it is not told."""
        malformed = status == HTTPStatus.BAD_REQUEST
        if not malformed and not isinstance(exc, ConnectionError):
            log.error("a connection failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionResetError("the answer has begun: all that is left is to end it")
        detail = "this is not valid HTTP" if malformed else None
        response = problem_response(Problem(status, detail=detail), None)
        response.headers["Server"] = SERVER_NAME
        response.force_close()
        return response


class Line(Protocol):
    """A connection as its acceptor sees it."""

    line: asyncio.Transport | None


L = TypeVar("L", bound=Line)


class Acceptor(Generic[L]):
    """Accepts connections at its sockets until it is closed."""

    def __init__(
        self,
        sockets: list[socket.socket],
        connection: Callable[[set[L]], asyncio.Protocol],
        tls: Callable[[], "ssl.SSLContext | None"],
        most: int = MOST_CONNECTIONS,
    ) -> None:
        self.sockets = sockets
        self._connection = connection
        self._tls = tls
        self._most = most
        self._open: set[L] = set()
        self._arriving: set[asyncio.Task[None]] = set()
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        self._failing = self._full = False

    def start(self) -> None:
        """Begin to accept."""
        for sock in self.sockets:
            self._watch(sock)

    def _watch(self, sock: socket.socket) -> None:
        self._pauses.pop(sock, None)
        asyncio.get_running_loop().add_reader(sock, self._accept, sock)

    def _accept(self, sock: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, _address = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as fault:
                self._pause(sock, fault)
                return
            self._failing = False
            self._take(client)

    def _pause(self, sock: socket.socket, fault: OSError) -> None:
        if not self._failing:
            log.error("connections cannot be accepted: %s", fault.strerror)
        self._failing = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock)
        self._pauses[sock] = loop.call_later(_PAUSE, self._watch, sock)

    def _take(self, client: socket.socket) -> None:
        if len(self._open) + len(self._arriving) >= self._most:
            if not self._full:
                log.warning("there are too many connections; more are refused")
            self._full = True
            client.close()
            return
        self._full = False
        client.setblocking(False)  # noqa: FBT003  the socket module's own signature
        task = asyncio.create_task(self._serve(client))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def _serve(self, client: socket.socket) -> None:
        context = self._tls()
        limits: dict[str, float] = {}
        if context is not None:
            limits = {
                "ssl_handshake_timeout": HANDSHAKE_WITHIN,
                "ssl_shutdown_timeout": SHUTDOWN_WITHIN,
            }
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._connection(self._open), client, ssl=context, **limits
            )
        except OSError as fault:  # no TLS, no certificate, gone: its own affair
            log.debug("a connection was not made: %s", fault)
            client.close()

    def close(self) -> None:
        """Accept no more; connections that stand are left alone."""
        loop = asyncio.get_running_loop()
        for sock in self.sockets:
            if sock in self._pauses:
                self._pauses.pop(sock).cancel()
            loop.remove_reader(sock)
            sock.close()
        for task in self._arriving:
            task.cancel()

    def abort(self) -> None:
        """Cut off every connection that still stands."""
        for connection in list(self._open):
            if connection.line is not None:
                connection.line.abort()
