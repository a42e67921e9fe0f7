"""Subscribers: what is saved is read back, and who hears nothing is sent nothing."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from alerting.store import Chat, Store
from alerting.subscribers import State, Subscriber, starting, stopping
from tests.alerting.store.alerts import (
    ADMINS,
    MINUTE,
    NOW,
    accept,
    ids,
    in_topic,
    notice,
    outage,
    subscribe,
    subscriber,
    told,
)

SINCE = NOW - 10 * MINUTE
FORUM = -1001234567890123

# A command beside the service: it adds subscribers, one transaction each.
COMMAND = """
import sys
from alerting.store import Store
from alerting.subscribers import State, Subscriber
store = Store(sys.argv[1])
for chat in range(1000, 1100):
    store.save(Subscriber(chat, None, state=State.ACTIVE), 0)
store.close()
"""


@pytest.mark.parametrize(
    "saved",
    [
        subscriber(1),
        subscriber(FORUM, ("flat", "dacha", "attic"), topic=2**31),
        replace(subscriber(1), homes=(), approved=None, wanted=("b", "a"), mute="22:00-07:00"),
        replace(subscriber(1, state=State.DENIED), name="'; DROP TABLE subscribers; --"),
    ],
)
def test_a_subscriber_is_read_back_as_it_was_saved(store: Store, saved: Subscriber) -> None:
    """Every field, in its order."""
    store.save(saved, NOW)
    assert store.subscribers() == [saved]
    assert store.subscriber(saved.chat_id, saved.topic) == saved
    store.save(replace(saved, homes=("flat",)), NOW)
    assert store.subscribers() == [replace(saved, homes=("flat",))]


def test_what_no_database_takes_is_replaced(store: Store) -> None:
    """A name may hold anything; it must not keep a chat from subscribing."""
    store.save(replace(subscriber(1), name="a\0b\ud800"), NOW)
    (saved,) = store.subscribers()
    assert saved.name == "a\ufffdb\ufffd"


def test_a_rule_sees_what_is_there_and_decides_what_will_be(store: Store) -> None:
    """Nothing happens between the reading and the writing."""
    newcomer = subscriber(1, (), State.PENDING)
    change = store.change(
        1, None, lambda known: starting(known, ("flat",), "approval", newcomer).subscriber, NOW
    )
    assert change.before is None
    assert change.after is not None
    assert change.after.state is State.PENDING
    (approved,) = store.approve(1, NOW)
    assert approved.before == change.after
    assert store.subscriber(1, None) == approved.after
    assert store.change(2, None, lambda known: known, NOW).after is None
    assert len(store.subscribers()) == 1


def test_who_stops_is_not_sent_what_waits(store: Store) -> None:
    """What it is to hear as an admin still is."""
    subscribe(store, subscriber(ADMINS[0]), subscriber(2))
    accept(store, outage(SINCE), notice(SINCE))
    change = store.change(ADMINS[0], None, lambda known: known and stopping(known), NOW)
    assert change.dropped == 1
    assert told(store, ADMINS[0]) == ["fired"]
    assert told(store, 2) == ["began"]


def test_a_blocked_chat_loses_all_that_waits_for_it(store: Store) -> None:
    """Nothing of it can be sent, in no topic."""
    subscribe(store, subscriber(FORUM), subscriber(FORUM, topic=7), subscriber(2))
    store.accept([outage(SINCE), notice(SINCE)], NOW, queue=True, admins=[FORUM])
    assert store.block(FORUM, NOW) == 3
    assert store.pending_of(FORUM) == []
    assert [each.state for each in store.subscribers_of(FORUM)] == [State.BLOCKED] * 2
    assert told(store, 2) == ["began"]


def test_without_a_topic_all_of_a_chats_are_meant(store: Store) -> None:
    """With one, that one; 0 is the chat itself."""
    pending = subscriber(FORUM, state=State.PENDING)
    subscribe(store, pending, in_topic(pending, 7), in_topic(pending, 8), subscriber(2))

    def active() -> list[int | None]:
        found = store.subscribers_of(FORUM)
        return [each.topic for each in found if each.state is State.ACTIVE]

    store.approve(FORUM, NOW, topic=7)
    assert active() == [7]
    store.approve(FORUM, NOW, topic=0)
    assert active() == [None, 7]
    assert len(store.approve(FORUM, NOW)) == 3
    assert active() == [None, 7, 8]
    assert len(store.deny(FORUM, NOW, topic=8)) == 1
    assert active() == [None, 7]
    assert len(store.remove(FORUM, NOW)) == 3
    assert store.subscribers() == [subscriber(2)]
    assert store.remove(FORUM, NOW) == []


def test_who_is_removed_is_not_sent_what_waits(store: Store) -> None:
    """Its topics are looked at one by one."""
    subscribe(store, subscriber(FORUM), subscriber(FORUM, topic=7))
    accept(store, outage(SINCE))
    (removed,) = store.remove(FORUM, NOW, topic=7)
    assert removed.dropped == 1
    assert [delivery.topic for delivery in store.pending_of(FORUM)] == [None]


def test_an_import_replaces_the_rows_it_names(store: Store) -> None:
    """Others stay; of two for one subscription the last stands."""
    subscribe(store, subscriber(1), subscriber(2))
    rows = [subscriber(2, ("flat",)), subscriber(3), subscriber(3, ("dacha",))]
    store.restore(rows, NOW)
    found = {each.chat_id: each.homes for each in store.subscribers()}
    assert found == {1: None, 2: ("flat",), 3: ("dacha",)}


# ---------------------------------------------------------------- a chat that moves


def test_a_group_that_became_a_supergroup_keeps_all(store: Store) -> None:
    """Subscriptions, what waits, and how it wrote; what was told stays told where it was."""
    subscribe(store, subscriber(-5, ("flat",)), in_topic(subscriber(-5), 7), subscriber(2))
    accept(store, outage(SINCE - MINUTE))
    store.finish(ids(store.pending_of(-5)), "delivered", NOW)
    accept(store, outage(SINCE))
    store.note_chat(Chat(-5, None, "group", "Будинок", "", "", NOW))
    waiting = ids(store.pending_of(-5))
    store.move_chat(-5, FORUM)
    assert store.subscribers_of(-5) == []
    assert [each.topic for each in store.subscribers_of(FORUM)] == [None, 7]
    assert ids(store.pending_of(FORUM)) == waiting
    assert [chat.chat_id for chat in store.chats()] == [FORUM]
    store.move_chat(FORUM, FORUM)
    assert len(store.subscribers_of(FORUM)) == 2


def test_a_move_to_a_chat_that_is_there_merges_both(store: Store) -> None:
    """Nothing is told twice, and nothing is lost."""
    subscribe(store, subscriber(-5, ("flat", "dacha")), subscriber(FORUM, ("flat",)))
    accept(store, outage(SINCE), outage(SINCE, "dacha"))
    for chat in (-5, FORUM):
        store.note_chat(Chat(chat, None, "group", "", "", "", NOW))
    store.move_chat(-5, FORUM)
    (merged,) = store.subscribers()
    assert (merged.chat_id, merged.homes) == (FORUM, ("flat", "dacha"))
    homes = [delivery.event.home for delivery in store.pending_of(FORUM)]
    assert homes == ["flat", "dacha"]
    assert len(store.chats()) == 1


# ---------------------------------------------------------------- chats, settings, commands


def test_chats_that_wrote_are_listed_last_first(store: Store) -> None:
    """Each as it wrote last."""
    first = Chat(-5, 7, "supergroup", "Будинок", "olena", "Олена", NOW)
    other = Chat(2, None, "private", "", "", "Юрій", NOW + 1)
    store.note_chat(first)
    store.note_chat(other)
    store.note_chat(replace(first, title="Дім", last_seen=NOW + 2))
    assert store.chats() == [replace(first, title="Дім", last_seen=NOW + 2), other]


def test_a_setting_is_what_was_set_last(store: Store) -> None:
    """Until then it is none."""
    assert store.setting("offset") is None
    for value in ("17", "18"):
        store.set_setting("offset", value)
        assert store.setting("offset") == value


@contextmanager
def running(database: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the command beside this process."""
    with subprocess.Popen([sys.executable, "-c", COMMAND, database]) as process:
        yield process


def test_a_command_works_while_the_service_does(store: Store, database: str) -> None:
    """Neither keeps the other from writing."""
    subscribe(store, subscriber(1))
    number = 0
    with running(database) as command:
        while command.poll() is None:
            number += 1
            assert accept(store, outage(SINCE + number)) == ["accepted"]
            store.begin(ids(store.pending_of(1)), 0)
    assert command.returncode == 0
    assert number > 0
    assert len(store.subscribers()) == 101
