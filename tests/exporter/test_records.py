"""Records: what a row and a sign of life commit of a home, and what a restart reads from it."""

from dataclasses import dataclass, field, replace

from chassis.instants import Instant
from exporter.blackout import Life
from exporter.power import Belief, Cause, Change, Round, Rules, State, Vote, decide
from exporter.records import Record, Sign, belief_of, enter
from exporter.transitions import Ballot, Transition, to_json, transition_of

T0 = 1_790_000_000_000
RULES = Rules(
    interval=5_000,
    timeout=2_000,
    off_after=10_000,
    on_after=10_000,
    unknown_after=60_000,
    quorum=1,
)
STATES = {"on": State.ON, "off": State.OFF, "?": State.UNKNOWN}


def at(seconds: float) -> int:
    """Return the wall time so many seconds after the first round."""
    return T0 + round(seconds * 1000)


@dataclass
class Home:
    """A home whose rounds start every 5 s; every row is committed, a sign of life on `life`."""

    belief: Belief = field(default_factory=Belief)
    record: Record | None = None
    rows: list[Transition] = field(default_factory=list)
    now: Instant = field(default=Instant(T0, 1_000_000))

    def rounds(self, script: str) -> Record:
        """Run rounds `on`, `off` and `?`, and signs of life; return what is committed."""
        for word in script.split():
            if word == "life":
                self.commit()
                continue
            votes = (Vote("probe", STATES[word], word, self.now),)
            self.belief, changes = decide(
                self.belief, RULES, Round(self.now, self.now.shifted(50), votes)
            )
            if changes:
                self.commit(*changes)
            self.now = self.now.shifted(5_000)
        assert self.record is not None
        return self.record

    def commit(self, *changes: Change) -> None:
        sign = Sign("flat", self.belief, 300_000, changes)
        self.record, rows = enter(self.record, sign, Life(self.now, "boot"), len(self.rows) + 1)
        self.rows.extend(rows)


def test_a_home_without_a_row_has_no_record() -> None:
    """A sign of life before the first verdict commits nothing of it."""
    record, rows = enter(None, Sign("flat", Belief(), 300_000), Life(Instant(T0, 1), "boot"), 1)
    assert record is None
    assert list(rows) == []


def test_rows_of_one_sign_are_numbered_in_order() -> None:
    """The rows of a late round get successive ids from the one that is next."""
    changes = (
        Change(State.ON, None, at(0), None, at(0), Cause.START),
        Change(State.UNKNOWN, State.ON, at(1), at(1), at(9), Cause.NOT_OBSERVED),
        Change(State.ON, State.UNKNOWN, at(8), at(1), at(9), Cause.MEASURED),
    )
    belief = Belief(State.ON, at(8), at(8), at(8), at(8))
    record, rows = enter(
        None, Sign("flat", belief, 300_000, changes), Life(Instant(at(9), 1), "boot"), 41
    )
    assert [(row.id, row.state.value, row.at) for row in rows] == [
        (41, "on", at(0)),
        (42, "unknown", at(1)),
        (43, "on", at(8)),
    ]
    assert record is not None
    assert record.last == rows[-1]
    assert record.books.unknown == 7_000


def test_a_row_commits_the_last_evidence_of_its_state() -> None:
    """The confirming round is evidence as well."""
    record = Home().rounds("on off off off")
    assert record.last.at == at(5)
    assert record.evidence == at(15)


def test_a_sign_of_life_commits_the_last_evidence() -> None:
    """So a gap begins just after what was really seen."""
    home = Home()
    home.rounds("on on on")
    assert home.record is not None
    assert home.record.evidence == at(0)
    assert home.rounds("life").evidence == at(10)


def test_a_sign_of_life_does_not_commit_pending_evidence() -> None:
    """What is pending may still be thrown away."""
    record = Home().rounds("on on off off life")
    assert record.evidence == at(5)
    assert record.books.until == at(5)
    assert record.last.state is State.ON


def test_a_sign_of_life_says_when_it_was() -> None:
    """A gap is counted from it."""
    home = Home()
    home.rounds("on on life")
    assert home.record is not None
    assert home.record.life.at.wall == at(10)


def test_totals_run_up_to_evidence_that_no_later_row_can_re_date() -> None:
    """Books end with the last evidence of the state, not with now."""
    home = Home()
    books = home.rounds("on on on ? ? life").books
    assert books.until == at(10)
    assert books.on == 10_000


def test_totals_of_a_lost_state_end_with_its_last_evidence() -> None:
    """Time after that, up to the round that lost the state, is unknown."""
    books = Home().rounds("on on on" + " ?" * 12).books
    assert (books.state, books.on) == (State.UNKNOWN, 10_001)
    assert books.until == at(70)
    assert books.unknown == 60_000 - 1


