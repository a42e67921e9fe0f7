"""A Prometheus that remembers a past of three homes, for all tests that ask about it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grafana.past import write_pages, write_past
from tests.history.recalled import VERSIONS, Recalled


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what the exporter has said, as a Prometheus keeps it."""
    return write_pages(tmp_path_factory.mktemp("pages"))


@pytest.fixture(
    scope="session",
    params=VERSIONS,
)
def prometheus(
    request: pytest.FixtureRequest, pages: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recalled]:
    """Run a Prometheus that remembers it, with what the rules have recorded."""
    folder = tmp_path_factory.mktemp("past")
    tsdb = write_past(request.param, folder, pages)
    with Recalled(f"prometheus-{request.param}", folder, tsdb) as running:
        yield running
