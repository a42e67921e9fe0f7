"""Owns the queue: which chats wait, what each is to be told, and how each delivery stands."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerting.incidents import Outage, OutageState
from alerting.store.records import Delivery, DeliveryRow, Done, Event, Shift, WaitingChat
from alerting.store.remembering import set_setting, setting
from alerting.store.rows import to_event, to_outage, to_topic
from alerting.store.schema import chats, deliveries, events, outages, subscribers

KEPT = 90 * 86_400_000
"""How long (ms) it is remembered what was told to whom."""

_AT_ONCE = 1000
_SHIFT = "shift"
_EVENT = [column.label(f"event_{column.name}") for column in events.c]
_IS_PENDING = sa.and_(deliveries.c.done.is_(None), deliveries.c.state == "pending")


# ---------------------------------------------------------------- what waits


def waiting(connection: Connection) -> list[WaitingChat]:
    """Return the chats that have pending deliveries, by id."""
    rows = connection.execute(_waiting_topics())
    return [
        WaitingChat(
            chat_id=chat_id,
            topics=tuple(to_topic(row.topic) for row in topics),
            kind=max(row.kind for row in topics) or ("private" if chat_id > 0 else "supergroup"),
            oldest_created=min(row.oldest for row in topics),
            first_event_id=min(row.first for row in topics),
        )
        for chat_id, found in groupby(rows, key=lambda row: int(row.chat_id))
        for topics in [list(found)]
    ]


def _waiting_topics() -> sa.Select[tuple[int, int, int, int, str]]:
    table = deliveries.c
    grouped = (
        sa.select(
            table.chat_id,
            table.topic,
            sa.func.min(table.created).label("oldest"),
            sa.func.min(table.event_id).label("first"),
        )
        .where(_IS_PENDING)
        .group_by(table.chat_id, table.topic)
        .subquery()
    )
    kind = sa.func.coalesce(sa.func.nullif(subscribers.c.kind, ""), chats.c.kind, "")
    joined: sa.FromClause = grouped
    for named in (subscribers, chats):
        same = sa.and_(named.c.chat_id == grouped.c.chat_id, named.c.topic == grouped.c.topic)
        joined = joined.outerjoin(named, same)
    return (
        sa.select(*grouped.c, kind.label("kind"))
        .select_from(joined)
        .order_by(grouped.c.chat_id, grouped.c.topic)
    )


def pending_of(connection: Connection, chat_id: int) -> list[Delivery]:
    """Return what a chat is to be told, in the order of events."""
    query = (
        sa.select(deliveries.c.id, deliveries.c.topic, *_EVENT)
        .join(events, events.c.id == deliveries.c.event_id)
        .where(deliveries.c.chat_id == chat_id, _IS_PENDING)
        .order_by(deliveries.c.event_id, deliveries.c.topic)
    )
    rows = connection.execute(query).all()
    told = [to_event(row._mapping) for row in rows]  # noqa: SLF001  SQLAlchemy's public name
    known = _outages_of(connection, told)
    return [
        _in_context(row.id, to_topic(row.topic), event, known.get(event.home or "", []))
        for row, event in zip(rows, told, strict=True)
    ]


def _outages_of(connection: Connection, told: Sequence[Event]) -> dict[str, list[Outage]]:
    """Return, by home, the outages told of and all that touch them, oldest first."""
    first: dict[str, int] = {}
    for event in told:
        if event.home is not None and event.since is not None:
            first[event.home] = min(event.since, first.get(event.home, event.since))
    known = {}
    for home, since in first.items():
        before = sa.select(sa.func.max(outages.c.since)).where(
            outages.c.home == home, outages.c.since < since
        )
        query = (
            sa.select(outages)
            .where(
                outages.c.home == home,
                outages.c.since >= sa.func.coalesce(before.scalar_subquery(), since),
            )
            .order_by(outages.c.since)
        )
        known[home] = [to_outage(row) for row in connection.execute(query)]
    return known


def _in_context(id_: int, topic: int | None, event: Event, of_home: Sequence[Outage]) -> Delivery:
    if event.since is None:
        return Delivery(id_, topic, event)
    since = event.since
    before = [outage for outage in of_home if outage.since < since]
    return Delivery(
        id=id_,
        topic=topic,
        event=event,
        outage=next((outage for outage in of_home if outage.since == since), None),
        on_since=_end_within(before[-1], since) if before else None,
        before=before[-1] if before else None,
        running=next((outage for outage in reversed(of_home) if _runs_after(outage, since)), None),
    )


def _end_within(outage: Outage, since: int) -> int | None:
    return outage.ended if outage.ended is not None and outage.ended <= since else None


def _runs_after(outage: Outage, since: int) -> bool:
    return outage.state is OutageState.OPEN and not outage.ahead and outage.since > since


# ---------------------------------------------------------------- how it goes


def take_over(connection: Connection) -> Shift:
    """Begin a shift: what was being sent waits again, and no former one marks any more."""
    number = _shift(connection) + 1
    set_setting(connection, _SHIFT, str(number))
    being_sent = sa.and_(deliveries.c.done.is_(None), deliveries.c.state == "sending")
    changed = deliveries.update().where(being_sent).values(state="pending")
    chats_ = list(connection.execute(changed.returning(deliveries.c.chat_id)).scalars())
    return Shift(number, tuple(dict.fromkeys(chats_)), len(chats_))


def begin(connection: Connection, ids: Sequence[int], shift: int) -> frozenset[int]:
    """Mark pending deliveries as being sent; return those that still were pending.

    None of a shift that is over.
    """
    begun: list[int] = []
    if shift != _shift(connection):
        return frozenset()
    for some in _portions(ids):
        changed = (
            deliveries.update()
            .where(deliveries.c.id.in_(some), _IS_PENDING)
            .values(state="sending", attempts=deliveries.c.attempts + 1)
            .returning(deliveries.c.id)
        )
        begun += connection.execute(changed).scalars()
    return frozenset(begun)


def finish(connection: Connection, ids: Sequence[int], outcome: Done, now: int) -> None:
    """Settle deliveries for good; what is settled stays so."""
    for some in _portions(ids):
        changed = deliveries.update().where(deliveries.c.id.in_(some), deliveries.c.done.is_(None))
        connection.execute(changed.values(state=outcome, done=now))


def release(connection: Connection, ids: Sequence[int], shift: int) -> None:
    """Let deliveries wait again; those of a shift that is over do already."""
    if shift != _shift(connection):
        return
    for some in _portions(ids):
        changed = deliveries.update().where(deliveries.c.id.in_(some), deliveries.c.done.is_(None))
        connection.execute(changed.values(state="pending"))


def _shift(connection: Connection) -> int:
    return int(setting(connection, _SHIFT) or 0)


def drop(
    connection: Connection, chat_id: int, topic: int | None, now: int, *, as_subscriber: bool
) -> int:
    """Give up what waits for a chat (a topic of it: 0 is none, None all); return how much.

    `as_subscriber`: only what it was to hear as a subscriber, not as an admin.
    """
    changed = deliveries.update().where(deliveries.c.chat_id == chat_id, _IS_PENDING)
    if topic is not None:
        changed = changed.where(deliveries.c.topic == topic)
    if as_subscriber:
        for_subscribers = sa.select(sa.literal(1)).where(
            events.c.id == deliveries.c.event_id, events.c.audience == "subscribers"
        )
        changed = changed.where(for_subscribers.exists())
    return connection.execute(changed.values(state="dropped", done=now)).rowcount


def _portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield ids by as many as a statement may name."""
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


