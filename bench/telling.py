"""Owns the relay as the benchmarks run it: a process that tells a fake Bot API, another process."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.relays import Message, PowerAlerting, Reader, Telegram, to_bot_api

FLOODED = 429


@dataclass(frozen=True, slots=True)
class Told:
    """A relay and the Bot API that it tells."""

    relay: PowerAlerting
    api: Telegram

    def messages(self) -> list[Message]:
        """Return what was taken, in order; `time` is Unix seconds."""
        return self.api.messages()

    def refusals(self) -> int:
        """Return how many sends were more than Telegram takes."""
        return refusals(self.api)


@contextmanager
def telling(folder: Path, homes: Sequence[str], readers: Sequence[Reader]) -> Iterator[Told]:
    """Run both in a folder, with subscribers, from here to the end of `with`."""
    folder.mkdir(exist_ok=True)
    named = "\n".join(f"  - {{name: {home}, timezone: Etc/UTC}}" for home in homes)
    with ExitStack() as stack:
        api = stack.enter_context(Telegram())
        relay = PowerAlerting(folder, to_bot_api(folder, api.url), homes=named)
        stack.enter_context(relay)
        relay.subscribe(*readers)
        yield Told(relay, api)


def refusals(api: Telegram) -> int:
    """Return how many sends a Bot API refused, as more than it takes."""
    return api.calls("sendMessage").count(FLOODED)
