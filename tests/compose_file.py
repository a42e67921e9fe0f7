"""Reads docker-compose.yml as Compose does without an .env: merged, each variable its default."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(?P<name>\w+):-(?P<default>[^}]*)\}")

Service = dict[str, Any]


@cache
def document() -> dict[str, Any]:
    """Return the whole file."""
    text = VARIABLE.sub(lambda found: found["default"], FILE.read_text(encoding="utf-8"))
    whole: dict[str, Any] = yaml.safe_load(text)
    return whole


def services() -> dict[str, Service]:
    """Return the services of all profiles by name."""
    found: dict[str, Service] = document()["services"]
    return found


def long_running() -> dict[str, Service]:
    """Return those that run until they are stopped."""
    return {name: one for name, one in services().items() if one["restart"] != "no"}


def variables() -> dict[str, str]:
    """Return every variable that the file uses, with its default; one that has two is a fault."""
    found: dict[str, str] = {}
    for match in VARIABLE.finditer(FILE.read_text(encoding="utf-8")):
        assert found.setdefault(match["name"], match["default"]) == match["default"]
    return found


def mounts(service: Service) -> Iterator[tuple[str, str, bool]]:
    """Yield what is mounted, where, and whether it can be written there."""
    for spelled in service.get("volumes", []):
        source, target, *mode = spelled.split(":")
        yield source, target, mode != ["ro"]


def flags(service: Service) -> dict[str, list[str]]:
    """Return the values of each flag of a service's command, spelled --flag=value."""
    found: dict[str, list[str]] = {}
    for word in service.get("command", []):
        name, _, value = word.partition("=")
        found.setdefault(name, []).append(value)
    return found
