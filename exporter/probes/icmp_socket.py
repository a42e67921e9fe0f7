"""Owns the ICMP sockets of the process, one for each IP version, shared by all who ask.

Unprivileged (datagram) where the kernel allows it, else raw. Each answer is
given to the request that it is for, and to no other: late answers find nobody.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass
from os import urandom
from typing import Any

from chassis.clock import Clock
from chassis.instants import Instant
from exporter.probes.faults import Blame, blame, worded
from exporter.probes.icmp_packet import (
    ECHO_REPLY,
    NONCE_BYTES,
    TIME_EXCEEDED,
    UNREACHABLE,
    Heard,
    echo_request,
    meaning_of,
    read,
    read_request,
    without_ip_header,
)

NOT_PERMITTED = (
    "ICMP is not permitted: allow this process's group in the sysctl net.ipv4.ping_group_range"
    ' (such as "0 2147483647"), or give it CAP_NET_RAW'
)

_PROTOCOL = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}
_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
_VERSION = {int(family): version for version, family in _FAMILY.items()}
_BUFFER = 1 << 20  # bytes: a burst of answers waits here while the loop is busy
_LONGEST = 1500  # bytes; more of an answer is not looked at
_AT_ONCE = 500  # answers read before others get their turn

# linux/icmp.h, linux/icmpv6.h, linux/in.h, linux/in6.h, linux/errqueue.h
_SOL_RAW, _ICMP_FILTER, _ICMP6_FILTER = 255, 1, 1
_RECVERR = {4: (socket.SOL_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}
_MSG_ERRQUEUE = 0x2000
_EXTENDED_ERROR = struct.Struct("=IBBBBII")  # errno, origin, type, code, pad, info, data
_ORIGIN_OF_VERSION = {4: 2, 6: 3}

Where = tuple[Any, ...]  # an address as the socket calls take it


class NotPermitted(Exception):
    """The kernel refuses both kinds of ICMP socket; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended, and when that was known."""

    blame: Blame
    words: str
    at: Instant


class _Waiting:
    """A request without an answer so far; `timer` is when it is sent again, or given up."""

    __slots__ = ("answer", "host", "packet", "timer", "where")
    timer: asyncio.TimerHandle

    def __init__(
        self, answer: asyncio.Future[Answer | None], where: Where, host: bytes, packet: bytes
    ) -> None:
        self.answer = answer
        self.where = where
        self.host = host
        self.packet = packet

    def settle(self, answer: Answer | None) -> None:
        """End the wait, if it has not ended yet."""
        if not self.answer.done():
            self.answer.set_result(answer)


class EchoSocket:
    """One ICMP socket with everything that is in flight on it."""

    def __init__(self, version: int, clock: Clock) -> None:
        self.version = version
        self._clock = clock
        self._socket = open_socket(version)
        self.raw = self._socket.type == socket.SOCK_RAW
        self._identifier = int.from_bytes(urandom(2), "big")
        self._nonce = urandom(NONCE_BYTES)
        self._number = 0
        self._waiting: dict[int, _Waiting] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)

    async def ask(self, where: Where, timeout: float) -> Answer | None:
        """Send an echo request to a socket address; return what came, or None for silence.

        Asks once more at half the time: one lost packet is not a dead host.
        """
        self._number = number = self._number + 1
        waiting = self._waiting[number] = _Waiting(
            self._loop.create_future(),
            where,
            _packed(self.version, where[0]),
            echo_request(self.version, self._identifier, self._nonce, number),
        )
        waiting.timer = self._loop.call_later(timeout / 2, self._send_again, waiting, timeout / 2)
        try:
            self._send(waiting)
            return await waiting.answer
        finally:
            waiting.timer.cancel()
            del self._waiting[number]

    def _send_again(self, waiting: _Waiting, timeout: float) -> None:
        """Ask once more, and give up after `timeout` seconds."""
        waiting.timer = self._loop.call_later(timeout, waiting.settle, None)
        self._send(waiting)

    def _send(self, waiting: _Waiting) -> None:
        """Send a request; what the kernel refuses ends the wait."""
        try:
            self._socket.sendto(waiting.packet, waiting.where)
        except OSError:
            self._read_errors()  # it may be what became of another request that is told here
            try:
                self._socket.sendto(waiting.packet, waiting.where)
            except OSError as error:
                waiting.settle(Answer(blame(error), worded(error), self._clock.now()))

    def _read(self) -> None:
        """Read what has arrived."""
        for _ in range(_AT_ONCE):
            try:
                packet, source = self._socket.recvfrom(_LONGEST)
            except OSError:  # nothing left, or an error to be fetched
                break
            if self.raw and self.version == 4:  # noqa: PLR2004  raw IPv6 sockets show no header
                packet = without_ip_header(packet)
            heard = read(self.version, packet)
            if heard is not None:
                self._give(heard, source[0])
        self._read_errors()

    def _read_errors(self) -> None:
        """Read what the kernel has learnt of a datagram socket's requests; raw ones read it all."""
        while not self.raw:
            try:
                packet, ancillary, _, where = self._socket.recvmsg(_LONGEST, 256, _MSG_ERRQUEUE)
            except OSError:
                return
            for level, kind, data in ancillary:
                if (level, kind) == _RECVERR[self.version]:
                    _, origin, error, code, *_ = _EXTENDED_ERROR.unpack_from(data)
                    if origin == _ORIGIN_OF_VERSION[self.version]:
                        self._give_error(packet, where[0], meaning_of(self.version, error, code))

    def _give_error(self, packet: bytes, host: str, meaning: tuple[Blame, str] | None) -> None:
        if meaning is None:
            return
        heard = read_request(self.version, packet, meaning)
        if heard is not None:
            self._give(heard, host)

    def _give(self, heard: Heard, host: str) -> None:
        """Give what was heard to the request it is for; `host` is who is alive or not."""
        waiting = self._waiting.get(self._number_of(heard))
        if waiting is None:
            return
        about = heard.destination or _packed(self.version, host)
        if about == waiting.host:
            waiting.settle(Answer(heard.blame, heard.words, self._clock.now()))

    def _number_of(self, heard: Heard) -> int:
        """Return the request that is meant, 0 for none of ours.

        A router may quote too little for the token: then it is the newest request
        with that sequence, but only an error may be taken for it.
        """
        if heard.number is not None:
            return heard.number if heard.nonce == self._nonce else 0
        ours = not self.raw or heard.identifier == self._identifier
        if heard.blame is Blame.ALIVE or not ours:
            return 0
        return self._number - ((self._number - heard.sequence) & 0xFFFF)

    def close(self) -> None:
        """Give the socket back; whoever waits hears nothing."""
        self._loop.remove_reader(self._socket)
        self._socket.close()


