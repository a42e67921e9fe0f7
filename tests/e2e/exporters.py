"""An exporter as a stranger runs it: a process, a config file, HTTP."""

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import requests

from tests.e2e.real_programs import Running

Found = TypeVar("Found")


def wait_for(what: Callable[[], Found | None], within: float = 20.0) -> Found:
    """Return the first thing found that is true; fail after `within` seconds."""
    deadline = monotonic() + within
    while not (found := what()):
        assert monotonic() < deadline, f"not so within {within:g} s"
        sleep(0.02)
    return found


class Exporter(Running):
    """One exporter with a folder of its own: config.yaml, data/ and whatever its probes read."""

    def __init__(
        self, folder: Path, homes: str, settings: str = "", ready: str = "/-/ready"
    ) -> None:
        """`homes` is the YAML below `homes:`, `settings` that below `exporter:` beside listen."""
        self.folder = folder
        self.homes = homes
        self.settings = settings
        super().__init__(self._argv, ready, cwd=folder)

    def _argv(self, port: int) -> list[str]:
        self.write_config(port)
        return [sys.executable, "-m", "exporter.cli", "--config", "config.yaml"]

    def write_config(self, port: int | None = None) -> None:
        """Write config.yaml."""
        lines = [
            "homes:",
            *self.homes.splitlines(),
            "exporter:",
            f"  listen: 127.0.0.1:{port or self.port}",
            *self.settings.splitlines(),
        ]
        (self.folder / "config.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def get(self, path: str, **params: str | int) -> Any:  # noqa: ANN401  a JSON document
        """GET a JSON document."""
        answer = requests.get(self.url + path, params=params, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def metrics(self) -> str:
        """GET /metrics as text."""
        answer = requests.get(self.url + "/metrics", timeout=10)
        answer.raise_for_status()
        return answer.text

    def metric(self, series: str) -> float | None:
        """Return one series' value, named as it stands in the text; None where it is absent."""
        for line in self.metrics().splitlines():
            if line.startswith(series + " "):
                return float(line.rsplit(" ", 1)[1])
        return None

    def home(self, name: str = "flat") -> dict[str, Any]:
        """GET one home."""
        found: dict[str, Any] = self.get(f"/api/v1/homes/{name}")
        return found

    def state(self, name: str = "flat") -> str:
        """Return a home's state in words."""
        return str(self.home(name)["state"])

    def wait_for_state(self, state: str, name: str = "flat", within: float = 20.0) -> None:
        """Wait until a home is in a state."""
        wait_for(lambda: self.state(name) == state, within)

    def rows(self) -> list[dict[str, Any]]:
        """Return the whole journal as the API tells it."""
        rows: list[dict[str, Any]] = []
        while page := self.get("/api/v1/transitions", after=rows[-1]["id"] if rows else 0)[
            "transitions"
        ]:
            rows.extend(page)
        return rows

    def journal(self) -> list[tuple[Any, ...]]:
        """Return (id, home, state, at) of every row in the file itself."""
        file = f"file:{self.folder / 'data' / 'exporter.db'}?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as db:
            return db.execute("SELECT id, home, state, at FROM transitions ORDER BY id").fetchall()


def file_home(path: Path, name: str = "flat", **keys: str) -> str:
    """Return the YAML of a home that is watched by what stands in a file, ten times a second."""
    settings = {
        "interval": "100ms",
        "timeout": "200ms",
        "off_after": "200ms",
        "on_after": "200ms",
        "unknown_after": "2s",
        **keys,
    }
    return "\n".join(
        [
            f"  - name: {name}",
            *(f"    {key}: {value}" for key, value in settings.items()),
            "    probes:",
            f"      - {{kind: file, path: {path}, on: 'on', off: 'off'}}",
        ]
    )