def test_while_unknown_time_is_booked_up_to_the_last_round_that_said_nothing() -> None:
    """No later row can reach back before a round that measured nothing."""
    home = Home()
    home.rounds("on" + " ?" * 20 + " life")
    assert home.record is not None
    assert home.record.books.unknown == 100_000 - 1


def test_while_unknown_time_is_booked_only_up_to_what_is_pending() -> None:
    """Off evidence that is pending would be the start of an outage."""
    home = Home()
    home.rounds("on" + " ?" * 14 + " off off life")
    assert home.record is not None
    assert home.record.books.until == at(75)
    assert home.rounds("off").last.at == at(75)


def test_totals_never_go_back_over_a_long_story() -> None:
    """Round by round, with a sign of life after each."""
    home = Home()
    script = ("on " * 5 + "off " * 6 + "? " * 20 + "off " * 4 + "on " * 2 + "off " + "on " * 8) * 3
    before = home.rounds("on life").books
    for word in script.split():
        after = home.rounds(f"{word} life").books
        for name in ("until", "on", "outage", "unknown", "sustained_outage", "momentary_count",
                     "sustained_count", "to_on", "to_off", "to_unknown"):  # fmt: skip
            assert getattr(after, name) >= getattr(before, name), name
        assert after.on + after.outage + after.unknown == after.until - after.first_at
        before = after
    assert before.to_off > 3


def test_a_sign_of_life_taken_before_the_latest_row_says_nothing_of_that_row() -> None:
    """It was overtaken: only its time counts, not its evidence, and no totals."""
    home = Home()
    home.rounds("on on")
    overtaken = Sign("flat", home.belief, 300_000)
    kept = home.rounds("off off off")
    life = Life(home.now, "boot")
    after, rows = enter(kept, overtaken, life, 9)
    assert list(rows) == []
    assert after == replace(kept, life=life)


def test_a_restart_reads_the_belief_without_pending_evidence() -> None:
    """State, dates and the running outage survive; what was pending and the rounds do not."""
    home = Home()
    belief = belief_of(home.rounds("on off off off on life"))
    assert (belief.state, belief.since) == (State.OFF, at(5))
    assert belief.evidence == at(15)
    assert belief.in_outage
    assert (belief.pending, belief.last_round, belief.last_verdict) == (None, None, None)


def test_after_a_restart_no_row_is_dated_into_booked_time() -> None:
    """Off evidence of before the last booked moment is dated to that: totals are not taken back."""
    home = Home()
    record = home.rounds("on" + " ?" * 20 + " life")
    booked = record.books.until
    assert booked == at(100)
    belief = belief_of(record)
    early = (Vote("heartbeat", State.OFF, "no beat", Instant(at(50), 1)),)
    rules = replace(RULES, off_after=0)
    _, (row,) = decide(belief, rules, Round(home.now, home.now.shifted(50), early))
    assert row.at == booked


def test_a_restart_while_unknown_knows_that_an_outage_runs() -> None:
    """After off, unknown and a restart on still needs on_after."""
    home = Home()
    belief = belief_of(home.rounds("off off off" + " ?" * 20 + " life"))
    assert belief.state is State.UNKNOWN
    assert belief.in_outage
    on = belief_of(Home().rounds("on" + " ?" * 20 + " life"))
    assert not on.in_outage


def test_without_a_record_a_home_begins_unknown_without_a_row() -> None:
    """It has no date either."""
    assert belief_of(None) == Belief()


# ---------------------------------------------------------------- the shape of a row


def test_a_row_is_spelled_as_the_contract_says() -> None:
    """Whole milliseconds in UTC, the votes of the round that gave `at`."""
    row = Transition(
        17, "flat", State.OFF, State.ON, 1_795_514_523_120, 1_795_514_518_101, 1_795_514_540_130,
        Cause.MEASURED, (Ballot("fridge-plug", State.OFF, "no reply in 2s"),),
    )  # fmt: skip
    assert to_json(row) == {
        "id": 17, "home": "flat", "state": "off", "previous": "on",
        "at": "2026-11-24T10:02:03.120Z", "not_before": "2026-11-24T10:01:58.101Z",
        "confirmed_at": "2026-11-24T10:02:20.130Z", "cause": "measured",
        "votes": [{"probe": "fridge-plug", "vote": "off", "detail": "no reply in 2s"}],
    }  # fmt: skip


def test_the_first_row_has_no_previous() -> None:
    """Its previous and not_before are null, and votes [] where no round gave the date."""
    shape = to_json(
        transition_of("flat", Change(State.ON, None, at(0), None, at(1), Cause.START), 1)
    )
    assert (shape["previous"], shape["not_before"], shape["votes"]) == (None, None, [])
    assert "durable" not in shape


def test_a_row_that_the_disk_refused_says_so() -> None:
    """It has no id, and durable is false."""
    shape = to_json(transition_of("flat", Change(State.ON, None, at(0), None, at(1), Cause.START)))
    assert shape["durable"] is False
    assert shape["id"] is None
