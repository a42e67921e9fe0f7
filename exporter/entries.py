"""Owns what a sink is given: a row with the outage that it opens or ends; pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from exporter.outages import Outage
from exporter.transitions import Transition


@dataclass(frozen=True, slots=True)
class Entry:
    """One row as a sink gets it.

    `previous_at` is the date of the home's row before (wall ms; None for its
    first). `outage` is the one that this row opens or ends, as known when it was
    read: that of an opening row may have ended since. `sustained` classes it.
    """

    transition: Transition
    previous_at: int | None = None
    outage: Outage | None = None
    sustained: bool = False

    @property
    def opens(self) -> Outage | None:
        """The outage that begins with this row, if one does."""
        outage = self.outage
        return outage if outage is not None and outage.start == self.transition.at else None

    @property
    def ends(self) -> Outage | None:
        """The outage that ends with this row, if one does."""
        outage = self.outage
        return outage if outage is not None and outage.end == self.transition.at else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sink stands: it has all up to `id`; `kept` tells whether the disk knows that."""

    id: int
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows wait for a sink; `oldest` is when the first was confirmed (wall ms)."""

    count: int
    oldest: int | None


def place_of(row: Transition, own: Sequence[Transition]) -> int:
    """Return where a row stands among those of its home, which are in order."""
    return bisect_left(own, row.at, key=attrgetter("at"))
