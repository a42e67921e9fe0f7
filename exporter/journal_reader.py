"""Owns the reading side of the journal: sees what is committed, and never waits for the writer."""

import sqlite3
from pathlib import Path

from exporter.journal_repair import warn_of_votes
from exporter.journal_rows import ROW, mended, to_transition
from exporter.journal_schema import FILE
from exporter.transitions import Transition


class JournalReader:
    """The journal as it is committed. For one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(
            f"file:{folder / FILE}?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        self._db.text_factory = mended
        self._doubted: set[int] = set()

    def after(self, id_: int, limit: int) -> list[Transition]:
        """Return the rows after an id, in order."""
        return self._rows("WHERE id > ? ORDER BY id LIMIT ?", (id_, limit))

    def of_home(self, home: str, span: tuple[int, int], after: int, limit: int) -> list[Transition]:
        """Return a home's rows with `at` in [start, end) and an id above `after`, oldest first."""
        return self._rows(
            "WHERE home = ? AND at >= ? AND at < ? AND id > ? ORDER BY at LIMIT ?",
            (home, *span, after, limit),
        )

    def around(self, home: str, start: int, end: int) -> list[Transition]:
        """Return the rows that tell of [start, end): from the on row before to that after it."""
        return self._rows(
            """WHERE home = :home
            AND at >= coalesce((SELECT max(at) FROM transitions
                WHERE home = :home AND state = 'on' AND at <= :start), 0)
            AND at <= coalesce((SELECT min(at) FROM transitions
                WHERE home = :home AND state = 'on' AND at >= :end), 9223372036854775807)
            ORDER BY at""",
            {"home": home, "start": start, "end": end},
        )

    def before(self, home: str, at: int) -> Transition | None:
        """Return the home's newest row before a moment."""
        rows = self._rows("WHERE home = ? AND at < ? ORDER BY at DESC LIMIT 1", (home, at))
        return rows[0] if rows else None

    def waiting(self, id_: int) -> tuple[int, int | None]:
        """Return how many rows stand after an id, and when the first was confirmed (wall ms)."""
        count = self._db.execute("SELECT count(*) FROM transitions WHERE id > ?", (id_,))
        oldest = self._db.execute(
            "SELECT confirmed_at FROM transitions WHERE id > ? ORDER BY id LIMIT 1", (id_,)
        ).fetchone()
        return int(count.fetchone()[0]), oldest[0] if oldest else None

    def cursor(self, sink: str) -> int | None:
        """Return the id up to which a sink has all, or None for a sink that has no place yet."""
        row = self._db.execute("SELECT id FROM cursors WHERE sink = ?", (sink,)).fetchone()
        return None if row is None else int(row[0])

    def rejected(self, sink: str) -> int:
        """Return how many rows a sink has refused for good."""
        query = "SELECT count(*) FROM rejected WHERE sink = ?"
        return int(self._db.execute(query, (sink,)).fetchone()[0])

    def _rows(self, where: str, values: tuple[object, ...] | dict[str, object]) -> list[Transition]:
        query = f"SELECT {ROW} FROM transitions {where}"  # noqa: S608
        return [to_transition(row, self._doubt) for row in self._db.execute(query, values)]

    def _doubt(self, id_: int, fault: str) -> None:
        """Say once of each row, not at every reading, that its votes are lost."""
        if id_ not in self._doubted:
            self._doubted.add(id_)
            warn_of_votes(id_, fault)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()
