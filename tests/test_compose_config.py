"""The config files of the stack are good ones, with the homes of config.yaml and made secrets."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from power_status.secret_files import Owner
from power_status.secrets_command import make_secrets
from tests.compose_file import ROOT, flags, mounts, services

FOLDER = ROOT / "deploy" / "compose"
SERVICES = ["services.yml", "services-postgres.yml"]


def read(path: Path) -> Any:  # noqa: ANN401  what a file holds
    """Return what a YAML file holds."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """Volumes with made secrets, as in the stack; all belong to whoever runs the test."""
    me = owner_here(tmp_path)
    owners = {}
    for name in dict(one.split("=") for one in flags(services()["secrets"])["--owner"]):
        (tmp_path / "secrets" / name).mkdir(parents=True)
        owners[name] = me
    token = tmp_path / "token"
    token.write_text("")
    asked = argparse.Namespace(
        folder=tmp_path, owner=owners, telegram_token_file=token, home_secrets=None
    )
    assert list(make_secrets(asked))
    return tmp_path / "secrets"


def owner_here(path: Path) -> Owner:
    """Return who runs the test."""
    found = path.stat()
    return Owner(found.st_uid, found.st_gid)


@pytest.mark.parametrize("service", ["exporter", "alerting"])
@pytest.mark.parametrize("file", SERVICES)
def test_a_service_takes_its_config(service: str, file: str, volumes: Path, tmp_path: Path) -> None:
    """With the copies of its own volume at /run/secrets, and no others."""
    config = (FOLDER / file).read_text().replace("/run/secrets", str(volumes / service))
    own = yaml.safe_load(config)[service]
    (tmp_path / "services.yml").write_text(yaml.safe_dump({service: own}))
    command = services()[service]["command"]
    given = ["/etc/power-status/config.yaml", "/etc/power-status/services.yml"]
    assert flags(services()[service])["--config"] == given
    done = subprocess.run(
        [
            Path(sys.executable).with_name(command[0]),
            f"--config={ROOT / 'config.yaml'}",
            f"--config={tmp_path / 'services.yml'}",
            "--check-config",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": ok\n") == 2
    assert done.stderr == ""


def test_the_postgres_variant_differs_in_the_database_alone() -> None:
    """Whoever changes one changes the other."""
    plain, postgres = (read(FOLDER / file) for file in SERVICES)
    del postgres["alerting"]["database"], postgres["alerting"]["database_password_file"]
    assert postgres == plain


def test_homes_stand_in_config_yaml_alone() -> None:
    """Which both services mount, and `make run` uses."""
    assert list(read(ROOT / "config.yaml")) == ["homes"]
    for name in ("exporter", "alerting"):
        assert set(read(FOLDER / "services.yml")) == {"exporter", "alerting"}
        assert ("./config.yaml", "/etc/power-status/config.yaml", False) in mounts(services()[name])


def test_addresses_are_those_of_the_stack() -> None:
    """Services name each other as Compose does, at the ports that they listen on."""
    config = read(FOLDER / "services.yml")
    listening = {name: config[name]["listen"].rpartition(":")[2] for name in config}
    assert config["exporter"]["notify"]["url"] == f"http://alerting:{listening['alerting']}/alerts"
    assert config["alerting"]["exporter_url"] == f"http://exporter:{listening['exporter']}"
    influxdb = config["exporter"]["influxdb"]
    env = services()["influxdb"]["environment"]
    tokens = flags(services()["influxdb-tokens"])
    assert [influxdb["url"]] == tokens["--url"]
    assert [influxdb["org"]] == tokens["--org"] == [env["DOCKER_INFLUXDB_INIT_ORG"]]
    assert [influxdb["bucket"]] == tokens["--bucket"] == [env["DOCKER_INFLUXDB_INIT_BUCKET"]]


def test_the_telegram_file_of_those_who_have_none_is_empty() -> None:
    """Which is no token: everything runs, nothing is sent."""
    assert (FOLDER / "no-telegram-token").read_bytes() == b""


def test_the_broker_lets_nobody_in_without_a_password() -> None:
    """The one that was made."""
    lines = (FOLDER / "mosquitto.conf").read_text().splitlines()
    assert "allow_anonymous false" in lines
    assert "password_file /run/secrets/passwords" in lines
    assert [line for line in lines if line.startswith("listener")] == ["listener 1883"]


def test_the_agent_feeds_what_the_profile_starts() -> None:
    """It scrapes the exporter and writes to VictoriaMetrics, by the names of the stack."""
    config = read(FOLDER / "prometheus-agent.yml")
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "power-exporter"
    assert job["static_configs"] == [{"targets": ["exporter:10910"]}]
    assert [one["url"] for one in config["remote_write"]] == [
        "http://victoriametrics:8428/api/v1/write"
    ]
    assert "-httpListenAddr" in flags(services()["victoriametrics"])
