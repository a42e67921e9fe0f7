"""What is told of an outage and of a notice, rule by rule."""

from dataclasses import replace

from alerting.alerts import Notice, PowerOutage, PowerRestored
from alerting.incidents import (
    AHEAD,
    TOO_OLD,
    Decision,
    EventKind,
    NoticeDecision,
    NoticeState,
    Outage,
    OutageState,
    decide_notice,
)
from tests.alerting.memory_incidents import Incidents

MINUTE = 60_000
TEN, HALF_PAST, ELEVEN = 1_790_000_000_000, 1_790_001_800_000, 1_790_003_600_000
OFF, BACK = PowerOutage("flat", TEN), PowerRestored("flat", TEN, HALF_PAST)
OFF_AGAIN = PowerOutage("flat", ELEVEN)
NOON = ELEVEN + 60 * MINUTE
BEGAN, ENDED = EventKind.BEGAN, EventKind.ENDED
OPEN, CLOSED = OutageState.OPEN, OutageState.CLOSED
SUPERSEDED, STORED = OutageState.SUPERSEDED, OutageState.STORED


def _told(*alerts: PowerOutage | PowerRestored, now: int = NOON) -> list[EventKind | None]:
    incidents = Incidents()
    return [incidents.take(alert, now).kind for alert in alerts]


def test_an_outage_is_told_when_it_begins_and_when_it_ends() -> None:
    """The usual way."""
    incidents = Incidents()
    began = Outage("flat", TEN, OPEN, began_told=True)
    assert incidents.take(OFF, TEN) == Decision("accepted", (began,), BEGAN)
    over = replace(began, state=CLOSED, ended=HALF_PAST, ended_told=True)
    assert incidents.take(BACK, HALF_PAST) == Decision("accepted", (over,), ENDED)


def test_a_replay_is_a_duplicate_that_changes_nothing() -> None:
    """A hundred times, from two peers, before and after the end."""
    incidents = Incidents()
    incidents.take(OFF, NOON)
    assert {incidents.take(OFF, NOON) for _ in range(100)} == {Decision("duplicate")}
    incidents.take(BACK, NOON)
    for alert in (OFF, BACK) * 100:
        assert incidents.take(alert, NOON) == Decision("duplicate")


def test_an_end_of_an_outage_never_heard_of_tells_it_all() -> None:
    """One event for the whole outage, and its beginning, coming late, is a duplicate."""
    incidents = Incidents()
    over = Outage("flat", TEN, CLOSED, HALF_PAST, ended_told=True)
    assert incidents.take(BACK, NOON) == Decision("accepted", (over,), ENDED)
    assert incidents.take(OFF, NOON) == Decision("duplicate")


def test_homes_have_nothing_to_do_with_each_other() -> None:
    """The same moment in two homes is two outages."""
    incidents = Incidents()
    incidents.take(OFF_AGAIN, NOON)
    assert incidents.take(PowerOutage("dacha", TEN), NOON).kind is BEGAN
    assert incidents.outages["flat", ELEVEN].state is OPEN


def test_a_newer_outage_closes_an_older_one() -> None:
    """How long that one was is not known, and nothing is told of its end."""
    incidents = Incidents()
    incidents.take(OFF, NOON)
    decision = incidents.take(OFF_AGAIN, NOON)
    assert [(outage.since, outage.state) for outage in decision.outages] == [
        (ELEVEN, OPEN),
        (TEN, SUPERSEDED),
    ]
    assert decision.kind is BEGAN
    assert incidents.outages["flat", TEN].ended is None


def test_the_end_of_a_newer_outage_never_heard_of_closes_an_older_one() -> None:
    """Also where that end is too old to be told."""
    for now in (NOON, NOON + 2 * TOO_OLD):
        incidents = Incidents()
        incidents.take(OFF, TEN)
        incidents.take(PowerRestored("flat", ELEVEN, ELEVEN), now)
        assert incidents.outages["flat", TEN].state is SUPERSEDED
        assert incidents.outages["flat", ELEVEN].state is CLOSED


