"""What the stack looks out on: devices on mains power, and Telegram's Bot API; both are made up.

The devices are addresses that answer pings and take TCP connections. One that is unplugged leaves
the address without anybody, as a device without power does.
"""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.exporters import wait_for
from tests.e2e.relays import Telegram
from tests.stack.networks import WORLD, WORLD_NET, Networks, inside

PLUG_PORT = 9100
FLAT, SHOP, TOWER = f"{WORLD_NET}.11", f"{WORLD_NET}.12", f"{WORLD_NET}.13"
SUBSCRIBER, ADMIN = 101, 900

# The first line of what is told of a home, in English, without markup.
_OUT, _BACK = "power is out", "power is back"
_HEAD = re.compile(rf"[🔴🟢] [\d:]+ (?P<home>home-\d): (?P<said>{_OUT}|{_BACK})( · .*)?")


class World:
    """Runs in a network namespace of its own, from `with` to its end."""

    def __init__(self, networks: Networks, folder: Path) -> None:
        self._networks = networks
        self._out = folder / "telegram.jsonl"
        self._undo = ExitStack()
        self.telegram = Telegram("--host", "0.0.0.0", "--out", str(self._out))  # noqa: S104  its own world

    def __enter__(self) -> Self:
        with ExitStack() as undo, inside(self._place):
            for address in (FLAT, SHOP, TOWER):
                self._networks.plug_in(address)
            devices = socketserver.TCPServer(("", PLUG_PORT), socketserver.BaseRequestHandler)
            undo.enter_context(devices)
            accepting = threading.Thread(target=devices.serve_forever)
            accepting.start()
            undo.callback(accepting.join)
            undo.callback(devices.shutdown)
            undo.enter_context(self.telegram)
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo.__exit__(kind, fault, trace)

    @property
    def api_url(self) -> str:
        """Telegram's address, as the relay finds it."""
        return f"http://{WORLD}:{self.telegram.port}"

    def unplug(self, *addresses: str) -> None:
        """Let the power of some devices go."""
        for address in addresses:
            self._networks.unplug(address)

    def plug_in(self, *addresses: str) -> None:
        """Let it come back."""
        for address in addresses:
            self._networks.plug_in(address)

    def texts(self, chat: int) -> list[str]:
        """Return the texts that a chat was sent, in order."""
        with inside(self._place):
            return self.telegram.texts(chat)

    def told(self) -> list[tuple[str, bool]]:
        """Return all that the subscriber was told: which home, and whether power is back there."""
        found = [list(told_in(text)) for text in self.texts(SUBSCRIBER)]
        return [one for told in found for one in told]

    def wait_for_told(self, count: int, within: float) -> None:
        """Wait until the subscriber was told so many things."""
        wait_for(lambda: len(self.told()) >= count, within=within)

    def first_told(self) -> float:
        """Return when the subscriber was first told something: Unix seconds."""
        with inside(self._place):
            return float(self.telegram.messages(SUBSCRIBER)[0]["time"])

    @property
    def _place(self) -> Path:
        return self._networks.path(self._networks.world)


def told_in(text: str) -> Iterator[tuple[str, bool]]:
    """Yield what a message says; one that says anything but an outage or its end is a fault."""
    heads = [line for line in text.splitlines() if line.startswith(("🔴", "🟢", "⚪"))]
    assert heads, text
    for line in heads:
        head = _HEAD.fullmatch(line)
        assert head is not None, text
        yield head["home"], head["said"] == _BACK
