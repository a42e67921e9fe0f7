"""A real Prometheus that remembers a made-up past: blocks made from text, asked as of a moment."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.real_programs import Running, needs, program

Labels = frozenset[tuple[str, str]]

# Prometheus 2 and 3, as parameters of a test: blocks are made by promtool 2, added to by its own.
VERSIONS = [
    pytest.param(version, marks=needs("promtool-2", f"prometheus-{version}", f"promtool-{version}"))
    for version in ("2", "3")
]

LOADS_QUICKLY = "--max-block-duration=768h"  # else promtool makes a block of every two hours
KEEP = (
    "--storage.tsdb.retention.time=100y",
    "--storage.tsdb.min-block-duration=2h",  # equal ones: nothing is compacted
    "--storage.tsdb.max-block-duration=2h",
)


def add_blocks(promtool: str, text: Path, tsdb: Path) -> None:
    """Add what an OpenMetrics file holds to a Prometheus' data, while none runs on it."""
    tsdb.mkdir(parents=True, exist_ok=True)
    command = ["tsdb", "create-blocks-from", "openmetrics", LOADS_QUICKLY, "--quiet"]
    subprocess.run(
        [*program(promtool), *command, str(text), str(tsdb)], check=True, capture_output=True
    )


class Recalled(Running):
    """A server on data made before; it scrapes nothing and evaluates no rule."""

    def __init__(self, name: str, folder: Path, tsdb: Path) -> None:
        config = folder / "nothing.yml"
        config.write_text("scrape_configs: []\n", encoding="utf-8")
        options = [f"--config.file={config}", f"--storage.tsdb.path={tsdb}", *KEEP]
        super().__init__(
            lambda port: [*program(name), *options, f"--web.listen-address=127.0.0.1:{port}"],
            "/-/ready",
        )
        self._session = requests.Session()
        self._session.trust_env = False

    def at(self, expression: str, seconds: float) -> dict[Labels, float]:
        """Return what an instant query as of a Unix time finds."""
        found = self._ask("query", query=expression, time=f"{seconds:.3f}")["result"]
        return {frozenset(series["metric"].items()): float(series["value"][1]) for series in found}

    def _ask(self, path: str, **query: str) -> Any:  # noqa: ANN401  a JSON document
        answer = self._session.get(f"{self.url}/api/v1/{path}", params=query, timeout=60)
        assert answer.ok, answer.text
        return answer.json()["data"]
