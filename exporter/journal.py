"""Owns the durable truth: data_dir/exporter.db, transitions and what is kept beside them.

Synchronous, for one thread. Nothing here decides; nothing here may lose what
`commit` has returned.
"""

import fcntl
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from exporter.blackout import Life
from exporter.journal_repair import open_sound, warn_of_votes
from exporter.journal_rows import (
    ROW,
    from_record,
    from_transition,
    to_books,
    to_life,
    to_transition,
)
from exporter.journal_schema import FILE, JournalError, connect, transaction
from exporter.records import Record, Sign, enter
from exporter.transitions import Transition


class Unwritable(Exception):
    """The disk refuses; nothing was committed."""


class Unfit(Exception):
    """The tables refuse a row, as they would for ever; nothing was committed."""


class Journal:
    """The writing side. Not for two threads at a time, nor for two processes."""

    def __init__(self, folder: Path) -> None:
        """Open, make, migrate or repair the journal in `folder`.

        Raises JournalError, saying why, when it cannot be opened for writing.
        """
        self._path = folder / FILE
        self._lock = _lock(folder)
        try:
            self._db = open_sound(self._path)
        except (sqlite3.Error, OSError) as fault:
            self._lock.close()
            raise JournalError(f"{self._path}: cannot be opened for writing: {fault}") from fault
        except JournalError as fault:
            self._lock.close()
            raise JournalError(f"{self._path}: {fault}") from fault
        self.life = _life(self._db)
        self.records = _records(self._db)
        self._last_id = _last_id(self._db)

    @property
    def last_id(self) -> int:
        """The id of the newest committed row, 0 when there is none."""
        return self._last_id

    def commit(self, signs: Sequence[Sign], life: Life) -> list[Transition]:
        """Commit changes and signs of life in one transaction; return the new rows in order.

        Raises Unwritable or Unfit; then nothing has changed.
        """
        records: dict[str, Record] = {}
        rows: list[Transition] = []
        for sign in signs:
            before = records.get(sign.home) or self.records.get(sign.home)
            after, new = enter(before, sign, life, self._last_id + len(rows) + 1)
            rows.extend(new)
            if after is not None:
                records[sign.home] = after
        try:
            self._write(rows, records, life)
        except sqlite3.IntegrityError as fault:
            raise Unfit(str(fault)) from fault
        except (sqlite3.Error, OSError) as fault:
            raise Unwritable(str(fault)) from fault
        self.records.update(records)
        self._last_id += len(rows)
        self.life = life
        return rows

    def _write(self, rows: list[Transition], records: dict[str, Record], life: Life) -> None:
        with transaction(self._db):
            self._db.executemany(
                f"INSERT INTO transitions ({ROW}) VALUES (?,?,?,?,?,?,?,?,?)",  # noqa: S608
                map(from_transition, rows),
            )
            self._db.executemany(
                "REPLACE INTO records VALUES (?,?,?,?,?,?,?,?)",
                (from_record(home, record) for home, record in records.items()),
            )
            self._db.execute(
                "REPLACE INTO life VALUES (1,?,?,?,?)", (*life.at, life.boot_id, life.clean)
            )

    def retry_open(self) -> None:
        """Take a new connection after the disk refused: the old one may remember what it was."""
        try:
            fresh = connect(self._path)
        except sqlite3.Error as fault:
            raise Unwritable(str(fault)) from fault
        self._db.close()
        self._db = fresh

    def advance(self, sink: str, id_: int) -> None:
        """Remember that a sink has all up to `id_`. Raises Unwritable."""
        self._change("REPLACE INTO cursors VALUES (?, ?)", (sink, id_))

    def forget_cursor(self, sink: str) -> None:
        """Let a sink that is turned on again start at the journal's end. Raises Unwritable."""
        known = self._db.execute("SELECT 1 FROM cursors WHERE sink = ?", (sink,)).fetchone()
        if known is not None:
            self._change("DELETE FROM cursors WHERE sink = ?", (sink,))

    def park(self, sink: str, id_: int, reason: str) -> None:
        """Remember that a sink refused a row for good, and why. Raises Unwritable."""
        self._change("REPLACE INTO rejected VALUES (?, ?, ?)", (sink, id_, reason))

    def _change(self, sql: str, values: tuple[object, ...]) -> None:
        try:
            with transaction(self._db):
                self._db.execute(sql, values)
        except sqlite3.Error as fault:
            raise Unwritable(str(fault)) from fault

    def close(self) -> None:
        """Give the file back, and the lock on its folder."""
        self._db.close()
        self._lock.close()


def _lock(folder: Path) -> IO[str]:
    """Keep other exporters out of the folder for as long as this process lives."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "exporter.lock").open("w", encoding="ascii")
    except OSError as fault:
        raise JournalError(f"{folder}: cannot be opened for writing: {fault}") from fault
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        lock.close()
        raise JournalError(f"{folder}: another exporter uses this folder") from fault
    return lock


def _last_id(db: sqlite3.Connection) -> int:
    """Return the highest id ever given, also to a row that a repair could not save."""
    (highest,) = db.execute(
        """SELECT max(id) FROM (SELECT max(id) AS id FROM transitions
        UNION SELECT max(last_id) FROM records UNION SELECT max(id) FROM cursors
        UNION SELECT max(id) FROM rejected)"""
    ).fetchone()
    return int(highest or 0)


def _life(db: sqlite3.Connection) -> Life | None:
    row = db.execute("SELECT wall, boot, boot_id, clean FROM life").fetchone()
    return None if row is None else to_life(row)


def _records(db: sqlite3.Connection) -> dict[str, Record]:
    columns = ROW.replace("home,", "transitions.home,")
    found = db.execute(
        f"SELECT {columns}, evidence, lived_wall, lived_boot, boot_id, clean, books "  # noqa: S608
        "FROM records JOIN transitions ON transitions.id = last_id"
    )
    records = {}
    for *row, evidence, wall, boot, boot_id, clean, books in found:
        last = to_transition(tuple(row), warn_of_votes)
        life = to_life((wall, boot, boot_id, clean))
        records[last.home] = Record(last, evidence, to_books(books), life)
    return records
