"""The queue: a delivery is pending, being sent, or settled, and every step is committed."""

import pytest

from alerting.incidents import EventKind
from alerting.store import Chat, Done, Shift, Store
from alerting.store.deliveries import KEPT
from tests.alerting.store.alerts import (
    ADMINS,
    MINUTE,
    NOW,
    accept,
    ids,
    in_topic,
    notice,
    outage,
    restored,
    subscribe,
    subscriber,
    told,
)

SINCE = NOW - 10 * MINUTE
OUTCOMES: tuple[Done, ...] = ("delivered", "failed", "dropped")


def test_what_is_begun_does_not_wait_until_it_is_released(store: Store) -> None:
    """A message in flight is not sent a second time beside itself."""
    subscribe(store, subscriber(1))
    accept(store, outage(SINCE))
    waiting = ids(store.pending_of(1))
    assert store.begin(waiting, 0) == set(waiting)
    assert store.pending_of(1) == []
    assert store.waiting() == []
    assert store.counts().pending == 1
    store.release(waiting, 0)
    assert ids(store.pending_of(1)) == waiting


def test_only_what_still_waits_is_begun(store: Store) -> None:
    """Whoever stopped meanwhile is not sent to."""
    subscribe(store, subscriber(1))
    accept(store, outage(SINCE), outage(SINCE, "dacha"))
    first, second = ids(store.pending_of(1))
    store.finish([first], "dropped", NOW)
    assert store.begin([first, second, 12345], 0) == {second}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_is_settled_stays_so(store: Store, outcome: Done) -> None:
    """A late answer changes nothing."""
    subscribe(store, subscriber(1))
    accept(store, outage(SINCE))
    waiting = ids(store.pending_of(1))
    store.begin(waiting, 0)
    store.finish(waiting, outcome, NOW + 5)
    store.release(waiting, 0)
    store.finish(waiting, "delivered", NOW + 9)
    assert store.begin(waiting, 0) == set()
    (row,) = store.recent_deliveries(10)
    assert (row.state, row.attempts, row.done) == (outcome, 1, NOW + 5)


def test_what_another_process_was_sending_is_ambiguous(store: Store) -> None:
    """A new leader counts it, and sends it again."""
    subscribe(store, subscriber(1), subscriber(2))
    accept(store, outage(SINCE))
    store.begin(ids(store.pending_of(1)), 0)
    assert store.take_over() == Shift(1, (1,), 1)
    assert told(store, 1) == ["began"]
    assert store.take_over() == Shift(2)


def test_a_shift_that_is_over_marks_nothing_and_lets_nothing_wait(store: Store) -> None:
    """A former leader that was slow must not undo what the next one does."""
    subscribe(store, subscriber(1))
    accept(store, outage(SINCE))
    waiting = ids(store.pending_of(1))
    former, now = store.take_over().number, store.take_over().number
    assert store.begin(waiting, former) == set()
    assert store.begin(waiting, now) == set(waiting)
    store.release(waiting, former)
    assert store.pending_of(1) == []
    store.release(waiting, now)
    assert ids(store.pending_of(1)) == waiting


def test_thousands_of_one_chat_are_settled_at_once(store: Store) -> None:
    """No statement names more ids than a database takes."""
    subscribe(store, subscriber(1))
    accept(store, *[outage(SINCE + number) for number in range(2500)])
    waiting = ids(store.pending_of(1))
    assert waiting == sorted(waiting)
    assert len(store.begin(waiting, 0)) == 2500
    store.finish(waiting, "delivered", NOW)
    assert store.counts().pending == 0


def test_waiting_chats_say_since_when_and_of_what_kind(store: Store) -> None:
    """Channels and groups can go first, and old before new."""
    subscribe(store, subscriber(-7, ("dacha",)), subscriber(1))
    accept(store, outage(SINCE), now=NOW)
    accept(store, outage(SINCE, "dacha"), notice(SINCE), now=NOW + 5)
    store.note_chat(Chat(ADMINS[0], None, "private", "", "", "", NOW))
    group, private, *admins = store.waiting()
    assert (group.chat_id, group.oldest_created, group.first_event_id) == (-7, NOW + 5, 2)
    assert (private.chat_id, private.oldest_created, private.first_event_id) == (1, NOW, 1)
    assert [admin.kind for admin in admins] == ["private", "private"]
    assert [admin.first_event_id for admin in admins] == [3, 3]


@pytest.mark.parametrize(
    "chat_id, said, kind",
    [(-5, "channel", "channel"), (-5, "", "supergroup"), (5, "", "private"), (5, "x", "x")],
)
def test_the_kind_of_a_chat_is_what_was_said_of_it(
    store: Store, chat_id: int, said: str, kind: str
) -> None:
    """Where nobody has said it, the id's sign tells groups from people."""
    if said:
        store.note_chat(Chat(chat_id, None, said, "", "", "", NOW))
    store.accept([notice(SINCE)], NOW, queue=True, admins=[chat_id])
    assert [chat.kind for chat in store.waiting()] == [kind]


def test_counts_tell_the_oldest_that_waits(store: Store) -> None:
    """All that is not settled waits."""
    assert (store.counts().pending, store.counts().oldest) == (0, None)
    subscribe(store, subscriber(1))
    accept(store, outage(SINCE), now=NOW)
    accept(store, restored(SINCE, NOW), now=NOW + 7)
    assert (store.counts().pending, store.counts().oldest) == (2, NOW)
    store.finish(ids(store.pending_of(1))[:1], "delivered", NOW)
    assert (store.counts().pending, store.counts().oldest) == (1, NOW + 7)
    assert store.counts().subscribers["active"] == 1


def test_recent_deliveries_come_newest_first(store: Store) -> None:
    """Each says to whom, what and how it stands; an admin's has no subscriber."""
    subscribe(store, in_topic(subscriber(-5), 7))
    accept(store, outage(SINCE))
    store.accept([notice(SINCE)], NOW, queue=True, admins=[900])
    admin, topic = store.recent_deliveries(10)
    assert (admin.chat_id, admin.name, admin.event.kind) == (900, "", EventKind.FIRED)
    assert (topic.chat_id, topic.topic, topic.name) == (-5, 7, "Олена")
    assert (topic.state, topic.done, topic.event.home) == ("pending", None, "flat")
    assert len(store.recent_deliveries(1)) == 1


def test_what_was_delivered_is_forgotten_after_ninety_days(store: Store) -> None:
    """What still waits is not, however old; nor is the outage."""
    subscribe(store, subscriber(1), subscriber(2))
    store.accept([notice(SINCE), notice(SINCE, NOW)], NOW, queue=False, admins=[])
    accept(store, outage(SINCE))
    store.finish(ids(store.pending_of(1)), "delivered", NOW)
    assert store.prune(NOW + KEPT) == 0
    assert store.prune(NOW + KEPT + 1) == 3  # a delivery, and the two events nobody was to hear
    assert store.prune(NOW + KEPT + 1) == 0
    assert [row.chat_id for row in store.recent_deliveries(10)] == [2]
    assert store.incidents(10).notices == ()
    assert [known.since for known in store.incidents(10).outages] == [SINCE]
    store.finish(ids(store.pending_of(2)), "delivered", NOW)
    assert store.prune(NOW + KEPT + 1) == 2
    assert accept(store, outage(SINCE)) == ["duplicate"]
