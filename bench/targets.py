"""Owns the targets: a process that answers on many loopback addresses, as cheaply as it can.

`python -m bench.targets tcp PORT`: takes connections and ends them.
`python -m bench.targets http PORT`: answers every request, on a kept connection.
Both answer HTTP on 127.0.0.1:PORT, which tells that all the others listen.
"""

import argparse
import asyncio
import selectors
import socket
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread

from tests.e2e.real_programs import Running

COUNT = 1_000
_PER_NET = 250
_KEPT = 64  # connections: whoever came has hung up first, as it would with a device
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nup\n"
_END_OF_HEAD = b"\r\n\r\n"


def addresses(count: int = COUNT) -> list[str]:
    """Return loopback addresses, all of this machine (127.0.0.0/8)."""
    return [f"127.1.{i // _PER_NET}.{i % _PER_NET + 1}" for i in range(count)]


class Targets(Running):
    """The process, from readiness to the end of `with`; `kind` is tcp or http."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            lambda port: [sys.executable, "-m", "bench.targets", kind, str(port)], ready="/"
        )


class _Http(asyncio.Protocol):
    """Answers each head of a request; requests have no bodies here."""

    def __init__(self) -> None:
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._head += data
        while _END_OF_HEAD in self._head:
            _, _, self._head = self._head.partition(_END_OF_HEAD)
            self._transport.write(_ANSWER)


def _listening(address: str, port: int) -> socket.socket:
    listening = socket.create_server((address, port), backlog=128)
    listening.settimeout(0)
    return listening


def _take_connections(sockets: Sequence[socket.socket]) -> None:
    """Take connections and end the oldest, for ever."""
    selector = selectors.EpollSelector()
    for listening in sockets:
        selector.register(listening, selectors.EVENT_READ)
    taken: deque[socket.socket] = deque()
    while True:
        for key, _ in selector.select():
            assert isinstance(key.fileobj, socket.socket)
            with suppress(BlockingIOError):
                taken.append(key.fileobj.accept()[0])
        while len(taken) > _KEPT:
            taken.popleft().close()


async def _serve(kind: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    sockets = [_listening(address, port) for address in addresses()]
    if kind == "http":
        for listening in sockets:
            await loop.create_server(_Http, sock=listening)
    else:
        Thread(target=_take_connections, args=(sockets,), daemon=True).start()
    await loop.create_server(_Http, "127.0.0.1", port)
    await asyncio.Event().wait()


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("tcp", "http"))
    parser.add_argument("port", type=int)
    asked = parser.parse_args()
    asyncio.run(_serve(asked.kind, asked.port))


if __name__ == "__main__":
    main()
