"""Owns the way from a configured address to what a socket can be given.

No resolver is asked for a literal. A name is looked up in a thread, and what it
led to is kept: while something answers there, the resolver is asked at most every
REFRESH; while it is silent, within every attempt, so that a device with a new
address is found. While it is not told where the name leads, the last known addresses
are asked all the same: an answer counts, but silence is unknown, as the device may be
elsewhere. After KEPT they may be another device's, and are not asked any more.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from chassis.instants import Instant, elapsed
from exporter.power import State
from exporter.probes.faults import unknown, worded
from exporter.probes.protocol import Finding, ProbeContext
from exporter.probes.threads import in_thread

REFRESH = 60_000  # ms
KEPT = 24 * 3_600_000  # ms
_BEST_FIRST = (State.ON, State.OFF, State.UNKNOWN)
LOOKUPS = 16  # at once, in this process


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """An address as the socket calls take it."""

    family: int
    where: tuple[Any, ...]

    @property
    def numeric(self) -> str:
        """The address as text, with the number of its interface where it has one."""
        host, _, *rest = self.where
        scope = rest[1] if len(rest) > 1 and "%" not in host else 0
        return f"{host}%{scope}" if scope else str(host)


Addresses = tuple[SocketAddress, ...]
Resolve = Callable[[str, int], Addresses]
Enough = Callable[[Finding], bool]
Attempt = Callable[[SocketAddress, Instant, float], Awaitable[Finding]]


def _host(text: str) -> str:
    literal = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ip_address(literal)
    except ValueError:
        _refuse_what_is_no_name(text)
        return text
    if address.is_unspecified or address.is_multicast:
        raise ValueError("must be the address of one host")
    if isinstance(address, IPv6Address) and address.is_link_local and address.scope_id is None:
        raise ValueError(f"a link-local address needs its interface: {address}%eth0")
    return str(address)


def _refuse_what_is_no_name(text: str) -> None:
    if ":" in text or "/" in text:
        raise ValueError("must be a host's name or address alone, without a port or a scheme")
    if not text.isprintable() or any(character.isspace() for character in text) or "%" in text:
        raise ValueError("must be a host's name or address")
    if text.replace(".", "").isdigit():
        raise ValueError("is no address")
    try:
        text.encode("idna")
    except UnicodeError:
        raise ValueError("must be a host's name or address") from None


Host = Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_host)]
"""A name, or an address; IPv6 with or without brackets, a link-local one with %interface."""


def resolve(host: str, port: int) -> Addresses:
    """Ask the system's resolver; raises OSError (gaierror). May block for long."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(SocketAddress(int(family), where) for family, _, _, _, where in found)


def literal_address(host: str, port: int) -> SocketAddress | None:
    """Return what a literal stands for; None for a name, and for what needs an interface."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return SocketAddress(socket.AF_INET, (host, port))
    if "%" in host:
        return None
    return SocketAddress(socket.AF_INET6, (host, port, 0, 0))


class Lookups:
    """The lookups of this process: few at once, however many names there are."""

    def __init__(self, resolve: Resolve = resolve) -> None:
        self._resolve = resolve
        self._places = asyncio.Semaphore(LOOKUPS)

    async def look_up(self, host: str, port: int) -> Addresses:
        """Return a name's addresses; raises OSError (gaierror)."""
        async with self._places:
            # Cancelling leaves the thread to itself: its place is given back, as it may hang.
            return await in_thread(lambda: self._resolve(host, port))


def _is_alive(finding: Finding) -> bool:
    return finding.vote is State.ON


async def _nothing_to_close(lookups: Lookups) -> None:
    """A lookup ends by itself."""


