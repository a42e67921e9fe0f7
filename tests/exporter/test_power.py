"""The decision: votes to a verdict, verdicts to a belief, a changed belief to dated rows."""

from dataclasses import dataclass, field, replace

import pytest

from chassis.instants import Instant
from exporter.power import Belief, Cause, Change, Round, Rules, State, Verdict, Vote, decide
from exporter.power import verdict_of as verdict

T0 = 1_790_000_000_000
ANSWERS_AFTER = 40  # ms from a round's start to the answer that says on
ENDS_AFTER = 50  # ms from a round's start to its end

RULES = Rules(
    interval=5_000,
    timeout=2_000,
    off_after=15_000,
    on_after=10_000,
    unknown_after=60_000,
    quorum=1,
)
WORDS = {"on": State.ON, "off": State.OFF, "?": State.UNKNOWN}


def at(seconds: float) -> int:
    """Wall time so many seconds after the first round."""
    return T0 + round(seconds * 1000)


def seconds(wall: int) -> float:
    """Return how many seconds after the first round a wall time is."""
    return (wall - T0) / 1000


def vote(word: str, wall: int, probe: str = "probe") -> Vote:
    """Return a probe's vote, its evidence dated to a wall time."""
    return Vote(probe, WORDS[word], f"said {word}", Instant(wall, wall - T0))


@dataclass
class Home:
    """A home under test. Its rounds start every `every` seconds, the first at 0.

    A script names one round a word: `on`, `off`, `?` (no verdict), `on*3`. `+7`
    lets 7 s more pass before the next round, `clock+90` sets only the wall clock,
    `sleep+90` moves only the boot clock.
    """

    rules: Rules = RULES
    belief: Belief = field(default_factory=Belief)
    rows: list[Change] = field(default_factory=list)
    wall: int = T0
    boot: int = 1_000_000

    def rounds(self, script: str, every: float = 5) -> str:
        """Run a script; return the story so far."""
        for word in script.split():
            name, _, times = word.partition("*")
            if name[0] == "+" or name.startswith(("clock", "sleep")):
                self._move(name)
                continue
            for _ in range(int(times or 1)):
                self.round(name)
                self.wait(every)
        return self.story

    def _move(self, word: str) -> None:
        ms = round(float(word.removeprefix("clock").removeprefix("sleep")) * 1000)
        self.wall += 0 if word.startswith("sleep") else ms
        self.boot += 0 if word.startswith("clock") else ms

    def round(self, word: str, *votes: Vote, dated: float | None = None) -> None:
        """Run one round; `dated` dates its evidence (heartbeat), `votes` are several probes'."""
        started = Instant(self.wall, self.boot)
        evidence = started.shifted(ANSWERS_AFTER if word == "on" else 0)
        if dated is not None:
            evidence = Instant(at(dated), self.boot)
        all_votes = votes or (Vote("probe", WORDS[word], f"said {word}", evidence),)
        ended = started.shifted(ENDS_AFTER)
        self.belief, rows = decide(self.belief, self.rules, Round(started, ended, all_votes))
        self.rows.extend(rows)

    def wait(self, secs: float) -> None:
        self._move(f"+{secs}")

    @property
    def story(self) -> str:
        """Every row so far as `state@seconds`."""
        return " ".join(f"{row.state.value}@{seconds(row.at):g}" for row in self.rows)

    @property
    def last(self) -> Change:
        return self.rows[-1]


def with_rules(**changed: int) -> Home:
    """Return a home with some rules of its own."""
    return Home(replace(RULES, **changed))


# ---------------------------------------------------------------- one round's verdict


