"""Gaps at the start: this machine's own blackout, short and long gaps, a clock in doubt."""

from dataclasses import replace

import pytest

from chassis.instants import Instant
from exporter.blackout import Life, Start, clock_doubt, judge
from exporter.outages import Present, outages_of
from exporter.power import Belief, Cause, Change, Pending, Round, Rules, State, Vote, decide
from exporter.transitions import transition_of

T0 = 1_790_000_000_000
UPTIME = 5_000_000  # of the old boot at T0
MINUTE = 60
HOUR = 60 * MINUTE

RULES = Rules(
    interval=5_000,
    timeout=2_000,
    off_after=15_000,
    on_after=10_000,
    unknown_after=60_000,
    quorum=1,
)


def at(seconds: float) -> int:
    """Wall time, counted from the last evidence of the home's state."""
    return T0 + round(seconds * 1000)


def believed(state: str, since: float = -1000, *, in_outage: bool = False) -> Belief:
    """A belief as a record leaves it, its last evidence at 0."""
    return Belief(
        state=State(state),
        since=at(since),
        evidence=at(0),
        settled=at(0),
        newest=at(0),
        in_outage=in_outage or state == "off",
    )


def life_at(seconds: float = 3, *, clean: bool = False) -> Life:
    """The last sign of life or row, in the old boot."""
    return Life(Instant(at(seconds), UPTIME + round(seconds * 1000)), "old", clean)


def start_at(seconds: float, *, booted: float | None = None) -> Start:
    """A start; `booted` is when another boot began, without it the boot is the old one."""
    if booted is None:
        return Start(Instant(at(seconds), UPTIME + round(seconds * 1000)), "old")
    return Start(Instant(at(seconds), round((seconds - booted) * 1000)), "new")


def gap(
    belief: Belief, life: Life, start: Start, *, host: bool = False
) -> tuple[Belief, list[Change]]:
    """Judge a gap of a home."""
    after, changes = judge(belief, life, start, RULES, host=host)
    return after, list(changes)


def story(changes: list[Change]) -> str:
    """Changes as `state@seconds`."""
    return " ".join(f"{c.state.value}@{(c.at - T0) / 1000:g}" for c in changes)


def one_round(belief: Belief, word: str, start: Start, later: float = 0) -> tuple[Belief, str]:
    """Run one round, so many seconds after the start; its on answer comes at once."""
    started = start.now.shifted(round(later * 1000))
    state = {"on": State.ON, "off": State.OFF, "?": State.UNKNOWN}[word]
    votes = (Vote("probe", state, word, started),)
    belief, changes = decide(belief, RULES, Round(started, started.shifted(50), votes))
    return belief, story(list(changes))


# ---------------------------------------------------------------- this machine's own blackout


def test_an_unclean_end_and_another_boot_of_a_host_is_an_inferred_outage() -> None:
    """From just after the last evidence to the boot; both rows are inferred, without votes."""
    belief, changes = gap(believed("on"), life_at(), start_at(640, booted=600), host=True)
    assert story(changes) == "off@0.001 on@600"
    assert [c.cause for c in changes] == [Cause.INFERRED, Cause.INFERRED]
    assert [c.votes for c in changes] == [(), ()]
    assert [c.previous for c in changes] == [State.ON, State.OFF]
    assert belief.state is State.ON
    assert not belief.in_outage


def test_inferred_rows_are_confirmed_when_they_were_judged() -> None:
    """No round confirmed them: the start did."""
    _, changes = gap(believed("on"), life_at(), start_at(640, booted=600), host=True)
    assert [c.confirmed_at for c in changes] == [at(640), at(640)]


def test_the_last_off_evidence_of_an_inferred_off_row_is_its_own_date() -> None:
    """Nothing was seen off, so on follows evidence as old as the off row."""
    _, (off, on) = gap(believed("on"), life_at(), start_at(640, booted=600), host=True)
    assert off.not_before == at(0)
    assert on.not_before == off.at


def test_the_bounds_of_an_inferred_outage_say_at_most() -> None:
    """The minimum is 0, the maximum runs from the last on evidence to the boot."""
    _, changes = gap(believed("on"), life_at(), start_at(640, booted=600), host=True)
    first = Change(State.ON, None, at(-1000), None, at(-1000), Cause.START)
    rows = [transition_of("flat", c, i) for i, c in enumerate([first, *changes], 1)]
    (outage,) = outages_of(rows, Present(at(640), at(640)))
    assert (outage.least, outage.most) == (0, 600_000)
    assert outage.best == 599_999
    assert outage.end_earliest == outage.start == at(0.001)
    assert outage.cause is Cause.INFERRED


def test_a_short_blackout_is_inferred_as_well() -> None:
    """The machine was off, however short: unknown_after does not matter."""
    _, changes = gap(believed("on"), life_at(), start_at(40, booted=20), host=True)
    assert story(changes) == "off@0.001 on@20"


def test_a_boot_before_the_last_evidence_is_no_blackout() -> None:
    """Clocks were moved: there is no time that the outage could have been."""
    _, changes = gap(believed("on"), life_at(), start_at(40, booted=-5), host=True)
    assert changes == []
    _, changes = gap(believed("on"), life_at(), start_at(90, booted=-5), host=True)
    assert story(changes) == "unknown@0.001"