# ---------------------------------------------------------------- what was


def recent(connection: Connection, limit: int) -> list[DeliveryRow]:
    """Return deliveries, newest first."""
    same = sa.and_(
        subscribers.c.chat_id == deliveries.c.chat_id, subscribers.c.topic == deliveries.c.topic
    )
    query = (
        sa.select(
            *(column for column in deliveries.c if column.name != "event_id"),
            sa.func.coalesce(subscribers.c.name, "").label("name"),
            *_EVENT,
        )
        .join(events, events.c.id == deliveries.c.event_id)
        .outerjoin(subscribers, same)
        .order_by(deliveries.c.id.desc())
        .limit(limit)
    )
    return [
        DeliveryRow(
            id=row.id,
            chat_id=row.chat_id,
            topic=to_topic(row.topic),
            name=row.name,
            state=row.state,
            attempts=row.attempts,
            created=row.created,
            done=row.done,
            event=to_event(row._mapping),  # noqa: SLF001  SQLAlchemy's public name
        )
        for row in connection.execute(query)
    ]


def prune(connection: Connection, now: int, limit: int) -> int:
    """Forget at most `limit` deliveries settled long ago, and events with none; return how many."""
    old = sa.select(deliveries.c.id).where(deliveries.c.done < now - KEPT).limit(limit)
    gone = connection.execute(deliveries.delete().where(deliveries.c.id.in_(old))).rowcount
    told = sa.select(sa.literal(1)).where(deliveries.c.event_id == events.c.id)
    idle = (
        sa.select(events.c.id)
        .where(events.c.created < now - KEPT, sa.not_(told.exists()))
        .limit(limit)
    )
    return gone + connection.execute(events.delete().where(events.c.id.in_(idle))).rowcount