@pytest.mark.parametrize(
    "words, quorum, expected",
    [
        ("on", 1, "on"),
        ("off", 1, "off"),
        ("?", 1, None),
        ("", 1, None),
        ("off on ?", 1, "on"),
        ("off off off on", 2, "on"),
        ("off off ?", 2, "off"),
        ("off off off", 2, "off"),
        ("off ? ?", 2, None),
        ("? ? on", 3, "on"),
    ],
)
def test_any_on_vote_is_on_a_quorum_of_off_votes_is_off_else_unknown(
    words: str, quorum: int, expected: str | None
) -> None:
    """One probe with power proves power; off needs a quorum, and no vote on."""
    found = verdict((vote(word, T0) for word in words.split()), quorum)
    assert (found.state.value if found else None) == expected


def test_a_verdict_is_dated_to_the_latest_of_the_votes_that_decided() -> None:
    """Votes of the other side and unknown ones do not date it, however late."""
    assert verdict(
        [vote("on", 20), vote("on", 30), vote("on", 25), vote("off", 90), vote("?", 99)], 1
    ) == Verdict(State.ON, 30)
    assert verdict(
        [vote("off", 20), vote("?", 99), vote("off", 30), vote("off", 25)], 2
    ) == Verdict(State.OFF, 30)


# ---------------------------------------------------------------- the first verdict


def test_a_first_on_is_believed_at_once() -> None:
    """The first verdict needs no on_after, as no outage is running."""
    home = Home()
    assert home.rounds("on") == "on@0.04"
    assert (home.last.previous, home.last.not_before) == (None, None)
    assert home.last.cause is Cause.START


def test_a_first_off_must_hold_for_off_after() -> None:
    """Off as the very first verdict is believed like any other, dated to its first round."""
    home = Home()
    assert home.rounds("off*3") == ""
    assert home.rounds("off") == "off@0"
    assert (home.last.previous, home.last.not_before) == (None, None)
    assert home.last.cause is Cause.START


def test_before_its_first_verdict_a_home_has_no_row() -> None:
    """Unknown rounds write nothing, however long they last."""
    home = Home()
    assert home.rounds("?*30") == ""
    assert home.belief.state is None
    assert home.belief.since is None
    assert home.rounds("on") == "on@150.04"
    assert home.last.cause is Cause.START


def test_a_first_on_breaks_a_pending_first_off() -> None:
    """On is believed at once, and what was pending is forgotten."""
    assert Home().rounds("off off on off off") == "on@10.04"


def test_pending_evidence_before_the_first_verdict_is_thrown_away_too() -> None:
    """After unknown_after without a verdict the off that was pending begins anew."""
    home = Home()
    assert home.rounds("off*3 ?*12 off*3") == ""
    assert home.rounds("off") == "off@75"


# ---------------------------------------------------------------- holding


def test_off_is_believed_when_it_has_held_for_off_after() -> None:
    """Three steps of 5 s make 15 s: the fourth off round confirms, the third does not."""
    home = Home()
    assert home.rounds("on on off off off") == "on@0.04"
    assert home.rounds("off") == "on@0.04 off@10"


def test_on_is_believed_when_it_has_held_for_on_after() -> None:
    """While an outage runs, on needs on_after: two steps of 5 s."""
    home = Home()
    home.rounds("on off*4 on on")
    assert home.story == "on@0.04 off@5"
    assert home.rounds("on") == "on@0.04 off@5 on@25.04"


def test_with_off_after_0_the_first_off_round_is_believed() -> None:
    """0s is allowed: no second round is waited for."""
    home = with_rules(off_after=0)
    assert home.rounds("on off") == "on@0.04 off@5"


def test_with_on_after_0_the_first_on_round_ends_the_outage() -> None:
    """The same for on."""
    home = with_rules(off_after=0, on_after=0)
    assert home.rounds("on off on") == "on@0.04 off@5 on@10.04"


def test_a_change_is_dated_to_its_first_pending_evidence() -> None:
    """`at` is the first off round's start; not_before the last on answer's arrival."""
    home = Home()
    home.rounds("on on off*4")
    assert home.last.at == at(10)
    assert home.last.not_before == at(5.04)
    assert home.last.previous is State.ON
    assert home.last.cause is Cause.MEASURED


