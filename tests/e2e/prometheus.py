"""A real Prometheus; mostly one that scrapes one exporter five times a second."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from tests.e2e.real_programs import Running, program

Series = dict[str, str]


class Server(Running):
    """A server with a folder of its own."""

    def __init__(self, name: str, folder: Path, config: Callable[[int], str], *flags: str) -> None:
        """`config` returns the whole text of its configuration for the port that it has."""
        folder.mkdir(exist_ok=True)
        file = folder / "prometheus.yml"
        options = [f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}", *flags]

        def command(port: int) -> list[str]:
            file.write_text(config(port), encoding="utf-8")
            return [*program(name), *options, f"--web.listen-address=127.0.0.1:{port}"]

        super().__init__(command, "/-/ready")

    def query(self, expression: str) -> list[tuple[Series, float]]:
        """Return what an instant query finds."""
        found = self._ask("query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in found]

    def value(self, expression: str) -> float | None:
        """Return the value of a query that finds one series at most."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return found[0][1] if found else None

    def last_error(self, job: str = "power") -> str:
        """Return what went wrong in a job's last scrape; empty if nothing did."""
        targets = self._ask("targets")["activeTargets"]
        (error,) = (t["lastError"] for t in targets if t["labels"]["job"] == job)
        return str(error)

    def _ask(self, path: str, **query: str) -> Any:  # noqa: ANN401  a JSON document
        answer = requests.get(f"{self.url}/api/v1/{path}", params=query, timeout=10)
        answer.raise_for_status()
        return answer.json()["data"]


class Prometheus(Server):
    """One with a job `power`; `more` is YAML that follows, of that job or another."""

    def __init__(self, name: str, folder: Path, target: str, more: str = "", *flags: str) -> None:
        config = (
            "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
            "scrape_configs:\n"
            "  - job_name: power\n"
            f"    static_configs: [{{targets: ['{target}']}}]\n{more}"
        )
        super().__init__(name, folder, lambda _: config, *flags)
