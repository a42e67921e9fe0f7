"""Owns how the database is reached: opened when first needed, brought up to date, always whole.

What is above knows no dialect. Nothing is kept open over a fault, so that a database that
comes back is used at once.
"""

import logging
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from threading import Lock
from typing import Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine, make_url

from alerting.store.schema import NEWEST, gate, metadata

T = TypeVar("T")
Work = Callable[[Connection], T]

ATTEMPTS = 5
BUSY_MS = 5000
CONNECT_SECONDS = 5
# What another relay holds is given back soon, also if its machine vanished or it hangs.
_SERVER_SETTINGS = {
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "15s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_TCP = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# serialization_failure, deadlock_detected; of two that migrate at once, the later finds
# unique_violation, duplicate_table or duplicate_object.
_CONFLICTS = {"40001", "40P01", "23505", "42P07", "42710"}

_migrating = Lock()  # alembic works on one database at a time in a process


class StoreDown(Exception):
    """The database is away; nothing was changed. The text says why, in words for the log."""


class DbapiConnection(Protocol):
    """What is used of a driver's connection."""

    isolation_level: str | None

    def execute(self, sql: str) -> object:
        """Run a statement."""


def url_of(database: str, password: str | None) -> URL:
    """Return the URL to connect to."""
    url = make_url(database)
    return url if password is None else url.set(password=password)


class Database:
    """A database, for any number of threads; each call is one transaction.

    Raises StoreDown, from every method, while it cannot be reached or will not work.
    """

    def __init__(self, database: str, password: str | None = None) -> None:
        """Name it; nothing is opened yet."""
        self._url = url_of(database, password)
        self._engine: Engine | None = None
        self._opening = Lock()
        # Who waits for SQLite sleeps and looks again; who waits for a lock is next.
        is_sqlite = self._url.get_backend_name() == "sqlite"
        self._writing: AbstractContextManager[object] = Lock() if is_sqlite else nullcontext()
        self.writers = 1 if is_sqlite else 8  # threads: SQLite's would only wait for each other

    def read(self, work: Work[T]) -> T:
        """Run queries, all on what was committed at one moment."""
        return self._run(work, reading=True)

    def write(self, work: Work[T]) -> T:
        """Run changes that need no turn: the first statement must be one."""
        with self._writing:
            return self._run(work)

    def write_in_turn(self, work: Work[T]) -> T:
        """Run changes that rest on what is read: all such, of all relays, one after another."""

        def in_turn(connection: Connection) -> T:
            # Ids come in the order of commits, and nobody decides on what another is changing.
            connection.execute(gate.update().values(turns=gate.c.turns + 1))
            return work(connection)

        with self._writing:
            return self._run(in_turn)

    def close(self) -> None:
        """Give all connections back; a later call opens it anew."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
            self._engine = None

    def _run(self, work: Work[T], *, reading: bool = False) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                engine = self._ready()
                if reading and engine.dialect.name == "postgresql":  # SQLite does so anyway
                    engine = engine.execution_options(isolation_level="REPEATABLE READ")
                with engine.begin() as connection:
                    return work(connection)
            except (exc.DBAPIError, exc.TimeoutError, OSError, sqlite3.Error) as fault:
                if _is_down(fault):
                    raise StoreDown(_in_words(fault)) from fault
                if not _is_conflict(fault) or attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _ready(self) -> Engine:
        if self._engine is not None:
            return self._engine
        with self._opening:
            if self._engine is None:
                engine = make_engine(self._url)
                try:
                    bring_up_to_date(engine)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine


def make_engine(url: URL) -> Engine:
    """Prepare connections of either kind; opens none."""
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(
            url,
            hide_parameters=True,
            pool_timeout=CONNECT_SECONDS,
            connect_args={"timeout": BUSY_MS / 1000},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        return engine
    return make_postgresql_engine(
        url, _SERVER_SETTINGS, _TCP, pool_pre_ping=True, pool_timeout=CONNECT_SECONDS
    )


def make_postgresql_engine(
    url: URL, settings: Mapping[str, str], tcp: Mapping[str, int], **how: object
) -> Engine:
    """Prepare connections to PostgreSQL, with settings of the session and of the socket.

    Raises StoreDown where the driver is missing.
    """
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    try:
        return sa.create_engine(
            url,
            hide_parameters=True,
            connect_args={**tcp, "options": options},
            **how,
        )
    except ModuleNotFoundError as fault:
        raise StoreDown(f"{fault.name} is missing: install the extra `postgres`") from fault


def _prepare_sqlite(connection: DbapiConnection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin below, not where the driver guesses
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


# ---------------------------------------------------------------- versions


def bring_up_to_date(engine: Engine) -> None:
    """Make the tables, or bring them to the newest revision, in one transaction.

    Raises StoreDown for a database of a newer program.
    """
    with engine.begin() as connection:
        version = _version(connection)
    if version == NEWEST:
        return
    if version is not None and version > NEWEST:
        raise StoreDown(
            f"the database's version {version} is newer than this program's {NEWEST}:"
            " update the program"
        )
    with _migrating, engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        if _version(connection) != version:  # another process was faster
            return
        if version is None:
            make_tables(connection)
        else:
            migrate(connection)


def _version(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return None if row is None else str(row[0])


def make_tables(connection: Connection) -> None:
    """Make what all revisions together would make (a test holds the two to each other)."""
    metadata.create_all(connection)
    connection.execute(gate.insert().values(id=1, turns=0))
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
    )
    version = sa.table("alembic_version", sa.column("version_num"))
    connection.execute(version.insert().values(version_num=NEWEST))


def migrate(connection: Connection) -> None:
    """Bring tables of an older revision to the newest. Raises StoreDown for an unknown one."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of each plugin it has
    # 10 MiB that only the first start after an update needs.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "alerting:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as fault:
        raise StoreDown(f"the database's version is not one of this program's: {fault}") from fault


# ---------------------------------------------------------------- faults


def _is_conflict(fault: BaseException) -> bool:
    return getattr(getattr(fault, "orig", None), "sqlstate", None) in _CONFLICTS


def _is_down(fault: BaseException) -> bool:
    """Tell the database's faults from those of what it was given."""
    if _is_conflict(fault):
        return False
    return not isinstance(fault, exc.IntegrityError | exc.DataError)


def _in_words(fault: BaseException) -> str:
    """Return the driver's own first line: it holds no values of a statement."""
    cause = getattr(fault, "orig", None) or fault
    with suppress(IndexError):
        return str(cause).strip().splitlines()[0]
    return type(cause).__name__
