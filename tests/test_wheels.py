"""A Raspberry Pi needs no compiler: every locked library has a wheel for 64-bit ARM."""

import re
import tomllib
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
OWN = "power-status-tracker"
# aarch64 with glibc 2.36, Debian 12's, or older; the second number is glibc's minor version.
FITS = re.compile(r"manylinux(?:_2_(\d+)|2014)_aarch64")
GLIBC = 36


Package = dict[str, Any]


def locked() -> dict[str, list[Package]]:
    """Return by name the packages of uv.lock; one may have another version for another Python."""
    packages: dict[str, list[Package]] = {}
    for one in tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]:
        packages.setdefault(one["name"], []).append(one)
    return packages


def needed(packages: dict[str, list[Package]]) -> set[str]:
    """Return the names of what running needs on Linux, with all extras."""
    (own,) = packages[OWN]
    wanted = list(chain(own["dependencies"], *own["optional-dependencies"].values()))
    found: set[tuple[str, tuple[str, ...]]] = set()
    while wanted:
        one = wanted.pop()
        key = one["name"], tuple(one.get("extra", ()))
        if key in found or "sys_platform == 'win32'" in one.get("marker", ""):
            continue
        found.add(key)
        for package in packages[one["name"]]:
            extras = package.get("optional-dependencies", {})
            wanted += chain(
                package.get("dependencies", ()), *(extras.get(extra, ()) for extra in key[1])
            )
    return {name for name, _ in found}


def wheels(packages: Iterable[Package]) -> list[str]:
    """Return the names of a library's wheels."""
    return [
        wheel["url"].rsplit("/", 1)[-1]
        for package in packages
        for wheel in package.get("wheels", ())
    ]


def fits(wheel: str, python: int) -> bool:
    """Tell whether a wheel can be installed on a Raspberry Pi with Python 3.`python`."""
    tags = wheel.removesuffix(".whl").split("-")[-3:]
    interpreters, abis, platforms = (tag.split(".") for tag in tags)
    if platforms == ["any"]:
        return any(interpreter in ("py3", f"cp3{python}") for interpreter in interpreters)
    stable = "abi3" in abis and any(
        int(one.removeprefix("cp3")) <= python for one in interpreters if one.startswith("cp3")
    )
    glibc = [int(found[1] or 17) for one in platforms if (found := FITS.fullmatch(one))]
    return (stable or f"cp3{python}" in abis or "none" in abis) and min(glibc, default=99) <= GLIBC


@pytest.mark.parametrize("python", [11, 12, 13])
def test_every_library_has_a_wheel_for_a_raspberry_pi(python: int) -> None:
    """As docs/install.md says; Debian 12 has Python 3.11, Debian 13 has 3.13."""
    packages = locked()
    names = needed(packages)
    assert {"aiohttp", "pydantic-core", "psycopg-binary", "matplotlib", "socksio"} <= names
    missing = {
        name for name in names if not any(fits(wheel, python) for wheel in wheels(packages[name]))
    }
    assert missing == set()


@pytest.mark.parametrize(
    "wheel, good",
    [
        ("a-1-py3-none-any.whl", True),
        ("a-1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", True),
        ("a-1-cp39-abi3-manylinux_2_28_aarch64.whl", True),
        ("a-1-cp312-abi3-manylinux_2_28_aarch64.whl", False),
        ("a-1-cp312-cp312-manylinux_2_28_aarch64.whl", False),
        ("a-1-cp311-cp311-manylinux_2_39_aarch64.whl", False),
        ("a-1-cp311-cp311-manylinux_2_17_x86_64.whl", False),
        ("a-1-cp311-cp311-musllinux_1_2_aarch64.whl", False),
    ],
)
def test_a_wheel_that_fits_is_known(wheel: str, *, good: bool) -> None:
    """The measure measures."""
    assert fits(wheel, 11) is good
