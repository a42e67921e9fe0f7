"""What the compose file's containers find: their configuration, their secrets, where others are.

A container is a folder here, and an address of the compose file a port on loopback. Only the
addresses, the paths and (where asked for) the times of the shipped files are substituted.
"""

from collections.abc import Mapping
from pathlib import Path

from tests.e2e.real_programs import ROOT, free_port
from tests.e2e.servers import INFLUX_TOKEN, RELAY_TOKEN, secret
from tests.e2e.shipped import (
    Pace,
    Substitutes,
    alertmanager_config,
    placed,
    prometheus_config,
    write_rules,
)
from tests.fakes.telegram import TOKEN

SERVICES = ROOT / "deploy" / "compose" / "services.yml"
ADMIN = 900
Ports = Mapping[str, int]

# The containers that take part, and where each listens.
LISTEN = {
    "exporter": 10910,
    "alerting": 10911,
    "prometheus": 9090,
    "alertmanager": 9093,
    "influxdb": 8086,
}
_SECRETS = {"influxdb_token": INFLUX_TOKEN, "webhook_token": RELAY_TOKEN, "telegram_token": TOKEN}
_MAY_READ = {
    "exporter": ("influxdb_token", "webhook_token"),
    "alerting": ("webhook_token", "telegram_token"),
    "alertmanager": ("webhook_token",),
}


def lasting_ports() -> dict[str, int]:
    """Return a loopback port for each container, free also while its process is down."""
    return {name: free_port() for name in LISTEN}


def places(folder: Path, ports: Ports, name: str) -> Substitutes:
    """Return what addresses and paths in a container's files are here."""
    found = {"/data": str(folder / name / "data"), f"localhost:{LISTEN[name]}": _at(ports[name])}
    for service, listens in LISTEN.items():
        found[f"{service}:{listens}"] = found[f"0.0.0.0:{listens}"] = _at(ports[service])
    return found | {f"/run/secrets/{one}": str(folder / name / one) for one in _SECRETS}


def _at(port: int) -> str:
    return f"127.0.0.1:{port}"


def write_secrets(folder: Path) -> None:
    """Give each container the secrets that it may read, and no other."""
    for name, secrets in _MAY_READ.items():
        for one in secrets:
            secret(folder / name / one, _SECRETS[one])


def write_configs(folder: Path, ports: Ports, homes: str, bot_api: str) -> None:
    """Write config.yaml and services.yml into both our containers.

    Two keys are added, which services.yml leaves out: another Bot API, and an admin, who hears of
    all that goes wrong.
    """
    text = SERVICES.read_text(encoding="utf-8")
    assert text.count("  telegram:\n") == 1
    for name in ("exporter", "alerting"):
        services = placed(text, places(folder, ports, name)).replace(
            "  telegram:\n", f"  telegram:\n    api_url: {bot_api}\n    admins: [{ADMIN}]\n"
        )
        (folder / name / "services.yml").write_text(services, encoding="utf-8")
        (folder / name / "config.yaml").write_text(homes, encoding="utf-8")


def for_prometheus(folder: Path, ports: Ports, pace: Pace) -> str:
    """Write its rules and return its configuration."""
    write_rules(folder / "prometheus" / "rules", pace)
    return prometheus_config(places(folder, ports, "prometheus"), pace)


def for_alertmanager(folder: Path, ports: Ports, pace: Pace) -> str:
    """Return its configuration."""
    return alertmanager_config(places(folder, ports, "alertmanager"), pace)
