#!/usr/bin/env python3
"""Owns .tools/stack/: what `make stack-test` needs beside the programs of programs.toml.

    docker-buildx   what `docker build` needs beside `docker` itself
    busybox         for the images of the real programs, which then need no Debian
    debian.tar      a whole Debian with Python, made by debootstrap

Nothing is installed on the system. It does nothing when all is there. Root is needed, as for the
engine. Exit code 1, with the reason on stderr, where something cannot be had.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from bringing import bring
from debian_archive import KEYRING, Archive, NotToBeHad, mirror, require_tools, run, unpack

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".tools" / "stack"

PACKAGES = {  # of TOOLS_SUITE, and what is wanted of each
    "docker-buildx": "usr/libexec/docker/cli-plugins/docker-buildx",
    "busybox-static": "usr/bin/busybox",
}
TOOLS_SUITE = "forky"
# The release whose Python is that of the Dockerfile's base image.
DEBIAN_SUITE = "trixie"
DEBIAN_PACKAGES = ("ca-certificates", "busybox-static", "python3", "python3-venv")
LEFT_OUT = ("var/cache/apt", "var/lib/apt", "usr/share/doc", "usr/share/locale", "usr/share/man")


def fingerprint() -> str:
    """Return a text that changes whenever what stands on disk has to."""
    wanted = [PACKAGES, TOOLS_SUITE, DEBIAN_SUITE, DEBIAN_PACKAGES, LEFT_OUT]
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()


def is_done() -> bool:
    """Tell whether all is there."""
    record = FOLDER / "got.json"
    return record.exists() and bool(json.loads(record.read_text()) == fingerprint())


def fetch() -> None:
    """Bring all of it anew."""
    require_tools()
    if os.geteuid() != 0:
        raise NotToBeHad("debootstrap needs root, and so does the engine")
    if shutil.which("dockerd") is None:
        raise NotToBeHad("this machine has no dockerd, and nothing else is worth fetching")
    with tempfile.TemporaryDirectory(dir=FOLDER) as name:
        room = Path(name)
        archive = Archive(TOOLS_SUITE, room / "apt")
        archive.refresh()
        for deb in archive.download([*PACKAGES, "debootstrap"]).values():
            unpack(deb, room / "tools")
        for file in PACKAGES.values():
            shutil.copy2(room / "tools" / file, FOLDER)
        make_debian(room)
    (FOLDER / "got.json").write_text(json.dumps(fingerprint()) + "\n")


def make_debian(room: Path) -> None:
    """Make debian.tar; `room` holds debootstrap, unpacked."""
    root = room / "debian"
    run(
        "env",
        f"DEBOOTSTRAP_DIR={room}/tools/usr/share/debootstrap",
        f"{room}/tools/usr/sbin/debootstrap",
        "--variant=minbase",
        f"--keyring={KEYRING}",
        f"--include={','.join(DEBIAN_PACKAGES)}",
        DEBIAN_SUITE,
        str(root),
        mirror(),
    )
    part = room / "debian.tar"
    left_out = [f"--exclude=./{folder}" for folder in LEFT_OUT]
    run("tar", "--numeric-owner", *left_out, "-C", str(root), "-cf", str(part), ".")
    part.rename(FOLDER / "debian.tar")


def main() -> int:
    """Bring what is missing; return the exit code."""
    doing = f"making a Debian {DEBIAN_SUITE} for the images of `make stack-test`"
    return 0 if bring(FOLDER / "lock", is_done, doing, fetch) else 1


if __name__ == "__main__":
    sys.exit(main())
