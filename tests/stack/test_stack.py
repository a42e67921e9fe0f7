"""The whole compose file on a real Docker engine, told as one story: each test is its next step.

`make stack-test` runs it, and stops at the first step that fails. docs/stack-test.md tells what
is real here and what stands in.
"""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.exporters import wait_for
from tests.fakes.telegram import TOKEN
from tests.stack.engine import Engine
from tests.stack.images import IMAGES, PYTHON_IMAGE, make_python
from tests.stack.mqtt import mqtt_answer
from tests.stack.networks import ENGINE_IN_WORLD, Networks, inside, reached
from tests.stack.project import ONCE, Project
from tests.stack.story import (
    BEAT,
    DEFAULT,
    PROFILES,
    SERVICES,
    Stack,
    back,
    check_hardening,
    check_reach,
    out,
    secrets_of,
    texts_of_secrets,
)
from tests.stack.world import ADMIN, FLAT, SHOP, SUBSCRIBER, World

OURS = "power-status-tracker:0.1.0"
Note = Callable[[str], None]


@pytest.fixture(scope="module")
def stack(what_they_are: dict[str, str]) -> Iterator[Stack]:
    """An engine and a world; no image yet, and nothing started."""
    with (
        tempfile.TemporaryDirectory(prefix="stack-project-") as name,
        Networks() as networks,
        inside(networks.path(networks.engine)),
        World(networks, Path(name)) as world,
        Engine() as engine,
    ):
        what_they_are["engine"] = engine.version()
        stack = Stack(engine, networks, world, Project(engine, Path(name) / "checkout"))
        stack.edit()
        yield stack


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Say something of a step in the table."""
    return lambda text: record_property("note", text)


# ---------------------------------------------------------------- images and start


def test_images(stack: Stack, what_they_are: dict[str, str]) -> None:
    """The Dockerfile builds; the other images are made here."""
    make_python(stack.engine)
    folder = str(stack.project.folder)
    argument = f"--build-arg=PYTHON_IMAGE={PYTHON_IMAGE}"
    stack.engine.docker("build", argument, "--tag", OURS, folder)
    what = {OURS: "real: the Dockerfile's image, on Debian's Python"}  # by image
    names = stack.project.images()
    for service, image in IMAGES.items():
        what[names[service]] = image.make(stack.engine, names[service], OURS)
    what_they_are |= {service: what[name] for service, name in sorted(names.items())}
    what_they_are["Telegram"] = "stand-in: the project's fake of the Bot API"
    what_they_are["devices"] = "stand-in: addresses of a network namespace, outside the engine"


def test_up(stack: Stack) -> None:
    """`docker compose up -d`: all are healthy, and the two that run once have ended well."""
    stack.project.up()
    assert set(stack.project.containers()) == {*DEFAULT, *ONCE}
    stack.wait_for_state("on", "flat", "shop", "tower")
    assert stack.world.texts(SUBSCRIBER) == []


def test_secrets(stack: Stack, note: Note) -> None:
    """Each secret is its reader's alone; a second `up -d` changes none and restarts nothing."""
    before, running = secrets_of(stack.project), stack.project.running()
    for name, secret in before.items():
        service = SERVICES.get(name.partition("/")[0])
        assert secret.mode == 0o600, name
        assert service is None or secret.owner == int(service.user), name
    tell = ("alerting", "alertmanager", "exporter")
    assert len({before[f"{one}/webhook_token"].digest for one in tell}) == 1
    narrow = [before[f"{one}/influxdb_token"].digest for one in ("exporter", "grafana")]
    assert len({*narrow, before["influxdb/admin_token"].digest}) == 3
    stack.project.up()
    assert secrets_of(stack.project) == before
    assert {one.id for one in stack.project.running().values()} == {
        one.id for one in running.values()
    }
    note(f"{len(before)} files in {len(stack.project.volumes())} volumes")


def test_nothing_said(stack: Stack) -> None:
    """No secret stands in a log, and none in what the engine shows of a container."""
    logs = stack.project.compose("logs")
    shown = str([one.facts for one in stack.project.containers().values()])
    for text in texts_of_secrets(stack.project):
        assert text not in logs
        assert text not in shown
    assert TOKEN not in logs  # it came by .env, so `docker inspect` shows it: docs/docker.md


def test_hardening(stack: Stack) -> None:
    """No root, no capability, no way to gain one, nothing to write to but volumes and /tmp."""
    for one in stack.project.running().values():
        check_hardening(one)


def test_reach(stack: Stack, note: Note) -> None:
    """Each reaches its neighbours, and nobody else; two have a way out; nobody gets in."""
    running = stack.project.running()
    tried = sum(check_reach(stack, one, running) for one in running.values())
    ports = {SERVICES[name].port for name in running}
    with inside(stack.networks.path(stack.networks.world)):
        assert reached({(ENGINE_IN_WORLD, port) for port in ports}) == set()
    here = {("127.0.0.1", port) for port in ports}
    assert reached(here) == here
    note(f"{tried} ways tried")


