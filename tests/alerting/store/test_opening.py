"""Opening the database: when first needed, to the newest tables, again after it was away."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from alerting.store import Store, StoreDown
from alerting.store.engine import bring_up_to_date, make_engine, migrate, url_of
from alerting.store.schema import NEWEST, gate, metadata
from tests.alerting.postgres import NEEDED, PostgreSQL, postgresql_server
from tests.alerting.store.alerts import NOW, accept, outage, subscribe, subscriber, told
from tests.e2e.real_programs import free_port, needs

NAMES_ALEMBIC = """
import sys
from alerting.store import Store
store = Store(sys.argv[1])
store.counts()
store.close()
print("alembic" in sys.modules)
"""


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """Reach a database that is up to date, below the store."""
    made = make_engine(url_of(database, None))
    bring_up_to_date(made)
    yield made
    made.dispose()


# ---------------------------------------------------------------- tables


def test_the_revisions_make_the_tables_that_are_made_new(database: str) -> None:
    """Nothing is missing, nothing is left over, in columns, keys and indexes."""
    engine = make_engine(url_of(database, None))
    with engine.begin() as connection:
        migrate(connection)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(sa.select(gate)).all() == [(1, 0)]
    engine.dispose()


def test_tables_that_are_made_new_are_of_the_newest_revision(engine: sa.Engine) -> None:
    """As if all revisions had made them."""
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(sa.select(gate)).all() == [(1, 0)]


def test_the_newest_revision_is_the_one_that_the_store_wants(engine: sa.Engine) -> None:
    """A revision that is added is also asked for."""
    config = Config()
    config.set_main_option("script_location", "alerting:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [NEWEST]
    with engine.connect() as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version")
        assert version.scalar_one() == NEWEST


def test_what_changes_tables_is_imported_only_when_they_change(database: str) -> None:
    """Neither the first start needs it, nor any other of the same version."""
    said = [
        subprocess.run(
            [sys.executable, "-c", NAMES_ALEMBIC, database],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["False", "False"]


@pytest.mark.parametrize(
    "version, said", [("9999", "update the program"), ("0000x", "not one of this program's")]
)
def test_a_database_of_another_program_is_left_alone(
    engine: sa.Engine, database: str, version: str, said: str
) -> None:
    """It says why; it may be mended while the relay runs."""
    of_version = "UPDATE alembic_version SET version_num = "
    with engine.begin() as connection:
        connection.exec_driver_sql(f"{of_version} '{version}'")
    with closing(Store(database)) as store:
        with pytest.raises(StoreDown, match=said):
            store.counts()
        with engine.begin() as connection:
            connection.exec_driver_sql(f"{of_version} '{NEWEST}'")
        assert store.counts().pending == 0


def test_several_that_make_the_tables_at_once_all_work(database: str) -> None:
    """Threads and processes alike: whoever comes later finds them made."""
    stores = [Store(database) for _ in range(3)]
    accepted: list[str] = []
    threads = [
        Thread(target=lambda store=store: accepted.extend(accept(store, outage(NOW))))
        for store in stores
    ]
    command = [sys.executable, "-c", NAMES_ALEMBIC, database]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sorted(accepted) == ["accepted", "duplicate", "duplicate"]
    assert [process.wait() for process in processes] == [0, 0, 0]


# ---------------------------------------------------------------- SQLite


def test_sqlite_keeps_what_it_has_committed_through_a_power_cut(tmp_path: Path) -> None:
    """Each connection waits for the disk, and for its turn."""
    made = make_engine(url_of(f"sqlite:///{tmp_path / 'data' / 'alerting.db'}", None))
    with made.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    made.dispose()
    full = 2
    assert found == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }


def test_a_file_that_is_no_database_is_down_until_it_is_one(tmp_path: Path) -> None:
    """Nothing is remembered of the fault."""
    file = tmp_path / "alerting.db"
    file.write_text("this is no database, and long enough to be seen to be none" * 20)
    with closing(Store(f"sqlite:///{file}")) as store:
        with pytest.raises(StoreDown, match="not a database"):
            store.counts()
        file.unlink()
        assert accept(store, outage(NOW)) == ["accepted"]


def test_a_folder_that_cannot_be_made_is_down(tmp_path: Path) -> None:
    """A start goes on without the database."""
    (tmp_path / "data").write_text("a file stands where the folder is to be")
    with closing(Store(f"sqlite:///{tmp_path}/data/alerting.db")) as store:
        with pytest.raises(StoreDown):
            store.counts()
        (tmp_path / "data").unlink()
        assert store.counts().pending == 0


def test_a_file_that_another_holds_for_long_is_down(tmp_path: Path) -> None:
    """A caller hears of it within seconds, and is served when it is free."""
    file = tmp_path / "alerting.db"
    with closing(Store(f"sqlite:///{file}")) as store:
        store.counts()
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreDown, match="locked"):
                accept(store, outage(NOW))
            other.execute("ROLLBACK")
        assert accept(store, outage(NOW)) == ["accepted"]


# ---------------------------------------------------------------- PostgreSQL


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """A server of the test's own: it is stopped."""
    with postgresql_server() as running:
        yield running


