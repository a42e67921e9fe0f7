"""The fakes as programs of their own, which outlive an exporter and can be down for a while."""

import sys
from pathlib import Path
from typing import Any

import requests

from tests.e2e.real_programs import Running

INFLUX_TOKEN = "influx-token"
RELAY_TOKEN = "webhook-token"


class Fake(Running):
    """A fake on a port of its own, which it has again after it was down."""

    def __init__(self, module: str, ready: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"tests.fakes.{module}", *arguments]
        super().__init__(lambda port: [*command, "--port", str(port)], ready)

    def start_again(self) -> None:
        """Come up on the same port."""
        assert self._start_once(), "another program took its port meanwhile"

    def fail(self, how: str, count: int = 1, **more: str | float) -> None:
        """Suffer a fault for the next requests: a status, or what tests/fakes/faults.py names."""
        self._post("/_fail", {"how": how, "count": count, **more})

    def heal(self) -> None:
        """Have no fault any more."""
        self._post("/_heal", {})

    def _post(self, path: str, body: dict[str, Any]) -> None:
        requests.post(self.url + path, json=body, timeout=10).raise_for_status()

    def _get(self, path: str, **query: str) -> Any:  # noqa: ANN401  a JSON document
        answer = requests.get(self.url + path, params=query, timeout=10)
        answer.raise_for_status()
        return answer.json()


class Influx(Fake):
    """A fake InfluxDB that keeps its points while it is down."""

    def __init__(self, folder: Path, token: str = INFLUX_TOKEN) -> None:
        super().__init__("influxdb", "/health", "--file", str(folder / "points"), "--token", token)

    def poison(self, text: str, how: str) -> None:
        """Answer every write that holds a text with a status."""
        self._post("/_poison", {"text": text, "how": how})

    def points(self, measurement: str, **tags: str) -> list[dict[str, Any]]:
        """Return the points of a measurement, oldest first."""
        found: list[dict[str, Any]] = self._get("/_points", measurement=measurement, **tags)
        return found

    def ids(self) -> list[int]:
        """Return the ids of the rows that have arrived, sorted."""
        return sorted(point["fields"]["id"] for point in self.points("power_transition"))

    def writes(self) -> list[dict[str, Any]]:
        """Return every write since it was last started: its lines and how it was answered."""
        found: list[dict[str, Any]] = self._get("/_received")
        return found


class Relay(Fake):
    """A fake relay; it forgets what it was told when it goes down."""

    def __init__(self) -> None:
        super().__init__("relay", "/_payloads", "--token", RELAY_TOKEN)

    def payloads(self) -> list[dict[str, Any]]:
        """Return what it has accepted, in order."""
        found: list[dict[str, Any]] = self._get("/_payloads")
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that it has accepted, in order."""
        return [alert for payload in self.payloads() for alert in payload["alerts"]]

    def told(self) -> list[tuple[str, str]]:
        """Return the names and homes of the accepted alerts, in order."""
        return [(a["labels"]["alertname"], a["labels"]["home"]) for a in self.alerts()]


def secret(file: Path, text: str) -> Path:
    """Write a file that only its owner can read."""
    file.touch(mode=0o600)
    file.write_text(text + "\n", encoding="utf-8")
    return file


def influx_settings(folder: Path, url: str, token: str = INFLUX_TOKEN) -> str:
    """Return the YAML of exporter.influxdb."""
    secret(folder / "influx_token", token)
    return (
        "  influxdb:\n"
        f"    {{url: '{url}', org: home, bucket: power, token_file: influx_token, timeout: 2s}}"
    )


def notify_settings(url: str) -> str:
    """Return the YAML of exporter.notify; its token file is not made here."""
    return f"  notify: {{url: '{url}/alerts', token_file: relay_token}}"