def test_scrapes(stack: Stack, note: Note) -> None:
    """Prometheus's targets are all up, its rules all evaluate, and it knows one Alertmanager."""

    def ask(path: str) -> Any:  # noqa: ANN401  a JSON document
        return stack.get("prometheus", f"/api/v1/{path}")["data"]

    def rules() -> list[dict[str, Any]]:
        return [rule for group in ask("rules")["groups"] for rule in group["rules"]]

    def targets() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ask("targets")["activeTargets"]
        return found

    wait_for(lambda: all(one["health"] == "up" for one in targets()), within=30)
    jobs = {one["labels"]["job"] for one in targets()}
    assert jobs == {"power-exporter", "power-alerting", "prometheus", "alertmanager"}
    wait_for(lambda: all(rule["health"] == "ok" for rule in rules()), within=90)
    assert {"PowerOutage", "PowerRestored", "Watchdog"} <= {rule["name"] for rule in rules()}
    assert len(ask("alertmanagers")["activeAlertmanagers"]) == 1
    note(f"{len(targets())} targets, {len(rules())} rules")


def test_panels(stack: Stack) -> None:
    """Grafana's provisioned datasources answer, each with its own token, which may only read."""
    password = stack.project.execute("grafana", "cat", "/run/secrets/admin_password").strip()
    admin = ("admin", password)
    for uid in ("prometheus", "influxdb"):
        url = stack.url("grafana", f"/api/datasources/uid/{uid}/health")
        assert requests.get(url, auth=admin, timeout=10).json()["status"] == "OK"
        assert requests.get(url, timeout=10).status_code == requests.codes.unauthorized
    proxy = stack.url("grafana", "/api/datasources/proxy/uid")
    asked, query = f"{proxy}/prometheus/api/v1/query", {"query": "power_on"}
    found = requests.get(asked, params=query, auth=admin, timeout=10).json()["data"]["result"]
    on = {one["metric"]["home"] for one in found if one["value"][1] == "1"}
    assert on == {"flat", "shop", "tower"}
    write = f"{proxy}/influxdb/api/v2/write?org=home&bucket=power"
    answer = requests.post(write, data="x v=1", auth=admin, timeout=10)
    assert answer.status_code == requests.codes.forbidden


def test_from_the_start(stack: Stack) -> None:
    """Somebody subscribes by the command line, and a device reports itself with its token."""
    stack.subscribe()
    beat = stack.url("exporter", "/heartbeat/cottage")
    headers = {"Authorization": f"Bearer {BEAT}"}
    assert requests.post(beat, timeout=10).status_code == requests.codes.unauthorized
    assert requests.post(beat, headers=headers, timeout=10).status_code == requests.codes.no_content


# ---------------------------------------------------------------- an outage


def test_unplug(stack: Stack, note: Note) -> None:
    """Two devices are unplugged: Telegram hears of both, once, by the fast path."""
    before = stack.alerts("accepted")
    stack.world.unplug(FLAT, SHOP)
    stack.world.wait_for_told(2, within=15)
    stack.expect(*out())
    assert stack.alerts("accepted") == before + 2
    late = stack.world.first_told() - min(stack.confirmed(home) for home in ("flat", "shop"))
    assert late < 2, "Prometheus and Alertmanager take longer than that"
    details = [stack.home(home)["probes"][0]["detail"] for home in ("flat", "shop")]
    note(f"first told {late * 1000:.0f} ms after it was confirmed; {', '.join(details)}")


def test_second_path(stack: Stack, note: Note) -> None:
    """Alertmanager tells the relay the same, and nobody hears it again."""
    stack.wait_for_duplicates()
    stack.expect(*out())
    note(f"{stack.alerts('duplicate')} duplicates")


@pytest.mark.parametrize("service", [*DEFAULT, *ONCE])
def test_restart(stack: Stack, service: str, note: Note) -> None:
    """A container is restarted in mid-outage: nothing false, nothing twice."""
    note(service)
    stack.project.compose("restart", service)
    stack.project.wait_until_well()
    stack.wait_for_state("off", "flat", "shop")
    stack.expect(*out())


def test_second_path_after_restarts(stack: Stack) -> None:
    """After all those restarts Alertmanager knows both outages again; nobody else heard."""

    def known() -> set[str]:
        alerts = stack.get("alertmanager", "/api/v2/alerts", filter='alertname="PowerOutage"')
        return {alert["labels"]["home"] for alert in alerts}

    wait_for(lambda: known() == {"flat", "shop"}, within=60)
    stack.expect(*out())


@pytest.mark.parametrize("service", ["exporter", "alerting"])
def test_power_cut(stack: Stack, service: str, note: Note) -> None:
    """A container's process is killed in mid-outage: the engine starts it again by itself."""
    note(service)
    before = stack.project.containers()[service]
    os.kill(before.pid, signal.SIGKILL)
    wait_for(lambda: stack.project.containers()[service].restarts > before.restarts, within=60)
    stack.project.wait_until_well(service)
    stack.wait_for_state("off", "flat", "shop")
    stack.expect(*out())


