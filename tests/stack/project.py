"""The compose project under test: a copy of what a checkout holds, started as a person starts it.

What a person edits is edited here as well, and nothing else: config.yaml, .env, secrets/, and a
copy of services.yml of one's own.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.checkout import ROOT, files_of_git
from tests.stack.engine import Engine

ONCE = ("secrets", "influxdb-tokens")  # services that end when they have done their work
_LONGEST_START = 180.0  # seconds
Facts = dict[str, Any]


@dataclass(frozen=True)
class Container:
    """A container as the engine describes it."""

    service: str
    facts: Facts

    @property
    def id(self) -> str:
        """Its id, which another container of the service does not have."""
        return str(self.facts["Id"])

    @property
    def pid(self) -> int:
        """The process id of its first process; 0 when it does not run."""
        return int(self.facts["State"]["Pid"])

    @property
    def restarts(self) -> int:
        """How often the engine has started it again by itself."""
        return int(self.facts["RestartCount"])

    @property
    def network(self) -> Path:
        """Its network namespace."""
        return Path(f"/proc/{self.pid}/ns/net")

    @property
    def addresses(self) -> list[str]:
        """Its addresses, one a network."""
        found = self.facts["NetworkSettings"]["Networks"].values()
        return [network["IPAddress"] for network in found if network["IPAddress"]]

    @property
    def gateways(self) -> list[str]:
        """Where its way out leads through, one a network."""
        found = self.facts["NetworkSettings"]["Networks"].values()
        return [network["Gateway"] for network in found if network["Gateway"]]

    @property
    def is_well(self) -> bool:
        """Tell whether it is healthy, or has done its work where it has no health."""
        state = self.facts["State"]
        if self.service in ONCE:
            return bool(state["Status"] == "exited" and state["ExitCode"] == 0)
        return bool(state.get("Health", {}).get("Status") == "healthy")

    def process(self) -> dict[str, str]:
        """Return what the kernel says of its first process."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


class Project:
    """The stack in a folder of its own."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self.folder = folder
        copy_checkout(folder)

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        """Write one of the files that a person edits."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=mode)
        file.write_text(text, encoding="utf-8")

    def compose(self, *words: str) -> str:
        """Run `docker compose`; return what it printed."""
        return self._engine.docker("compose", "--ansi=never", *words, cwd=self.folder)

    def images(self) -> dict[str, str]:
        """Return the image of each service, those of all profiles included."""
        said = self.compose("--profile=*", "config", "--format=json")
        services = json.loads(said)["services"]
        return {name: service["image"] for name, service in services.items()}

    def up(self) -> None:
        """Start it, and wait until all is well."""
        self.compose("up", "--detach")
        self.wait_until_well()

    def containers(self) -> dict[str, Container]:
        """Return what there is, by service."""
        ids = self.compose("ps", "--all", "--quiet").split()
        described = json.loads(self._engine.docker("inspect", *ids)) if ids else []
        labels = ((one["Config"]["Labels"], one) for one in described)
        named = ((label["com.docker.compose.service"], one) for label, one in labels)
        return {service: Container(service, one) for service, one in named}

    def running(self) -> dict[str, Container]:
        """Return those that run for as long as the stack does."""
        return {name: one for name, one in self.containers().items() if name not in ONCE}

    def wait_until_well(self, *services: str) -> None:
        """Wait until these, or all, are well; the log of one that is not is in the error."""
        deadline = monotonic() + _LONGEST_START
        while True:
            found = self.containers()
            wanted = services or tuple(found)
            ill = [name for name in wanted if name not in found or not found[name].is_well]
            if not ill:
                return
            if monotonic() > deadline:
                logs = self.compose("logs", "--tail=30", *ill)
                raise AssertionError(f"not well after {_LONGEST_START:g} s: {ill}\n{logs}")
            sleep(0.5)

    def execute(self, service: str, *words: str) -> str:
        """Run a command in a container that runs."""
        return self.compose("exec", "--no-TTY", service, *words)

    def volumes(self) -> dict[str, Path]:
        """Return the folders of the project's volumes, by their name in the compose file."""
        listed = self._listed("volume", "ls")
        described = json.loads(self._engine.docker("volume", "inspect", *listed)) if listed else []
        named = ((one["Labels"]["com.docker.compose.volume"], one) for one in described)
        return {name: Path(one["Mountpoint"]) for name, one in named}

    def left(self) -> list[str]:
        """Return whatever of the project the engine still has, images aside."""
        kinds: Sequence[Sequence[str]] = (("ps", "--all"), ("volume", "ls"), ("network", "ls"))
        return [name for kind in kinds for name in self._listed(*kind)]

    def _listed(self, *kind: str) -> list[str]:
        ours = "--filter=label=com.docker.compose.project"
        return self._engine.docker(*kind, "--quiet", ours).split()


def copy_checkout(folder: Path) -> None:
    """Copy what git has, or would take, so that nothing counts that only this machine has."""
    for file in files_of_git():
        there = folder / file.relative_to(ROOT)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, there)
