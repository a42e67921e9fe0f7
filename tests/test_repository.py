"""The repository's own promises: what the documents and the settings say is what is there."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.checkout import ROOT, files_of_git

# Hosts that packages come from: whoever installs decides on those. uv.lock names PyPI's by its
# own format, and no other. (The names are put together here: this file must not hold one.)
LOCK_HOSTS = {".".join(parts) for parts in [("pypi", "org"), ("files", "pythonhosted", "org")]}
OTHER_HOSTS = {
    ".".join(parts)
    for parts in [
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("registry", "npmjs", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("repo1", "maven", "org"),
        ("repo", "maven", "apache", "org"),
    ]
}
REGISTRY_HOST = re.compile("|".join(map(re.escape, LOCK_HOSTS | OTHER_HOSTS)))
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:root|work|home/\w+|Users/\w+|opt/wheels)/\w")


def tracked_files() -> list[Path]:
    """Return every text file that is in the repository or about to be."""
    return [file for file in files_of_git() if b"\0" not in file.read_bytes()]


def make_targets() -> dict[str, str]:
    """Return what `make help` says of each target."""
    rules = re.findall(r"^([a-z-]+):.*## (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return dict(rules)


def listed(*path: str) -> set[str]:
    """Return a list of names below [tool] of pyproject.toml."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    for key in path:
        found = found[key]
    return set(found)


def python_folders() -> set[str]:
    """Return the top-level folders that hold Python."""
    return {path.parent.name for path in ROOT.glob("[a-z]*/*.py")}


# ---------------------------------------------------------------- one way to run the tests


def test_ci_runs_the_command_that_the_readme_names() -> None:
    """Whoever follows the README checks what CI checks."""
    command = re.search(r"^exec (.+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert command is not None
    assert re.search(rf"\b{command[1]}\b", (ROOT / "README.md").read_text())
    assert command[1] == "make test"


def test_every_check_is_part_of_make_test() -> None:
    """A check that is configured is a check that CI runs."""
    rule = re.search(r"^test: (.+) ##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert rule is not None
    assert set(rule[1].split()) == {"lint", "types", "imports", "unit"}


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_a_document_names_is_there(document: str) -> None:
    """A document names no target that make does not know."""
    named = set(re.findall(r"\bmake ([a-z-]+)`", (ROOT / document).read_text()))
    assert named, "the document names the commands it talks of"
    assert named <= set(make_targets())


def test_every_folder_of_python_is_type_checked() -> None:
    """No package is left out of mypy's list."""
    assert python_folders() <= listed("mypy", "files")


def test_every_package_is_in_the_wheel() -> None:
    """What is installed is what is here, without tests, benchmarks, dashboards and tools."""
    packages = {path.parent.name for path in ROOT.glob("[a-z]*/__init__.py")}
    assert packages - {"tests", "bench", "grafana"} == listed("uv", "build-backend", "module-name")


# ---------------------------------------------------------------- nothing of one machine


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the choice of whoever installs."""
    found = {
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in tracked_files()
        if file.name != "uv.lock"
        for match in REGISTRY_HOST.finditer(file.read_text(encoding="utf-8", errors="replace"))
    }
    assert found == set()


def test_the_lock_file_names_the_default_index_alone() -> None:
    """A mirror that one machine prefers has not slipped into the lock."""
    text = (ROOT / "uv.lock").read_text()
    assert set(re.findall(r"\w+://([^/\"]+)", text)) == LOCK_HOSTS
    assert "find-links" not in text
    sources = set(re.findall(r"source = \{ (\w+) = \"([^\"]+)\" \}", text))
    assert sources == {
        ("registry", f"https://{min(LOCK_HOSTS, key=len)}/simple"),
        ("editable", "."),
    }


def test_no_file_names_a_path_of_one_machine() -> None:
    """Nothing in here knows where it was written."""
    found = {
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in tracked_files()
        for match in MACHINE_PATH.finditer(file.read_text(encoding="utf-8", errors="replace"))
    }
    assert found == set()


@pytest.mark.parametrize("before", ["", "see ", "(", "file:", '"'])
@pytest.mark.parametrize("top", ["root", "work", "home/anna", "Users/anna"])
def test_a_path_of_one_machine_is_recognised(before: str, top: str) -> None:
    """The pattern finds what it is to find."""
    assert MACHINE_PATH.search(f"{before}/{top}/folder")


@pytest.mark.parametrize("before", ["https://host", "net", "~"])
def test_other_paths_are_left_alone(before: str) -> None:
    """The pattern does not find what is no path of a machine."""
    assert not MACHINE_PATH.search(f"{before}/{'work'}/folder")