def test_an_on_is_dated_to_the_arrival_of_its_first_answer() -> None:
    """On evidence is the answer, not the question; not_before is the last off round's start."""
    home = Home()
    home.rounds("on off*5 on*3")
    assert home.last.at == at(30.04)
    assert home.last.not_before == at(25)


def test_confirmed_at_is_the_end_of_the_confirming_round() -> None:
    """Not its start, and not the end of the round that gave `at`."""
    home = Home()
    home.rounds("on off*4")
    assert home.last.confirmed_at == at(20) + ENDS_AFTER


def test_a_row_keeps_the_votes_of_the_round_that_gave_its_date() -> None:
    """The confirming round's votes are other votes: the first round's say why `at` is `at`."""
    home = Home()
    home.rounds("on")
    first = (vote("off", at(5), "plug"), vote("?", at(5), "router"))
    home.round("", *first)
    home.wait(5)
    home.rounds("off*3")
    assert home.last.votes == first


def test_a_round_of_the_old_verdict_breaks_what_was_pending() -> None:
    """Off must hold anew after an on, and is dated to the new first round."""
    home = Home()
    assert home.rounds("on off*3 on off*3") == "on@0.04"
    assert home.rounds("off") == "on@0.04 off@25"


def test_an_off_round_breaks_a_pending_on() -> None:
    """The same on the way back."""
    home = Home()
    assert home.rounds("off*4 on*2 off on*2") == "off@0"
    assert home.rounds("on") == "off@0 on@35.04"


def test_unknown_rounds_between_pending_ones_are_skipped() -> None:
    """They neither break nor confirm; their time counts as held."""
    home = Home()
    assert home.rounds("on off ? off off") == "on@0.04"
    # 5 -> 15 counts 7 s (interval + timeout), then 5 s and 5 s: 17 s
    assert home.rounds("off") == "on@0.04 off@5"


def test_an_unknown_round_alone_confirms_nothing() -> None:
    """Holding is seen in rounds of the verdict, not in time that passes without one."""
    assert Home().rounds("on off off off ? ? ?") == "on@0.04"


def test_each_step_counts_at_most_interval_plus_timeout() -> None:
    """Two off rounds 20 s apart have been seen to hold for 7 s, not for 20."""
    home = Home()
    assert home.rounds("on off ? ? ? off off") == "on@0.04"  # 7 + 5
    assert home.rounds("off") == "on@0.04 off@5"  # 17


def test_two_rounds_far_apart_do_not_confirm_alone() -> None:
    """One long step is capped however long it was."""
    home = with_rules(off_after=7_001)
    assert home.rounds("on off +40 off") == "on@0.04"
    home = with_rules(off_after=7_000)
    assert home.rounds("on off +40 off") == "on@0.04 off@5"


def test_holding_is_measured_between_starts_of_rounds() -> None:
    """Rounds of 5.1 s hold longer than rounds of 5 s; the end of a round adds nothing."""
    assert with_rules(off_after=15_001).rounds("off*4") == ""
    assert with_rules(off_after=15_001).rounds("off*4", every=5.1) == "off@0"


# ---------------------------------------------------------------- several probes


def test_one_probe_with_power_keeps_the_home_on() -> None:
    """Two off votes and one on vote are on, round after round."""
    home = with_rules(quorum=2)
    for _ in range(6):
        home.round("", vote("off", home.wall, "a"), vote("off", home.wall, "b"),
                   vote("on", home.wall + 9, "c"))  # fmt: skip
        home.wait(5)
    assert home.story == "on@0.009"


def test_less_than_a_quorum_of_off_votes_is_no_verdict() -> None:
    """One of two off votes with quorum 2 ends in unknown, not in off."""
    home = with_rules(quorum=2)
    home.rounds("on")
    for _ in range(20):
        home.round("", vote("off", home.wall, "a"), vote("?", home.wall, "b"))
        home.wait(5)
    assert home.story == "on@0.04 unknown@0.041"


