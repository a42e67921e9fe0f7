"""A journal that is a list, as a pump sees it; and short ways to write rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from exporter.entries import Entry, Place, Waiting
from exporter.journal import Unwritable
from exporter.outages import Present, outages_of
from exporter.power import Cause, State
from exporter.transitions import Transition

EPOCH = 1_795_514_523_120


def entries_of_rows(rows: Sequence[Transition], sustained_after: int = 300_000) -> list[Entry]:
    """Make an entry of each row, knowing all of them."""
    return [
        _entry(row, [one for one in rows if one.home == row.home], sustained_after) for row in rows
    ]


def _entry(row: Transition, own: Sequence[Transition], sustained_after: int) -> Entry:
    earlier = [one for one in own if one.at < row.at]
    outages = outages_of(own, Present(own[-1].at, own[-1].at))
    mine = next((one for one in outages if row.at in (one.start, one.end)), None)
    return Entry(
        row,
        earlier[-1].at if earlier else None,
        mine,
        mine is not None and mine.best > sustained_after,
    )


def rows_of(*steps: tuple[str, str, int]) -> list[Transition]:
    """Write rows (home, state, seconds after the epoch): seen 5 s before, confirmed 15 s after."""
    rows: list[Transition] = []
    for home, state, seconds in steps:
        last = next((row for row in reversed(rows) if row.home == home), None)
        at = EPOCH + seconds * 1000
        rows.append(
            Transition(
                len(rows) + 1,
                home,
                State(state),
                last.state if last else None,
                at,
                max(at - 5000, last.at) if last else None,
                at + 15_000,
                Cause.MEASURED if last else Cause.START,
            )
        )
    return rows


class Died(Exception):
    """The process ended at the next write."""


@dataclass
class MemoryOutbox:
    """Rows with ids 1, 2, 3…; a sink that it has not heard of starts at 0."""

    rows: list[Transition] = field(default_factory=list)
    cursors: dict[str, int] = field(default_factory=dict)
    parked: list[tuple[str, int, str]] = field(default_factory=list)
    writable: bool = True
    dying: bool = False

    def die(self) -> None:
        """Let the process end at the next write."""
        self.dying = True

    def add(self, home: str = "flat", state: str = "on") -> Transition:
        """Append a row a minute after the one before; its state may repeat."""
        (row,) = rows_of((home, state, 60 * len(self.rows)))
        row = replace(row, id=len(self.rows) + 1)
        self.rows.append(row)
        return row

    def place(self, sink: str) -> Place:
        """Return where a sink begins that is started now."""
        return Place(self.cursors.setdefault(sink, 0))

    async def entries_after(self, id_: int, limit: int) -> list[Entry]:
        return entries_of_rows(self.rows)[id_ : id_ + limit]

    async def entries_of(
        self, rows: Sequence[Transition], own: Mapping[str, Sequence[Transition]]
    ) -> list[Entry]:
        durable = [row for row in self.rows if row.home in own]
        known = entries_of_rows([*durable, *(row for mine in own.values() for row in mine)])
        entries = {(entry.transition.home, entry.transition.at): entry for entry in known}
        return [entries[row.home, row.at] for row in rows]

    async def advance(self, sink: str, id_: int) -> None:
        self._need_disk()
        self.cursors[sink] = id_

    async def park(self, sink: str, entry: Entry, reason: str) -> None:
        self._need_disk()
        self.parked.append((sink, entry.transition.id or 0, reason))

    async def waiting(self, id_: int) -> Waiting:
        left = self.rows[id_:]
        return Waiting(len(left), left[0].confirmed_at if left else None)

    async def rejected(self, sink: str) -> int:
        return sum(one[0] == sink for one in self.parked)

    def _need_disk(self) -> None:
        if self.dying:
            self.dying = False
            raise Died
        if not self.writable:
            raise Unwritable("database or disk is full")
