#!/usr/bin/env python3
"""Owns .tools/bin/flux-types, which tells whether Flux queries are of sound types.

npm installs what tools/flux/package-lock.json pins into .tools/flux, never onto the system. It does
nothing when all is there; a second run beside it waits. Exit code 1, with the reason on stderr,
where node or the package cannot be had.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from bringing import bring
from debian_archive import NotToBeHad

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path(__file__).resolve().parent / "flux"
FILES = ("package.json", "package-lock.json", "check.cjs")
STARTER = """\
#!/bin/sh
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
exec node "$root/flux/check.cjs" "$@"
"""
NPM = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
PATIENCE = 300  # seconds for npm


def fingerprint() -> str:
    """Return a text that changes whenever what stands on disk has to."""
    parts = [(SOURCE / name).read_bytes() for name in FILES]
    return hashlib.sha256(b"".join(parts) + STARTER.encode()).hexdigest()


def is_done(tools: Path) -> bool:
    """Tell whether all that is wanted is there."""
    record = tools / "flux" / "got.json"
    if not record.exists() or not (tools / "bin" / "flux-types").exists():
        return False
    return bool(json.loads(record.read_text())["fingerprint"] == fingerprint())


def fetch(tools: Path) -> None:
    """Install it and make its starter; try it once. Raises NotToBeHad."""
    for name in ("node", "npm"):
        if shutil.which(name) is None:
            raise NotToBeHad(f"there is no {name} here: install Node.js, version 18 or later")
    folder = tools / "flux"
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(SOURCE / name, folder / name)
    run(NPM, folder)
    starter = tools / "bin" / "flux-types"
    starter.parent.mkdir(parents=True, exist_ok=True)
    starter.write_text(STARTER)
    starter.chmod(0o755)
    if json.loads(run((str(starter),), folder, given='{"one": "x = 1"}')) != {"one": []}:
        raise NotToBeHad("it does not find a sound query sound")
    (folder / "got.json").write_text(json.dumps({"fingerprint": fingerprint()}) + "\n")


def run(command: tuple[str, ...], folder: Path, given: str = "") -> str:
    """Return what a command prints. Raises NotToBeHad where it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise NotToBeHad(f"`{command[0]}` did not end within {PATIENCE} s") from None
    if done.returncode != 0:
        raise NotToBeHad(f"`{' '.join(command[:2])}`: {done.stderr.strip()[-500:]}")
    return done.stdout


def main() -> int:
    """Bring what is missing; return the exit code."""
    tools = ROOT / ".tools"
    there = bring(
        tools / "flux.lock",
        lambda: is_done(tools),
        "installing flux-types with npm",
        lambda: fetch(tools),
        "flux-types",
    )
    return 0 if there else 1


if __name__ == "__main__":
    sys.exit(main())