# ---------------------------------------------------------------- heartbeat's dates


def test_off_evidence_may_be_dated_before_the_round_that_brought_it() -> None:
    """A heartbeat's first dead round is dated to the first beat missed."""
    home = with_rules(off_after=5_000)
    home.rounds("on on")
    home.wait(30)
    home.round("off", dated=15)
    home.wait(5)
    home.round("off")
    assert home.story == "on@0.04 off@15"
    assert home.last.not_before == at(5.04)


def test_on_evidence_may_be_dated_before_the_round_that_brought_it() -> None:
    """A heartbeat's on is dated to the beat, and so is the last evidence of on."""
    home = with_rules(off_after=0, on_after=0)
    home.rounds("off")
    home.wait(10)
    home.round("on", dated=8.5)
    assert home.story == "off@0 on@8.5"
    home.wait(5)
    home.round("off")
    assert home.last.not_before == at(8.5)


def test_off_evidence_before_the_last_on_evidence_is_dated_to_that() -> None:
    """A change is never dated before what is known of the old state, nor before its row."""
    home = with_rules(off_after=0)
    home.rounds("on on")
    home.round("off", dated=3)
    assert home.last.at == home.last.not_before == at(5.04)


def test_a_change_is_always_dated_after_the_previous_transition() -> None:
    """Evidence as old as the previous row still gives a later row."""
    home = with_rules(off_after=0, on_after=0)
    home.rounds("on")
    home.round("off", dated=0.04)
    assert home.story == "on@0.04 off@0.041"
    home.round("on", dated=0.04)
    assert home.story == "on@0.04 off@0.041 on@0.042"


# ---------------------------------------------------------------- losing the state


def test_no_verdict_for_unknown_after_makes_the_state_unknown() -> None:
    """The last verdict started at 0: the unknown round at 60 loses it, that at 55 does not."""
    home = Home()
    assert home.rounds("on ?*11") == "on@0.04"
    assert home.rounds("?") == "on@0.04 unknown@0.041"


def test_unknown_is_dated_1_ms_after_the_last_evidence_of_the_state() -> None:
    """Nothing later was seen, so nothing later is claimed."""
    home = Home()
    home.rounds("on on ?*12")
    row = home.last
    assert (row.state, row.previous, row.at) == (State.UNKNOWN, State.ON, at(5.041))
    assert row.not_before == at(5.04)
    assert row.confirmed_at == at(65) + ENDS_AFTER
    assert row.votes == ()
    assert row.cause is Cause.MEASURED


def test_a_pending_verdict_is_a_verdict() -> None:
    """A contrary verdict puts off the loss; unknown still follows the old state's evidence."""
    home = Home()
    assert home.rounds("on off off ?*11") == "on@0.04"
    assert home.rounds("?") == "on@0.04 unknown@0.041"


def test_pending_evidence_is_thrown_away_with_the_state() -> None:
    """Off begins to hold anew after a loss, dated to its own first round."""
    home = Home()
    home.rounds("on off*3 ?*12 off*3")
    assert home.story == "on@0.04 unknown@0.041"
    assert home.rounds("off") == "on@0.04 unknown@0.041 off@80"
    assert home.last.not_before == at(0.041)


def test_pending_evidence_while_unknown_is_thrown_away_after_unknown_after() -> None:
    """An off that was pending before a minute without a verdict does not count any more."""
    home = Home()
    home.rounds("on ?*12 off*3 ?*12 off*3")
    assert home.story == "on@0.04 unknown@0.041"
    assert home.rounds("off").endswith(f"off@{13 * 5 + 15 * 5}")


