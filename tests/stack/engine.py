"""A Docker engine of the test's own: its processes, its data and its socket are all temporary.

It never talks to an engine that runs already, and leaves nothing behind.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.e2e.exporters import wait_for
from tests.e2e.real_programs import ROOT, is_here, starters

FILES = ROOT / ".tools" / "stack"
NEEDED = ("dockerd", "docker", "containerd", "runc", "iptables", "ip")
PROGRAMS = ("docker-compose", "prometheus-3", "alertmanager-newest", "victoria-metrics")
PLUGINS = {
    "docker-buildx": FILES / "docker-buildx",
    "docker-compose": starters().resolve() / "docker-compose",
}


class CommandFailed(Exception):
    """A command of `docker` failed; the text holds what it said."""


def why_none() -> str:
    """Say in one sentence why no engine can be had here; empty if one can."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"this machine has no {', '.join(missing)} (Debian: docker.io, iptables, iproute2)"
    if os.geteuid() != 0:
        return "an engine of its own needs root"
    if not (FILES / "got.json").exists():
        return f"{FILES.relative_to(ROOT)} is not made: tools/stack_files.py makes it"
    absent = [name for name in PROGRAMS if not is_here(name)]
    return f"{', '.join(absent)} is not in {starters()}: `make setup` brings it" if absent else ""


class Engine:
    """dockerd as a process, from `with` to its end, in the network namespace of this thread."""

    def __init__(self) -> None:
        self._folder = Path()
        self._log: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            self._folder = Path(tempfile.mkdtemp(prefix="stack-"))
            undo.callback(self._remove)
            self._log = (self._folder / "log").open("wb")
            undo.callback(self._log.close)
            self._lay_plugins()
            self._process = subprocess.Popen(self._command(), stdout=self._log, stderr=self._log)
            undo.callback(self._stop)
            wait_for(self._answers, within=60)
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if fault is not None:
            fault.add_note(f"--- what dockerd printed last ---\n{self.printed()}")
        self._undo.close()

    def docker(
        self,
        *words: str,
        given: IO[bytes] | None = None,
        cwd: Path | None = None,
        within: float = 600,
    ) -> str:
        """Run a command of `docker`; return what it printed. Raises CommandFailed."""
        done = subprocess.run(
            ["docker", *words],  # noqa: S607  docker is where PATH has it
            stdin=given or subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env=self._environment(),
            timeout=within,
        )
        if done.returncode != 0:
            raise CommandFailed(f"docker {' '.join(words)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def version(self) -> str:
        """Say which engine and which compose these are."""
        engine = self.docker("version", "--format", "{{.Server.Version}}").strip()
        return f"Docker {engine}, Compose {self.docker('compose', 'version', '--short').strip()}"

    def printed(self, last: int = 3_000) -> str:
        """Return the end of the engine's log."""
        return (self._folder / "log").read_bytes()[-last:].decode(errors="replace")

    @property
    def _socket(self) -> str:
        return f"unix://{self._folder}/socket"

    def _command(self) -> Sequence[str]:
        place = self._folder
        return (
            "dockerd",
            f"--host={self._socket}",
            f"--data-root={place}/data",
            f"--exec-root={place}/exec",
            f"--pidfile={place}/pid",
            "--log-level=warn",
        )

    def _environment(self) -> dict[str, str]:
        """Return an environment that names no other engine, and sets nothing of the stack."""
        theirs = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("DOCKER_", "COMPOSE_", "TELEGRAM_", "POWER_STATUS_"))
        }
        return theirs | {"DOCKER_HOST": self._socket, "DOCKER_CONFIG": str(self._folder / "client")}

    def _lay_plugins(self) -> None:
        plugins = self._folder / "client" / "cli-plugins"
        plugins.mkdir(parents=True)
        for name, command in PLUGINS.items():
            (plugins / name).write_text(f'#!/bin/sh\nexec "{command}" "$@"\n', encoding="utf-8")
            (plugins / name).chmod(0o755)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.printed()
        try:
            self.docker("version")
        except CommandFailed:
            return False
        return True

    def _stop(self) -> None:
        assert self._process is not None
        if left := self.docker("ps", "--all", "--quiet").split():
            self.docker("rm", "--force", *left)
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _remove(self) -> None:
        """Take away the folder, and whatever is still mounted below it."""
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in reversed(mounts):
            if Path(mount).is_relative_to(self._folder):
                subprocess.run(["umount", "--lazy", mount], check=False)  # noqa: S607  as docker
        shutil.rmtree(self._folder)
