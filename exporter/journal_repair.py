"""Owns the repair of the journal: a damaged file is set aside, and what it still holds is saved.

Totals never go back through a repair, and an id is never given twice.
"""

import logging
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import fields, replace
from pathlib import Path

from chassis.instants import Instant
from exporter.blackout import Life
from exporter.books import Books, post
from exporter.journal_rows import (
    ROW,
    Unreadable,
    from_record,
    mended,
    to_books,
    to_life,
    to_transition,
)
from exporter.journal_schema import NEWEST, connect, migrate, transaction
from exporter.outages import SUSTAINED_AFTER
from exporter.power import State
from exporter.records import Record
from exporter.transitions import Transition

log = logging.getLogger(__name__)

_TABLES = {"transitions": 9, "records": 8, "life": 5, "cursors": 2, "rejected": 3}
_GROWING = tuple(
    field.name
    for field in fields(Books)
    if field.type is int and field.name != "first_at"  # the totals, and how far they go
)


def open_sound(path: Path) -> sqlite3.Connection:
    """Open the journal for writing, repaired if need be.

    Raises sqlite3.OperationalError where it cannot be written, and JournalError for
    the journal of a newer program.
    """
    try:
        db = _checked(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as fault:
        aside = _set_aside(path)
        log.error("the journal is damaged (%s) and was set aside as %s", fault, aside)
        db = _checked(path)
        log.warning("%d rows were saved from the damaged journal", _salvage(aside, db))
    _mend_records(db)
    return db


def _checked(path: Path) -> sqlite3.Connection:
    db = connect(path)
    db.text_factory = mended
    with ExitStack() as opened:
        opened.callback(db.close)
        migrate(db)
        (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        db.execute(f"PRAGMA user_version = {NEWEST}")  # what cannot be written shows itself here
        opened.pop_all()
    return db


def _set_aside(path: Path) -> Path:
    """Rename a damaged journal and what belongs to it; return its new path."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    path.rename(aside)
    return aside


def _salvage(damaged: Path, into: sqlite3.Connection) -> int:
    """Copy all that can still be read; return how many rows of transitions that is."""
    saved = 0
    with closing(sqlite3.connect(damaged, isolation_level=None)) as old, transaction(into):
        old.text_factory = mended
        old.execute("PRAGMA writable_schema = ON")  # or a shortened file would not be read at all
        for table, columns in _TABLES.items():
            marks = ",".join("?" * columns)
            for row in _readable_rows(old, table):
                try:
                    into.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608
                except sqlite3.Error as fault:
                    log.warning("a damaged row of %s was left behind: %s", table, fault)
                    continue
                saved += table == "transitions"
    return saved


def _readable_rows(old: sqlite3.Connection, table: str) -> Iterator[tuple[object, ...]]:
    """Yield the table's rows forwards up to the damage, then backwards down to it."""
    seen: set[object] = set()
    for direction in ("ASC", "DESC"):
        try:
            query = f"SELECT rowid, * FROM {table} ORDER BY rowid {direction}"  # noqa: S608
            for rowid, *row in old.execute(query):
                if rowid in seen:
                    break
                seen.add(rowid)
                yield tuple(row)
        except sqlite3.Error as fault:
            log.debug("reading %s %s stopped: %s", table, direction, fault)


def _mend_records(db: sqlite3.Connection) -> None:
    """Work out from its rows the record of every home that lacks that of its last row."""
    sound = {
        home: last_id
        for home, last_id, books in db.execute("SELECT home, last_id, books FROM records")
        if _readable(books) is not None
    }
    newest = db.execute("SELECT home, max(id) FROM transitions GROUP BY home").fetchall()
    for home, last_id in newest:
        if sound.get(home) != last_id:
            log.warning("the totals of home %s were worked out again", home)
            _mend_record(db, home)


def _mend_record(db: sqlite3.Connection, home: str) -> None:
    query = f"SELECT {ROW} FROM transitions WHERE home = ? ORDER BY at"  # noqa: S608
    rows = db.execute(query, (home,))
    record = _rebuilt(to_transition(row, warn_of_votes) for row in rows)
    kept = db.execute(
        "SELECT lived_wall, lived_boot, boot_id, clean, books FROM records WHERE home = ?", (home,)
    ).fetchone()
    if kept is not None:
        record = replace(record, life=to_life(kept[:4]))
        if (before := _readable(kept[4])) is not None:
            record = replace(record, books=_not_lower(record.books, before))
    with transaction(db):
        db.execute("REPLACE INTO records VALUES (?,?,?,?,?,?,?,?)", from_record(home, record))


def warn_of_votes(id_: int, fault: str) -> None:
    """Say that a row's votes are lost."""
    log.warning("the votes of row %d cannot be read and count as none: %s", id_, fault)


def _readable(books: str) -> Books | None:
    try:
        return to_books(books)
    except Unreadable:
        return None


def _rebuilt(rows: Iterable[Transition]) -> Record:
    books: Books | None = None
    last: Transition | None = None
    for last in rows:
        books = post(books, last, SUSTAINED_AFTER)
    assert books is not None
    assert last is not None
    evidence = last.not_before if last.state is State.UNKNOWN else last.at
    return Record(last, evidence, books, Life(Instant(last.confirmed_at, 0), ""))


def _not_lower(rebuilt: Books, before: Books) -> Books:
    """Keep every total that was shown before; what no row tells any more is not taken back."""
    totals = {name: max(getattr(rebuilt, name), getattr(before, name)) for name in _GROWING}
    return replace(rebuilt, **totals)
