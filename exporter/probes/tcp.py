"""Owns the kind `tcp`: does anything at an address and port answer, if only with a refusal?

This is the path of which a big site runs hundreds a second: a bare non-blocking
socket, and the event loop only where the kernel has not finished at once.
"""

import asyncio
import socket
from errno import EALREADY, EINPROGRESS
from typing import Annotated, Literal

from pydantic import Field

from chassis.instants import Instant
from exporter.power import State
from exporter.probes.faults import Blame, blame, dead, seconds, unknown, worded
from exporter.probes.names import Host, SocketAddress, Target
from exporter.probes.protocol import Finding, Kind, ProbeContext, ProbeSettings

NON_BLOCKING_STREAM = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC


class TcpSettings(ProbeSettings):
    """Keys of a tcp probe."""

    kind: Literal["tcp"]
    address: Host
    port: Annotated[int, Field(ge=1, le=65535)]


class TcpProbe:
    """Connects once an attempt, and hangs up at once."""

    def __init__(self, settings: TcpSettings, context: ProbeContext) -> None:
        self._clock = context.clock
        self._target = Target(settings.address, settings.port, context)

    async def attempt(self, started: Instant, timeout: float) -> Finding:
        """Connect; connected or refused is alive, silence is dead."""
        if self._target.literal is not None:
            return await self._connect(self._target.literal, started, timeout)
        return await self._target.ask(self._connect, started, timeout)

    async def _connect(self, address: SocketAddress, started: Instant, timeout: float) -> Finding:
        try:
            sock = socket.socket(address.family, NON_BLOCKING_STREAM)
        except OSError as error:
            return self._failed(error, started, timeout)
        # Closed without SO_LINGER: a device sees the normal end of a connection, not a reset.
        try:
            code = sock.connect_ex(address.where)
            if code == EINPROGRESS:
                # Asked again, the kernel says how it stands: a near host has answered by now,
                # and the event loop (40 µs) is not needed. For a far one this costs 1 µs.
                code = sock.connect_ex(address.where)
            if code == EALREADY:
                code = await _connected(sock, timeout)
            if code:
                return self._failed(OSError(code, ""), started, timeout)
            return Finding(State.ON, "connected", self._clock.now())
        except OSError as error:
            return self._failed(error, started, timeout)
        finally:
            sock.close()

    def _failed(self, error: OSError, started: Instant, timeout: float) -> Finding:
        verdict = blame(error)
        if verdict is Blame.ALIVE:
            return Finding(State.ON, worded(error), self._clock.now())
        if verdict is Blame.DEAD:
            silent = isinstance(error, TimeoutError)
            return dead(f"no answer in {seconds(timeout)}" if silent else worded(error), started)
        return unknown(worded(error), started)

    async def close(self) -> None:
        """Forget what is under way."""
        await self._target.close()


async def _connected(sock: socket.socket, timeout: float) -> int:
    """Return how a connection under way ended, as an errno; raises TimeoutError."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(sock, _finish, ready)
    timer = loop.call_later(timeout, _give_up, ready)
    try:
        await ready
    finally:
        timer.cancel()
        loop.remove_writer(sock)
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _finish(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _give_up(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_exception(TimeoutError())


KIND = Kind(settings=TcpSettings, make=TcpProbe)
