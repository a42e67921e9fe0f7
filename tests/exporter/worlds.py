"""A world with a known truth, and an exporter that looks at it now and then."""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

from chassis.instants import Instant
from exporter.blackout import Life, Start, judge
from exporter.outages import Present
from exporter.power import Belief, Change, Round, Rules, State, Vote, decide
from exporter.records import Record, Sign, belief_of, enter
from exporter.transitions import Transition

EPOCH = 1_790_000_000_000


@dataclass
class Truth:
    """When the mains of one home really went on and off (true wall ms)."""

    changes: list[int] = field(default_factory=list)
    first_on: bool = True

    def flip(self, at: int) -> None:
        """Power goes, or comes back."""
        if self.changes and at <= self.changes[-1]:
            at = self.changes[-1] + 1
        self.changes.append(at)

    def on_at(self, at: int) -> bool:
        """Tell whether power was on at a moment."""
        return self.first_on ^ (bisect_right(self.changes, at) % 2 == 1)

    def off_time(self, start: int, end: int) -> int:
        """Return how long power was really off in [start, end)."""
        edges = [start, *(c for c in self.changes if start < c < end), end]
        return sum(b - a for a, b in pairwise(edges) if not self.on_at(a))

    def changed_within(self, start: int, end: int) -> bool:
        """Tell whether power went or came in (start, end]."""
        return any(start < c <= end for c in self.changes)


@dataclass(frozen=True)
class Looked:
    """A round as an oracle remembers it; `rows` are those that it led to."""

    started: Instant
    ended: Instant
    verdict: State
    evidence: int
    rows: tuple[Transition, ...]


@dataclass
class World:
    """One home, its exporter's pure parts, and a journal that is a list."""

    rules: Rules
    sustained_after: int = 300_000
    host: bool = False
    truth: Truth = field(default_factory=Truth)
    wall: int = EPOCH
    boot: int = 10_000_000
    boot_number: int = 1
    error: int = 0  # how far the wall clock is from the truth
    rows: list[Transition] = field(default_factory=list)
    record: Record | None = None
    belief: Belief = field(default_factory=Belief)
    looked: list[Looked] = field(default_factory=list)  # every round since the exporter's start

    @property
    def now(self) -> Instant:
        """Both clocks, as the exporter reads them."""
        return Instant(self.wall + self.error, self.boot)

    @property
    def present(self) -> Present:
        """Where the home stands now, for what is worked out from its rows."""
        return Present(max(self.now.wall, self.belief.newest), self.belief.settled or 0)

    def pass_time(self, ms: int) -> None:
        """Time passes on both clocks."""
        self.wall += ms
        self.boot += ms

    def measured(self, *, known: bool = True) -> Vote:
        """One probe's honest vote, its on evidence dated now."""
        if not known:
            return Vote("probe", State.UNKNOWN, "could not look", self.now)
        state = State.ON if self.truth.on_at(self.wall) else State.OFF
        return Vote("probe", state, "looked", self.now)

    def round(self, *, known: bool = True, takes: int = 0, probes: int = 1) -> None:
        """Run one round: off evidence is of its start, on evidence of the answer's arrival."""
        started = self.now
        at_start = [self.measured(known=known) for _ in range(probes)]
        self.pass_time(takes)
        at_end = [self.measured(known=known) for _ in range(probes)]
        votes = tuple(
            late if late.vote is State.ON else early
            for early, late in zip(at_start, at_end, strict=True)
        )
        # A probe that saw power at the start and not at the end answered at the start.
        votes = tuple(
            early if early.vote is State.ON and vote.vote is not State.ON else vote
            for early, vote in zip(at_start, votes, strict=True)
        )
        known_before = len(self.rows)
        self.belief, changes = decide(self.belief, self.rules, Round(started, self.now, votes))
        if changes:
            self.commit(changes)
        self.looked.append(_looked(started, self.now, votes, tuple(self.rows[known_before:])))

    def commit(self, changes: tuple[Change, ...] = ()) -> None:
        """Commit rows or a sign of life."""
        sign = Sign("flat", self.belief, self.sustained_after, changes)
        life = Life(self.now, str(self.boot_number))
        self.record, rows = enter(self.record, sign, life, len(self.rows) + 1)
        self.rows.extend(rows)

    def restart(self, *, gap: int, clean: bool = False, reboot_after: int | None = None) -> None:
        """Stop the exporter and start it again `gap` ms later, perhaps in another boot."""
        if clean:
            self.commit()
        life = self.record.life if self.record else None
        self.pass_time(gap)
        if reboot_after is not None:
            self.boot_number += 1
            self.boot = min(reboot_after, gap)
        self.belief = belief_of(self.record)
        self.looked = []
        if life is None:
            return
        start = Start(self.now, str(self.boot_number))
        stopped = Life(life.at, life.boot_id, clean)
        self.belief, changes = judge(self.belief, stopped, start, self.rules, host=self.host)
        if changes:
            self.commit(changes)


def _looked(
    started: Instant, ended: Instant, votes: tuple[Vote, ...], rows: tuple[Transition, ...]
) -> Looked:
    said = {vote.vote for vote in votes}
    for state in (State.ON, State.OFF):
        if state in said:
            evidence = max(vote.at.wall for vote in votes if vote.vote is state)
            return Looked(started, ended, state, evidence, rows)
    return Looked(started, ended, State.UNKNOWN, started.wall, rows)