@needs(*NEEDED)
def test_postgresql_that_goes_and_comes_back_is_used_at_once(server: PostgreSQL) -> None:
    """Every call while it is away says so; none before or after does."""
    url = server.database("postgres")
    with closing(Store(url)) as store:
        subscribe(store, subscriber(1))
        server.stop()
        for _ in range(2):
            with pytest.raises(StoreDown):
                accept(store, outage(NOW))
        server.restart()
        assert accept(store, outage(NOW)) == ["accepted"]
        assert told(store, 1) == ["began"]
        assert server.run("SELECT count(*) FROM deliveries") == [(1,)]


def test_postgresql_that_is_not_there_is_down_and_the_password_is_not_told() -> None:
    """The start needs no database; what it says of it is fit for a log."""
    url = f"postgresql+psycopg://relay@127.0.0.1:{free_port()}/relay"
    with (
        closing(Store(url, "hunter2")) as store,
        pytest.raises(StoreDown, match="refused") as down,
    ):
        store.counts()
    assert "hunter2" not in repr((down.value, down.value.__cause__))


@needs(*NEEDED)
def test_a_database_where_nothing_may_be_made_is_down(
    postgresql: PostgreSQL, postgresql_database: str
) -> None:
    """A wrong grant is said, and can be mended while the relay runs."""
    name = postgresql_database.rpartition("/")[2]
    postgresql.run(f"CREATE ROLE {name} LOGIN")
    with closing(Store(postgresql_database.replace("postgres@", f"{name}@"))) as store:
        with pytest.raises(StoreDown, match="permission denied"):
            store.counts()
        postgresql.run(f"GRANT ALL ON SCHEMA public TO {name}", name)
        assert store.counts().pending == 0
        store.close()
    postgresql.run(f"DROP OWNED BY {name}", name)
    postgresql.run(f"DROP ROLE {name}")


@needs(*NEEDED)
def test_sessions_that_the_server_ends_are_replaced(
    postgresql: PostgreSQL, postgresql_database: str
) -> None:
    """An operator who ends them loses no alert."""
    with closing(Store(postgresql_database)) as store:
        for number in range(3):
            assert accept(store, outage(NOW + number)) == ["accepted"]
            assert postgresql.end_sessions(postgresql_database) == 1


def test_a_question_sees_what_was_committed_at_one_moment(store: Store, database: str) -> None:
    """Else a message could tell an end whose own event follows."""
    count = sa.select(sa.func.count()).select_from(metadata.tables["outages"])
    with closing(Store(database)) as other:

        def ask(connection: sa.Connection) -> tuple[int, int]:
            before = connection.execute(count).scalar_one()
            accept(other, outage(NOW))
            return before, connection.execute(count).scalar_one()

        assert store._database.read(ask) == (0, 0)
    assert len(store.incidents(10).outages) == 1
