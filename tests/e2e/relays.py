"""A relay as a stranger runs it, and the fake Bot API that it tells; processes on loopback."""

import csv
import io
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.alerting.rig import payload
from tests.e2e.exporters import wait_for
from tests.e2e.real_programs import Running
from tests.e2e.servers import RELAY_TOKEN, Fake, secret
from tests.fakes.telegram import TOKEN

FLAT = "  - {name: flat, title: Our flat, timezone: Etc/UTC}"
READY = "/-/ready"
ALERTS = "power_alerting_alerts_total"
DELIVERIES = "power_alerting_deliveries_total"
Message = dict[str, Any]

_COLUMNS = (
    "chat_id", "topic", "username", "name", "homes", "language", "state", "mute", "created",
)  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """A chat that is to be subscribed; without homes to all."""

    chat_id: int
    homes: tuple[str, ...] = ()
    name: str = ""


PRIVATE, GROUP, CHANNEL = Reader(101), Reader(-202), Reader(-1_000_000_000_303)
THREE = (PRIVATE, GROUP, CHANNEL)


class Telegram(Fake):
    """The fake Bot API as a program; what is said of it stands in tests/fakes/telegram.py."""

    def __init__(self, *options: str) -> None:
        super().__init__("telegram", "/_control/state", *options)

    def do(self, what: str, **arguments: object) -> None:
        """Have it do one of the things of tests/fakes/telegram_control.py."""
        self._post(f"/_control/{what}", arguments)

    def fail(self, how: str, count: int = 1, **more: str | float) -> None:
        """Let the next calls of sendMessage, or of `method`, fail as fail_next says."""
        self.do("fail", how=how, count=count, **more)

    def heal(self) -> None:
        """Have no fault any more."""
        self.do("heal")

    def messages(self, chat_id: int | None = None) -> list[Message]:
        """Return what was taken, in order."""
        query = {} if chat_id is None else {"chat_id": str(chat_id)}
        found: list[Message] = self._get("/_control/messages", **query)
        return found

    def texts(self, chat_id: int) -> list[str]:
        """Return the texts that a chat was sent, in order."""
        return [str(message["text"]) for message in self.messages(chat_id)]

    def calls(self, method: str) -> list[int]:
        """Return how the calls of a method were answered, in order."""
        return [status for name, status in self._get("/_control/calls") if name == method.lower()]

    def wait_for_send(self) -> None:
        """Wait until it was sent something, answered or not."""
        wait_for(lambda: self._get("/_control/state")["most_at_once"] > 0)

    def wait_for_texts(self, *counts: tuple[Reader, int]) -> None:
        """Wait until each of these chats was sent so many texts."""
        wait_for(lambda: all(len(self.texts(r.chat_id)) >= n for r, n in counts), within=60)


class PowerAlerting(Running):
    """One relay with a config of its own in a folder that others may share."""

    def __init__(
        self,
        folder: Path,
        settings: str,
        *,
        homes: str = FLAT,
        name: str = "relay",
        flags: Sequence[str] = (),
        ready: str = READY,
    ) -> None:
        """`settings` is the YAML below `alerting:` beside listen, data_dir and the token."""
        self.folder = folder
        self.config = folder / f"{name}.yaml"
        self.data = folder / f"{name}-data"
        self._homes = homes
        self._settings = settings
        self._flags = flags
        secret(folder / "relay_token", RELAY_TOKEN)
        super().__init__(self._argv, ready, cwd=folder, env=environment())

    def _argv(self, port: int) -> list[str]:
        lines = [
            "homes:",
            self._homes,
            "alerting:",
            f"  listen: 127.0.0.1:{port}",
            f"  data_dir: {self.data}",
            "  webhook_token_file: relay_token",
            self._settings,
        ]
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return [*POWER_ALERTING, "--config", str(self.config), *self._flags]

    def start_again(self) -> None:
        """Come up on the same port."""
        assert self._start_once(), "another program took its port meanwhile"

    def begin_again(self) -> None:
        """Begin to come up on the same port; it may be killed before it has."""
        self._launch()

    def command(self, *words: str, given: str = "") -> str:
        """Run one of its commands; return what it printed."""
        return power_alerting(self.config, *words, given=given)

    def subscribe(self, *readers: Reader) -> None:
        """Subscribe chats, in English."""
        table = io.StringIO()
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(_COLUMNS)
        for one in readers:
            rows.writerow(
                [one.chat_id, "", "", one.name, " ".join(one.homes), "en", "active", "",
                 "2026-01-01T00:00:00Z"]
            )  # fmt: skip
        self.command("subscribers", "import", "-", given=table.getvalue())

    def post(self, *alerts: dict[str, Any], token: str = RELAY_TOKEN) -> int:
        """Post alerts as Alertmanager does; return the status."""
        return self.ask("POST", "/alerts", json=payload(*alerts), token=token).status_code

    def ask(self, method: str, path: str, *, token: str = "", **more: Any) -> requests.Response:  # noqa: ANN401  what requests takes
        """Ask it anything, with a bearer token if one is given."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.url + path, headers=headers, timeout=10, **more)

    def metrics(self) -> str:
        """GET /metrics as text."""
        answer = self.ask("GET", "/metrics")
        answer.raise_for_status()
        return answer.text

    def counted(self, counter: str, outcome: str) -> int:
        """Return one of its counters by outcome."""
        return counted(self.metrics(), counter, outcome)

    def wait_for_count(self, counter: str, outcome: str, count: int = 1) -> None:
        """Wait until so many have had an outcome."""
        wait_for(lambda: self.counted(counter, outcome) >= count, within=60)


POWER_ALERTING = [sys.executable, "-m", "alerting.cli"]


def power_alerting(config: Path, *words: str, given: str = "") -> str:
    """Run a command of power-alerting that must succeed; return what it printed."""
    done = subprocess.run(
        [*POWER_ALERTING, "--config", str(config), *words],
        cwd=config.parent,
        env=environment(),
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment() -> dict[str, str]:
    """Return an environment that names no bot and no config."""
    own = ("TELEGRAM_BOT_TOKEN", "POWER_STATUS_CONFIG")
    return {key: value for key, value in os.environ.items() if key not in own}


def counted(metrics: str, counter: str, outcome: str) -> int:
    """Return what a counter says of an outcome in a text of /metrics."""
    series = f'{counter}{{outcome="{outcome}"}} '
    (value,) = (
        line.removeprefix(series) for line in metrics.splitlines() if line.startswith(series)
    )
    return int(float(value))


def to_bot_api(folder: Path, url: str, *, token: str = TOKEN, more: str = "") -> str:
    """Return the YAML of alerting.telegram, with language en."""
    secret(folder / "bot_token", token)
    return (
        "  language: en\n"
        f"  telegram: {{token_file: bot_token, api_url: '{url}', admins: [900]{more}}}"
    )
