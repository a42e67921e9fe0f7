"""The kind icmp, and the bytes it reads. Hosts that are not there: test_network.py."""

import asyncio
import ctypes
import socket
import struct
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.power import State
from exporter.probes.faults import Blame
from exporter.probes.icmp import icmp_permission
from exporter.probes.icmp_packet import (
    ECHO_REPLY,
    ECHO_REQUEST,
    TIME_EXCEEDED,
    UNREACHABLE,
    echo_request,
    read,
    without_ip_header,
)
from exporter.probes.icmp_socket import EchoSocket, Pinger
from tests.exporter.probes.promises import Case, Keys, fixed
from tests.exporter.probes.rig import SHORT, World, world

SO_ATTACH_FILTER = 26  # asm-generic/socket.h


async def _deaf(w: World, _stack: AsyncExitStack, _folder: Path) -> Keys:
    """Let the socket hear nothing, by a packet filter (BPF) of one instruction: drop."""
    pinger = w.shared.get(Pinger, lambda: Pinger(w.clock), Pinger.close)
    drop = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    program = struct.pack("HxxxxxxP", 1, ctypes.addressof(drop))
    sock = pinger.socket_for(socket.AF_INET)._socket
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    return {"address": "127.0.0.1"}


PROMISES = Case(fixed(address="127.0.0.1"), _deaf, not_run=icmp_permission())


permitted = pytest.mark.skipif(
    icmp_permission() is not None, reason="not run: this user may not send echo requests"
)
NONCE = b"process1"
VERSIONS = pytest.mark.parametrize("version", [4, 6])


# ---------------------------------------------------------------- against the kernel


@permitted
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_who_replies_is_alive(host: str) -> None:
    """A reply is evidence of power, dated to its arrival."""
    async with world() as w:
        finding = await w.find(w.make("icmp", address=host))
        assert (finding.vote, finding.detail) == (State.ON, "reply")


@permitted
async def test_many_requests_to_one_host_are_told_apart() -> None:
    """Each of many at once gets its own answer, on one socket."""
    async with world() as w:
        probes = [w.make("icmp", address="127.0.0.1") for _ in range(300)]
        found = await asyncio.gather(*(w.find(probe) for probe in probes))
        assert {finding.vote for finding in found} == {State.ON}


@permitted
async def test_the_sequence_may_wrap_round() -> None:
    """The 16-bit sequence begins anew, requests do not get mixed up."""
    async with world() as w:
        probe = w.make("icmp", address="127.0.0.1")
        await w.find(probe)
        pinger = w.shared.get(Pinger, lambda: Pinger(w.clock), Pinger.close)
        pinger.socket_for(2)._number = 0x1FFFE
        found = await asyncio.gather(*(w.find(probe) for _ in range(4)))
        assert {finding.vote for finding in found} == {State.ON}


@permitted
async def test_a_late_reply_does_not_count_for_the_next_round() -> None:
    """A reply finds only the request that it is for."""
    async with world() as w:
        sock = EchoSocket(4, w.clock)
        try:
            first = asyncio.create_task(sock.ask(("127.0.0.1", 0), SHORT))
            await asyncio.sleep(0)
            late = echo_request(4, sock._identifier, sock._nonce, 1)
            late = bytes([ECHO_REPLY[4]]) + late[1:]
            assert (await first) is not None
            waiting = asyncio.create_task(sock.ask(("192.0.2.1", 0), SHORT))
            await asyncio.sleep(0)
            heard = read(4, late)
            assert heard is not None
            sock._give(heard, "127.0.0.1")
            assert not waiting.done()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        finally:
            sock.close()


@permitted
async def test_a_reply_of_another_host_does_not_count() -> None:
    """Only who was asked can answer."""
    async with world() as w:
        sock = EchoSocket(4, w.clock)
        try:
            waiting = asyncio.create_task(sock.ask(("192.0.2.1", 0), SHORT))
            await asyncio.sleep(0)
            packet = echo_request(4, sock._identifier, sock._nonce, sock._number)
            heard = read(4, bytes([ECHO_REPLY[4]]) + packet[1:])
            assert heard is not None
            sock._give(heard, "192.0.2.2")
            await asyncio.sleep(0)
            assert not waiting.done()
            sock._give(heard, "192.0.2.1")
            answer = await waiting
            assert answer is not None
            assert answer.blame is Blame.ALIVE
        finally:
            sock.close()


