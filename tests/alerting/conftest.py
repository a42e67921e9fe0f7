"""The databases that tests of the relay stand against: each test gets an empty one."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from alerting.store import Store
from tests.alerting.postgres import NEEDED, PostgreSQL, postgresql_server
from tests.e2e.real_programs import needs

_numbers = count(1)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Run one server for all tests; ask for it in tests marked with `needs(*NEEDED)`."""
    with postgresql_server() as server:
        yield server


@pytest.fixture
def postgresql_database(postgresql: PostgreSQL) -> Iterator[str]:
    """Name an empty database of PostgreSQL."""
    name = f"test_{next(_numbers)}"
    postgresql.run(f"CREATE DATABASE {name}")
    yield postgresql.database(name)
    postgresql.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs(*NEEDED))])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'alerting.db'}"
    return str(request.getfixturevalue("postgresql_database"))


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """Open a store on each kind of database."""
    opened = Store(database)
    yield opened
    opened.close()
