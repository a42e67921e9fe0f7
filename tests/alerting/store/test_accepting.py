"""Accepting alerts: one transaction, one event an outage, a delivery for whoever is to hear."""

from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Barrier, Thread
from time import perf_counter

import pytest
from sqlalchemy.exc import DataError

from alerting.alerts import Alert, Ignored, Notice, PowerOutage, Rejected
from alerting.incidents import EventKind, OutageState
from alerting.store import Store
from alerting.subscribers import State, hears
from tests.alerting.store.alerts import (
    ADMINS,
    MINUTE,
    NOW,
    accept,
    notice,
    outage,
    restored,
    subscribe,
    subscriber,
    told,
)

SINCE = NOW - 10 * MINUTE
HOST = "дача:10910"


def chats_waiting(store: Store) -> list[int]:
    """Return the ids of the chats that have something to hear."""
    return [chat.chat_id for chat in store.waiting()]


# ---------------------------------------------------------------- who is to hear


def test_those_who_hear_a_home_get_its_outages(store: Store) -> None:
    """The query finds exactly those that the rule names."""
    some = [
        subscriber(1),
        subscriber(2, ("flat",)),
        subscriber(3, ("dacha", "flat")),
        subscriber(4, ("dacha",)),
        subscriber(5, ("flat",), State.PENDING),
        subscriber(6, None, State.STOPPED),
        subscriber(7, None, State.BLOCKED),
        subscriber(8, None, State.DENIED),
        subscriber(-9, ("Flat",)),
    ]
    subscribe(store, *some)
    assert accept(store, outage(SINCE)) == ["accepted"]
    assert chats_waiting(store) == [each.chat_id for each in some if hears(each, "flat")]
    assert chats_waiting(store) == [1, 2, 3]


@pytest.mark.parametrize(
    "alert",
    [
        outage(SINCE, audience="admins"),
        notice(SINCE, home="flat"),
        notice(SINCE, audience="subscribers"),
    ],
    ids=["outage for admins", "notice for admins", "notice for subscribers that names no home"],
)
def test_the_rest_is_for_admins(store: Store, alert: PowerOutage | Notice) -> None:
    """Subscribers hear of homes, and only of what is for them."""
    subscribe(store, subscriber(1))
    accept(store, alert)
    assert chats_waiting(store) == list(ADMINS)


def test_a_notice_of_a_home_for_subscribers_goes_to_them(store: Store) -> None:
    """Audience and home decide for every kind of alert."""
    subscribe(store, subscriber(1), subscriber(2, ("dacha",)))
    accept(store, notice(SINCE, home="flat", audience="subscribers"))
    assert chats_waiting(store) == [1]


def test_each_topic_of_a_forum_subscribes_for_itself(store: Store) -> None:
    """A chat waits once, with the topics that have something to hear."""
    subscribe(store, subscriber(-5, topic=7), subscriber(-5), subscriber(-5, ("dacha",), topic=8))
    accept(store, outage(SINCE))
    (chat,) = store.waiting()
    assert chat.topics == (None, 7)
    assert [delivery.topic for delivery in store.pending_of(-5)] == [None, 7]


def test_without_a_bot_incidents_are_kept_and_nothing_is_queued(store: Store) -> None:
    """What nobody was to hear is not told later either."""
    subscribe(store, subscriber(1))
    assert store.accept([outage(SINCE)], NOW, queue=False, admins=[]) == ["accepted"]
    assert accept(store, outage(SINCE)) == ["duplicate"]
    assert store.waiting() == []
    assert [known.since for known in store.incidents(10).outages] == [SINCE]


def test_having_no_admins_loses_nothing_else(store: Store) -> None:
    """An event that nobody is to hear is still known."""
    assert store.accept([notice(SINCE)], NOW, queue=True, admins=[]) == ["accepted"]
    assert store.waiting() == []


# ---------------------------------------------------------------- one outage


def test_a_replay_is_told_once(store: Store) -> None:
    """A hundred copies, in one webhook and in many, are one message."""
    subscribe(store, subscriber(1))
    assert accept(store, *[outage(SINCE)] * 50) == ["accepted", *["duplicate"] * 49]
    for _ in range(50):
        assert accept(store, outage(SINCE)) == ["duplicate"]
    assert told(store, 1) == ["began"]


def test_outcomes_come_in_the_order_of_alerts(store: Store) -> None:
    """What is ignored or rejected stands among the rest."""
    alerts: list[Alert | Rejected | Ignored] = [
        Rejected("X", "home is missing"),
        outage(SINCE),
        Ignored("PowerOutage"),
    ]
    outcomes = store.accept(alerts, NOW, queue=True, admins=ADMINS)
    assert outcomes == ["rejected", "accepted", "ignored"]


def test_a_chat_is_told_with_what_is_known_when_it_is_sent(store: Store) -> None:
    """Both events of an outage tell of its end, and of the outage that ran out before it."""
    subscribe(store, subscriber(1))
    accept(store, restored(SINCE - 60 * MINUTE, SINCE - 30 * MINUTE))
    accept(store, outage(SINCE))
    accept(store, restored(SINCE, NOW - MINUTE))
    first, began, ended = store.pending_of(1)
    assert first.event.kind is EventKind.ENDED
    assert first.on_since is None
    assert [began.event.kind, ended.event.kind] == [EventKind.BEGAN, EventKind.ENDED]
    assert began.outage == ended.outage
    assert began.outage is not None
    assert (began.outage.state, began.outage.ended) == (OutageState.CLOSED, NOW - MINUTE)
    assert began.outage.end_earliest == NOW - MINUTE - 5000
    assert began.on_since == SINCE - 30 * MINUTE
    assert began.running is None


