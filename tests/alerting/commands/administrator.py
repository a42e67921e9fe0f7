"""Somebody at a relay's command line: a folder with a config, and what commands print there."""

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerting.store import Store
from alerting.subscribers import Subscriber
from tests.fakes.telegram import TOKEN

POWER_ALERTING = [sys.executable, "-m", "alerting.cli"]
HOMES = (
    "homes:\n"
    "  - {name: flat, title: Our flat, timezone: Europe/Kyiv}\n"
    "  - {name: cottage, timezone: Europe/Kyiv}\n"
)


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command printed on both streams, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401  JSON
        """The JSON document that it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """The lines of the answer."""
        return self.out.splitlines()


class Place:
    """A folder with a config, and the database that its commands work on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.database = f"sqlite:///{folder / 'data' / 'alerting.db'}"

    def configure(self, *lines: str, homes: str = HOMES) -> None:
        """Write the config: keys of `alerting`."""
        alerting = "".join(f"  {line}\n" for line in ("language: en", *lines))
        self.config.write_text(f"{homes}alerting:\n{alerting}", encoding="utf-8")

    def know_a_bot(self, url: str, token: str = TOKEN) -> None:
        """Write a config with a bot of a Bot API at an address."""
        file = self.folder / "token"
        file.write_text(f"{token}\n", encoding="ascii")
        file.chmod(0o600)
        self.configure("telegram:", "  token_file: token", f"  api_url: {url}")

    def save(self, *subscribers: Subscriber) -> None:
        """Let there be subscribers."""
        store = Store(self.database)
        for number, subscriber in enumerate(subscribers):
            store.save(subscriber, number)
        store.close()

    def saved(self) -> list[Subscriber]:
        """Return the subscribers."""
        store = Store(self.database)
        found = store.subscribers()
        store.close()
        return found


def table_rows(out: str) -> list[dict[str, str]]:
    """Return the lines of a table, each by the titles of its columns; the first is a number's."""
    titles, *lines = out.splitlines()
    places = [0, *(match.start() for match in re.finditer(r"(?<=  )\S", titles.lstrip()))]
    indent = len(titles) - len(titles.lstrip())
    places = [0, *(place + indent for place in places[1:])]
    cuts = list(zip(places, [*places[1:], None], strict=True))
    return [{titles[a:b].strip(): line[a:b].strip() for a, b in cuts} for line in lines]


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment for a process: no config and no token of whoever runs the tests."""
    own = {"POWER_STATUS_CONFIG", "TELEGRAM_BOT_TOKEN"}
    return {key: value for key, value in os.environ.items() if key not in own} | more


Said = Callable[..., Printed]