def test_a_boot_at_the_last_evidence_is_no_blackout() -> None:
    """The boot has to be *later* than the last evidence."""
    _, changes = gap(believed("on"), life_at(), start_at(40, booted=0), host=True)
    assert changes == []


def test_the_shortest_blackout_has_rows_in_order() -> None:
    """A boot 1 ms after the last evidence still gives two dates."""
    _, changes = gap(believed("on"), life_at(), start_at(40, booted=0.001), host=True)
    assert story(changes) == "off@0.001 on@0.002"


def test_after_its_own_blackout_a_host_goes_on_being_on() -> None:
    """The first rounds say on, which is nothing new."""
    start = start_at(640, booted=600)
    belief, _ = gap(believed("on"), life_at(), start, host=True)
    _, told = one_round(belief, "on", start)
    assert told == ""


def test_a_host_that_stopped_cleanly_had_no_blackout() -> None:
    """Somebody shut the machine down: a long gap is unknown, then what is measured."""
    start = start_at(640, booted=600)
    belief, changes = gap(believed("on"), life_at(clean=True), start, host=True)
    assert story(changes) == "unknown@0.001"
    assert changes[0].cause is Cause.NOT_OBSERVED
    _, told = one_round(belief, "on", start)
    assert told == "on@640"


def test_a_host_that_stopped_cleanly_for_a_short_time_writes_nothing() -> None:
    """A reboot within unknown_after."""
    belief, changes = gap(believed("on"), life_at(clean=True), start_at(50, booted=40), host=True)
    assert changes == []
    assert belief.state is State.ON


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("seconds", [30, 10 * HOUR])
def test_a_host_in_the_same_boot_was_on_throughout(*, clean: bool, seconds: int) -> None:
    """The machine ran, so its power was there, whatever the exporter did."""
    start = start_at(seconds)
    belief, changes = gap(believed("on"), life_at(clean=clean), start, host=True)
    assert changes == []
    assert belief.state is State.ON
    assert belief.evidence == at(seconds)
    _, told = one_round(belief, "on", start)
    assert told == ""


def test_a_blackout_inside_a_running_outage_ends_it_at_the_boot() -> None:
    """A home that was off stays off until this machine runs again; no second off row."""
    belief, changes = gap(believed("off"), life_at(), start_at(640, booted=600), host=True)
    assert story(changes) == "on@600"
    assert changes[0].not_before == at(0)
    assert changes[0].cause is Cause.INFERRED
    assert not belief.in_outage


def test_a_blackout_of_an_unknown_host_follows_the_unknown_row() -> None:
    """After unknown, not_before is that row's date, and the off row is later than it."""
    _, (off, on) = gap(believed("unknown", -20), life_at(), start_at(640, booted=600), host=True)
    assert (off.previous, off.not_before) == (State.UNKNOWN, at(-20))
    assert at(-20) < off.at < on.at == at(600)


# ---------------------------------------------------------------- other homes


def test_a_home_without_a_host_probe_has_no_blackout() -> None:
    """Another boot, unclean, and nothing is inferred: this machine is not its power."""
    _, changes = gap(believed("on"), life_at(), start_at(640, booted=600))
    assert story(changes) == "unknown@0.001"
    assert changes[0].cause is Cause.NOT_OBSERVED


@pytest.mark.parametrize("booted", [None, 30.0])
@pytest.mark.parametrize("state", ["on", "off", "unknown"])
def test_a_short_gap_writes_nothing_and_the_state_goes_on(state: str, booted: float | None) -> None:
    """Shorter than unknown_after from the last sign of life (at 3), not from the evidence."""
    before = believed(state)
    belief, changes = gap(before, life_at(3), start_at(62.9, booted=booted))
    assert changes == []
    assert (belief.state, belief.since, belief.evidence) == (
        before.state,
        before.since,
        before.evidence,
    )
    assert belief.in_outage == before.in_outage


@pytest.mark.parametrize("booted", [None, 30.0])
def test_a_long_gap_is_unknown_from_just_after_the_last_evidence(booted: float | None) -> None:
    """Dated 1 ms after the home's own last evidence, confirmed when judged, without votes."""
    _, (row,) = gap(believed("on"), life_at(3), start_at(63.1, booted=booted))
    assert (row.state, row.previous) == (State.UNKNOWN, State.ON)
    assert (row.at, row.not_before) == (at(0.001), at(0))
    assert row.confirmed_at == at(63.1)
    assert row.votes == ()
    assert row.cause is Cause.NOT_OBSERVED


def test_a_gap_of_an_unknown_home_writes_nothing() -> None:
    """It was unknown before and is unknown now."""
    _, changes = gap(believed("unknown"), life_at(), start_at(9 * HOUR))
    assert changes == []


