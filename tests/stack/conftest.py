"""The stack test runs where it is asked for by name, and prints a table of its steps.

Where no engine can be had it says so; in CI (CI=true) that is a failure.
"""

import os
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from tests.stack.engine import why_none

STORY = Path(__file__).with_name("test_stack.py")
_ROWS = pytest.StashKey[list[tuple[str, str, float, str]]]()
_NOT_RUN = pytest.StashKey[str]()
_WHAT = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin with an empty table."""
    config.stash[_ROWS] = []
    config.stash[_WHAT] = {}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the story out unless it, or its folder, is named."""
    named = [Path(name.partition("::")[0]).resolve() for name in config.args]
    return True if collection_path == STORY and not {STORY, STORY.parent} & {*named} else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the story out where there is no engine."""
    story = [item for item in items if item.path == STORY]
    if story and (reason := why_none()):
        config.stash[_NOT_RUN] = reason
        config.hook.pytest_deselected(items=story)
        items[:] = [item for item in items if item.path != STORY]


@pytest.fixture(scope="session")
def what_they_are(pytestconfig: pytest.Config) -> dict[str, str]:
    """Take what each container is, for the table."""
    return pytestconfig.stash[_WHAT]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note each step of the story with its result, its seconds and what it has to say."""
    report = yield
    if item.path == STORY and (report.when == "call" or report.failed):
        said = "; ".join(str(value) for key, value in report.user_properties if key == "note")
        step = (getattr(item, "obj", None).__doc__ or item.name).splitlines()[0]
        item.config.stash[_ROWS].append((step, report.outcome, report.duration, said))
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail in CI where the story was left out."""
    if _NOT_RUN in session.config.stash:
        in_ci = os.environ.get("CI") == "true"
        session.exitstatus = pytest.ExitCode.TESTS_FAILED if in_ci else pytest.ExitCode.OK


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table."""
    if _NOT_RUN in config.stash:
        terminalreporter.section("stack test not run", red=True)
        line = f"not run: no Docker engine: {config.stash[_NOT_RUN]} (see docs/stack-test.md)"
        terminalreporter.line(line, red=True)
    if rows := config.stash[_ROWS]:
        terminalreporter.section("the stack")
        for line in table(rows):
            terminalreporter.line(line)
        for name, what in config.stash[_WHAT].items():
            terminalreporter.line(f"{name:<18}{what}")


def table(rows: Sequence[tuple[str, str, float, str]]) -> list[str]:
    """Return the lines of the table of steps."""
    lines = [f"{'result':<8}{'seconds':>8}  step"]
    for step, outcome, seconds, said in rows:
        lines.append(f"{outcome:<8}{seconds:>8.1f}  {step}")
        if said:
            lines.append(f"{'':<18}{said}")
    return [*lines, ""]
