"""Names: when the resolver is asked, and what counts while it is down or the device has moved."""

import asyncio
import socket
from collections.abc import Callable
from threading import Event

import pytest

from chassis.instants import Instant
from exporter.power import State
from exporter.probes.faults import dead
from exporter.probes.names import KEPT, REFRESH, Addresses, Lookups, SocketAddress, Target
from exporter.probes.protocol import Finding
from tests.exporter.clocks import HandClock
from tests.exporter.probes.rig import LONG, World

FIRST = SocketAddress(socket.AF_INET, ("192.0.2.1", 80))
SECOND = SocketAddress(socket.AF_INET, ("192.0.2.2", 80))
DOWN = socket.gaierror(socket.EAI_AGAIN, "temporary failure")
NOT_RESOLVED = "name not resolved: the resolver does not answer"


class Named:
    """A name, its resolver, and which addresses somebody answers at."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.answer: Addresses | Exception | Callable[[], Addresses] = (FIRST,)
        self.alive = {FIRST}
        self.lookups = 0
        self.asked: list[SocketAddress] = []
        world = World(self.clock)

        async def nothing(_: Lookups) -> None:
            """Nothing is held."""

        world.shared.get(Lookups, lambda: Lookups(self.resolve), nothing)
        self.target = Target("plug.lan", 80, world.context())

    def resolve(self, host: str, port: int) -> Addresses:
        assert (host, port) == ("plug.lan", 80)
        self.lookups += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer() if callable(self.answer) else self.answer

    async def attempt(
        self,
        address: SocketAddress,
        started: Instant,
        timeout: float,  # noqa: ARG002  its shape
    ) -> Finding:
        self.asked.append(address)
        if address in self.alive:
            return Finding(State.ON, "here", started)
        await asyncio.sleep(0)
        return dead("silent", started)

    async def ask(self, timeout: float = LONG) -> Finding:
        return await self.target.ask(self.attempt, self.clock.now(), timeout)


async def test_a_literal_is_never_looked_up() -> None:
    """An address needs no resolver."""
    named = Named()
    named.target = Target("192.0.2.1", 80, World(named.clock).context())
    assert (await named.ask()).vote is State.ON
    assert named.lookups == 0


async def test_a_name_that_answers_is_looked_up_rarely() -> None:
    """While somebody answers, the resolver is asked once in a while."""
    named = Named()
    for _ in range(3):
        assert (await named.ask()).vote is State.ON
    assert named.lookups == 1
    named.clock.pass_time(REFRESH)
    assert (await named.ask()).vote is State.ON
    assert named.lookups == 2


async def test_a_device_with_a_new_address_was_never_dead() -> None:
    """Silence at an address that the name has left is no evidence; the new one is asked next."""
    named = Named()
    await named.ask()
    named.answer, named.alive = (SECOND,), {SECOND}
    finding = await named.ask()
    assert (finding.vote, finding.silent) == (State.UNKNOWN, False)
    assert (await named.ask()).vote is State.ON
    assert named.asked == [FIRST, FIRST, SECOND]


async def test_silence_at_the_right_address_is_dead_at_once() -> None:
    """The resolver confirms within the attempt that it was the right one."""
    named = Named()
    await named.ask()
    named.alive = set()
    assert (await named.ask()).vote is State.OFF
    assert named.lookups == 2


async def test_a_dead_device_is_looked_up_in_every_attempt() -> None:
    """It may come back at another address."""
    named = Named()
    named.alive = set()
    assert (await named.ask()).vote is State.OFF
    named.answer, named.alive = (SECOND,), {SECOND}
    assert (await named.ask()).vote is State.ON


async def test_a_resolver_that_is_down_leaves_the_last_known_address() -> None:
    """An answer where the device was counts; silence does not, as it may have moved."""
    named = Named()
    await named.ask()
    named.answer = DOWN
    named.clock.pass_time(REFRESH)
    assert (await named.ask()).vote is State.ON
    named.alive = set()
    named.clock.pass_time(REFRESH)
    finding = await named.ask()
    assert (finding.vote, finding.silent) == (State.UNKNOWN, False)
    assert finding.detail == f"silent at its last known address; {NOT_RESOLVED}"


async def test_silence_is_unknown_when_the_resolver_fails_with_it() -> None:
    """From the first silent attempt on: the name is resolved in none of them."""
    named = Named()
    await named.ask()
    named.answer, named.alive = DOWN, set()
    for lookups in (2, 3):
        finding = await named.ask()
        assert (finding.vote, finding.silent) == (State.UNKNOWN, False)
        assert finding.detail == f"silent at its last known address; {NOT_RESOLVED}"
        assert named.lookups == lookups


async def test_an_off_that_was_said_counts_while_the_resolver_is_down() -> None:
    """Whoever tells a value has been reached."""
    named = Named()
    await named.ask()
    named.answer = DOWN
    named.clock.pass_time(REFRESH)

    async def attempt(_: SocketAddress, started: Instant, timeout: float) -> Finding:
        return Finding(State.OFF, "says 0", started)

    finding = await named.target.ask(attempt, named.clock.now(), LONG)
    assert (finding.vote, finding.detail) == (State.OFF, "says 0")


async def test_the_lookup_at_half_time_confirms_the_silence() -> None:
    """It has been answered when the time is over: no second one is begun, which would be late."""
    named = Named()
    await named.ask()

    async def attempt(_: SocketAddress, started: Instant, timeout: float) -> Finding:
        await asyncio.sleep(timeout)  # as silence takes
        return dead("silent", started)

    finding = await named.target.ask(attempt, named.clock.now(), 1.0)
    assert (finding.vote, finding.silent) == (State.OFF, True)
    assert named.lookups == 2


async def test_a_slow_resolver_has_the_whole_attempt_to_answer_in() -> None:
    """Its answer comes while the last known address is silent, and confirms it."""
    named = Named()
    named.alive = set()
    await named.ask()
    released = Event()

    def slow() -> Addresses:
        released.wait(30)
        return (FIRST,)

    async def attempt(_: SocketAddress, started: Instant, timeout: float) -> Finding:
        released.set()
        return dead("silent", started)

    named.answer = slow
    finding = await named.target.ask(attempt, named.clock.now(), 1.0)
    assert (finding.vote, finding.silent) == (State.OFF, True)


async def test_the_last_known_address_is_not_believed_for_ever() -> None:
    """After a day it may be another device's."""
    named = Named()
    await named.ask()
    named.answer = DOWN
    named.clock.pass_time(KEPT + 1)
    finding = await named.ask()
    assert (finding.vote, finding.detail) == (State.UNKNOWN, NOT_RESOLVED)
    assert named.asked == [FIRST]