def test_a_newer_outage_closes_an_older_and_is_named_with_it(store: Store) -> None:
    """What is told late says that power is off again."""
    subscribe(store, subscriber(1))
    accept(store, outage(SINCE), outage(NOW - MINUTE), outage(NOW - MINUTE, "dacha"))
    older, newer, other = store.pending_of(1)
    assert older.outage is not None
    assert older.outage.state is OutageState.SUPERSEDED
    assert older.running == newer.outage
    assert newer.running is None
    assert newer.on_since is None
    assert other.outage is not None
    assert other.outage.home == "dacha"


def test_an_outage_ahead_of_the_clock_closes_nothing_and_is_not_what_runs(store: Store) -> None:
    """A clock that runs ahead does not hide the outage that there is."""
    subscribe(store, subscriber(1))
    accept(store, outage(SINCE), outage(NOW + 60 * MINUTE))
    older, _ = store.pending_of(1)
    assert older.outage is not None
    assert older.outage.state is OutageState.OPEN
    assert older.running is None
    assert accept(store, outage(SINCE - MINUTE)) == ["stored"]


def test_what_was_told_is_still_known_after_a_restart(database: str) -> None:
    """Another process that opens the database knows all of it."""
    with closing(Store(database)) as store:
        subscribe(store, subscriber(1))
        accept(store, outage(SINCE))
    with closing(Store(database)) as store:
        assert accept(store, outage(SINCE)) == ["duplicate"]
        assert told(store, 1) == ["began"]


def test_a_home_that_is_forgotten_ends_without_a_message(store: Store) -> None:
    """Only its open outage ends, and only the homes named."""
    subscribe(store, subscriber(1))
    accept(store, outage(SINCE), outage(SINCE, "dacha"))
    store.forget_homes(["flat"])
    states = {known.home: known.state for known in store.incidents(10).outages}
    assert states == {"flat": OutageState.SUPERSEDED, "dacha": OutageState.OPEN}
    assert told(store, 1) == ["began", "began"]


# ---------------------------------------------------------------- notices


def test_a_notice_is_told_when_it_fires_and_when_it_ends(store: Store) -> None:
    """Each event keeps the notice as it was."""
    assert accept(store, notice(SINCE, instance=HOST)) == ["accepted"]
    assert accept(store, notice(SINCE, instance=HOST)) == ["duplicate"]
    assert accept(store, notice(SINCE, NOW - MINUTE, instance=HOST)) == ["accepted"]
    assert accept(store, notice(SINCE, instance=HOST)) == ["duplicate"]
    fired, resolved = store.pending_of(ADMINS[0])
    assert fired.event.notice is not None
    assert resolved.event.notice is not None
    assert (fired.event.notice.firing, fired.event.notice.ends_at) == (True, None)
    assert (resolved.event.notice.firing, resolved.event.notice.ends_at) == (False, NOW - MINUTE)
    assert resolved.event.notice.labels == {"alertname": "PowerExporterDown", "instance": HOST}
    assert resolved.event.notice.annotations == {"summary": "Є новини"}
    assert store.incidents(10).notices == (resolved.event.notice,)


# ---------------------------------------------------------------- transactions


def test_a_batch_that_cannot_be_written_changes_nothing(store: Store) -> None:
    """Events and deliveries of all its alerts are one transaction."""
    subscribe(store, subscriber(1))
    with pytest.raises((OverflowError, DataError)):
        store.accept([outage(SINCE), notice(SINCE)], NOW, queue=True, admins=[2**70])
    assert store.waiting() == []
    assert store.incidents(10).outages == ()
    assert accept(store, outage(SINCE)) == ["accepted"]


def side_by_side(*works: Callable[[], None]) -> None:
    """Run functions in threads that begin together; wait for all."""
    barrier = Barrier(len(works))

    def after_the_others(work: Callable[[], None]) -> None:
        barrier.wait()
        work()

    threads = [Thread(target=after_the_others, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture
def two(database: str) -> Iterator[list[Store]]:
    """Two relays on one database."""
    relays = [Store(database), Store(database)]
    yield relays
    for relay in relays:
        relay.close()


def test_two_relays_that_hear_the_same_tell_it_once(two: list[Store]) -> None:
    """Each outage is accepted by one of them, and events come in one order."""
    subscribe(two[0], subscriber(1))
    alerts = [
        alert
        for number in range(20)
        for since in [SINCE + number * 1000]
        for alert in (outage(since), restored(since, since + 500), notice(since, n=str(number)))
    ]
    outcomes: list[str] = []

    def hear(relay: Store) -> None:
        for alert in alerts:
            outcomes.extend(accept(relay, alert))

    side_by_side(*[lambda relay=relay: hear(relay) for relay in two for _ in range(2)])
    assert outcomes.count("accepted") == len(alerts)
    assert outcomes.count("duplicate") == 3 * len(alerts)
    waiting = two[1].pending_of(1)
    assert [delivery.event.kind for delivery in waiting] == [EventKind.BEGAN, EventKind.ENDED] * 20
    since = [delivery.event.since for delivery in waiting]
    assert since == sorted(since, key=lambda moment: moment or 0)


def test_ten_thousand_subscribers_are_queued_within_a_second(store: Store) -> None:
    """One statement queues them all, and who waits is found as fast."""
    store.restore([subscriber(chat) for chat in range(1, 10_001)], NOW)
    began = perf_counter()
    accept(store, outage(SINCE))
    queued = perf_counter()
    chats = store.waiting()
    found = perf_counter()
    assert len(chats) == 10_000
    assert (chats[0].first_event_id, chats[0].oldest_created) == (1, NOW)
    assert queued - began < 1
    assert found - queued < 0.5