class Target:
    """One host and port to ask, by address or by name.

    `literal` is the address of a host that is one: the short way. All others are
    asked through `ask`.
    """

    def __init__(
        self, host: str, port: int, context: ProbeContext, enough: Enough = _is_alive
    ) -> None:
        self._enough = enough
        self.literal = literal_address(host, port)
        self._host = host
        self._port = port
        self._clock = context.clock
        self._lookups = context.shared.get(Lookups, Lookups, _nothing_to_close)
        self._known: Addresses = ()
        self._resolved: Instant | None = None  # when `_known` was right
        self._asked: Instant | None = None  # when the resolver last said anything
        self._fault = ""
        self._answered = False
        self._lookup: asyncio.Task[None] | None = None

    async def ask(self, attempt: Attempt, started: Instant, timeout: float) -> Finding:
        """Make an attempt at all the host's addresses at once; the first that is enough ends it."""
        if self.literal is not None:
            return await attempt(self.literal, started, timeout)
        if "%" in self._host:
            return await self._ask_scoped(attempt, started, timeout)
        finding = await self._ask_named(attempt, started, timeout)
        self._answered = finding.vote is State.ON
        return finding

    async def _ask_scoped(self, attempt: Attempt, started: Instant, timeout: float) -> Finding:
        """Ask a link-local address; its interface may have another number by now."""
        try:
            found = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
            )
        except OSError:
            return unknown(f"no interface {self._host.rpartition('%')[2]}", started)
        return await attempt(SocketAddress(int(found[0][0]), found[0][4]), started, timeout)

    async def _ask_named(self, attempt: Attempt, started: Instant, timeout: float) -> Finding:
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout
        if self._current(started):
            return await self._ask_known(attempt, started, timeout, ends)
        lookup = self._begin_lookup()
        failed = await self._answer_of(lookup, timeout / 2 if self._known else timeout)
        if not self._known or self._resolved is None:
            return unknown(failed or "name not resolved", started)
        if failed and elapsed(self._resolved, started) > KEPT:
            return unknown(failed, started)
        asked = self._known
        finding = await self._ask_all(asked, attempt, started, max(0.0, ends - loop.time()))
        if failed and finding.silent:
            return await self._confirmed(finding, asked, lookup, ends)
        return finding

    def _current(self, started: Instant) -> bool:
        """Tell whether the known addresses may be asked without asking the resolver first."""
        return (
            self._answered and self._asked is not None and elapsed(self._asked, started) < REFRESH
        )

    async def _ask_known(
        self, attempt: Attempt, started: Instant, timeout: float, ends: float
    ) -> Finding:
        """Ask the known addresses; silence counts only if they are still the host's.

        The resolver is asked once half the time has passed in silence, or at its end.
        """
        asked, before = self._known, self._lookup
        later = asyncio.get_running_loop().call_later(timeout / 2, self._begin_lookup)
        try:
            finding = await self._ask_all(asked, attempt, started, timeout)
        finally:
            later.cancel()
        if not finding.silent:
            return finding
        begun = self._lookup if self._lookup is not before else None
        return await self._confirmed(finding, asked, begun or self._begin_lookup(), ends)

    async def _confirmed(
        self, finding: Finding, asked: Addresses, lookup: asyncio.Task[None], ends: float
    ) -> Finding:
        """Return what silence counts as, by where the name is found to lead meanwhile."""
        failed = await self._answer_of(lookup, ends - asyncio.get_running_loop().time())
        if failed:
            return unknown(f"{finding.detail} at its last known address; {failed}", finding.at)
        if set(self._known) & set(asked):
            return finding
        return unknown("the name leads to another address now", finding.at)

    async def _answer_of(self, lookup: asyncio.Task[None], timeout: float) -> str | None:
        """Wait for the resolver; say why there is no answer, or None when there is."""
        if not lookup.done():
            await asyncio.wait((lookup,), timeout=max(timeout, 0.0))
        return (self._fault or None) if lookup.done() else "name not resolved in time"

    def _begin_lookup(self) -> asyncio.Task[None]:
        """Ask the resolver, or wait for the answer that it owes."""
        if self._lookup is None or self._lookup.done():
            self._lookup = asyncio.create_task(self._look_up_once())
        return self._lookup

    async def _look_up_once(self) -> None:
        try:
            self._known = await self._lookups.look_up(self._host, self._port)
            self._resolved, self._fault = self._clock.now(), ""
        except OSError as error:
            self._fault = worded(error)
        self._asked = self._clock.now()

    async def _ask_all(
        self, addresses: Addresses, attempt: Attempt, started: Instant, timeout: float
    ) -> Finding:
        """Ask all addresses side by side.

        Where none is enough: alive before dead (the others could not be asked)
        before unknown.
        """
        if len(addresses) == 1:
            return await attempt(addresses[0], started, timeout)
        tasks = [asyncio.ensure_future(attempt(one, started, timeout)) for one in addresses]
        findings = []
        try:
            for answer in asyncio.as_completed(tasks):
                finding = await answer
                if self._enough(finding):
                    return finding
                findings.append(finding)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return min(findings, key=lambda found: _BEST_FIRST.index(found.vote))

    async def close(self) -> None:
        """Forget a lookup that is under way."""
        if self._lookup is not None:
            self._lookup.cancel()
            await asyncio.gather(self._lookup, return_exceptions=True)
