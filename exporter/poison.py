"""Owns the search for entries that a sink will not take: halves, and five tries for a 500; pure.

A refused batch is halved until single entries are left. A single entry that is
answered 500 is given up only when the other side, asked in between, has taken
another entry (the witness), and then says 500 once more.
"""

from enum import Enum, auto

BROKEN_TRIES = 5


class Step(Enum):
    """What to do about the batch at the head."""

    AGAIN = auto()
    HALVED = auto()
    PARK = auto()


class Search:
    """Which sizes the next batches of one sink have, and whether a witness is to be asked first.

    `_sizes` are those of the successive parts of what was refused, the next one
    last; nothing in it means that nothing is suspected.
    """

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._broken = 0
        self._halved_for_500 = False
        self._vouched = False
        self.wants_witness = False

    @property
    def under_way(self) -> bool:
        """Tell whether an entry is suspected."""
        return bool(self._sizes)

    def size(self, limit: int) -> int:
        """Return how many entries the next batch may have."""
        return min(self._sizes[-1], limit) if self._sizes else limit

    def passed(self) -> None:
        """Go on behind the batch: it was accepted or parked."""
        if self._sizes:
            self._sizes.pop()
        self._halved_for_500 = self._halved_for_500 and bool(self._sizes)
        self._begin_batch()

    def refused(self, count: int) -> Step:
        """Take note that a batch of so many entries was refused for good."""
        return Step.PARK if count == 1 else self._halve(count)

    def broke(self, count: int) -> Step:
        """Take note of a 500 for a batch of so many entries, which stays as it is."""
        self._freeze(count)
        self._broken += 1
        if count > 1 and self._halved_for_500:
            return self._halve(count)
        if self._vouched:
            return Step.PARK
        self.wants_witness = self._broken >= BROKEN_TRIES
        return Step.AGAIN

    def interrupted(self) -> None:
        """Take note that the other side was away: what vouched for it before no longer does."""
        self._vouched = False

    def witnessed(self, count: int, *, accepted: bool) -> None:
        """Take note of how the witness against a batch of so many entries fared."""
        self.wants_witness = False
        if count > 1:
            self._halved_for_500 = True
            self._halve(count)
        else:
            self._vouched = accepted

    def forget(self) -> None:
        """Start anew: the entries are gone."""
        self._sizes.clear()
        self.passed()

    def _freeze(self, count: int) -> None:
        if not self._sizes:
            self._sizes.append(count)

    def _halve(self, count: int) -> Step:
        self._freeze(count)
        self._sizes[-1:] = [count // 2, count - count // 2]
        self._begin_batch()
        return Step.HALVED

    def _begin_batch(self) -> None:
        self._broken = 0
        self._vouched = False
        self.wants_witness = False
