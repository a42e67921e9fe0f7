"""Owns the access to Debian's archive, one release at a time, with private state.

Of the system it reads the choice of mirror and proxy, and writes nothing; root is not needed.
Packages are verified against Debian's own keyring, by apt. No dependency is followed: the
caller names every package.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
TOOLS = ("apt-get", "apt-config", "dpkg", "dpkg-deb")


class NotToBeHad(Exception):
    """Says in one sentence why a package cannot be had on this machine."""


def run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Return what a command prints. Raises NotToBeHad, in its own words, when it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise NotToBeHad(f"{Path(command[0]).name} {command[1]} failed: {' / '.join(said)}")
    return done.stdout


def require_tools() -> None:
    """Raise NotToBeHad where the machine lacks what this module works with."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise NotToBeHad(f"this machine has no {', '.join(missing)}")
    if not KEYRING.exists():
        raise NotToBeHad(f"{KEYRING} is missing: install the package debian-archive-keyring")


def mirror() -> str:
    """Return $DEBIAN_MIRROR, else the mirror of Debian that this machine's own apt uses."""
    if chosen := os.environ.get("DEBIAN_MIRROR"):
        return chosen
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    for uri in listed.splitlines():
        if re.search(r"/debian(\.list)?/?$", uri):
            return uri
    raise NotToBeHad("this machine's apt knows no mirror of Debian: name one in DEBIAN_MIRROR")


@dataclass(frozen=True, slots=True)
class Archive:
    """One release of Debian, with apt's state and downloads in `folder`."""

    suite: str
    folder: Path

    def refresh(self) -> None:
        """Fetch the signed list of what the release holds."""
        self._configure()
        self._apt("update", "--error-on=any")

    def download(self, packages: list[str]) -> dict[str, Path]:
        """Fetch the packages' files; what an interrupted run has fetched is not fetched again."""
        debs = self.folder / "debs"
        debs.mkdir(exist_ok=True)
        self._apt("download", *packages, cwd=debs)
        found = {package_of(deb): deb for deb in debs.glob("*.deb")}
        return {package: found[package] for package in packages}

    def _configure(self) -> None:
        for part in ("state/lists/partial", "cache/archives/partial"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "sources.list").write_text(
            f"deb [signed-by={KEYRING}] {mirror()} {self.suite} main\n"
        )
        # How the machine reaches a mirror (proxies, timeouts) holds here too; its hooks do not.
        dump = run("apt-config", "dump").splitlines()
        kept = [line for line in dump if line.startswith("Acquire::")]
        kept += [f'{key} "{value}";' for key, value in self._settings().items()]
        (self.folder / "apt.conf").write_text("\n".join(kept) + "\n")

    def _settings(self) -> dict[str, object]:
        return {
            "Dir::State": self.folder / "state",
            "Dir::State::status": self.folder / "status",
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc::parts": "/dev/null",
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::sourcelist": self.folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": 3,
        }

    def _apt(self, verb: str, *words: str, cwd: Path | None = None) -> None:
        env = os.environ | {"APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C"}
        run("apt-get", "-qq", verb, *words, cwd=cwd, env=env)


def package_of(deb: Path) -> str:
    """Return the name of the package that a file holds."""
    return run("dpkg-deb", "--field", str(deb), "Package").strip()


def version_of(deb: Path) -> str:
    """Return the package's version without its epoch."""
    return run("dpkg-deb", "--field", str(deb), "Version").strip().rpartition(":")[2]


def unpack(deb: Path, root: Path) -> None:
    """Lay a package's files below `root`, and run nothing of it."""
    run("dpkg", "-x", str(deb), str(root))