def test_an_outage_older_than_the_newest_is_stored() -> None:
    """Whether that one runs or is over."""
    for newer in (OFF_AGAIN, PowerRestored("flat", ELEVEN, ELEVEN)):
        incidents = Incidents()
        incidents.take(newer, NOON)
        stored = Outage("flat", TEN, STORED)
        assert incidents.take(OFF, NOON) == Decision("stored", (stored,), None)
        assert incidents.take(OFF, NOON) == Decision("duplicate")


def test_an_end_is_told_in_any_order() -> None:
    """Of a superseded outage, of a stored one, and of one never heard of."""
    assert _told(OFF, OFF_AGAIN, BACK, BACK) == [BEGAN, BEGAN, ENDED, None]
    assert _told(OFF_AGAIN, OFF, BACK, BACK) == [BEGAN, None, ENDED, None]
    assert _told(OFF_AGAIN, BACK, BACK, OFF) == [BEGAN, ENDED, None, None]


def test_an_older_end_leaves_the_newer_outage_running() -> None:
    """It closes its own outage and nothing else."""
    incidents = Incidents()
    incidents.take(OFF_AGAIN, NOON)
    (over,) = incidents.take(BACK, NOON).outages
    assert (over.since, over.state) == (TEN, CLOSED)
    assert incidents.outages["flat", ELEVEN].state is OPEN


def test_an_end_that_is_too_old_is_stored() -> None:
    """By when it is received: to the millisecond."""
    late = HALF_PAST + TOO_OLD
    assert _told(BACK, now=late) == [ENDED]
    incidents = Incidents()
    incidents.take(OFF, TEN)
    decision = incidents.take(BACK, late + 1)
    assert (decision.outcome, decision.kind) == ("stored", None)
    assert incidents.outages["flat", TEN].state is CLOSED
    assert incidents.take(BACK, late + 1) == Decision("duplicate")


def test_an_end_stored_by_a_wrong_clock_is_told_by_a_right_one() -> None:
    """It was not told yet, and it is not old: an early start, before the clock was set."""
    incidents = Incidents()
    incidents.take(BACK, NOON + 10 * TOO_OLD)
    decision = incidents.take(BACK, NOON)
    assert (decision.outcome, decision.kind) == ("accepted", ENDED)


def test_what_still_fires_is_never_too_old() -> None:
    """An outage of last month that runs is told."""
    assert _told(OFF, now=TEN + 30 * TOO_OLD) == [BEGAN]


def test_the_end_that_was_told_first_stays() -> None:
    """Whatever another copy says: no one is told twice, and no row contradicts a message."""
    incidents = Incidents()
    incidents.take(BACK, NOON)
    assert incidents.take(replace(BACK, ended=ELEVEN), NOON) == Decision("duplicate")


def test_an_outage_ahead_of_the_clock_is_told() -> None:
    """It is neither the newest known, nor does it close anything."""
    incidents = Incidents()
    incidents.take(OFF, TEN)
    ahead = PowerOutage("flat", ELEVEN + AHEAD + 1)
    decision = incidents.take(ahead, ELEVEN)
    assert decision.kind is BEGAN
    assert [outage.ahead for outage in decision.outages] == [True]
    assert incidents.outages["flat", TEN].state is OPEN
    assert incidents.take(OFF_AGAIN, ELEVEN).kind is BEGAN
    assert incidents.outages["flat", ahead.since].state is OPEN


def test_five_minutes_ahead_are_believed() -> None:
    """Clocks differ."""
    incidents = Incidents()
    incidents.take(OFF, TEN)
    incidents.take(PowerOutage("flat", ELEVEN + AHEAD), ELEVEN)
    assert incidents.outages["flat", TEN].state is SUPERSEDED


def test_an_end_ahead_of_the_clock_is_told_and_closes_nothing_else() -> None:
    """Of an outage known or not."""
    incidents = Incidents()
    incidents.take(OFF, TEN)
    far = ELEVEN + 2 * AHEAD
    assert incidents.take(PowerRestored("flat", far, far), ELEVEN).kind is ENDED
    assert incidents.outages["flat", TEN].state is OPEN