def _packed(version: int, host: str) -> bytes:
    return socket.inet_pton(_FAMILY[version], host.partition("%")[0])


def open_socket(version: int) -> socket.socket:
    """Return an ICMP socket, unprivileged if possible, that hears of echoes alone.

    Raises NotPermitted, and OSError for anything else (no IPv6, no descriptor left).
    """
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            opened = socket.socket(_FAMILY[version], kind, _PROTOCOL[version])
        except PermissionError:
            continue
        try:
            _set_up(opened, version, raw=kind == socket.SOCK_RAW)
        except OSError:
            opened.close()
            raise
        return opened
    raise NotPermitted(NOT_PERMITTED)


def _set_up(opened: socket.socket, version: int, *, raw: bool) -> None:
    opened.settimeout(0)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    if not raw:
        opened.setsockopt(*_RECVERR[version], 1)
        return
    wanted = [kinds[version] for kinds in (ECHO_REPLY, UNREACHABLE, TIME_EXCEEDED)]
    if version == 4:  # noqa: PLR2004
        blocked = 0xFFFFFFFF & ~sum(1 << kind for kind in wanted)
        opened.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", blocked))
    else:
        words = [0xFFFFFFFF] * 8
        for kind in wanted:
            words[kind >> 5] &= ~(1 << (kind & 31))
        opened.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *words))


class Pinger:
    """The ICMP sockets of a process, each opened when first needed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sockets: dict[int, EchoSocket] = {}

    def socket_for(self, family: int) -> EchoSocket:
        """Return the socket for an address family; raises as `open_socket`.

        What could not be opened is tried again the next time: permission may come.
        """
        if family not in self._sockets:
            self._sockets[family] = EchoSocket(_VERSION[family], self._clock)
        return self._sockets[family]

    async def close(self) -> None:
        """Give the sockets back."""
        while self._sockets:
            self._sockets.popitem()[1].close()
