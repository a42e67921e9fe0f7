"""docker-compose.yml keeps what docs/docker.md promises: who reaches what, who holds what."""

import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.durations import parse_duration
from power_status.shared_secrets import consumer_of, names_of_all
from tests.compose_file import (
    FILE,
    ROOT,
    document,
    flags,
    long_running,
    mounts,
    services,
    variables,
)
from tests.e2e.real_programs import needs, program

ALL, LONG_RUNNING = sorted(services()), sorted(long_running())
ONE_SHOTS = {"influxdb-tokens", "secrets"}
OURS = {"alerting", "exporter", *ONE_SHOTS}
WATCHERS = {"alerting", "exporter"}
DOCS = (ROOT / "docs" / "docker.md").read_text(encoding="utf-8")

# ---------------------------------------------------------------- the file as a whole


def test_it_follows_the_compose_specification() -> None:
    """By the specification's own schema."""
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", FILE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "version" not in document()


@needs("docker-compose")
def test_compose_reads_it_as_these_tests_do() -> None:
    """With all profiles: the same services, networks, ports, commands, images and volumes."""
    asked = ["--env-file", "/dev/null", "--profile", "*", "config"]
    done = subprocess.run(
        [*program("docker-compose"), "-f", FILE, *asked],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    read = yaml.safe_load(done.stdout)
    assert set(read["services"]) == set(ALL)
    for name, service in read["services"].items():
        ours = services()[name]
        assert set(service.get("networks", {})) == set(ours.get("networks", []))
        assert service["image"] == ours["image"]
        assert service.get("command") == ours.get("command")
        assert [mount["target"] for mount in service["volumes"]] == [
            target for _, target, _ in mounts(ours)
        ]
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1"


def test_every_variable_is_in_the_example_and_no_other() -> None:
    """Commented out, with its default; what has none is empty or an example."""
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    described = dict(re.findall(r"^#([A-Z_]+)=(.*)$", example, re.MULTILINE))
    used = variables()
    assert set(described) - {"COMPOSE_PROFILES"} == set(used)
    assert not re.search(r"^[A-Z]", example, re.MULTILINE), "nothing is set in an example"
    shown_otherwise = {"GRAFANA_ROOT_URL", "TELEGRAM_BOT_TOKEN_FILE", "TZ"}
    for name in set(used) - shown_otherwise:
        assert described[name] == used[name], name


def test_every_path_that_is_mounted_is_in_the_repository() -> None:
    """Docker would make an empty folder of what is not."""
    named = [source for one in services().values() for source, _, _ in mounts(one)]
    files = [one["file"] for one in document()["secrets"].values()]
    paths = [Path(name) for name in [*named, *files] if name.startswith(".")]
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607  git is where PATH has it
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert len(paths) > 8
    for path in paths:
        assert any(Path(file).is_relative_to(path) for file in tracked), path


def test_every_volume_and_network_has_its_use() -> None:
    """What is declared is mounted or joined."""
    mounted = {source for one in services().values() for source, _, _ in mounts(one)}
    assert {name for name in mounted if not name.startswith(".")} == set(document()["volumes"])
    joined = {name for one in services().values() for name in one.get("networks", [])}
    assert joined == set(document()["networks"])


# ---------------------------------------------------------------- each service


@pytest.mark.parametrize("name", ALL)
def test_every_service_is_hardened(name: str) -> None:
    """No capability, no way to get one, a read-only root, a user by number, bounds, short logs."""
    service = services()[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert re.fullmatch(r"\d+:\d+", service["user"])
    assert "privileged" not in service
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert re.fullmatch(r"\d+m", service["mem_limit"])
    assert 0 < service["cpus"] <= 1, "a machine with one core starts it"
    assert 0 < service["pids_limit"] <= 256
    assert "container_name" not in service, "two stacks must fit on one machine"


@pytest.mark.parametrize("name", ALL)
def test_only_what_runs_once_is_root_or_has_a_capability(name: str) -> None:
    """And that has the two which secrets for other users take."""
    service = services()[name]
    once = name in ONE_SHOTS
    assert (service["user"] == "0:0") is once
    assert service.get("cap_add", []) == (["CHOWN", "DAC_OVERRIDE"] if once else [])


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_what_runs_on_is_watched_and_comes_back(name: str) -> None:
    """A health check without a shell, a restart policy, time to stop."""
    service = services()[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert parse_duration(service["stop_grace_period"]) >= 10_000


@pytest.mark.parametrize("name", sorted(ONE_SHOTS))
def test_what_runs_once_is_not_started_again_by_itself(name: str) -> None:
    """Whoever waits for it hears at once that it has failed."""
    service = services()[name]
    assert service["restart"] == "no"
    assert service["healthcheck"] == {"disable": True}


@pytest.mark.parametrize("name", ALL)
def test_every_image_is_pinned(name: str) -> None:
    """By a tag with at least a major and a minor version."""
    tag = services()[name]["image"].rpartition(":")[2]
    assert re.match(r"v?\d+\.\d+", tag)


@pytest.mark.parametrize("name", ALL)
def test_ports_are_on_loopback_alone(name: str) -> None:
    """Under the number that the container has it on."""
    for port in services()[name].get("ports", []):
        host, published, own = port.split(":")
        assert host == "127.0.0.1"
        assert published == own


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_own_image_is_built_where_it_is_missing_and_never_pulled(name: str) -> None:
    """Whoever has no internet today can still start what was built yesterday."""
    service = services()[name]
    assert service["pull_policy"] == "never"
    assert service["image"] == f"power-status-tracker:{_version()}"
    assert ("build" in service) is (name == "secrets"), "once, by the one that all wait for"


def test_prometheus_keeps_more_than_the_longest_window() -> None:
    """Rules look back 365 days; and nobody may change it over HTTP."""
    found = flags(services()["prometheus"])
    (kept,) = found["--storage.tsdb.retention.time"]
    assert parse_duration(kept) >= parse_duration("400d")
    assert not [flag for flag in found if flag.startswith("--web.enable")]


def test_grafana_lets_nobody_in_without_a_login() -> None:
    """Neither as a guest nor as a new user; and it tells nobody of itself."""
    env = services()["grafana"]["environment"]
    for off in (
        "GF_AUTH_ANONYMOUS_ENABLED",
        "GF_USERS_ALLOW_SIGN_UP",
        "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES",
    ):
        assert env[off] == "false"
    assert env["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/admin_password"


def test_influxdb_is_hardened_and_set_up_from_files() -> None:
    """No secret stands in an environment."""
    env = services()["influxdb"]["environment"]
    assert env["INFLUXD_HARDENING_ENABLED"] == env["INFLUXD_REPORTING_DISABLED"] == "true"
    assert env["DOCKER_INFLUXDB_INIT_MODE"] == "setup"
    for name, copy in (("PASSWORD", "admin_password"), ("ADMIN_TOKEN", "admin_token")):
        assert f"DOCKER_INFLUXDB_INIT_{name}" not in env
        assert env[f"DOCKER_INFLUXDB_INIT_{name}_FILE"] == f"/run/secrets/{copy}"


# ---------------------------------------------------------------- what waits for what


def test_what_watches_and_tells_waits_for_its_secrets_alone() -> None:
    """A dead InfluxDB, Grafana, Prometheus, Alertmanager or PostgreSQL does not keep it down."""
    for name in WATCHERS | {"prometheus", "alertmanager", "influxdb"}:
        assert services()[name]["depends_on"] == {
            "secrets": {"condition": "service_completed_successfully"}
        }
    assert "depends_on" not in services()["secrets"]


def test_grafana_starts_when_it_has_its_token() -> None:
    """Which comes when InfluxDB has been started; that it is well is not waited for."""
    done = {"condition": "service_completed_successfully"}
    assert services()["grafana"]["depends_on"] == {"influxdb-tokens": done}
    assert services()["influxdb-tokens"]["depends_on"] == {
        "secrets": done,
        "influxdb": {"condition": "service_started"},
    }


# ---------------------------------------------------------------- secrets

# Who has which volumes of secrets; written in upper case where it may write them.
SECRETS = {
    "alerting": {"alerting"},
    "alertmanager": {"alertmanager"},
    "exporter": {"exporter", "homes"},
    "grafana": {"grafana"},
    "influxdb": {"influxdb"},
    "influxdb-tokens": {"influxdb-tokens", "EXPORTER", "GRAFANA"},
    "mosquitto": {"mosquitto"},
    "postgres": {"postgres"},
    "prometheus": set[str](),
    "prometheus-agent": set[str](),
    "secrets": {
        "ALERTING",
        "ALERTMANAGER",
        "EXPORTER",
        "GRAFANA",
        "HOMES",
        "INFLUXDB",
        "INFLUXDB-TOKENS",
        "MOSQUITTO",
        "POSTGRES",
    },
    "victoriametrics": set[str](),
}


def test_nobody_has_the_secrets_of_others() -> None:
    """But for the two that make them."""
    found: dict[str, set[str]] = {}
    for name, service in services().items():
        held = found.setdefault(name, set())
        for source, _, writable in mounts(service):
            consumer = source.removeprefix("secrets-")
            if consumer != source:
                held.add(consumer.upper() if writable else consumer)
    assert found == SECRETS


def test_nobody_has_the_data_of_others() -> None:
    """But for `secrets`, which gives the folders to their users."""
    for name, service in services().items():
        held = {source for source, _, _ in mounts(service) if source.startswith("data-")}
        if name != "secrets":
            assert held <= {f"data-{name}"}


def test_the_files_that_services_name_are_the_ones_that_are_made() -> None:
    """Every /run/secrets/NAME is a copy of that consumer; the last two come from elsewhere."""
    made = {*names_of_all(), "alerting/telegram_token", "grafana/influxdb_token"}
    for name in set(ALL) - {"secrets"}:
        named = re.findall(r"/run/secrets/(\w+)", _all_that_is_read_by(name))
        assert {f"{name}/{one}" for one in named} <= made
    own = {consumer_of(copy) for copy in made}
    assert own == {consumer.lower() for consumer in SECRETS["secrets"]} - {"homes"}


def _all_that_is_read_by(name: str) -> str:
    """Return a service's own part of the file, and the files that it reads."""
    texts = [str(services()[name].get("environment", "")), str(services()[name].get("command", ""))]
    if name in WATCHERS:
        for file in ("services.yml", "services-postgres.yml"):
            whole = yaml.safe_load((ROOT / "deploy" / "compose" / file).read_text())
            texts.append(str(whole[name]))
    for source, _, _ in mounts(services()[name]):
        path = ROOT / source
        if source.startswith(".") and name not in WATCHERS:
            texts += [one.read_text() for one in _files(path)]
    return re.sub(r"^\s*#.*", "", "\n".join(texts), flags=re.MULTILINE)


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]


def test_every_volume_belongs_to_the_user_of_its_service() -> None:
    """`secrets` is told the users that the services run as, and is given their volumes."""
    told = dict(one.split("=") for one in flags(services()["secrets"])["--owner"])
    users = {name: one["user"] for name, one in long_running().items()}
    assert told == users | {"homes": users["exporter"], "influxdb-tokens": "0:0"}
    given = {target for _, target, _ in mounts(services()["secrets"])}
    for name in users:
        held = {source for source, _, _ in mounts(services()[name])}
        assert (f"data-{name}" in held) == (f"/volumes/data/{name}" in given)


# ---------------------------------------------------------------- networks

# Who shares a network with whom. docs/docker.md has the same, with the reasons.
REACH = {
    "egress": {"alerting", "exporter"},
    "history": {"exporter", "influxdb", "influxdb-tokens"},
    "incidents": {"alerting", "alertmanager", "prometheus"},
    "longterm": {"prometheus-agent", "victoriametrics"},
    "mqtt": {"exporter", "mosquitto"},
    "panels": {"grafana", "prometheus"},
    "queries": {"grafana", "influxdb"},
    "scrape": {"exporter", "prometheus", "prometheus-agent"},
    "store": {"alerting", "postgres"},
}
PAIRS = {
    ("alerting", "alertmanager"),
    ("alerting", "exporter"),
    ("alerting", "postgres"),
    ("alerting", "prometheus"),
    ("alertmanager", "prometheus"),
    ("exporter", "influxdb"),
    ("exporter", "influxdb-tokens"),
    ("exporter", "mosquitto"),
    ("exporter", "prometheus"),
    ("exporter", "prometheus-agent"),
    ("grafana", "influxdb"),
    ("grafana", "prometheus"),
    ("influxdb", "influxdb-tokens"),
    ("prometheus", "prometheus-agent"),
    ("prometheus-agent", "victoriametrics"),
}


def test_networks_join_only_these() -> None:
    """All networks, and the pairs that they make."""
    members: dict[str, set[str]] = {}
    for name, service in services().items():
        for network in service.get("networks", []):
            members.setdefault(network, set()).add(name)
    assert members == REACH
    pairs = {pair for them in members.values() for pair in combinations(sorted(them), 2)}
    assert pairs == PAIRS
    assert services()["secrets"]["network_mode"] == "none"


def test_only_exporter_and_relay_reach_the_outside() -> None:
    """The other networks are internal, or have no way back for what is sent out."""
    networks: dict[str, dict[str, Any]] = document()["networks"]
    masquerade = "com.docker.network.bridge.enable_ip_masquerade"
    for name, settings in networks.items():
        closed = settings.get("internal") or settings.get("driver_opts") == {masquerade: "false"}
        assert bool(closed) is (name != "egress")
        publishing = [s for s in services().values() if "ports" in s and name in s["networks"]]
        only_here = [s for s in publishing if not _open_ones(s, networks, without=name)]
        assert not (settings.get("internal") and only_here), "an internal one cannot publish"


def _open_ones(
    service: dict[str, Any], networks: dict[str, dict[str, Any]], *, without: str = ""
) -> list[str]:
    """Return a service's networks that are not internal, by name."""
    joined = [name for name in service["networks"] if not networks[name].get("internal")]
    return sorted(name for name in joined if name != without)


def test_the_way_out_is_the_first_by_name() -> None:
    """Docker takes a container's default route from the first network that is not internal."""
    networks = document()["networks"]
    for name in WATCHERS:
        assert _open_ones(services()[name], networks)[0] == "egress"


def test_icmp_is_allowed_to_the_exporters_group_alone() -> None:
    """A group may open ping sockets; no capability is needed."""
    exporter = services()["exporter"]
    group = exporter["user"].partition(":")[2]
    assert exporter["sysctls"] == {"net.ipv4.ping_group_range": f"{group} {group}"}


# ---------------------------------------------------------------- docs/docker.md


def test_the_page_has_the_table_of_networks() -> None:
    """Its rows name the networks and their members."""
    rows = re.findall(r"^\| `(\w+)` \| ([\w, -]+) \|", DOCS, re.MULTILINE)
    assert {name: set(members.split(", ")) for name, members in rows} == REACH


def test_the_page_names_every_address() -> None:
    """Of what is published on this machine."""
    for service in services().values():
        for port in service.get("ports", []):
            assert f"127.0.0.1:{port.split(':')[1]}" in DOCS


def test_the_page_names_services_and_variables_that_there_are() -> None:
    """In its commands, and in what it says to write into .env."""
    named = re.findall(r"docker compose (?:exec|restart|logs|stop) (?:-\w+ )?([a-z][a-z -]*)", DOCS)
    words = {words.split()[0] for words in named}
    assert len(words) > 4
    assert words <= set(ALL)
    variables_named = set(re.findall(r"`?\b([A-Z][A-Z_]+)=", DOCS))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert len(variables_named) > 4
    for name in variables_named:
        assert f"#{name}=" in example


def _version() -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    assert found is not None
    return found[1]