def test_an_outage_that_was_ahead_ends_like_any_other() -> None:
    """By its own end, or by a newer one that is not ahead."""
    ahead = PowerOutage("flat", ELEVEN + 2 * AHEAD)
    for closing in (
        PowerRestored("flat", ahead.since, ahead.since + 1),
        PowerOutage("flat", ahead.since + 1),
    ):
        incidents = Incidents()
        incidents.take(ahead, ELEVEN)
        incidents.take(closing, NOON)
        assert incidents.outages["flat", ahead.since].state in {CLOSED, SUPERSEDED}


def test_an_outage_that_was_ahead_stays_so_when_the_clock_has_caught_up() -> None:
    """A repeat of it closes nothing, nor does its end, and what is older than it is opened."""
    ahead = PowerOutage("flat", ELEVEN + 2 * AHEAD)
    for late in (ahead, PowerRestored("flat", ahead.since, ahead.since)):
        incidents = Incidents()
        incidents.take(ahead, ELEVEN)
        incidents.take(OFF_AGAIN, ELEVEN)
        incidents.take(late, NOON)
        assert incidents.take(ahead, NOON) == Decision("duplicate")
        assert incidents.outages["flat", ahead.since].ahead
        assert incidents.outages["flat", ELEVEN].state is OPEN
        assert incidents.take(PowerOutage("flat", ELEVEN + AHEAD), NOON).kind is BEGAN


def test_an_older_outage_does_not_end_one_that_was_ahead() -> None:
    """Nor does a newer one that is ahead itself."""
    incidents = Incidents()
    ahead = PowerOutage("flat", ELEVEN + 2 * AHEAD)
    for alert in (ahead, OFF_AGAIN, PowerOutage("flat", ELEVEN + 3 * AHEAD)):
        incidents.take(alert, ELEVEN)
    incidents.take(PowerRestored("flat", ELEVEN, ELEVEN + AHEAD), NOON)
    assert incidents.outages["flat", ahead.since].state is OPEN


def test_a_clock_that_goes_back_opens_nothing_older() -> None:
    """What was once the newest stays known, however far ahead it now seems."""
    incidents = Incidents()
    incidents.take(OFF_AGAIN, NOON)
    assert incidents.take(OFF, TEN - 2 * AHEAD).outcome == "stored"
    assert not incidents.outages["flat", ELEVEN].ahead


def test_a_duplicate_fills_in_what_was_missing() -> None:
    """Alertmanager's copy came first; the exporter's knows the bounds and the cause."""
    incidents = Incidents()
    incidents.take(OFF, NOON)
    decision = incidents.take(replace(OFF, start_earliest=TEN - 5, cause="measured"), NOON)
    assert (decision.outcome, decision.kind) == ("duplicate", None)
    incidents.take(BACK, NOON)
    incidents.take(replace(BACK, end_earliest=HALF_PAST - 5), NOON)
    outage = incidents.outages["flat", TEN]
    assert (outage.start_earliest, outage.end_earliest) == (TEN - 5, HALF_PAST - 5)
    assert outage.cause == "measured"


def test_what_is_known_is_not_replaced() -> None:
    """Nor does a copy without bounds take them away."""
    incidents = Incidents()
    exact = replace(BACK, start_earliest=TEN - 5, end_earliest=HALF_PAST - 5, cause="measured")
    incidents.take(exact, NOON)
    other = replace(exact, start_earliest=TEN - 9, end_earliest=HALF_PAST - 9, cause="start")
    for copy in (BACK, other):
        assert incidents.take(copy, NOON) == Decision("duplicate")


def test_a_bound_after_the_end_that_was_told_is_left_out() -> None:
    """Two copies that differ do not make one that contradicts itself."""
    incidents = Incidents()
    incidents.take(BACK, NOON)
    later = PowerRestored("flat", TEN, ELEVEN, end_earliest=ELEVEN - 5)
    assert incidents.take(later, NOON) == Decision("duplicate")


LABELS = {"alertname": "UpsBatteryLow", "home": "flat"}
LOW = Notice(LABELS, {"summary": "low"}, firing=True, starts_at=TEN)
FINE = replace(LOW, firing=False, ends_at=HALF_PAST)
FIRED, RESOLVED = EventKind.FIRED, EventKind.RESOLVED
DUPLICATE = NoticeDecision("duplicate")


def _state(*notices: Notice, now: int = NOON) -> NoticeState | None:
    known = None
    for notice in notices:
        known = decide_notice(notice, known, now).state or known
    return known


