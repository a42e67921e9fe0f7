"""A real Alertmanager, and a real Prometheus that feeds it: with the files that are shipped."""

from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.exporters import wait_for
from tests.e2e.prometheus import Server
from tests.e2e.real_programs import Running, needs, program
from tests.e2e.relays import PowerAlerting
from tests.e2e.shipped import HASTY, Pace, alertmanager_config, prometheus_config, write_rules

# The oldest that is supported, and the newest.
VERSIONS = [
    pytest.param(*pair, marks=needs(*pair), id=" ".join(pair))
    for pair in (("prometheus-2", "alertmanager-25"), ("prometheus-3", "alertmanager-newest"))
]

_OF_ITS_OWN = """\
route:
  receiver: test
  group_by: [alertname, home]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 4h
receivers:
  - {{name: test, {receiver}}}
"""


class Alertmanager(Running):
    """One without peers."""

    def __init__(self, name: str, folder: Path, config: str) -> None:
        """`config` is the whole text of its configuration."""
        folder.mkdir(exist_ok=True)
        self.config = folder / "alertmanager.yml"
        self.config.write_text(config, encoding="utf-8")
        options = [f"--config.file={self.config}", f"--storage.path={folder / 'data'}"]
        options.append("--cluster.listen-address=")  # no peers
        super().__init__(
            lambda port: [*program(name), *options, f"--web.listen-address=127.0.0.1:{port}"],
            "/-/ready",
        )

    def take(self, *alerts: dict[str, str]) -> None:
        """Take alerts that fire; each is its labels."""
        said = [{"labels": one, "annotations": {"summary": "something happened"}} for one in alerts]
        requests.post(f"{self.url}/api/v2/alerts", json=said, timeout=10).raise_for_status()

    def alerts(self) -> list[dict[str, Any]]:
        """Return what it knows of the alerts that fire."""
        answer = requests.get(f"{self.url}/api/v2/alerts", timeout=10)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found


def to_relay(relay: PowerAlerting, pace: Pace = HASTY) -> str:
    """Return the shipped configuration, which has a relay for a receiver."""
    places = {
        "alerting:10911": f"127.0.0.1:{relay.port}",
        "/run/secrets/webhook_token": str(relay.folder / "relay_token"),
    }
    return alertmanager_config(places, pace)


def to_telegram(url: str, token: str, chat_id: int) -> str:
    """Return the settings of a receiver that is a chat, which Alertmanager writes to itself."""
    to = f"bot_token: '{token}', chat_id: {chat_id}, api_url: '{url}'"
    return f"telegram_configs: [{{{to}, parse_mode: HTML}}]"


def with_receiver(receiver: str) -> str:
    """Return a configuration with one receiver, told of by its settings on one line."""
    return _OF_ITS_OWN.format(receiver=receiver)


class Alerting(Server):
    """A Prometheus that watches exporter and relay by the shipped rules, and tells Alertmanager."""

    def __init__(
        self,
        name: str,
        folder: Path,
        exporter: Running,
        alerting: tuple[Running, Alertmanager],
        pace: Pace = HASTY,
    ) -> None:
        """`alerting` is a relay, and the Alertmanager that is told."""
        relay, alertmanager = alerting
        places = {
            "exporter:10910": f"127.0.0.1:{exporter.port}",
            "alerting:10911": f"127.0.0.1:{relay.port}",
            "alertmanager:9093": f"127.0.0.1:{alertmanager.port}",
        }

        def config(port: int) -> str:
            return prometheus_config({**places, "localhost:9090": f"127.0.0.1:{port}"}, pace)

        super().__init__(name, folder, config, *pace.flags)
        write_rules(folder / "rules", pace)

    def firing(self, alert: str) -> int:
        """Return how many alerts of a name fire."""
        return len(self.query(f'ALERTS{{alertname="{alert}",alertstate="firing"}}'))

    def wait_for_firing(self, alert: str, count: int = 1) -> None:
        """Wait until so many alerts of a name fire."""
        wait_for(lambda: self.firing(alert) == count, within=60)
