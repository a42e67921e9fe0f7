"""Owns the bytes of ICMP and ICMPv6 (RFC 792, RFC 4443).

It writes echo requests and reads what comes back. Pure. Each request carries a
token of 16 bytes: 8 that are this process's own and the number of the request,
which never repeats, unlike ICMP's 16-bit sequence.
"""

import struct
from dataclasses import dataclass

from exporter.probes.faults import Blame

NONCE_BYTES = 8

_ECHO = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
_TOKEN = struct.Struct("!8sQ")
_WORDS = struct.Struct("!12H")  # an echo request with its token
_IPV6_HEADER = 40
_SEQUENCES = 0x10000

ECHO_REQUEST = {4: 8, 6: 128}
ECHO_REPLY = {4: 0, 6: 129}
UNREACHABLE = {4: 3, 6: 1}
TIME_EXCEEDED = {4: 11, 6: 3}
_DESTINATION = {4: slice(16, 20), 6: slice(24, 40)}  # in an IP header

# What "unreachable" says, by code. Host unreachable: the last hop found nobody. All others are
# about the way there. Codes that are not here (port, protocol) are no answer to an echo.
_CODES = {
    4: {
        1: (Blame.DEAD, "host unreachable"),
        7: (Blame.DEAD, "host unknown"),
        12: (Blame.DEAD, "host unreachable"),
        0: (Blame.OURS, "network unreachable, says a router"),
        6: (Blame.OURS, "network unknown, says a router"),
        8: (Blame.OURS, "this machine is isolated, says a router"),
        9: (Blame.OURS, "filtered by a router"),
        10: (Blame.OURS, "filtered by a router"),
        11: (Blame.OURS, "network unreachable, says a router"),
        13: (Blame.OURS, "filtered by a router"),
    },
    6: {
        3: (Blame.DEAD, "host unreachable"),
        0: (Blame.OURS, "network unreachable, says a router"),
        1: (Blame.OURS, "filtered by a router"),
        2: (Blame.OURS, "beyond the scope of this machine's address"),
        5: (Blame.OURS, "filtered by a router"),
        6: (Blame.OURS, "network unreachable, says a router"),
    },
}


@dataclass(frozen=True, slots=True)
class Heard:
    """What one packet says of one request.

    `nonce` and `number` are its token, None where a router quoted too little;
    `destination` (packed) is whom the request was for, None in a reply.
    """

    blame: Blame
    words: str
    identifier: int
    sequence: int
    nonce: bytes | None
    number: int | None
    destination: bytes | None = None


def echo_request(version: int, identifier: int, nonce: bytes, number: int) -> bytes:
    """Write an echo request; its sequence is the end of its number."""
    sequence = number % _SEQUENCES
    token = _TOKEN.pack(nonce, number)
    packet = _ECHO.pack(ECHO_REQUEST[version], 0, 0, identifier, sequence) + token
    if version == 6:  # noqa: PLR2004  the kernel knows ICMPv6's checksum, which covers addresses
        return packet
    total = sum(_WORDS.unpack(packet))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    head = _ECHO.pack(ECHO_REQUEST[version], 0, ~total & 0xFFFF, identifier, sequence)
    return head + token


def without_ip_header(packet: bytes) -> bytes:
    """Return the ICMP packet in an IPv4 packet."""
    return packet[(packet[0] & 0x0F) * 4 :] if packet else packet


def read(version: int, packet: bytes) -> Heard | None:
    """Read an ICMP packet; None for what says nothing of an echo request."""
    if len(packet) < _ECHO.size:
        return None
    kind, code = packet[0], packet[1]
    if kind == ECHO_REPLY[version]:
        return _of_request(packet, Blame.ALIVE, "reply")
    meaning = meaning_of(version, kind, code)
    return _of_quoted(version, packet[_ECHO.size :], meaning) if meaning else None


def meaning_of(version: int, kind: int, code: int) -> tuple[Blame, str] | None:
    """Return what an ICMP error says of a host, or None."""
    if kind == TIME_EXCEEDED[version]:
        return Blame.OURS, "packets go in a circle, says a router"
    return _CODES[version].get(code) if kind == UNREACHABLE[version] else None


def read_request(version: int, packet: bytes, meaning: tuple[Blame, str]) -> Heard | None:
    """Read a request of ours (or its start) that an error is about."""
    if len(packet) < _ECHO.size or packet[0] != ECHO_REQUEST[version]:
        return None
    return _of_request(packet, *meaning)


def _of_request(packet: bytes, blame: Blame, words: str, destination: bytes | None = None) -> Heard:
    _, _, _, identifier, sequence = _ECHO.unpack_from(packet)
    nonce = number = None
    if len(packet) >= _ECHO.size + _TOKEN.size:
        nonce, number = _TOKEN.unpack_from(packet, _ECHO.size)
    return Heard(blame, words, identifier, sequence, nonce, number, destination)


def _of_quoted(version: int, quoted: bytes, meaning: tuple[Blame, str]) -> Heard | None:
    """Read the IP packet that an ICMP error quotes."""
    if len(quoted) < _IPV6_HEADER // 2:
        return None
    packet = without_ip_header(quoted) if version != 6 else quoted[_IPV6_HEADER:]  # noqa: PLR2004
    if len(packet) < _ECHO.size or packet[0] != ECHO_REQUEST[version]:
        return None
    return _of_request(packet, *meaning, quoted[_DESTINATION[version]])
