"""Owns which of several relays on one database sends and polls: exactly one, until it is gone.

A leader must ask `still_held` at least every second; it is not one any more when that says no.
All calls come from one thread at a time.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from alerting.store.engine import StoreDown, make_postgresql_engine, url_of

_LOCK = 0x706F776572  # "power"; of this database alone
_HAS_IDLE_TIMEOUT = 140_000  # the server's version

# The server notices within 4 s that this machine has vanished, and gives the lock to another.
_SERVER_SETTINGS = {
    "tcp_keepalives_idle": "1",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "statement_timeout": "3s",
}
# And this side that the server has.
_TCP = {
    "connect_timeout": 3,
    "keepalives_idle": 1,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 3000,
}


class Leadership(Protocol):
    """The right to send."""

    def hold(self) -> bool:
        """Take it if nobody has it; tell whether it is held now."""

    def still_held(self) -> bool:
        """Ask whether it is still held."""

    def release(self) -> None:
        """Let another have it at once."""


def leadership_of(database: str, password: str | None = None) -> Leadership:
    """Return the right to send for all relays of a database."""
    url = url_of(database, password)
    if url.get_backend_name() == "sqlite":
        return FileLeadership(Path(f"{url.database}.leader"))
    return PostgresLeadership(database, password)


class FileLeadership:
    """A lock on a file beside SQLite's; the kernel gives it back when its process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def hold(self) -> bool:
        """Take it if nobody has it; where the file cannot be made, nobody has."""
        if self.still_held():
            return True
        self.release()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="ascii")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
        return self.still_held()

    def still_held(self) -> bool:
        """Tell whether the lock is on the file that others find there."""
        if self._file is None:
            return False
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        return False

    def release(self) -> None:
        """Let another have it at once."""
        if self._file is not None:
            self._file.close()
            self._file = None


class PostgresLeadership:
    """A lock of a session; the server gives it back when the session ends, however it does."""

    def __init__(self, database: str, password: str | None = None) -> None:
        self._url = url_of(database, password)
        self._session: Connection | None = None
        self._held = False

    def hold(self) -> bool:
        """Take it if nobody has it; while the server is away, nobody has."""
        if self._held:
            return self.still_held()
        query = sa.select(sa.func.pg_try_advisory_lock(_LOCK))
        try:
            if self._session is None:
                self._session = self._connect()
            self._held = bool(self._session.execute(query).scalar_one())
        except (exc.SQLAlchemyError, StoreDown):
            self.release()
        return self._held

    def still_held(self) -> bool:
        """Ask the server: the lock is held as long as the session lives."""
        if self._session is None or not self._held:
            return False
        try:
            self._session.execute(sa.select(1))
        except exc.SQLAlchemyError:
            self.release()
        return self._held

    def release(self) -> None:
        """End the session."""
        session, self._session, held = self._session, None, self._held
        self._held = False
        if session is not None and held:
            with suppress(exc.SQLAlchemyError):  # else the server does it, some time later
                session.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK)))
        if session is not None:
            with suppress(exc.SQLAlchemyError):
                session.invalidate()
            with suppress(exc.SQLAlchemyError):
                session.close()

    def _connect(self) -> Connection:
        engine = make_postgresql_engine(
            self._url,
            _SERVER_SETTINGS,
            _TCP,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
        )
        session = engine.connect()
        version = int(session.exec_driver_sql("SHOW server_version_num").scalar_one())
        if version >= _HAS_IDLE_TIMEOUT:
            # A leader that hangs does not ask: another takes over, also if its machine lives.
            session.exec_driver_sql("SET idle_session_timeout = '4s'")
        return session
