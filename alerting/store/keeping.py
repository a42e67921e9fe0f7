"""Owns what is kept beside alerts and subscribers: chats, settings, lists and counts for people."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerting.store.deliveries import KEPT
from alerting.store.records import Chat, Incidents
from alerting.store.rows import from_topic, storable, to_notice, to_outage, to_topic
from alerting.store.schema import chats, deliveries, notices, outages, subscribers
from alerting.tally import STATES, Tally


def note_chat(connection: Connection, chat: Chat) -> None:
    """Remember that a chat wrote."""
    row: dict[str, object] = {
        "kind": chat.kind,
        "title": storable(chat.title),
        "username": storable(chat.username),
        "name": storable(chat.name),
        "last_seen": chat.last_seen,
    }
    topic = from_topic(chat.topic)
    known = chats.update().where(chats.c.chat_id == chat.chat_id, chats.c.topic == topic)
    if connection.execute(known.values(row)).rowcount == 0:
        connection.execute(chats.insert().values(row | {"chat_id": chat.chat_id, "topic": topic}))


def all_chats(connection: Connection) -> list[Chat]:
    """Return the chats that wrote, those that wrote last first."""
    query = sa.select(chats).order_by(chats.c.last_seen.desc(), chats.c.chat_id, chats.c.topic)
    return [
        Chat(
            chat_id=row.chat_id,
            topic=to_topic(row.topic),
            kind=row.kind,
            title=row.title,
            username=row.username,
            name=row.name,
            last_seen=row.last_seen,
        )
        for row in connection.execute(query)
    ]


def incidents(connection: Connection, limit: int) -> Incidents:
    """Return the newest outages and notices, `limit` of each."""
    of_homes = sa.select(outages).order_by(outages.c.since.desc(), outages.c.home).limit(limit)
    others = sa.select(notices).order_by(notices.c.starts_at.desc(), notices.c.key).limit(limit)
    return Incidents(
        tuple(map(to_outage, connection.execute(of_homes))),
        tuple(to_notice(row) for row in connection.execute(others).mappings()),
    )


def counts(connection: Connection) -> Tally:
    """Count what waits, and the subscribers."""
    waits = sa.select(sa.func.count(), sa.func.min(deliveries.c.created)).where(
        deliveries.c.done.is_(None)
    )
    pending, oldest = connection.execute(waits).one()
    by_state = sa.select(subscribers.c.state, sa.func.count()).group_by(subscribers.c.state)
    found = {str(state): int(count) for state, count in connection.execute(by_state)}
    return Tally(int(pending), oldest, dict.fromkeys(STATES, 0) | found)


def prune(connection: Connection, now: int) -> None:
    """Forget notices that ended long ago, and chats that wrote long ago."""
    end = sa.func.coalesce(notices.c.ends_at, notices.c.starts_at)
    connection.execute(notices.delete().where(sa.not_(notices.c.firing), end < now - KEPT))
    connection.execute(chats.delete().where(chats.c.last_seen < now - KEPT))
