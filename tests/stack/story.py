"""What the story plays in: the stack, its world, and what is asked of both."""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import requests

from tests.e2e.exporters import wait_for
from tests.e2e.relays import ALERTS, counted
from tests.fakes.telegram import TOKEN
from tests.stack.engine import Engine
from tests.stack.networks import ENGINE_IN_WORLD, WORLD, Networks, inside, reached
from tests.stack.project import Container, Project
from tests.stack.world import ADMIN, FLAT, PLUG_PORT, SHOP, SUBSCRIBER, TOWER, World

BEAT = "a-token-of-the-cottage"
BOTH = ("home-1", "home-2")  # the titles of those that are unplugged
_FAST = "interval: 500ms, timeout: 400ms, off_after: 1s, on_after: 1s"
HOMES = f"""\
homes:
  - {{name: flat, title: home-1, timezone: Etc/UTC, {_FAST},
      probes: [{{kind: icmp, address: {FLAT}}}]}}
  - {{name: shop, title: home-2, timezone: Etc/UTC, {_FAST},
      probes: [{{kind: tcp, address: {SHOP}, port: {PLUG_PORT}}}]}}
  - {{name: tower, title: home-3, timezone: Etc/UTC, {_FAST},
      probes: [{{kind: icmp, address: {TOWER}}}]}}
  - {{name: cottage, title: home-4, timezone: Etc/UTC,
      probes: [{{kind: heartbeat, token_file: secrets/cottage_token, every: 1h}}]}}
"""
_BOT = "    token_file: /run/secrets/telegram_token\n"  # a line of services.yml


@dataclass(frozen=True)
class Service:
    """What docker-compose.yml promises of a service that runs: the test's own copy of it."""

    port: int
    user: str
    neighbours: frozenset[str]  # whom it reaches; nobody else
    has_a_way_out: bool = False
    is_published: bool = True


def _service(port: int, user: int, *neighbours: str, **more: bool) -> Service:
    return Service(port, str(user), frozenset(neighbours), **more)


SERVICES: Mapping[str, Service] = {
    "alerting": _service(
        10911, 10001, "alertmanager", "exporter", "postgres", "prometheus", has_a_way_out=True
    ),
    "alertmanager": _service(9093, 65534, "alerting", "prometheus"),
    "exporter": _service(
        10910,
        10001,
        *("alerting", "influxdb", "mosquitto", "prometheus", "prometheus-agent"),
        has_a_way_out=True,
    ),
    "grafana": _service(3000, 472, "influxdb", "prometheus"),
    "influxdb": _service(8086, 1000, "exporter", "grafana"),
    "mosquitto": _service(1883, 1883, "exporter"),
    "postgres": _service(5432, 70, "alerting", is_published=False),
    "prometheus": _service(
        9090, 65534, "alerting", "alertmanager", "exporter", "grafana", "prometheus-agent"
    ),
    "prometheus-agent": _service(
        9090, 65534, "exporter", "prometheus", "victoriametrics", is_published=False
    ),
    "victoriametrics": _service(8428, 65534, "prometheus-agent"),
}
PROFILES: Mapping[str, tuple[str, ...]] = {
    "postgres": ("postgres",),
    "mqtt": ("mosquitto",),
    "long-term": ("prometheus-agent", "victoriametrics"),
}
DEFAULT = tuple(name for name in SERVICES if name not in sum(PROFILES.values(), ()))


