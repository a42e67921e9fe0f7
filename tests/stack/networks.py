"""Network namespaces: one for the engine, one for the world that its containers look out on.

    world (Telegram, plugs) ── engine (Docker, its bridges and firewall) ── this machine
         198.18.78.0/24                        a /30 of 198.19.0.0/16

So neither the firewall nor the ports of this machine have anything to do with the test, but for
one rule that lets the image's build fetch packages; it is gone when the test ends.
"""

import ctypes
import errno
import os
import selectors
import socket
import subprocess
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self, cast

WORLD_NET = "198.18.78"
WORLD = f"{WORLD_NET}.1"  # the world's first address
ENGINE_IN_WORLD = f"{WORLD_NET}.254"
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_CLONE_NEWNET = 0x40000000

Place = tuple[str, int]  # an address and a port


def run(*command: str) -> str:
    """Return what a command prints; raises CalledProcessError with what it complained of."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fault = subprocess.CalledProcessError(done.returncode, command)
        fault.add_note(done.stderr)
        raise fault
    return done.stdout


def ip(*words: str) -> str:
    """Run `ip`."""
    return run("ip", *words)


@contextmanager
def inside(namespace: str | Path) -> Iterator[None]:
    """Let this thread, and what it starts, be in a network namespace, named by its file."""
    with Path("/proc/thread-self/ns/net").open() as before:
        with Path(namespace).open() as wanted:
            _enter(wanted.fileno())
        try:
            yield
        finally:
            _enter(before.fileno())


def _enter(descriptor: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def reached(places: Collection[Place], within: float = 1.0) -> set[Place]:
    """Return those that accept a TCP connection, as seen from where this thread is; all at once."""
    with ExitStack() as closing:
        asked = selectors.DefaultSelector()
        closing.enter_context(asked)
        for place in places:
            one = closing.enter_context(socket.socket())
            one.setblocking(False)  # noqa: FBT003  the standard library's own
            if one.connect_ex(place) == errno.EINPROGRESS:  # else there is no way at all
                asked.register(one, selectors.EVENT_WRITE, place)
        found: set[Place] = set()
        deadline = monotonic() + within
        while asked.get_map() and (left := deadline - monotonic()) > 0:
            for key, _ in asked.select(left):
                one = cast(socket.socket, key.fileobj)
                if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    found.add(key.data)
                asked.unregister(one)
        return found


class Networks:
    """Both namespaces, from `with` to its end."""

    def __init__(self) -> None:
        self._number = os.getpid()
        self.engine = f"stack-engine-{self._number}"
        self.world = f"stack-world-{self._number}"
        self._undo = ExitStack()

    def path(self, name: str) -> Path:
        """Return what `inside` takes."""
        return Path("/run/netns") / name

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            for name in (self.engine, self.world):
                ip("netns", "add", name)
                undo.callback(ip, "netns", "del", name)
                ip("-n", name, "link", "set", "lo", "up")
            self._join_world()
            self._join_machine(undo)
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo.close()

    def plug_in(self, address: str) -> None:
        """Let the world have one more address."""
        ip("-n", self.world, "addr", "add", f"{address}/24", "dev", "world")

    def unplug(self, address: str) -> None:
        """Let an address be silent."""
        ip("-n", self.world, "addr", "del", f"{address}/24", "dev", "world")

    def _join_world(self) -> None:
        # The world knows no way back to a container's own address: that is its router's business.
        pair = ("out", "type", "veth", "peer", "world", "netns", self.world)
        ip("-n", self.engine, "link", "add", *pair)
        ip("-n", self.engine, "addr", "add", f"{ENGINE_IN_WORLD}/24", "dev", "out")
        ip("-n", self.world, "addr", "add", f"{WORLD}/24", "dev", "world")
        # An address that is taken away must not take its neighbours with it.
        promote = "/proc/sys/net/ipv4/conf/world/promote_secondaries"
        run("ip", "netns", "exec", self.world, "sh", "-c", f"echo 1 >{promote}")
        ip("-n", self.engine, "link", "set", "out", "up")
        ip("-n", self.world, "link", "set", "world", "up")

    def _join_machine(self, undo: ExitStack) -> None:
        port = f"stack{self._number}"
        ip("link", "add", port, "type", "veth", "peer", "machine", "netns", self.engine)
        undo.callback(subprocess.run, ["ip", "link", "del", port], check=False)
        # Of its own, so that another run may go on beside this one.
        net = f"198.19.{self._number // 64 % 256}"
        first = self._number % 64 * 4
        machine, engine = f"{net}.{first + 1}", f"{net}.{first + 2}"
        ip("addr", "add", f"{machine}/30", "dev", port)
        ip("link", "set", port, "up")
        ip("-n", self.engine, "addr", "add", f"{engine}/30", "dev", "machine")
        ip("-n", self.engine, "link", "set", "machine", "up")
        ip("-n", self.engine, "route", "add", "default", "via", machine)
        undo.callback(FORWARDING.write_text, FORWARDING.read_text())
        FORWARDING.write_text("1")
        for rule in (
            ("nat", "POSTROUTING", "-s", f"{engine}/32", "-j", "MASQUERADE"),
            ("filter", "FORWARD", "-i", port, "-j", "ACCEPT"),
            ("filter", "FORWARD", "-o", port, "-j", "ACCEPT"),
        ):
            run("iptables", "-t", rule[0], "-I", *rule[1:])
            undo.callback(run, "iptables", "-t", rule[0], "-D", *rule[1:])