@permitted
async def test_nothing_stays_in_flight() -> None:
    """Answered, timed out or cancelled: what is over is forgotten."""
    async with world() as w:
        sock = EchoSocket(4, w.clock)
        try:
            await sock.ask(("127.0.0.1", 0), SHORT)
            task = asyncio.create_task(sock.ask(("192.0.2.1", 0), 60))
            await asyncio.sleep(0)
            assert len(sock._waiting) == 1
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert sock._waiting == {}
        finally:
            sock.close()


# ---------------------------------------------------------------- bytes


def in_ip(version: int, packet: bytes, destination: bytes) -> bytes:
    """Put a packet into an IP header as a router would quote it."""
    if version == 4:
        return bytes([0x45]) + bytes(15) + destination + packet
    return bytes([0x60]) + bytes(23) + destination + packet


def error(version: int, kind: int, code: int, quoted: bytes) -> bytes:
    """Write an ICMP error."""
    return struct.pack("!BBHI", kind, code, 0, 0) + quoted


@VERSIONS
def test_a_reply_names_its_request(version: int) -> None:
    """What comes back holds all that is needed to find who waits."""
    packet = bytearray(echo_request(version, 7, NONCE, 0x2_0003))
    packet[0] = ECHO_REPLY[version]
    heard = read(version, bytes(packet))
    assert heard is not None
    assert (heard.blame, heard.nonce, heard.number) == (Blame.ALIVE, NONCE, 0x2_0003)
    assert (heard.identifier, heard.sequence) == (7, 3)


def test_the_checksum_is_right() -> None:
    """The words of an ICMP packet add up to all ones (RFC 1071)."""
    for number in (0, 1, 0xFFFF, 0x10000, 2**63):
        words = struct.unpack("!12H", echo_request(4, 0xFFFF, b"\xff" * 8, number))
        total = sum(words)
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        assert total == 0xFFFF


@pytest.mark.parametrize(
    "version, code, blame",
    [
        (4, 0, Blame.OURS),
        (4, 1, Blame.DEAD),
        (4, 7, Blame.DEAD),
        (4, 10, Blame.OURS),
        (4, 13, Blame.OURS),
        (6, 0, Blame.OURS),
        (6, 1, Blame.OURS),
        (6, 3, Blame.DEAD),
    ],
)
def test_what_unreachable_says(version: int, code: int, blame: Blame) -> None:
    """Host unreachable is about the host, the rest about the way there."""
    destination = bytes(range(4 if version == 4 else 16))
    quoted = in_ip(version, echo_request(version, 7, NONCE, 5), destination)
    heard = read(version, error(version, UNREACHABLE[version], code, quoted))
    assert heard is not None
    assert (heard.blame, heard.number, heard.destination) == (blame, 5, destination)


@VERSIONS
def test_packets_that_go_in_a_circle_say_nothing_of_the_host(version: int) -> None:
    """A loop of routers is not a dead device."""
    destination = bytes(4 if version == 4 else 16)
    quoted = in_ip(version, echo_request(version, 7, NONCE, 5), destination)
    heard = read(version, error(version, TIME_EXCEEDED[version], 0, quoted))
    assert heard is not None
    assert heard.blame is Blame.OURS


@VERSIONS
def test_a_short_quotation_names_identifier_and_sequence(version: int) -> None:
    """Old routers quote 8 bytes of what they refuse."""
    destination = bytes(4 if version == 4 else 16)
    quoted = in_ip(version, echo_request(version, 7, NONCE, 0x2_0005)[:8], destination)
    heard = read(version, error(version, UNREACHABLE[version], 1, quoted))
    assert heard is not None
    assert (heard.identifier, heard.sequence, heard.number) == (7, 5, None)


@VERSIONS
def test_a_port_unreachable_is_no_answer(version: int) -> None:
    """It is about somebody else's packet."""
    code = 3 if version == 4 else 4
    destination = bytes(4 if version == 4 else 16)
    quoted = in_ip(version, echo_request(version, 7, NONCE, 5), destination)
    assert read(version, error(version, UNREACHABLE[version], code, quoted)) is None


@given(version=st.sampled_from([4, 6]), packet=st.binary(max_size=100))
def test_no_packet_is_too_strange(version: int, packet: bytes) -> None:
    """Whatever arrives is read or left alone, and nothing raises."""
    for kind in (ECHO_REPLY, UNREACHABLE, TIME_EXCEEDED, ECHO_REQUEST):
        read(version, bytes([kind[version], 1]) + packet)
    read(version, without_ip_header(packet))
