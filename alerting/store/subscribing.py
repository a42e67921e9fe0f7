"""Owns the subscribers' rows: reading, and changing them by a rule together with what waits."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerting.store.deliveries import drop
from alerting.store.records import Change
from alerting.store.rows import from_subscriber, from_topic, to_subscriber
from alerting.store.schema import chats, deliveries, subscriber_homes, subscribers
from alerting.subscribers import State, Subscriber, merging, restoring

Rule = Callable[[Subscriber | None], Subscriber | None]
Pair = tuple[Subscriber | None, Subscriber | None]


def load(
    connection: Connection, chat_id: int | None = None, topic: int | None = None
) -> list[Subscriber]:
    """Return subscribers, oldest first: all, a chat's, or one of its topics' (0 is none)."""
    query = sa.select(subscribers)
    named = sa.select(subscriber_homes).order_by(subscriber_homes.c.position)
    if chat_id is not None:
        query = query.where(subscribers.c.chat_id == chat_id)
        named = named.where(subscriber_homes.c.chat_id == chat_id)
    if topic is not None:
        query = query.where(subscribers.c.topic == topic)
    homes: dict[tuple[int, int], list[str]] = {}
    for row in connection.execute(named):
        homes.setdefault((row.chat_id, row.topic), []).append(row.home)
    order = (subscribers.c.created, subscribers.c.chat_id, subscribers.c.topic)
    return [
        to_subscriber(row, tuple(homes.get((row.chat_id, row.topic), ())))
        for row in connection.execute(query.order_by(*order))
    ]


def change(connection: Connection, chat_id: int, topic: int | None, rule: Rule, now: int) -> Change:
    """Change the subscription of a chat, or of one of its topics, by a rule."""
    found = load(connection, chat_id, from_topic(topic))
    before = found[0] if found else None
    return _write(connection, [(before, rule(before))], now)[0]


def change_all(
    connection: Connection, chat_id: int, topic: int | None, rule: Rule, now: int
) -> list[Change]:
    """Change the subscriptions that a chat has: all, or one topic's (0 is none)."""
    found = load(connection, chat_id, topic)
    return _write(connection, [(before, rule(before)) for before in found], now)


def restore(connection: Connection, rows: Iterable[Subscriber], now: int) -> list[Change]:
    """Import rows; of two for one subscription the last stands."""
    known = {_key(subscriber): subscriber for subscriber in load(connection)}
    given = {_key(row): row for row in rows}
    pairs = [(known.get(key), restoring(known.get(key), row)) for key, row in given.items()]
    return _write(connection, pairs, now)


def _write(connection: Connection, pairs: Sequence[Pair], now: int) -> list[Change]:
    changed = [(before, after) for before, after in pairs if before != after]
    _remove(connection, [before for before, _ in changed if before is not None])
    _insert(connection, [after for _, after in changed if after is not None])
    return [
        Change(before, after, _dropped(connection, before, after, now)) for before, after in pairs
    ]


def _dropped(
    connection: Connection, before: Subscriber | None, after: Subscriber | None, now: int
) -> int:
    """Give up what waits for one that hears nothing any more."""
    if before is None or before.state is not State.ACTIVE:
        return 0
    if after is not None and after.state is State.ACTIVE:
        return 0
    return drop(connection, before.chat_id, from_topic(before.topic), now, as_subscriber=True)


def _remove(connection: Connection, those: Iterable[Subscriber]) -> None:
    row = sa.and_(
        subscribers.c.chat_id == sa.bindparam("chat"),
        subscribers.c.topic == sa.bindparam("of_topic"),
    )
    keys = [{"chat": chat, "of_topic": topic} for chat, topic in map(_key, those)]
    if keys:
        connection.execute(subscribers.delete().where(row), keys)


def _insert(connection: Connection, those: Sequence[Subscriber]) -> None:
    rows = [
        {"chat_id": subscriber.chat_id, "topic": from_topic(subscriber.topic)}
        | {"home": home, "position": position}
        for subscriber in those
        for position, home in enumerate(dict.fromkeys(subscriber.homes or ()))
    ]
    if those:
        connection.execute(subscribers.insert(), [from_subscriber(each) for each in those])
    if rows:
        connection.execute(subscriber_homes.insert(), rows)


def _key(subscriber: Subscriber) -> tuple[int, int]:
    return subscriber.chat_id, from_topic(subscriber.topic)


# ---------------------------------------------------------------- a chat that has another id


def move_chat(connection: Connection, old: int, new: int) -> None:
    """Let all that is of one chat be of another; what both have is merged."""
    if old == new:
        return
    there = {subscriber.topic: subscriber for subscriber in load(connection, new)}
    for subscriber in load(connection, old):
        _remove(connection, [subscriber])
        moved = replace(subscriber, chat_id=new)
        twin = there.get(subscriber.topic)
        if twin is not None:
            _remove(connection, [twin])
            moved = merging(subscriber, twin)
        _insert(connection, [moved])
    _move_rows(connection, chats, [chats.c.topic], old, new)
    # What was told stays where it was told: it is much, and nobody is told again.
    waits = deliveries.c.done.is_(None)
    key = [deliveries.c.event_id, deliveries.c.topic]
    _move_rows(connection, deliveries, key, old, new, waits)


def _move_rows(
    connection: Connection,
    table: sa.Table,
    key: Sequence[sa.Column[object]],
    old: int,
    new: int,
    *which: sa.ColumnElement[bool],
) -> None:
    """Rewrite the chat of rows; one that the new chat has already, by `key`, is left out."""
    twin = table.alias()
    same = [twin.c[column.name] == column for column in key]
    there = sa.select(sa.literal(1)).where(twin.c.chat_id == new, *same).exists()
    connection.execute(table.delete().where(table.c.chat_id == old, *which, there))
    moved = table.update().where(table.c.chat_id == old, *which)
    connection.execute(moved.values(chat_id=new))
