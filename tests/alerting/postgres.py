"""Starts a real PostgreSQL with a throw-away folder, as somebody who is not root."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.e2e.real_programs import Running, program

NOBODY = 65_534  # PostgreSQL refuses to be root
NEEDED = ("postgres", "initdb")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # it outlives no power cut, and need not
    "max_connections": "60",
}


class PostgreSQL(Running):
    """A server on a loopback port of its own; everybody may do everything."""

    def __init__(self, folder: Path) -> None:
        """Name the folder that `initdb` has filled."""
        settings = [word for pair in SETTINGS.items() for word in ("-c", "=".join(pair))]
        data = str(folder)
        super().__init__(
            lambda port: unprivileged("postgres", "-D", data, "-p", str(port), *settings),
            ready="",
        )

    def database(self, name: str) -> str:
        """Return a database's URL, as the config names it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def run(self, sql: str, name: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement of its own, and return its rows."""
        with psycopg.connect(self._address(name), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def end_sessions(self, database: str) -> int:
        """End all sessions of a database, named by its URL; return how many there were."""
        name = database.rpartition("/")[2]
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            found = connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                [name],
            )
            return len(found.fetchall())

    def restart(self) -> None:
        """Start it again on the port that it had."""
        assert self._start_once()

    def stop(self, within: float = 20.0) -> int | None:
        """End it without waiting for those who are connected."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(within)
        return super().stop(within)

    def _address(self, name: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={name} connect_timeout=5"

    def _answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return self._started.poll() is None


def unprivileged(name: str, *words: str) -> list[str]:
    """Return how to start one of its programs, not as root."""
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    return [*(drop if os.geteuid() == 0 else []), *program(name), *words]


@contextmanager
def postgresql_server() -> Iterator[PostgreSQL]:
    """Run a new server, and remove all that it leaves."""
    home = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        if os.geteuid() == 0:
            os.chown(home, NOBODY, NOBODY)
        make = ("-D", str(home / "data"), "-U", "postgres", "--auth=trust", "--no-sync")
        subprocess.run(
            unprivileged("initdb", *make, "--encoding=UTF8", "--locale=C"),
            check=True,
            capture_output=True,
            cwd=home,
        )
        with PostgreSQL(home / "data") as server:
            yield server
    finally:
        shutil.rmtree(home)