def _kinds(*notices: Notice) -> list[EventKind | None]:
    return [decide_notice(n, _state(*notices[:i]), NOON).kind for i, n in enumerate(notices)]


def test_a_notice_is_told_when_it_fires_and_when_it_resolves() -> None:
    """The usual way; and when it fires again."""
    again = replace(LOW, starts_at=ELEVEN)
    over = replace(FINE, starts_at=ELEVEN, ends_at=NOON)
    assert _kinds(LOW, FINE, again, over) == [FIRED, RESOLVED, FIRED, RESOLVED]
    state = NoticeState(FINE.key, LABELS, FINE.annotations, False, TEN, HALF_PAST)  # noqa: FBT003
    assert _state(LOW, FINE) == state


def test_a_notice_that_fires_already_is_a_duplicate() -> None:
    """Changed annotations are not notified either."""
    for same in (LOW, replace(LOW, annotations={"summary": "lower"})):
        assert decide_notice(same, _state(LOW), NOON) == DUPLICATE


def test_a_firing_not_after_the_last_end_is_a_replay() -> None:
    """Also one that begins the moment the last one ended."""
    for starts_at in (TEN, HALF_PAST):
        late = replace(LOW, starts_at=starts_at)
        assert decide_notice(late, _state(LOW, FINE), NOON) == DUPLICATE
    assert _kinds(LOW, FINE, replace(LOW, starts_at=HALF_PAST + 1))[-1] is FIRED


def test_a_notice_resolves_once() -> None:
    """A peer's end a little later is the same end, but what fired before it is a replay too."""
    later = replace(FINE, ends_at=HALF_PAST + 5)
    known = _state(LOW, FINE)
    assert decide_notice(FINE, known, NOON) == DUPLICATE
    decision = decide_notice(later, known, NOON)
    assert (decision.outcome, decision.kind) == ("duplicate", None)
    assert _kinds(LOW, FINE, later, replace(LOW, starts_at=HALF_PAST + 5))[-1] is None


def test_the_end_of_a_notice_nobody_heard_of_is_stored() -> None:
    """Nobody waits for it; and its firing, coming late, is over."""
    decision = decide_notice(FINE, None, NOON)
    assert (decision.outcome, decision.kind) == ("stored", None)
    assert _kinds(FINE, LOW) == [None, None]
    unheard = replace(FINE, starts_at=ELEVEN, ends_at=NOON)
    assert decide_notice(unheard, _state(LOW, FINE), NOON).outcome == "stored"


def test_the_end_of_an_earlier_firing_ends_no_later_one() -> None:
    """A replay of it comes after the notice fires again, or it was missed in between."""
    again = replace(LOW, starts_at=ELEVEN)
    over = replace(FINE, starts_at=ELEVEN, ends_at=NOON)
    assert _kinds(LOW, FINE, again, FINE, over) == [FIRED, RESOLVED, FIRED, None, RESOLVED]
    assert _kinds(LOW, again, FINE, over) == [FIRED, None, None, RESOLVED]
    touching = replace(LOW, starts_at=HALF_PAST)
    assert _kinds(touching, FINE, replace(FINE, starts_at=HALF_PAST)) == [FIRED, None, RESOLVED]
    endless = replace(FINE, ends_at=None)
    assert _kinds(LOW, FINE, again, endless)[-1] is None


def test_an_end_does_not_need_a_time() -> None:
    """It is as old as its start when a replay is to be known."""
    endless = replace(FINE, ends_at=None)
    assert _kinds(LOW, endless, endless, LOW) == [FIRED, RESOLVED, None, None]
    assert _kinds(LOW, endless, replace(LOW, starts_at=TEN + 1))[-1] is FIRED


def test_a_notice_that_ended_long_ago_is_stored() -> None:
    """It no longer fires, and its next firing is told."""
    late = HALF_PAST + TOO_OLD
    assert decide_notice(FINE, _state(LOW), late).kind is RESOLVED
    decision = decide_notice(FINE, _state(LOW), late + 1)
    assert (decision.outcome, decision.kind) == ("stored", None)
    assert decision.state is not None
    assert not decision.state.firing
    assert decide_notice(LOW, None, late + 1).kind is FIRED
