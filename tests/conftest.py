"""What every test may use: the hypothesis profile, the real programs, the crash test's length."""

import os

import pytest
from hypothesis import settings

pytest_plugins = ["tests.e2e.real_programs"]

# No deadline: a slow machine is not a fault. In CI the examples are the same each time.
settings.register_profile("here", deadline=None, print_blob=True)
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of this project's tests."""
    parser.addoption(
        "--kills", type=int, default=20, help="how often the crash tests kill what they test"
    )


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """Say how often a crash test is to kill what it tests."""
    return int(request.config.getoption("--kills"))
