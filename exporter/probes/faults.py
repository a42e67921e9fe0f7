"""Owns the question whom a failed network call is evidence against; it calls nothing itself.

The one rule: what this machine could not do is unknown, never dead. An error that
is in neither table is unknown, too.
"""

import errno
import socket
from enum import Enum

from chassis.instants import Instant
from exporter.power import State
from exporter.probes.protocol import Finding


class Blame(Enum):
    """Whom a failed network call is evidence against."""

    ALIVE = "the other side is there: it refused"
    DEAD = "the other side is not there"
    OURS = "this machine, or the network next to it"


# Something at the address answered, if only to say no.
_ALIVE = frozenset({errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})

# The last hop looked for the address and found nobody: what a device without power causes.
# (A router's "communication administratively prohibited" reads the same to a program.)
_DEAD = frozenset({errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.EHOSTDOWN})

# What is not here is ours as well, in the system's words.
_WORDS = {
    errno.ECONNREFUSED: "refused: something answers",
    errno.ECONNRESET: "hung up: something answers",
    errno.ECONNABORTED: "hung up: something answers",
    errno.EPIPE: "hung up: something answers",
    errno.EHOSTUNREACH: "host unreachable",
    errno.EHOSTDOWN: "host unreachable",
    errno.ENETUNREACH: "no route to that network",
    errno.ENETDOWN: "this machine's network is down",
    errno.ENONET: "this machine is not on the network",
    errno.EACCES: "not permitted on this machine",
    errno.EPERM: "not permitted on this machine (a firewall?)",
    errno.EMFILE: "this process has no file descriptor left",
    errno.ENFILE: "this machine has no file descriptor left",
    errno.ENOBUFS: "this machine has no buffer left",
    errno.ENOMEM: "this machine has no memory left",
    errno.EADDRNOTAVAIL: "this machine has no address or port left to ask from",
    errno.EADDRINUSE: "this machine has no port left to ask from",
    errno.EAFNOSUPPORT: "this machine does not speak that kind of address",
    errno.ENODEV: "this machine has no such interface",
    errno.ENXIO: "this machine has no such interface",
    errno.EINVAL: "this machine cannot reach that address (a link-local one needs %interface)",
    errno.EAGAIN: "this machine's queue is full",
}

_RESOLVER = {
    socket.EAI_NONAME: "name not resolved: it does not exist",
    socket.EAI_NODATA: "name not resolved: it has no address",
    socket.EAI_AGAIN: "name not resolved: the resolver does not answer",
}


def blame(error: OSError) -> Blame:
    """Say whom an error of connect, send or receive is evidence against."""
    if isinstance(error, socket.gaierror):
        return Blame.OURS
    if isinstance(error, TimeoutError) or error.errno in _DEAD:
        return Blame.DEAD
    if error.errno in _ALIVE:
        return Blame.ALIVE
    return Blame.OURS


def worded(error: OSError) -> str:
    """Say in a person's words what went wrong."""
    if isinstance(error, socket.gaierror):
        return _RESOLVER.get(error.errno or 0, f"name not resolved: {error.strerror}")
    return _WORDS.get(error.errno or 0) or error.strerror or type(error).__name__


def unknown(detail: str, started: Instant) -> Finding:
    """Return that nothing could be found out."""
    return Finding(State.UNKNOWN, detail, started)


def dead(detail: str, started: Instant) -> Finding:
    """Return that nobody answered, which a dead network would cause as well."""
    return Finding(State.OFF, detail, started, silent=True)


def seconds(timeout: float) -> str:
    """Spell a timeout for people: 2s, 0.2s."""
    return f"{round(timeout, 2):g}s"