@dataclass
class Stack:
    """All that the story plays in."""

    engine: Engine
    networks: Networks
    world: World
    project: Project

    def edit(self, services: str = "services.yml", **env: str) -> None:
        """Write what a person writes before the first start."""
        self.project.write("config.yaml", HOMES)
        self.project.write("secrets/cottage_token", BEAT + "\n", 0o600)
        folder = self.project.folder / "deploy" / "compose"
        text = (folder / services).read_text(encoding="utf-8")
        assert text.count(_BOT) == 1
        # The API's address is what only a test changes.
        own = f"{_BOT}    api_url: {self.world.api_url}\n    admins: [{ADMIN}]\n"
        self.project.write("deploy/compose/services.local.yml", text.replace(_BOT, own))
        settings = {"TELEGRAM_BOT_TOKEN": TOKEN, "SERVICES_CONFIG": "services.local.yml"} | env
        self.project.write(".env", "".join(f"{k}={v}\n" for k, v in settings.items()), 0o600)

    def url(self, service: str, path: str) -> str:
        """Return an address as this machine's user finds it."""
        return f"http://127.0.0.1:{SERVICES[service].port}{path}"

    def get(self, service: str, path: str, **query: str) -> Any:  # noqa: ANN401  a JSON document
        """GET a JSON document."""
        answer = requests.get(self.url(service, path), params=query, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def alerts(self, outcome: str) -> int:
        """Return how many alerts the relay says had an outcome since it was last started."""
        return counted(
            requests.get(self.url("alerting", "/metrics"), timeout=10).text, ALERTS, outcome
        )

    def wait_for_duplicates(self) -> None:
        """Wait until Alertmanager has told of both homes what the exporter told already."""
        wait_for(lambda: self.alerts("duplicate") >= len(BOTH), within=60)

    def home(self, name: str) -> dict[str, Any]:
        """Return what the exporter says of a home."""
        found: dict[str, Any] = self.get("exporter", f"/api/v1/homes/{name}")
        return found

    def outage(self, name: str) -> tuple[int, str]:
        """Return the id and the start of a home's running outage."""
        outage = self.home(name)["outage"]
        return outage["id"], outage["start"]

    def confirmed(self, name: str) -> float:
        """Return when a home's last change was confirmed: Unix seconds."""
        rows = self.get("exporter", f"/api/v1/homes/{name}/transitions")["transitions"]
        return datetime.fromisoformat(rows[-1]["confirmed_at"]).timestamp()

    def wait_for_state(self, state: str, *homes: str) -> None:
        """Wait until homes are in a state."""
        wait_for(lambda: all(self.home(name)["state"] == state for name in homes), within=60)

    def subscribe(self) -> None:
        """Let the subscriber be one."""
        command = ("power-alerting", "subscribers")
        self.project.execute("alerting", *command, "add", str(SUBSCRIBER), "--lang", "en")
        assert str(SUBSCRIBER) in self.project.execute("alerting", *command, "list")

    def expect(self, *told: tuple[str, bool]) -> None:
        """Fail unless the subscriber was told just that: which home, and whether it is over."""
        assert sorted(self.world.told()) == sorted(told), self.world.texts(SUBSCRIBER)


def out() -> list[tuple[str, bool]]:
    """Return what is told when the power of both has gone."""
    return [(home, False) for home in BOTH]


def back() -> list[tuple[str, bool]]:
    """Return what is told when the power of both is back."""
    return [(home, True) for home in BOTH]


# ---------------------------------------------------------------- secrets and shutting in


@dataclass(frozen=True)
class Secret:
    """A file in a volume of secrets."""

    digest: str
    mode: int
    owner: int


def secrets_of(project: Project) -> dict[str, Secret]:
    """Return each secret by CONSUMER/NAME."""
    found = {}
    for volume, folder in project.volumes().items():
        if volume.startswith("secrets-"):
            assert stat.S_IMODE(folder.stat().st_mode) in (0o700, 0o500), volume
            for file in folder.rglob("*"):
                status, digest = file.stat(), sha256(file.read_bytes()).hexdigest()
                name = f"{volume.removeprefix('secrets-')}/{file.name}"
                found[name] = Secret(digest, stat.S_IMODE(status.st_mode), status.st_uid)
    return found


def texts_of_secrets(project: Project) -> set[str]:
    """Return all that must not be seen anywhere else."""
    folders = [f for name, f in project.volumes().items() if name.startswith("secrets-")]
    texts = (file.read_text().strip() for folder in folders for file in folder.rglob("*"))
    return {text for text in texts if text}


def check_hardening(one: Container) -> None:
    """Fail unless a container's first process is what `x-hardened` promises."""
    said, user = one.process(), SERVICES[one.service].user
    assert said["Uid"].split() == [user] * 4, one.service
    assert int(said["CapEff"], 16) == int(said["CapBnd"], 16) == 0, one.service
    assert (said["NoNewPrivs"], said["Seccomp"]) == ("1", "2"), one.service
    mounts = [line.split() for line in Path(f"/proc/{one.pid}/mounts").read_text().splitlines()]
    (root,) = (options for _, place, _, options, *_ in mounts if place == "/")
    assert "ro" in root.split(","), one.service
    for limit in ("Memory", "NanoCpus", "PidsLimit"):
        assert one.facts["HostConfig"][limit] > 0, one.service


def check_reach(stack: Stack, one: Container, running: Mapping[str, Container]) -> int:
    """Fail unless a container reaches whom it should and nobody else; return the ways tried."""
    others = {
        (address, SERVICES[name].port): name
        for name, other in running.items()
        if name != one.service
        for address in other.addresses
    }
    world = (WORLD, stack.world.telegram.port)
    published = {
        (gateway, service.port)
        for gateway in {*one.gateways, ENGINE_IN_WORLD}
        for service in SERVICES.values()
    } - {*others}
    ways = {*others, world, *published}
    with inside(one.network):
        found = reached(ways)
    promised = SERVICES[one.service]
    neighbours = {others[way] for way in found if way in others}
    assert neighbours == promised.neighbours & {*running}, one.service
    assert (world in found) == promised.has_a_way_out, one.service
    assert not found & published, one.service
    return len(ways)
