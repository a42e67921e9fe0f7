"""Owns what an administrator's command has at hand: store, config, clock, and how it complains."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from alerting.config import AlertingConfig
from alerting.store import Store
from alerting.subscribers import Homes
from chassis.clock import Clock

FINE, FAILED, WRONG = 0, 1, 2


class CommandFailed(Exception):
    """A command did not do what it was asked for; the text says why. Exit code 1."""


class WrongInput(Exception):
    """What a command was given makes no sense; the text says what of it. Exit code 2."""


@dataclass(frozen=True, slots=True)
class Clerk:
    """What a command works with."""

    store: Store
    config: AlertingConfig
    clock: Clock

    @property
    def now(self) -> int:
        """The wall time in ms."""
        return self.clock.now().wall

    def warn_of_unknown(self, homes: Iterable[str]) -> None:
        """Say which homes nobody watches; a config without homes knows nothing of that."""
        known = {home.name for home in self.config.homes}
        for home in dict.fromkeys(homes):
            if known and home not in known:
                say(f"warning: the config has no home {home!r}")


def say(what: str) -> None:
    """Print beside the answer."""
    print(f"power-alerting: {what}", file=sys.stderr)  # noqa: T201  it is a command's


def named(chat_id: int, topic: int | None) -> str:
    """Name a chat, or one of its topics."""
    return f"{chat_id}, topic {topic}" if topic else f"{chat_id}"


def in_words(homes: Homes) -> str:
    """Name homes."""
    return "all homes" if homes is None else ", ".join(homes)