def test_a_round_with_a_verdict_is_in_time_at_exactly_unknown_after() -> None:
    """A round is late when it starts *more* than unknown_after after the one before."""
    assert Home().rounds("on +55 on on") == "on@0.04"
    assert Home().rounds("on +55.001 on") == "on@0.04 unknown@0.041 on@60.041"


def test_a_late_round_without_a_verdict_makes_the_state_unknown() -> None:
    """Nobody looked, and the look that came said nothing."""
    assert Home().rounds("on +56 ?") == "on@0.04 unknown@0.041"


def test_a_late_round_with_a_verdict_gives_two_rows_at_once() -> None:
    """A suspended machine: unknown from the last evidence, then what is measured."""
    home = Home()
    assert home.rounds("on on +600 on") == "on@0.04 unknown@5.041 on@610.04"
    lost, found = home.rows[1:]
    assert lost.confirmed_at == found.confirmed_at == at(610) + ENDS_AFTER
    assert (lost.previous, lost.not_before) == (State.ON, at(5.04))
    assert (found.previous, found.not_before) == (State.UNKNOWN, at(5.041))
    assert found.cause is Cause.MEASURED


def test_a_late_round_is_unknown_not_off() -> None:
    """After a suspension off must hold for off_after, from the late round on."""
    home = Home()
    assert home.rounds("on +600 off*3") == "on@0.04 unknown@0.041"
    assert home.rounds("off") == "on@0.04 unknown@0.041 off@605"


def test_with_off_after_0_a_late_off_round_gives_unknown_and_off() -> None:
    """Both rows come from one round, the second after the first."""
    home = with_rules(off_after=0)
    assert home.rounds("on +600 off") == "on@0.04 unknown@0.041 off@605"


def test_a_late_round_throws_pending_evidence_away() -> None:
    """Three off rounds before a suspension do not help one after it."""
    assert Home().rounds("on off*3 +600 off") == "on@0.04 unknown@0.041"


def test_a_late_round_throws_away_what_was_pending_while_unknown() -> None:
    """The same where the state was unknown already."""
    home = Home()
    home.rounds("on ?*12 off*3 +600 off*3")
    assert home.story == "on@0.04 unknown@0.041"


@pytest.mark.parametrize("move", ["clock+120", "sleep+120"])
def test_lateness_is_the_greater_advance_of_both_clocks(move: str) -> None:
    """A paused virtual machine moves only wall time, a suspended one the boot clock."""
    assert Home().rounds(f"on {move} on").startswith("on@0.04 unknown@0.041 on@")


def test_the_lost_verdict_too_is_measured_by_the_greater_advance() -> None:
    """No verdict for 30 s on one clock and 70 s on the other is 70 s without one."""
    assert Home().rounds("on ?*3 clock+40 ?") == "on@0.04 unknown@0.041"


def test_an_unknown_state_is_not_lost_again() -> None:
    """One row says it, however long it lasts."""
    assert Home().rounds("on ?*40 +600 ?*3") == "on@0.04 unknown@0.041"


def test_off_is_lost_like_on() -> None:
    """Unknown after off is dated 1 ms after the last off evidence."""
    home = Home()
    assert home.rounds("off*5 ?*12") == "off@0 unknown@20.001"
    assert (home.last.previous, home.last.not_before) == (State.OFF, at(20))


# ---------------------------------------------------------------- from unknown


def test_from_unknown_on_is_believed_at_once() -> None:
    """No outage is running: the first on round is a row; not_before is the unknown row's date."""
    home = Home()
    home.rounds("on ?*12 on")
    assert home.story == "on@0.04 unknown@0.041 on@65.04"
    assert home.last.not_before == at(0.041)
    assert home.last.cause is Cause.MEASURED


def test_from_unknown_off_is_believed_after_off_after() -> None:
    """Not at once, and dated to the first of its rounds."""
    home = Home()
    assert home.rounds("on ?*12 off*3") == "on@0.04 unknown@0.041"
    assert home.rounds("off") == "on@0.04 unknown@0.041 off@65"


