"""Who may hear what: how commands and admins change a subscription."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.subscribers import (
    Homes,
    Mode,
    Started,
    State,
    Subscriber,
    admitting,
    approving,
    blocked,
    covers,
    denying,
    hears,
    joined,
    merging,
    restoring,
    starting,
    stopping,
)

NEWCOMER = Subscriber(1, None, name="Олена", created=5)
FLAT: Homes = ("flat",)
BOTH: Homes = ("flat", "dacha")

HOMES = st.none() | st.lists(
    st.sampled_from(["flat", "dacha", "attic"]), min_size=1, unique=True
).map(tuple)


def start(existing: Subscriber | None, homes: Homes = FLAT, mode: Mode = "approval") -> Started:
    """/start."""
    return starting(existing, homes, mode, NEWCOMER)


def started(
    existing: Subscriber | None, homes: Homes = FLAT, mode: Mode = "approval"
) -> Subscriber:
    """Return what /start makes of a subscription."""
    subscriber = start(existing, homes, mode).subscriber
    assert subscriber is not None
    return subscriber


def approved(homes: Homes = FLAT) -> Subscriber:
    """Return a chat that asked for homes and was approved."""
    return approving(started(None, homes))


# ---------------------------------------------------------------- homes


@pytest.mark.parametrize(
    "has, asked, expected",
    [
        (None, None, True),
        (None, FLAT, True),
        (BOTH, FLAT, True),
        (BOTH, ("dacha", "flat"), True),
        (FLAT, BOTH, False),
        (BOTH, None, False),
        ((), FLAT, False),
        ((), None, False),
    ],
)
def test_all_homes_are_more_than_any_that_are_named(
    has: Homes, asked: Homes, *, expected: bool
) -> None:
    """All homes are those of later, too."""
    assert covers(has, asked) is expected


@given(some=HOMES, more=HOMES)
def test_the_homes_of_both_are_no_more_than_needed(some: Homes, more: Homes) -> None:
    """Each is covered, and covers them if it is as many."""
    both = joined(some, more)
    assert covers(both, some)
    assert covers(both, more)
    assert covers(some, both) is covers(some, more)


def test_only_an_active_subscriber_hears_and_only_its_homes() -> None:
    """Whatever was approved."""
    active = approved(FLAT)
    assert hears(active, "flat")
    assert not hears(active, "dacha")
    assert hears(approved(None), "dacha")
    for state in set(State) - {State.ACTIVE}:
        assert not hears(replace(active, state=state), "flat")


# ---------------------------------------------------------------- /start


def test_an_open_bot_takes_everybody_at_once() -> None:
    """Nobody is asked, and nothing is approved by it."""
    assert start(None, BOTH, "open") == Started(
        replace(NEWCOMER, state=State.ACTIVE, homes=BOTH, approved=())
    )


def test_a_closed_bot_takes_nobody_new() -> None:
    """No subscription is made; what an admin has let in may stop and start."""
    assert start(None, FLAT, "closed") == Started(None)
    waiting = started(None)
    assert start(waiting, FLAT, "closed") == Started(waiting)
    known = stopping(approved())
    assert started(known, FLAT, "closed").state is State.ACTIVE
    assert start(known, BOTH, "closed") == Started(known)


def test_a_newcomer_waits_and_admins_are_asked_once() -> None:
    """Asking again for the same, or for less, asks nobody; asking for more does."""
    first = start(None, FLAT)
    assert first.asks_admins
    assert first.subscriber == replace(NEWCOMER, state=State.PENDING, homes=FLAT, wanted=FLAT)
    assert first.subscriber is not None
    assert first.subscriber.question_is_open
    assert start(first.subscriber, FLAT) == Started(first.subscriber)
    more = start(first.subscriber, None)
    assert more.asks_admins
    assert not start(more.subscriber, FLAT).asks_admins


def test_stopping_while_it_waits_does_not_ask_twice() -> None:
    """Whoever sends /stop and /start in turns troubles no admin."""
    stopped = stopping(started(None))
    assert not stopped.question_is_open
    again = start(stopped)
    assert (again.subscriber, again.asks_admins) == (started(None), False)


def test_an_approved_chat_that_stopped_needs_no_approval() -> None:
    """For what was approved, or for less."""
    stopped = stopping(approved(BOTH))
    assert start(stopped, BOTH) == Started(approved(BOTH))
    narrowed = started(stopped, FLAT)
    assert (narrowed.state, narrowed.homes) == (State.ACTIVE, FLAT)
    assert started(narrowed, BOTH).homes == BOTH
    assert started(stopped, None).state is State.PENDING


def test_an_active_chat_that_asks_for_more_hears_what_it_heard_meanwhile() -> None:
    """Admins are asked, and what they approve is then heard."""
    asking = start(approved(FLAT), BOTH)
    assert asking.asks_admins
    assert asking.subscriber == replace(approved(FLAT), wanted=BOTH)
    assert asking.subscriber is not None
    assert asking.subscriber.question_is_open
    assert hears(asking.subscriber, "flat")
    assert not hears(asking.subscriber, "dacha")
    assert not start(asking.subscriber, BOTH).asks_admins
    assert hears(approving(asking.subscriber), "dacha")
    withdrawn = started(asking.subscriber, FLAT)
    assert (withdrawn.homes, withdrawn.wanted) == (FLAT, ())


def test_what_became_active_while_all_could_is_asked_about_when_it_asks_for_more() -> None:
    """A bot that was open once approves nothing."""
    active = started(None, FLAT, "open")
    asking = start(active, BOTH)
    assert asking.asks_admins
    assert asking.subscriber == replace(active, wanted=BOTH)


# ---------------------------------------------------------------- admins


def test_after_a_denial_nobody_is_asked_until_an_admin_approves() -> None:
    """Whatever the chat sends, and in whatever mode."""
    denied = denying(started(None, BOTH))
    assert denied.state is State.DENIED
    for change in (stopping, blocked):
        assert change(denied) == denied
    modes: tuple[Mode, ...] = ("open", "approval", "closed")
    for mode in modes:
        assert start(denied, FLAT, mode) == Started(denied)
    assert approving(denied) == approved(BOTH)


def test_a_denial_takes_back_what_was_approved() -> None:
    """The chat hears nothing more."""
    denied = denying(approved(None))
    assert not hears(denied, "flat")
    assert denied.approved == ()


@pytest.mark.parametrize("leave, state", [(stopping, State.STOPPED), (blocked, State.BLOCKED)])
def test_a_chat_that_left_is_approved_for_when_it_comes_back(
    leave: Callable[[Subscriber], Subscriber], state: State
) -> None:
    """It is not sent what it does not want."""
    left = approving(leave(started(None)))
    assert left.state is state
    assert start(left) == Started(approved())


def test_approving_twice_changes_nothing() -> None:
    """Two admins may press the same button."""
    assert approving(approved()) == approved()


def test_a_chat_that_stopped_is_not_called_blocked() -> None:
    """It hears nothing either way."""
    stopped = stopping(approved())
    assert blocked(stopped) == stopped
    assert blocked(approved()).state is State.BLOCKED


def test_whom_an_admin_adds_is_active_and_approved() -> None:
    """Also one that was denied; when it first came is kept, and what kind of chat it is."""
    given_ = Subscriber(1, None, homes=FLAT, created=9)
    assert admitting(None, given_) == replace(given_, state=State.ACTIVE, approved=FLAT)
    known = replace(denying(started(None)), kind="group")
    assert admitting(known, given_) == replace(
        given_, state=State.ACTIVE, approved=FLAT, created=5, kind="group"
    )


# ---------------------------------------------------------------- import, merge


def test_an_imported_row_is_approved_only_if_it_is_active() -> None:
    """A table says nothing of approvals: what is not known to be approved is not."""
    row = Subscriber(1, None, homes=FLAT, state=State.STOPPED)
    assert restoring(None, row).approved == ()
    assert restoring(None, replace(row, state=State.ACTIVE)).approved == FLAT
    assert restoring(None, replace(row, state=State.PENDING)).wanted == FLAT
    assert restoring(approved(FLAT), row).approved == FLAT
    assert restoring(approved(None), row).approved == ()
    assert restoring(approved(FLAT), replace(row, state=State.DENIED)).approved == ()


def test_an_export_that_is_imported_again_changes_nothing() -> None:
    """Of a chat in any state."""
    active = approved(BOTH)
    for known in (active, started(None), stopping(active), blocked(active), denying(active)):
        row = replace(known, kind="", approved=(), wanted=())
        assert restoring(known, row) == known


def test_of_two_subscriptions_the_one_that_hears_stands() -> None:
    """A denied one stands above all."""
    old = replace(approved(FLAT), chat_id=-1, created=1, mute="22:00-07:00", language="en")
    new = replace(started(None, ("dacha",)), chat_id=-2, created=9, kind="supergroup")
    merged = merging(old, new)
    assert merged == replace(old, chat_id=-2, kind="supergroup", approved=FLAT, wanted=("dacha",))
    assert merging(approved(FLAT), approved(("dacha",))).homes == BOTH
    assert merging(old, denying(new)).state is State.DENIED
    assert merging(stopping(old), new).state is State.STOPPED
