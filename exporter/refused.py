"""Owns the changes that the disk has refused so far: in order, until they are committed; pure."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from exporter.blackout import Life
from exporter.records import Record, Sign, enter
from exporter.transitions import Transition, transition_of


class Refused:
    """What waits for the disk. Rows have no id yet."""

    def __init__(self) -> None:
        self.signs: list[Sign] = []
        self._lives: list[Life] = []
        self._rows: dict[str, list[Transition]] = {}

    def add(self, signs: Sequence[Sign], life: Life) -> list[Transition]:
        """Keep the changes of signs, and return them as rows; mere signs of life are let go."""
        new = [sign for sign in signs if sign.changes]
        self.signs.extend(new)
        self._lives.extend([life] * len(new))
        rows = [row for sign in new for row in rows_of(sign)]
        for row in rows:
            self._rows.setdefault(row.home, []).append(row)
        return rows

    def committed(self, count: int) -> int:
        """Let go of the oldest signs, which are committed now; return how many rows they were."""
        rows = 0
        for sign in self.signs[:count]:
            mine = self._rows[sign.home]
            del mine[: len(sign.changes)]
            rows += len(sign.changes)
            if not mine:
                del self._rows[sign.home]
        del self.signs[:count], self._lives[:count]
        return rows

    def of(self, home: str) -> tuple[Transition, ...]:
        """Return a home's rows, in order."""
        return tuple(self._rows.get(home, ()))

    def all(self) -> list[Transition]:
        """Return all rows, in order."""
        return list(chain.from_iterable(map(rows_of, self.signs)))

    def after(self, home: str, record: Record | None) -> Record | None:
        """Return what a home's record would be if the disk had taken its changes."""
        for sign, life in zip(self.signs, self._lives, strict=True):
            if sign.home == home:
                record, _ = enter(record, sign, life, 0)
        if record is not None and home in self._rows:
            record = replace(record, last=replace(record.last, id=None))
        return record


def rows_of(sign: Sign) -> list[Transition]:
    """Return a sign's changes as rows without ids."""
    return [transition_of(sign.home, change) for change in sign.changes]
