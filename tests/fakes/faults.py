"""Faults that a fake server shows on request: statuses, resets, hangs; shared by the fakes."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

ALWAYS = 1_000_000_000


@dataclass(frozen=True)
class Fault:
    """`how` is a status such as "503", or reset-before, reset-after, hang or slow.

    The -before and -after are those of what the request asks for; slow processes
    it after `seconds`.
    """

    how: str
    retry_after: str | None = None
    seconds: float = 0.0

    @property
    def status(self) -> int | None:
        """The HTTP status that is asked for, if it is one."""
        return int(self.how) if self.how.isdigit() else None


class Faults:
    """What the next requests will suffer, in order; nothing when it is empty."""

    def __init__(self) -> None:
        self._scheduled: deque[tuple[int, Fault | None]] = deque()
        self._released = asyncio.Event()

    def fail_next(self, count: int, how: str, **more: object) -> None:
        """Add a fault for the next `count` requests after those already scheduled."""
        self._scheduled.append((count, Fault(how, **more)))  # type: ignore[arg-type]

    def let_pass(self, count: int) -> None:
        """Add that many requests without a fault between scheduled ones."""
        self._scheduled.append((count, None))

    def clear(self) -> None:
        """Work again from now on, for those who hang too."""
        self._scheduled.clear()
        self._released.set()
        self._released = asyncio.Event()

    def take(self) -> Fault | None:
        """Return the fault of the request that has just come."""
        if not self._scheduled:
            return None
        count, fault = self._scheduled.popleft()
        if count > 1:
            self._scheduled.appendleft((count - 1, fault))
        return fault

    async def suffer(
        self,
        fault: Fault,
        request: web.Request,
        process: Callable[[], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Carry out a fault that is no status."""
        match fault.how:
            case "reset-before":
                return reset(request)
            case "reset-after":
                await process()
                return reset(request)
            case "hang":
                await self._released.wait()
                return reset(request)
            case "slow":
                await asyncio.sleep(fault.seconds)
                return await process()
        raise ValueError(f"no such fault: {fault.how}")


def reset(request: web.Request) -> web.Response:
    """Cut the connection with a TCP reset; the answer that the handler must return goes nowhere."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=503)
