"""Owns the journal's file and tables: how it is opened, made and brought up to date."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "exporter.db"

_STEPS = (
    """
    CREATE TABLE transitions (
        id INTEGER PRIMARY KEY,
        home TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('on', 'off', 'unknown')),
        previous TEXT CHECK (previous IN ('on', 'off', 'unknown') AND previous <> state),
        at INTEGER NOT NULL,
        not_before INTEGER CHECK (not_before <= at),
        confirmed_at INTEGER NOT NULL CHECK (confirmed_at >= at),
        cause TEXT NOT NULL CHECK (cause IN ('start', 'measured', 'inferred', 'not_observed')),
        votes TEXT NOT NULL,
        UNIQUE (home, at)
    ) STRICT;
    CREATE TRIGGER transitions_are_never_changed BEFORE UPDATE ON transitions
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
    CREATE TRIGGER transitions_are_never_removed BEFORE DELETE ON transitions
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
    CREATE TRIGGER transitions_are_never_replaced BEFORE INSERT ON transitions
        WHEN EXISTS (SELECT 1 FROM transitions WHERE id = NEW.id)
            OR EXISTS (SELECT 1 FROM transitions WHERE home = NEW.home AND at = NEW.at)
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
    CREATE TABLE records (
        home TEXT PRIMARY KEY,
        last_id INTEGER NOT NULL,
        evidence INTEGER,
        lived_wall INTEGER NOT NULL,
        lived_boot INTEGER NOT NULL,
        boot_id TEXT NOT NULL,
        clean INTEGER NOT NULL,
        books TEXT NOT NULL
    ) STRICT;
    CREATE TABLE life (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        wall INTEGER NOT NULL,
        boot INTEGER NOT NULL,
        boot_id TEXT NOT NULL,
        clean INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE cursors (sink TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT;
    CREATE TABLE rejected (
        sink TEXT NOT NULL,
        id INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (sink, id)
    ) STRICT;
    """,
)

NEWEST = len(_STEPS)


class JournalError(Exception):
    """The journal cannot be used; the text says why, in words for the log."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file for writing: every commit is on the disk before it returns."""
    db = sqlite3.connect(path, isolation_level=None, timeout=1, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        db.close()
        raise
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done inside, or roll it back; also when the commit itself fails."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def migrate(db: sqlite3.Connection) -> None:
    """Bring the tables to the newest version, each step in a transaction of its own.

    Raises JournalError for a journal of a newer program.
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > NEWEST:
        raise JournalError(
            f"its version {version} is newer than this program's {NEWEST}: update the program"
        )
    for number, step in enumerate(_STEPS[version:], version + 1):
        db.executescript(f"BEGIN IMMEDIATE; {step}; PRAGMA user_version = {number}; COMMIT;")