def test_kill(stack: Stack) -> None:
    """`docker compose kill -s KILL exporter` in mid-outage, then `up -d`."""
    stack.project.compose("kill", "--signal=KILL", "exporter")
    stack.project.up()
    stack.wait_for_state("off", "flat", "shop")
    stack.expect(*out())


def test_down_and_up(stack: Stack, note: Note) -> None:
    """`docker compose down`, then `up -d`, in mid-outage: it is still the same outage."""
    before = [stack.outage(home) for home in ("flat", "shop")]
    stack.project.compose("down")
    assert stack.project.containers() == {}
    stack.project.up()
    stack.wait_for_state("off", "flat", "shop")
    assert [stack.outage(home) for home in ("flat", "shop")] == before
    stack.expect(*out())
    note(f"outages {', '.join(f'{number} since {start}' for number, start in before)}")


def test_plug_in(stack: Stack) -> None:
    """Both are plugged in again: Telegram hears it once, Alertmanager's copy changes nothing."""
    before = stack.alerts("duplicate")
    stack.world.plug_in(FLAT, SHOP)
    stack.world.wait_for_told(4, within=15)
    stack.expect(*out(), *back())
    wait_for(lambda: stack.alerts("duplicate") >= before + 2, within=60)
    stack.expect(*out(), *back())


def test_history(stack: Stack, note: Note) -> None:
    """InfluxDB holds both outages with their ends, Prometheus counted them, tower has had none."""

    def ended() -> set[str]:
        points = stack.get("influxdb", "/_points", measurement="power_outage")
        return {p["tags"]["home"] for p in points if "duration_s" in p["fields"]}

    def counts() -> dict[str, str]:
        query = "sum by (home) (power_outages_total)"
        found = stack.get("prometheus", "/api/v1/query", query=query)["data"]["result"]
        return {one["metric"]["home"]: one["value"][1] for one in found}

    wait_for(lambda: ended() == {"flat", "shop"}, within=60)
    wait_for(
        lambda: counts() == {"flat": "1", "shop": "1", "tower": "0", "cottage": "0"}, within=30
    )
    rows = stack.get("exporter", "/api/v1/homes/tower/transitions")["transitions"]
    assert "off" not in {row["state"] for row in rows}
    note(f"the administrator was told {len(stack.world.texts(ADMIN))} faults of the stack itself")


def test_down_with_volumes(stack: Stack) -> None:
    """`docker compose down --volumes` leaves nothing: no container, no network, no volume."""
    assert stack.project.left() != []
    stack.project.compose("down", "--volumes")
    assert stack.project.left() == []


# ---------------------------------------------------------------- the profiles, from nothing


def test_profiles(stack: Stack) -> None:
    """All profiles, chosen in .env: all are healthy, as shut in as the others, and as apart."""
    stack.edit("services-postgres.yml", COMPOSE_PROFILES=",".join(PROFILES))
    stack.project.up()
    running = stack.project.running()
    assert set(running) == {*SERVICES}
    for one in running.values():
        check_hardening(one)
        check_reach(stack, one, running)


def test_postgres(stack: Stack) -> None:
    """The relay on PostgreSQL tells an outage once, through a restart of the database."""
    stack.subscribe()
    stack.wait_for_state("on", "flat", "shop")
    stack.world.unplug(FLAT, SHOP)
    stack.world.wait_for_told(6, within=15)
    stack.wait_for_duplicates()
    stack.project.compose("restart", "postgres", "alerting")
    stack.project.wait_until_well("postgres", "alerting")
    stack.expect(*out(), *back(), *out())
    stack.world.plug_in(FLAT, SHOP)
    stack.world.wait_for_told(8, within=30)
    stack.expect(*out(), *back(), *out(), *back())
    assert [file.name for file in stack.project.volumes()["data-alerting"].glob("*.db")] == []


def test_mqtt(stack: Stack) -> None:
    """Mosquitto lets in who knows the password, and nobody else."""
    password = stack.project.execute("mosquitto", "cat", "/run/secrets/password").strip()
    assert mqtt_answer("power", password) == 0
    assert mqtt_answer("power", "guessed") != 0
    assert mqtt_answer() != 0


def test_long_term(stack: Stack) -> None:
    """VictoriaMetrics has what the agent scrapes."""

    def homes() -> int:
        found = stack.get("victoriametrics", "/api/v1/query", query="power_state")
        return len({one["metric"]["home"] for one in found["data"]["result"]})

    wait_for(lambda: homes() == 4, within=90)


def test_the_end(stack: Stack) -> None:
    """Nothing is left of the profiles either."""
    stack.project.compose("down", "--volumes")
    assert stack.project.left() == []
