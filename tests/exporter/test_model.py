"""The whole pure model against a truth it cannot see: deciding, gaps and books at once."""

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chassis.instants import elapsed
from exporter.books import Books
from exporter.indices import Span, reliability
from exporter.outages import Outage, outages_of
from exporter.power import Cause, Rules, State
from exporter.transitions import Transition
from tests.exporter.worlds import World

SOON = st.one_of(st.integers(1, 6_000), st.integers(1, 120_000))
STEP = st.sampled_from(["look", "look", "slow", "late", "life", "blind", "flip"])
SCRIPT = st.lists(st.tuples(STEP, st.integers(1, 8)), min_size=3, max_size=12)


@dataclass(frozen=True)
class Held:
    """How long a verdict has been seen to hold (ms), and its first evidence."""

    ms: int
    first_evidence: int


class ModelMachine(RuleBasedStateMachine):
    """Power comes and goes; the exporter looks, sleeps, dies, starts; its rows stay true."""

    world: World
    books_seen: Books | None
    clock_was_stepped: bool

    @initialize(
        interval=st.sampled_from([1_000, 5_000]),
        timeout=st.sampled_from([200, 3_000]),
        off_rounds=st.sampled_from([0, 1, 3]),
        on_rounds=st.sampled_from([0, 1, 3]),
        slack=st.sampled_from([0, 4_000]),
        sustained_after=st.sampled_from([0, 20_000, 60_000]),
        first_on=st.booleans(),
    )
    def begin(  # noqa: PLR0913, PLR0917  one argument a setting
        self,
        interval: int,
        timeout: int,
        off_rounds: int,
        on_rounds: int,
        slack: int,
        sustained_after: int,
        first_on: bool,  # noqa: FBT001  hypothesis passes by name
    ) -> None:
        """Choose a config and whether power is on."""
        unknown_after = 2 * interval + 2 * timeout + slack
        rules = Rules(
            interval, timeout, off_rounds * interval, on_rounds * interval, unknown_after, quorum=1
        )
        self.world = World(rules, sustained_after)
        self.world.truth.first_on = first_on
        self.books_seen = None
        self.clock_was_stepped = False

    @rule(wait=SOON)
    def power_flips(self, wait: int) -> None:
        """Power goes or comes, at some moment before the next look."""
        self.world.truth.flip(self.world.wall + wait)
        self.world.pass_time(wait)

    @rule(script=SCRIPT)
    def rounds(self, script: list[tuple[str, int]]) -> None:
        """Rounds run; some cannot look, some take their time, power flips between some."""
        for step in (step for step, times in script for _ in range(times)):
            self.world.pass_time(self.world.rules.interval - 300)
            if step == "flip":
                self.world.truth.flip(self.world.wall + 100)
            late = self.world.rules.interval + self.world.rules.timeout
            self.world.pass_time(300 + late * (step == "late"))
            self.world.round(known=step != "blind", takes=150 if step == "slow" else 0)
            if step == "life":
                self.world.commit()

    @rule()
    def sign_of_life(self) -> None:
        """The exporter commits that it lives."""
        self.world.commit()

    @rule(gap=SOON, clean=st.booleans())
    def restart_in_the_same_boot(self, gap: int, clean: bool) -> None:  # noqa: FBT001
        """The exporter stops and starts."""
        self.world.restart(gap=gap, clean=clean)

    @rule(gap=SOON, clean=st.booleans(), uptime=SOON)
    def restart_in_another_boot(self, gap: int, clean: bool, uptime: int) -> None:  # noqa: FBT001
        """The machine restarts."""
        self.world.restart(gap=gap, clean=clean, reboot_after=uptime)

    @rule(ms=SOON)
    def suspend(self, ms: int) -> None:
        """The machine sleeps: nobody looks."""
        self.world.pass_time(ms)

    @rule(ms=SOON)
    def virtual_machine_pauses(self, ms: int) -> None:
        """Only the wall clock notices."""
        self.world.wall += ms

    @rule(ms=st.integers(-60_000, 60_000))
    def clock_steps(self, ms: int) -> None:
        """Somebody sets the clock, either way."""
        self.world.error += ms
        self.clock_was_stepped = True

    def outages(self) -> list[Outage]:
        """The outages that the rows tell of, up to now."""
        return list(outages_of(self.world.rows, self.world.present))

    @invariant()
    def no_state_follows_itself(self) -> None:
        """Two transitions to the same state in a row never happen, and each names its previous."""
        for before, after in pairwise(self.world.rows):
            assert after.state is not before.state
            assert after.previous is before.state
        if self.world.rows:
            assert self.world.rows[0].previous is None
            assert self.world.rows[0].state is not State.UNKNOWN

    @invariant()
    def dates_are_in_order(self) -> None:
        """`not_before ≤ at ≤ confirmed_at`, and `at` strictly increases."""
        for before, after in pairwise(self.world.rows):
            assert before.at < after.at
        for row in self.world.rows:
            assert row.not_before is None or row.not_before <= row.at
            assert row.at <= row.confirmed_at
            assert (row.not_before is None) is (row.previous is None)

    @invariant()
    def off_needs_off_votes(self) -> None:
        """No row says off without a quorum of off votes, and none that could not look says off."""
        for row in self.world.rows:
            if row.state is State.OFF:
                off = [ballot for ballot in row.votes if ballot.vote is State.OFF]
                assert len(off) >= self.world.rules.quorum
            if row.state is State.UNKNOWN:
                assert row.votes == ()

    @invariant()
    def a_change_had_held_long_enough(self) -> None:
        """Every measured row was seen to hold for as long as it must, counted backwards."""
        for index, looked in enumerate(self.world.looked):
            for row in looked.rows:
                if row.state is not State.UNKNOWN:
                    held = self.held_before(index)
                    assert held.ms >= self.needed(row)
                    assert row.confirmed_at == max(looked.ended.wall, row.at)
                    assert row.at >= held.first_evidence

    @invariant()
    def nothing_waits_longer_than_it_must(self) -> None:
        """A contrary verdict that has held long enough has been written."""
        if not self.world.looked or self.world.looked[-1].verdict is State.UNKNOWN:
            return
        latest = self.world.looked[-1]
        if latest.verdict is not self.world.belief.state:
            held = self.held_before(len(self.world.looked) - 1)
            outage = bool(self.outages()) and self.outages()[-1].running
            rules = self.world.rules
            needed = rules.off_after if latest.verdict is State.OFF else outage * rules.on_after
            assert held.ms < needed

    def needed(self, row: Transition) -> int:
        """How long a row's state had to hold, by the rows before it."""
        if row.state is State.OFF:
            return self.world.rules.off_after
        earlier = [
            r.state for r in self.world.rows if r.at < row.at and r.state is not State.UNKNOWN
        ]
        return self.world.rules.on_after if earlier[-1:] == [State.OFF] else 0

    def held_before(self, index: int) -> Held:
        """How long a round's verdict had held by then: back to a contrary or a late one."""
        looked = self.world.looked
        rules = self.world.rules
        latest, total, first = looked[index], 0, looked[index].evidence
        last_verdict = latest
        for i in range(index, 0, -1):
            earlier, later = looked[i - 1], looked[i]
            lost = any(r.state is State.UNKNOWN for r in later.rows)
            if lost or elapsed(earlier.started, later.started) > rules.unknown_after:
                break
            if earlier.verdict is State.UNKNOWN:
                since = [x for x in looked[: i - 1] if x.verdict is not State.UNKNOWN]
                if not since or elapsed(since[-1].started, earlier.started) >= rules.unknown_after:
                    break
                continue
            if earlier.verdict is not latest.verdict:
                break
            total += min(
                last_verdict.started.boot - earlier.started.boot, rules.interval + rules.timeout
            )
            last_verdict, first = earlier, earlier.evidence
        return Held(total, first)

    @invariant()
    def a_state_without_verdicts_is_not_kept(self) -> None:
        """A known state rests on a verdict younger than unknown_after."""
        world, rules = self.world, self.world.rules
        if not world.looked or world.belief.state in (None, State.UNKNOWN):
            return
        latest = world.looked[-1].started
        verdicts = [x for x in world.looked if x.verdict is not State.UNKNOWN]
        if verdicts and latest != verdicts[-1].started:
            assert elapsed(verdicts[-1].started, latest) < rules.unknown_after
        for earlier, later in pairwise(world.looked):
            if elapsed(earlier.started, later.started) > rules.unknown_after:
                row_before = [r for r in world.rows if r.confirmed_at < later.ended.wall]
                if row_before and not self.clock_was_stepped:
                    assert (
                        later.rows
                        or row_before[-1].state is State.UNKNOWN
                        or (earlier.rows and earlier.rows[-1].state is State.UNKNOWN)
                    )

    @invariant()
    def not_before_is_the_last_evidence_of_what_was(self) -> None:
        """After unknown it is that row's date; else the newest evidence of the old state."""
        for before, after in pairwise(self.world.rows):
            if after.previous is State.UNKNOWN:
                assert after.not_before == before.at
            else:
                assert after.not_before is not None
                assert after.not_before >= before.at
            if after.state is State.UNKNOWN:
                assert after.not_before == after.at - 1
        seen = [x for x in self.world.looked if x.verdict is self.world.belief.state]
        known = self.world.belief.state is not State.UNKNOWN
        if seen and known and not self.clock_was_stepped:
            assert self.world.belief.evidence is not None
            assert self.world.belief.evidence >= seen[-1].evidence

    @invariant()
    def evidence_is_true(self) -> None:
        """What a row calls evidence is what was so at that moment."""
        if self.clock_was_stepped:
            return
        for row in self.world.rows:
            if row.state is not State.UNKNOWN:
                assert self.world.truth.on_at(row.at) is (row.state is State.ON)
            if row.previous in (State.ON, State.OFF):
                assert row.not_before is not None
                assert self.world.truth.on_at(row.not_before) is (row.previous is State.ON)

    @invariant()
    def a_change_lies_within_its_bounds(self) -> None:
        """Between two pieces of contrary evidence power really changed."""
        if self.clock_was_stepped:
            return
        for row in self.world.rows:
            if row.previous in (State.ON, State.OFF) and row.state is not State.UNKNOWN:
                assert row.not_before is not None
                assert self.world.truth.changed_within(row.not_before, row.at)

    @invariant()
    def the_truth_lies_within_an_outages_bounds(self) -> None:
        """An outage in which power did not flicker unseen was really as long as its bounds say."""
        if self.clock_was_stepped:
            return
        for outage in self.outages():
            assert outage.least <= outage.best
            if outage.most is None or outage.start_earliest is None:
                continue
            assert outage.best <= outage.most
            end = outage.start + outage.best
            flips = [c for c in self.world.truth.changes if outage.start_earliest < c <= end]
            if len(flips) == (1 if outage.running else 2):
                off = self.world.truth.off_time(outage.start_earliest, end)
                assert outage.least <= off <= outage.most

    @invariant()
    def unseen_time_is_never_seen_off(self) -> None:
        """A spell of unknown adds nothing to `seconds_min`."""
        for outage in self.outages():
            assert outage.least <= outage.best - outage.unseen

    @invariant()
    def an_outage_begins_with_evidence(self) -> None:
        """A spell of unknown never invents an outage."""
        for outage in self.outages():
            assert outage.cause in (Cause.MEASURED, Cause.START)

    @invariant()
    def books_only_grow_and_add_up(self) -> None:
        """Totals never go back, and on + outage + unknown is all time since the first row."""
        record = self.world.record
        if record is None:
            return
        books, before = record.books, self.books_seen
        assert books.on + books.outage + books.unknown == books.until - books.first_at
        assert books.sustained_outage <= books.outage
        if before is not None:
            for name in (
                "until", "on", "outage", "unknown", "sustained_outage", "momentary_count",
                "sustained_count", "to_on", "to_off", "to_unknown",
            ):  # fmt: skip
                assert getattr(books, name) >= getattr(before, name), name
        self.books_seen = books

    @precondition(lambda self: self.world.rows)
    @rule()
    def books_agree_with_the_journal(self) -> None:
        """The totals are those that the rows alone give, over the same time."""
        self.world.commit()
        assert self.world.record is not None
        books = self.world.record.books
        found = reliability(
            self.world.rows,
            self.world.present,
            Span(books.first_at, books.until),
            self.world.sustained_after,
        )
        assert (found.on, found.outage, found.unknown) == (books.on, books.outage, books.unknown)
        ended = [o for o in self.outages() if not o.running]
        long = sum(o.best > self.world.sustained_after for o in ended)
        assert books.momentary_count == len(ended) - long
        assert books.sustained_count == long + books.outage_counted

    @invariant()
    def the_indices_keep_their_order(self) -> None:
        """The bounds enclose the estimate, and all parts add up to all time."""
        if not self.world.rows:
            return
        present = self.world.present
        first = self.world.rows[0].at
        span = Span(first, max(present.now, first + 1))
        found = reliability(self.world.rows, present, span, self.world.sustained_after)
        assert found.outage_least <= found.outage <= found.outage_most <= found.all
        assert found.all == max(0, present.now - first)


ModelMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=25, deadline=None)
TestModel = ModelMachine.TestCase
