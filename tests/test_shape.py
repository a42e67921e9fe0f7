"""The code keeps the shape that CONTRIBUTING.md asks for: short functions, short files."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FUNCTION_LINES = 40
FILE_LINES = 350


def python_files() -> list[Path]:
    """Return the project's Python files, those of packages, tools and tests."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."]
    return sorted(file for folder in folders for file in folder.rglob("*.py"))


def name_of(file: Path) -> str:
    """Return a file's name as a test's id."""
    return str(file.relative_to(ROOT))


def long_functions(text: str) -> Iterator[str]:
    """Yield each function that is too long, with its line and length."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{node.name} in line {node.lineno} has {length} lines"


@pytest.mark.parametrize("file", python_files(), ids=name_of)
def test_no_function_is_longer_than_40_lines(file: Path) -> None:
    """A function that is longer does two things: give the second a name."""
    assert list(long_functions(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "file", [file for file in python_files() if "tests" not in file.parts], ids=name_of
)
def test_no_file_is_longer_than_350_lines(file: Path) -> None:
    """A file that is longer has two subjects: let one move out."""
    lines = file.read_text(encoding="utf-8").count("\n")
    assert lines <= FILE_LINES


def test_a_long_function_is_found() -> None:
    """The measure measures: 41 lines are found, 40 are not."""
    body = "    pass\n"
    assert list(long_functions("def long():\n" + body * 40)) == ["long in line 1 has 41 lines"]
    assert list(long_functions("def short():\n" + body * 39)) == []