async def test_a_name_without_any_known_address_is_unknown() -> None:
    """What was never resolved was never asked."""
    named = Named()
    named.answer = DOWN
    finding = await named.ask()
    assert finding.vote is State.UNKNOWN
    assert named.asked == []


async def test_a_resolver_that_hangs_does_not_hold_the_attempt() -> None:
    """One lookup hangs, attempts end in time, and there is never a second lookup beside it."""
    named = Named()
    released = Event()

    def hang() -> Addresses:
        released.wait(30)
        return (FIRST,)

    named.answer = hang
    for _ in range(3):
        finding = await named.ask(0.05)
        assert (finding.vote, finding.detail) == (State.UNKNOWN, "name not resolved in time")
    assert named.lookups == 1
    released.set()
    assert (await named.ask()).vote is State.ON
    await named.target.close()


async def test_one_living_address_is_enough() -> None:
    """All are asked side by side."""
    named = Named()
    named.answer, named.alive = (SECOND, FIRST), {FIRST}
    assert (await named.ask()).vote is State.ON
    assert set(named.asked) == {FIRST, SECOND}


@pytest.mark.parametrize("order", [1, -1])
async def test_an_address_that_cannot_be_asked_is_no_excuse(order: int) -> None:
    """A machine without IPv6 asks by IPv4: silence there is dead, though the other is unknown."""
    named = Named()
    named.answer, named.alive = (FIRST, SECOND)[::order], set()

    async def attempt(address: SocketAddress, started: Instant, timeout: float) -> Finding:
        if address == FIRST:
            return Finding(State.UNKNOWN, "no route", started)
        return dead("silent", started)

    finding = await named.target.ask(attempt, named.clock.now(), LONG)
    assert (finding.vote, finding.detail) == (State.OFF, "silent")
