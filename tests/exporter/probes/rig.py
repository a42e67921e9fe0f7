"""What tests of probes share: a world around a probe, and peers with faults of their own."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

from chassis.clock import Clock, SystemClock
from chassis.instants import Instant
from chassis.strict_model import Reading, validate
from exporter.probes import kind_named
from exporter.probes.protocol import Finding, Probe, ProbeContext, ProbeSettings, Shared

LONG = 5.0  # seconds: nothing that answers takes so long
SHORT = 0.2  # seconds that a test waits for what never comes


def settings_of(kind: str, folder: Path = Path(), **keys: object) -> ProbeSettings:
    """Read the settings of a probe as a config file would hold them; raises ValidationError."""
    return validate(kind_named(kind).settings, {"kind": kind, **keys}, Reading(folder, folder))


class World:
    """What probes of one test share; closes all that was made."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.shared = Shared()
        self._probes: list[Probe] = []

    def context(self, home: str = "flat", probe: str = "probe") -> ProbeContext:
        """Return the world as a probe may see it."""
        return ProbeContext(home, probe, self.clock, self.shared)

    def make(self, kind: str, folder: Path = Path(), **keys: object) -> Probe:
        """Make a probe from what a config file holds."""
        probe: Probe = kind_named(kind).make(settings_of(kind, folder, **keys), self.context())
        self._probes.append(probe)
        return probe

    async def ask(self, probe: Probe, timeout: float = LONG) -> tuple[Instant, Finding, Instant]:
        """Make an attempt; return it between the moments before and after."""
        started = self.clock.now()
        finding = await probe.attempt(started, timeout)
        return started, finding, self.clock.now()

    async def find(self, probe: Probe, timeout: float = LONG) -> Finding:
        """Make an attempt, check what every finding must be, and return it."""
        started, finding, ended = await self.ask(probe, timeout)
        assert started.boot <= finding.at.boot <= ended.boot
        assert finding.detail
        assert finding.vote == "off" or not finding.silent
        if finding.vote != "on":
            assert finding.at == started
        return finding

    async def close(self) -> None:
        """Close probes first, then what they share."""
        for probe in self._probes:
            await probe.close()
        await self.shared.close()


@asynccontextmanager
async def world(clock: Clock | None = None) -> AsyncIterator[World]:
    """Make a world for one test."""
    made = World(clock)
    try:
        yield made
    finally:
        await made.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so; a test that waits in vain fails."""
    async with asyncio.timeout(LONG):
        while not condition():
            await asyncio.sleep(0.01)


@contextmanager
def listening(host: str = "127.0.0.1", backlog: int = 100) -> Iterator[int]:
    """Listen without ever accepting (the kernel connects all the same); yield the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.create_server((host, 0), family=family, backlog=backlog)) as server:
        yield int(server.getsockname()[1])


@contextmanager
def refused(host: str = "127.0.0.1") -> Iterator[int]:
    """Hold a port that nobody listens on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as held:
        held.bind((host, 0))
        yield int(held.getsockname()[1])


@contextmanager
def silent() -> Iterator[int]:
    """Listen with a full backlog: the kernel drops what comes, as a host without power does."""
    with listening(backlog=0) as port:
        taken = [socket.socket() for _ in range(4)]
        for one in taken:
            one.setblocking(False)  # noqa: FBT003  the standard library's own
            one.connect_ex(("127.0.0.1", port))
        try:
            yield port
        finally:
            for one in taken:
                one.close()


@asynccontextmanager
async def serving(reply: bytes | None, *, reset: bool = False) -> AsyncIterator[int]:
    """Accept, read, send raw bytes, hang up (with a reset if asked); yield the port."""
    answering: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(1000)
            if reply is None:
                await reader.read()
            else:
                writer.write(reply)
                await writer.drain()
            if reset:
                abort = struct.pack("ii", 1, 0)
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abort)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.create_task(answer(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)
