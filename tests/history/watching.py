"""Owns what the exporter makes of a story: its own decision and books, driven through the time.

Rounds are held where there is something to see: at the moments that a reader
asks for, around every change of the story, and every half an hour. So a home
becomes unknown later than with a usual config: see UNKNOWN_AFTER.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from chassis.instants import Instant
from exporter.blackout import Life
from exporter.board import HomeView
from exporter.power import Belief, Round, Rules, State, Vote, decide
from exporter.records import Record, Sign, enter
from tests.exporter.boards import home_config
from tests.history.story import DAY, MINUTE, SECOND, Piece, Seen, Story

ROUND = 20 * SECOND
ROUTINE = 30 * MINUTE
UNKNOWN_AFTER = 2 * ROUTINE + MINUTE
OFF_AFTER = 30 * SECOND
ON_AFTER = 20 * SECOND
BEFORE_A_CHANGE = SECOND
AFTER_A_CHANGE = (0, ROUND, 2 * ROUND)
VOTES = {Seen.ON: State.ON, Seen.OFF: State.OFF, Seen.BLIND: State.UNKNOWN}


class Watching:
    """One home under watch by one exporter with a journal of its own."""

    def __init__(self, story: Story) -> None:
        config = home_config(story.home, title=story.home)
        self.view = HomeView(config.model_copy(update={"sustained_after": story.sustained_after}))
        self._story = story
        self._rules = Rules(ROUND, 2 * SECOND, OFF_AFTER, ON_AFTER, UNKNOWN_AFTER, 1)
        self._pieces = deque(p for p in story.whole(story.begins + 10_000 * DAY) if p.start < p.end)
        self._due = deque(sorted(_moments(self._pieces)))
        self._latest = story.begins - ROUTINE
        self._belief = Belief()
        self._record: Record | None = None

    def advance(self, until: int) -> None:
        """Hold the rounds up to a moment, one at it too, and commit a sign of life."""
        while (at := self._next()) < until:
            self._round(at)
        self._round(until)
        view = self.view
        view.belief = self._belief
        if self._record is not None:
            view.books, view.last = self._record.books, self._record.last

    def _next(self) -> int:
        routine = self._latest + ROUTINE
        return min(routine, self._due[0]) if self._due else routine

    def _round(self, at: int) -> None:
        self._latest = at
        while self._due and self._due[0] <= at:
            self._due.popleft()
        while len(self._pieces) > 1 and self._pieces[0].end <= at:
            self._pieces.popleft()
        piece = self._pieces[0]
        if at < piece.start or piece.seen is Seen.AWAY:
            return
        now = Instant(at, at)
        vote = Vote("plug", VOTES[piece.seen], "", now)
        self._belief, changes = decide(self._belief, self._rules, Round(now, now, (vote,)))
        sign = Sign(self._story.home, self._belief, self._story.sustained_after, changes)
        self._record, _ = enter(self._record, sign, Life(now, "boot"), 1)


def _moments(pieces: Iterable[Piece]) -> Iterator[int]:
    for piece in pieces:
        yield from (at for later in AFTER_A_CHANGE if (at := piece.start + later) < piece.end)
        yield max(piece.start, piece.end - BEFORE_A_CHANGE)
