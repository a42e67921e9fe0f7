"""The Dockerfile makes what the project is, as locked, for a user without rights."""

import fnmatch
import re
from pathlib import Path

import pytest

from tests.compose_file import services, variables
from tests.test_repository import listed

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LINES = [line for line in TEXT.replace("\\\n", " ").splitlines() if line and line[0] != "#"]
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def instructions(name: str) -> list[str]:
    """Return what stands behind each instruction of that name."""
    return [line.partition(" ")[2].strip() for line in LINES if line.startswith(f"{name} ")]


def copied() -> list[str]:
    """Return what is copied from the repository."""
    sources = [line.split()[:-1] for line in instructions("COPY") if "--from" not in line]
    return [source for line in sources for source in line]


def let_in(path: str) -> bool:
    """Tell whether .dockerignore lets a file into the build; the last rule that fits counts."""
    found = True
    for rule in IGNORED:
        if rule and not rule.startswith("#"):
            pattern = rule.removeprefix("!").replace("**", "*")
            if fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch(f"/{path}", f"*/{pattern}"):
                found = rule.startswith("!")
    return found


def test_what_is_copied_is_there_and_is_let_in() -> None:
    """All packages, the lock, and what the package's description names."""
    assert set(copied()) >= listed("uv", "build-backend", "module-name")
    assert set(copied()) >= {"pyproject.toml", "uv.lock", "LICENSE", "README.md"}
    for source in copied():
        path = ROOT / source
        assert path.exists()
        files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
        for file in files:
            if "__pycache__" not in file.parts:
                assert let_in(str(file.relative_to(ROOT))), file


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".tools/uv",
        ".venv/bin/python",
        "alerting/__pycache__/cli.cpython-313.pyc",
        "config.yaml",
        "data/exporter.db",
        "secrets/telegram_token",
        "tests/test_image.py",
        "tools/fetch_debian.py",
    ],
)
def test_nothing_else_is_let_in(path: str) -> None:
    """Neither secrets nor history nor tests reach the build."""
    assert not let_in(path)


def test_nothing_is_fetched_but_what_is_locked() -> None:
    """Uv by its hashes, the dependencies by theirs."""
    runs = " ".join(instructions("RUN"))
    assert "--require-hashes" in runs
    assert runs.count("uv sync --locked --no-default-groups") == 2
    assert not re.search(r"apt-get|curl|wget|pip install (?!.*--require-hashes)", runs)
    assert not instructions("ADD")


def test_base_images_are_given_by_an_argument_and_pinned() -> None:
    """One for both stages, the same as compose names."""
    assert instructions("FROM") == ["${PYTHON_IMAGE} AS builder", "${PYTHON_IMAGE}"]
    (default,) = [a.partition("=")[2] for a in instructions("ARG") if a.startswith("PYTHON_IMAGE")]
    assert default == variables()["PYTHON_IMAGE"]
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", default)
    assert "latest" not in TEXT


def test_it_runs_as_the_user_of_compose() -> None:
    """By number, so that whoever starts it can see that it is not root."""
    assert instructions("USER") == [services()["exporter"]["user"]]
    assert LINES.index(f"USER {instructions('USER')[0]}") > max(
        index for index, line in enumerate(LINES) if line.startswith(("RUN", "COPY"))
    )


def test_no_line_knows_an_architecture() -> None:
    """One Dockerfile for amd64 and arm64."""
    assert not re.search(r"x86_64|aarch64|TARGETARCH|dpkg", "\n".join(LINES))


def test_every_compiled_dependency_has_wheels_for_both_architectures() -> None:
    """For the image's Python; greenlet alone is left out where it is not wanted."""
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    (minor,) = re.findall(r"^ARG PYTHON_IMAGE=python:3\.(\d+)", TEXT, re.MULTILINE)
    wheels = re.findall(r"/([\w.]+)-[\w.]+-(cp3\d+|py3)-(\w+)-([\w.]+)\.whl", lock)
    compiled = {name for name, _, abi, platform in wheels if platform != "any" and abi != "none"}
    assert len(compiled) > 10
    for name in compiled:
        usable = {
            platform
            for found, python, abi, platform in wheels
            if found == name and (abi == f"cp3{minor}" or (abi == "abi3" and python != "py3"))
        }
        for machine in ("x86_64", "aarch64"):
            assert any("manylinux" in p and machine in p for p in usable), (name, machine)


def test_labels_and_arguments_name_the_version_and_the_licence() -> None:
    """As pyproject.toml does; no address is made up."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', TEXT))
    assert set(labels) == {"title", "description", "licenses", "version"}
    for label, key in (("description", "description"), ("licenses", "license")):
        assert f'\n{key} = "{labels[label]}"\n' in project
    (version,) = [a.partition("=")[2] for a in instructions("ARG") if a.startswith("VERSION")]
    assert f'\nversion = "{version}"\n' in project


def test_nothing_needs_a_shell_when_it_runs() -> None:
    """Commands and health checks are lists."""
    for line in instructions("CMD") + instructions("ENTRYPOINT"):
        assert line.startswith("[")
    (health,) = instructions("HEALTHCHECK")
    assert '["python", "-m", "chassis.health_check",' in health
