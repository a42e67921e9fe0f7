"""The shipped ways into a long-term store: a real Prometheus writes to a real VictoriaMetrics."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.e2e.exporters import Exporter, file_home, wait_for
from tests.e2e.real_programs import ROOT, Running, needs, program

EXAMPLES = ROOT / "deploy" / "examples" / "scaling"
STORE = "victoriametrics.example.org:8428"
BESIDE = {"localhost:10910": "EXPORTER", STORE: "STORE", "scrape_interval: 5s": "FAST"}
IN_COMPOSE = {
    "exporter:10910": "EXPORTER",
    "victoriametrics:8428": "STORE",
    "scrape_interval: 15s": "FAST",
}
OWN_JOB = """\
global: {scrape_interval: 200ms, scrape_timeout: 200ms}
scrape_configs:
  - job_name: power-exporter
    static_configs: [{targets: ['EXPORTER']}]
"""
# A Prometheus with little to send waits 5 s for more; at the end of a shipped file, of its queue.
AT_ONCE = "    queue_config: {batch_send_deadline: 100ms, max_backoff: 200ms}\n"
pytestmark = needs("victoria-metrics", "prometheus-3")


class VictoriaMetrics(Running):
    """A store that shows what it has taken at once."""

    def __init__(self, folder: Path) -> None:
        flags = [f"-storageDataPath={folder}", "-search.latencyOffset=0s", "-retentionPeriod=2y"]
        super().__init__(
            lambda port: [
                *program("victoria-metrics"), *flags, f"-httpListenAddr=127.0.0.1:{port}",
            ],
            "/health",
        )  # fmt: skip

    def start_again(self) -> None:
        """Come up on the same port."""
        assert self._start_once(), "another program took its port meanwhile"

    def values(self, expression: str) -> dict[str, list[float]]:
        """Return by name of series the values that it has of the last minute, oldest first."""
        requests.get(f"{self.url}/internal/force_flush", timeout=10).raise_for_status()
        answer = requests.get(
            f"{self.url}/api/v1/query", params={"query": f"{expression}[1m]"}, timeout=10
        )
        answer.raise_for_status()
        return {
            series["metric"]["__name__"]: [float(value) for _, value in series["values"]]
            for series in answer.json()["data"]["result"]
        }


@dataclass(frozen=True)
class World:
    """One home, its exporter, and three stores that are written to in three ways."""

    sensor: Path
    exporter: Exporter
    by_server: VictoriaMetrics
    by_agent: VictoriaMetrics
    by_compose: VictoriaMetrics


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """All at once: each Prometheus finds its targets 5 s after its start."""
    folder = tmp_path_factory.mktemp("remote-write")
    sensor = folder / "sensor"
    sensor.write_text("on")
    with ExitStack() as running:
        exporter = running.enter_context(Exporter(folder, file_home(sensor)))
        exporter.wait_for_state("on")
        stores = [running.enter_context(VictoriaMetrics(folder / name)) for name in ("a", "b", "c")]
        world = World(sensor, exporter, *stores)
        for prometheus in writers(folder, world):
            running.enter_context(prometheus)
        yield world


def writers(folder: Path, world: World) -> Iterator[Running]:
    """Yield a server with the shipped snippet, and the two shipped agents."""
    snippet = (EXAMPLES / "remote-write-victoriametrics.yml").read_text(encoding="utf-8")
    target, store = host(world.exporter), host(world.by_server)
    yield prometheus(
        folder / "server", replaced(OWN_JOB + snippet, {"EXPORTER": target, STORE: store})
    )
    agents = [
        (EXAMPLES / "prometheus-agent.yml", BESIDE, world.by_agent),
        (ROOT / "deploy" / "compose" / "prometheus-agent.yml", IN_COMPOSE, world.by_compose),
    ]
    for file, names, sink in agents:
        here = {
            "EXPORTER": target,
            "STORE": host(sink),
            "FAST": "scrape_interval: 200ms",
        }
        places = {shipped: here[name] for shipped, name in names.items()}
        places["scrape_timeout: 5s"] = "scrape_timeout: 200ms"
        text = replaced(file.read_text(encoding="utf-8"), places)
        yield prometheus(folder / file.parent.name, text, agent=True)


def replaced(text: str, places: dict[str, str]) -> str:
    """Return a config with other addresses and times, each of which stands there once."""
    for shipped, here in places.items():
        assert text.count(shipped) == 1, f"{shipped} stands in the shipped file"
        text = text.replace(shipped, here)
    return text


def prometheus(folder: Path, text: str, *, agent: bool = False) -> Running:
    """Return a Prometheus with a config of its own."""
    folder.mkdir()
    config = folder / "prometheus.yml"
    config.write_text(text + AT_ONCE, encoding="utf-8")
    kind = "agent" if agent else "tsdb"
    options = [f"--config.file={config}", f"--storage.{kind}.path={folder / 'data'}"]
    options += ["--agent"] if agent else []
    return Running(
        lambda port: [
            *program("prometheus-3"), *options, f"--web.listen-address=127.0.0.1:{port}",
        ],
        "/-/ready",
    )  # fmt: skip


def host(running: Running) -> str:
    """Return where a program listens, without the scheme."""
    return f"127.0.0.1:{running.port}"


def wait_for_power_in(store: VictoriaMetrics) -> None:
    """Wait until a store knows that power is on."""
    wait_for(lambda: 1.0 in store.values('power_on{home="flat"}').get("power_on", ()))


def test_an_agent_sends_what_it_scrapes(world: World) -> None:
    """The shipped configs of the agent beside an exporter, and of the one in compose."""
    wait_for_power_in(world.by_agent)
    wait_for_power_in(world.by_compose)


def test_the_power_series_reach_the_store_and_no_others(world: World) -> None:
    """The snippet leaves out what the programs say of themselves."""
    wait_for_power_in(world.by_server)
    assert world.by_server.values('{__name__!~"power_.+"}') == {}


def test_what_happened_while_the_store_was_down_is_there_afterwards(world: World) -> None:
    """Prometheus keeps it until it is taken."""
    wait_for_power_in(world.by_server)
    world.by_server.stop()
    world.sensor.write_text("off")
    world.exporter.wait_for_state("off")
    world.sensor.write_text("on")
    world.exporter.wait_for_state("on")
    world.by_server.start_again()
    wait_for(lambda: {0.0, 1.0} <= set(world.by_server.values("power_on")["power_on"]))