def test_from_unknown_inside_an_outage_on_needs_on_after() -> None:
    """A running outage is not ended by one answer."""
    home = Home()
    home.rounds("off*4 ?*12 on*2")
    assert home.story == "off@0 unknown@15.001"
    assert home.rounds("on") == "off@0 unknown@15.001 on@80.04"
    assert home.last.not_before == at(15.001)


def test_from_unknown_inside_an_outage_off_needs_off_after() -> None:
    """Off gives a second off row when it has held again."""
    home = Home()
    home.rounds("off*4 ?*12 off*3")
    assert home.story == "off@0 unknown@15.001"
    assert home.rounds("off") == "off@0 unknown@15.001 off@80"


def test_a_late_on_round_inside_an_outage_waits_for_on_after() -> None:
    """The late round gives the unknown row alone."""
    home = Home()
    assert home.rounds("off*4 +600 on*2") == "off@0 unknown@15.001"
    assert home.rounds("on").endswith("on@620.04")


def test_after_an_outage_on_is_believed_at_once_again() -> None:
    """When the outage has ended, the next unknown spell ends with one on round."""
    home = Home()
    home.rounds("off*4 on*3 ?*12 on")
    assert home.story == "off@0 on@20.04 unknown@30.041 on@95.04"


def test_from_unknown_an_on_breaks_a_pending_off() -> None:
    """The on is believed at once, so the off has to begin again."""
    home = Home()
    assert home.rounds("on ?*12 off*2 on") == "on@0.04 unknown@0.041 on@75.04"
    assert home.rounds("off*3").endswith("on@75.04")
    assert home.rounds("off").endswith("off@80")


# ---------------------------------------------------------------- steps of the clock


def test_after_a_step_back_evidence_keeps_the_newest_time_given() -> None:
    """Until wall time has passed it, evidence is dated to the newest date there was."""
    home = Home()
    home.rounds("on*3 clock-100 on off*4")
    assert home.story == "on@0.04 off@10.04"
    assert home.last.not_before == at(10.04)
    assert home.last.confirmed_at >= home.last.at


def test_after_a_step_back_dates_stay_increasing() -> None:
    """Rows of the hour that is lived twice follow one another by a millisecond at least."""
    home = with_rules(off_after=0, on_after=0)
    home.rounds("on clock-3600 off on off on")
    dates = [row.at for row in home.rows]
    assert len(dates) == 5
    assert dates == sorted(set(dates))
    assert all((row.not_before or 0) <= row.at <= row.confirmed_at for row in home.rows)


def test_when_wall_time_has_passed_the_newest_date_dates_are_real_again() -> None:
    """A step back of 8 s is over after two rounds."""
    home = with_rules(off_after=0)
    home.rounds("on*3 clock-8 on*2 off")
    assert home.last.at == at(17)
    assert home.last.not_before == at(12.04)


def test_a_step_back_does_not_make_a_round_late_nor_lose_the_time_held() -> None:
    """Durations come from the boot clock, which no one can set."""
    home = Home()
    home.rounds("on off*2 clock-600 off")
    assert home.story == "on@0.04"
    assert home.rounds("off") == "on@0.04 off@5"


def test_a_small_step_forward_adds_nothing_to_the_time_held() -> None:
    """30 s of wall time that nobody lived do not make off hold longer."""
    home = with_rules(off_after=11_000)
    assert home.rounds("on off clock+30 off off") == "on@0.04"
    assert home.rounds("off") == "on@0.04 off@5"


def test_after_a_step_forward_and_back_unknown_follows_the_newest_evidence() -> None:
    """The loss is dated after the evidence as it was given, and confirmed no earlier."""
    home = Home()
    home.rounds("on clock+30 on clock-30 ?*12")
    assert home.story == "on@0.04 unknown@35.041"
    assert home.last.confirmed_at >= home.last.at