def test_after_a_long_gap_what_is_measured_is_written_as_measured() -> None:
    """On at once, with cause measured, after the unknown row."""
    start = start_at(600)
    belief, _ = gap(believed("on"), life_at(), start)
    votes = (Vote("probe", State.ON, "reply", start.now),)
    _, (row,) = decide(belief, RULES, Round(start.now, start.now.shifted(50), votes))
    assert (row.cause, row.previous, row.at) == (Cause.MEASURED, State.UNKNOWN, at(600))
    assert row.not_before == at(0.001)


def test_a_long_gap_in_an_outage_belongs_to_it() -> None:
    """The state is unknown, the outage still runs, so one on round does not end it."""
    start = start_at(600)
    belief, changes = gap(believed("off"), life_at(), start)
    assert story(changes) == "unknown@0.001"
    assert belief.in_outage
    _, told = one_round(belief, "on", start)
    assert told == ""


def test_a_home_that_never_had_a_verdict_has_no_gap() -> None:
    """Without a row there is nothing to go on from."""
    belief, changes = gap(Belief(), life_at(), start_at(9 * HOUR, booted=HOUR), host=True)
    assert changes == []
    assert belief.state is None


def test_the_first_gap_is_counted_by_the_clock_that_advanced_more() -> None:
    """In the same boot a clock that was set back does not make a long gap short."""
    start = Start(Instant(at(-500), UPTIME + 600_000), "old")
    _, changes = gap(believed("on"), life_at(), start)
    assert story(changes) == "unknown@0.001"
    assert changes[0].confirmed_at >= changes[0].at


def test_pending_evidence_is_dropped_by_a_gap() -> None:
    """Off must hold anew after a restart, however short."""
    held = Pending(State.OFF, at(1), (), 14_999, Instant(at(3), UPTIME + 3_000))
    start = start_at(13)
    belief, _ = gap(replace(believed("on"), pending=held), life_at(), start)
    for later in (0, 5, 10):
        belief, told = one_round(belief, "off", start, later)
        assert told == ""
    _, told = one_round(belief, "off", start, 15)
    assert told == "off@13"


def test_a_first_round_too_long_after_the_last_sign_of_life_is_late() -> None:
    """A short gap is over with the first round: if that is late, the state is lost after all."""
    start = start_at(50)
    belief, _ = gap(believed("on"), life_at(3), start)
    _, in_time = one_round(belief, "on", start, 13)
    _, late = one_round(belief, "on", start, 13.001)
    assert in_time == ""
    assert late == "unknown@0.001 on@63.001"


def test_time_without_a_verdict_is_counted_across_a_short_gap() -> None:
    """Unknown rounds after a restart lose the state as those before it would have."""
    start = start_at(50)
    belief, _ = gap(believed("on"), life_at(3), start)
    belief, early = one_round(belief, "?", start, 9.9)
    _, late = one_round(belief, "?", start, 10)
    assert early == ""
    assert late == "unknown@0.001"


# ---------------------------------------------------------------- a clock not to be believed


def life_of(boot_id: str, wall: float) -> Life:
    """Tell of a sign of life in a boot, at a wall time."""
    return Life(Instant(at(wall), 0), boot_id)


def booted_for(seconds: float, wall: float, boot_id: str = "new") -> Start:
    """Tell of a start so long after the boot, at a wall time."""
    return Start(Instant(at(wall), round(seconds * 1000)), boot_id)


def test_an_unsynchronised_clock_is_doubted_for_two_minutes_after_the_boot() -> None:
    """Then it is believed, synchronised or not."""
    assert clock_doubt(booted_for(0, 500), None, synchronised=False)
    assert clock_doubt(booted_for(119.9, 500), None, synchronised=False)
    assert clock_doubt(booted_for(120.1, 500), None, synchronised=False) is None


def test_a_synchronised_clock_is_believed_at_once() -> None:
    """Also right after the boot."""
    assert clock_doubt(booted_for(1, 500), life_of("old", 400), synchronised=True) is None


@pytest.mark.parametrize("synchronised", [True, False])
@pytest.mark.parametrize("boot_id", ["old", "new"])
def test_a_clock_before_the_last_sign_of_life_is_doubted_for_an_hour(
    boot_id: str, *, synchronised: bool
) -> None:
    """It is surely wrong, whatever the kernel says; after an hour it is believed all the same."""
    life = life_of("old", 10 * HOUR)
    early = booted_for(3_599, 10 * HOUR - 1, boot_id)
    late = booted_for(3_601, 10 * HOUR - 1, boot_id)
    assert clock_doubt(early, life, synchronised=synchronised)
    assert clock_doubt(late, life, synchronised=synchronised) is None


def test_a_clock_that_puts_this_boot_before_the_last_sign_of_another_is_doubted() -> None:
    """The boot began 200 s ago: by this clock before the machine's last sign of life."""
    life = life_of("old", 1000)
    assert clock_doubt(booted_for(200, 1100), life, synchronised=True)
    assert clock_doubt(booted_for(200, 1201), life, synchronised=True) is None


def test_a_sign_of_life_of_the_same_boot_may_be_younger_than_the_boot() -> None:
    """The exporter alone was restarted: the clock says nothing wrong."""
    assert (
        clock_doubt(booted_for(200, 1100, "old"), life_of("old", 1000), synchronised=True) is None
    )
