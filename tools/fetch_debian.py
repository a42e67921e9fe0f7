#!/usr/bin/env python3
"""Owns .tools/bin/NAME, a starter for each real program that programs.toml lists.

The programs are unpacked from Debian's packages into .tools/, never onto the system. It does
nothing when all is there; a second run beside it waits; an interrupted one is gone on with.
Exit code 1, with the reason on stderr, where a program cannot be had.
"""

import hashlib
import json
import os
import shutil
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from bringing import bring
from debian_archive import Archive, NotToBeHad, require_tools, run, unpack, version_of

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path(__file__).resolve().parent / "programs.toml"

# `exec`: the starter's process is the program's, so that whoever starts it can also stop it.
STARTER = """\
#!/bin/sh
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)/debian/{suite}/root
libraries=$root/{libraries}:$root/usr/{libraries}
{data}exec "$root/{loader}" --library-path "$libraries" "$root/{binary}" "$@"
"""
# A program that opens a folder below /usr is made to open this descriptor instead: wherever the
# packages are unpacked, and without a mount that a machine may forbid.
DATA = """\
exec 9<"$root/{data}"
"""
DESCRIPTOR = "/proc/self/fd/9"
# A program that others of its package start stands beside its own place: a starter stands there.
REAL = ".real"
STAND_IN = """\
#!/bin/sh
exec "$(dirname -- "$0")/{starter}" "$@"
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A row of programs.toml."""

    name: str
    suite: str
    package: str
    libraries: tuple[str, ...]
    version: str
    binary: str
    started_by_others: bool = False
    data: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """What is wanted of one release, and where it is kept."""

    name: str
    programs: tuple[Program, ...]
    tools: Path

    @property
    def folder(self) -> Path:
        """All that is kept of this release."""
        return self.tools / "debian" / self.name

    @property
    def root(self) -> Path:
        """Where its packages are unpacked."""
        return self.folder / "root"

    @property
    def packages(self) -> list[str]:
        """Every package that its programs need."""
        wanted = {program.package for program in self.programs}
        return sorted(wanted.union(*(program.libraries for program in self.programs)))

    def fingerprint(self) -> str:
        """Return a text that changes whenever what stands on disk has to."""
        rows = [asdict(program) for program in self.programs]
        return hashlib.sha256((json.dumps(rows) + STARTER + DATA + STAND_IN).encode()).hexdigest()


def read_table(table: Path, tools: Path) -> list[Suite]:
    """Return what the table wants, by release."""
    rows = tomllib.loads(table.read_text(encoding="utf-8"))
    programs = [
        Program(name=name, **(row | {"libraries": tuple(row["libraries"])}))
        for name, row in rows.items()
    ]
    names = dict.fromkeys(program.suite for program in programs)
    return [Suite(name, tuple(p for p in programs if p.suite == name), tools) for name in names]


def is_done(suite: Suite) -> bool:
    """Tell whether all that is wanted of the release is there."""
    record = suite.folder / "got.json"
    starters = [suite.tools / "bin" / program.name for program in suite.programs]
    if not all(path.exists() for path in [record, *starters]):
        return False
    return bool(json.loads(record.read_text())["fingerprint"] == suite.fingerprint())


def fetch(suite: Suite) -> dict[str, str]:
    """Bring the suite's programs; return the version that was got of each package."""
    require_tools()
    archive = Archive(suite.name, suite.folder / "apt")
    archive.refresh()
    debs = archive.download(suite.packages)
    versions = {package: version_of(deb) for package, deb in debs.items()}
    check_versions(suite, versions)
    fresh = suite.folder / "root.part"
    shutil.rmtree(fresh, ignore_errors=True)
    for deb in debs.values():
        unpack(deb, fresh)
    shutil.rmtree(suite.root, ignore_errors=True)
    fresh.rename(suite.root)
    for program in suite.programs:
        make_starter(suite, program)
    record = {"fingerprint": suite.fingerprint(), "packages": versions}
    (suite.folder / "got.json").write_text(json.dumps(record, indent=2) + "\n")
    shutil.rmtree(archive.folder)
    return versions


def check_versions(suite: Suite, versions: dict[str, str]) -> None:
    """Raise NotToBeHad where the release has moved on to another version than the wanted one."""
    for program in suite.programs:
        got = versions[program.package]
        if not got.startswith(program.version):
            raise NotToBeHad(
                f"{suite.name} has {program.package} {got}, and {program.name} wants"
                f" {program.version}*: name another release in tools/programs.toml"
            )


def make_starter(suite: Suite, program: Program) -> None:
    """Make what starts a program through its own release's loader and libraries; try it once."""
    loader = find_loader(suite.root)
    binary = make_stand_in(suite, program) if program.started_by_others else program.binary
    if program.data:
        redirect_data(suite.root / binary, program.data)
    starter = suite.tools / "bin" / program.name
    starter.parent.mkdir(parents=True, exist_ok=True)
    starter.write_text(
        STARTER.format(
            suite=suite.name,
            loader=loader.relative_to(suite.root),
            libraries=str(loader.parent.relative_to(suite.root)).removeprefix("usr/"),
            binary=binary,
            data=DATA.format(data=program.data) if program.data else "",
        )
    )
    starter.chmod(0o755)
    run(str(starter), "--version")


def make_stand_in(suite: Suite, program: Program) -> str:
    """Let the starter stand where others of the package look; return where the program is now."""
    place = suite.root / program.binary
    place.rename(place.with_name(place.name + REAL))
    starter = suite.tools / "bin" / program.name
    place.write_text(STAND_IN.format(starter=os.path.relpath(starter, place.parent)))
    place.chmod(0o755)
    return program.binary + REAL


def redirect_data(binary: Path, data: str) -> None:
    """Let a program open what its starter hands to it where it would open /`data`."""
    built_in = f"/{data}".encode()
    code = binary.read_bytes()
    if built_in not in code:
        raise NotToBeHad(f"{binary.name} does not open /{data}: mend tools/programs.toml")
    # The text must keep its length; slashes that are too many mean nothing.
    binary.write_bytes(code.replace(built_in, DESCRIPTOR.encode().ljust(len(built_in), b"/")))


def find_loader(root: Path) -> Path:
    """Return the dynamic loader of the unpacked C library, beside the library itself."""
    for place in ("usr/lib/*/ld-linux*.so.*", "lib/*/ld-linux*.so.*"):
        for path in sorted(root.glob(place)):
            return path
    raise NotToBeHad("the unpacked C library has no loader where Debian keeps it")


def main() -> int:
    """Bring what is missing; return the exit code."""
    tools = ROOT / ".tools"
    there = [_bring(suite, tools) for suite in read_table(TABLE, tools)]
    return 0 if all(there) else 1


def _bring(suite: Suite, tools: Path) -> bool:
    names = ", ".join(program.name for program in suite.programs)

    def fetch_and_tell() -> None:
        versions = fetch(suite)
        print("  " + ", ".join(f"{name} {got}" for name, got in versions.items()))

    return bring(
        tools / "debian" / f"{suite.name}.lock",
        lambda: is_done(suite),
        f"unpacking {names} from Debian {suite.name}",
        fetch_and_tell,
        names,
    )


if __name__ == "__main__":
    sys.exit(main())
