"""A mains-fed device with one TCP port: it answers while it has power, and is silent without."""

import contextlib
import select
import socket
import threading
from types import TracebackType
from typing import Self

from tests.e2e.real_programs import free_port

_FILLERS = 4  # more connections than a backlog of 0 holds


class Plug:
    """A listener whose queue is full while the power is off: the kernel drops what comes then."""

    def __init__(self) -> None:
        self.port = free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=0)
        self._fillers: list[socket.socket] = []
        self._accepting: threading.Thread | None = None
        self._end, self._asked_to_end = socket.socketpair()

    def __enter__(self) -> Self:
        self.power_on()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_accepting()
        self._drop_fillers()
        for one in (self._listener, self._end, self._asked_to_end):
            one.close()

    def power_on(self) -> None:
        """Answer, from now on."""
        self._drop_fillers()
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def power_off(self) -> None:
        """Be silent, from now on."""
        self._stop_accepting()
        for _ in range(_FILLERS):
            filler = socket.socket()
            filler.setblocking(False)  # noqa: FBT003  the standard library's own
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)

    def _accept(self) -> None:
        while True:
            ready, _, _ = select.select([self._listener, self._asked_to_end], [], [])
            if self._asked_to_end in ready:
                self._asked_to_end.recv(1)
                return
            with contextlib.suppress(OSError):
                self._listener.accept()[0].close()

    def _stop_accepting(self) -> None:
        if self._accepting is not None:
            self._end.send(b"x")
            self._accepting.join()
            self._accepting = None

    def _drop_fillers(self) -> None:
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()


def tcp_probe(plug: Plug, **keys: str) -> str:
    """Return a probe of this plug, as a YAML mapping on one line."""
    more = "".join(f", {key}: {value}" for key, value in keys.items())
    return f"{{kind: tcp, address: 127.0.0.1, port: {plug.port}{more}}}"


def plug_home(name: str, *probes: str) -> str:
    """Return the YAML of a home that is watched ten times a second, one line a probe."""
    return "\n".join(
        [
            f"  - name: {name}",
            "    interval: 100ms",
            "    timeout: 150ms",
            "    off_after: 200ms",
            "    on_after: 200ms",
            "    unknown_after: 2s",
            "    probes:",
            *(f"      - {probe}" for probe in probes),
        ]
    )
