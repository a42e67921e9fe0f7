"""Owns the way of alerts into the tables: incidents, their events and who is to hear of them.

Runs in its turn: nobody else changes incidents, events or subscribers meanwhile.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerting.alerts import Alert, Audience, Ignored, Notice, PowerOutage, PowerRestored, Rejected
from alerting.incidents import (
    EventKind,
    NoticeState,
    Outage,
    OutageState,
    decide_notice,
    decide_outage,
)
from alerting.store.rows import from_notice, from_outage, snapshot, to_notice, to_outage
from alerting.store.schema import (
    deliveries,
    events,
    notices,
    outages,
    subscriber_homes,
    subscribers,
)
from alerting.subscribers import State


@dataclass(frozen=True, slots=True)
class Accepting:
    """How alerts are taken at one moment. Without `queue` nobody is to hear of them."""

    connection: Connection
    now: int
    queue: bool
    admins: Sequence[int]

    def take(self, alert: Alert | Ignored | Rejected) -> str:
        """Write all that follows from an alert; return its outcome."""
        match alert:
            case Ignored():
                return "ignored"
            case Rejected():
                return "rejected"
            case Notice():
                return self._take_notice(alert)
            case PowerOutage() | PowerRestored():
                return self._take_outage(alert)

    def _take_outage(self, alert: PowerOutage | PowerRestored) -> str:
        known = outage_of(self.connection, alert.home, alert.since)
        of_home = _standing(self.connection, alert.home)
        decision = decide_outage(alert, known, of_home, self.now)
        for outage in decision.outages:
            is_new = known is None and outage.since == alert.since
            _save_outage(self.connection, outage, is_new=is_new)
        if decision.kind is not None:
            self._announce(decision.kind, alert.audience, alert.home, since=alert.since)
        return decision.outcome

    def _take_notice(self, alert: Notice) -> str:
        known = _notice(self.connection, alert.key)
        outcome, state, kind = decide_notice(alert, known, self.now)
        if state is not None and known is None:
            self.connection.execute(notices.insert().values(from_notice(state)))
        elif state is not None:
            changed = notices.update().where(notices.c.key == state.key)
            self.connection.execute(changed.values(from_notice(state)))
        if kind is not None:
            self._announce(kind, alert.audience, alert.home, notice=state)
        return outcome

    def _announce(
        self,
        kind: EventKind,
        audience: Audience,
        home: str | None,
        *,
        since: int | None = None,
        notice: NoticeState | None = None,
    ) -> None:
        told: Audience = "admins" if home is None else audience
        row = {
            "kind": kind.value,
            "audience": told,
            "home": home,
            "since": since,
            "notice": snapshot(notice),
            "created": self.now,
        }
        added = self.connection.execute(events.insert().values(row).returning(events.c.id))
        if not self.queue:
            return
        event_id = added.scalar_one()
        if told == "subscribers" and home is not None:
            self._deliver_to_subscribers(event_id, home)
        elif self.admins:
            self._deliver_to_admins(event_id)

    def _deliver_to_subscribers(self, event_id: int, home: str) -> None:
        """Queue an event for whoever `hears` the home, however many they are."""
        of_home = sa.select(sa.literal(1)).where(
            subscriber_homes.c.chat_id == subscribers.c.chat_id,
            subscriber_homes.c.topic == subscribers.c.topic,
            subscriber_homes.c.home == home,
        )
        rows = sa.select(
            sa.literal(event_id),
            subscribers.c.chat_id,
            subscribers.c.topic,
            sa.literal("pending"),
            sa.literal(0),
            sa.literal(self.now, sa.BigInteger()),
        ).where(
            subscribers.c.state == State.ACTIVE.value,
            sa.or_(subscribers.c.all_homes, of_home.exists()),
        )
        columns = ["event_id", "chat_id", "topic", "state", "attempts", "created"]
        self.connection.execute(deliveries.insert().from_select(columns, rows))

    def _deliver_to_admins(self, event_id: int) -> None:
        self.connection.execute(
            deliveries.insert(),
            [
                {
                    "event_id": event_id,
                    "chat_id": admin,
                    "topic": 0,
                    "state": "pending",
                    "attempts": 0,
                    "created": self.now,
                }
                for admin in dict.fromkeys(self.admins)
            ],
        )


def outage_of(connection: Connection, home: str, since: int) -> Outage | None:
    """Return what is known of an outage."""
    query = sa.select(outages).where(outages.c.home == home, outages.c.since == since)
    row = connection.execute(query).first()
    return None if row is None else to_outage(row)


def forget_homes(connection: Connection, homes: Collection[str]) -> None:
    """End the open outages of homes, their own ends unknown."""
    for home in homes:
        changed = outages.update().where(
            outages.c.home == home, outages.c.state == OutageState.OPEN.value
        )
        connection.execute(changed.values(state=OutageState.SUPERSEDED.value))


def _standing(connection: Connection, home: str) -> list[Outage]:
    """Return a home's open outages, and the newest that is not ahead of the clock."""
    of_home = sa.select(outages).where(outages.c.home == home)
    is_open = of_home.where(outages.c.state == OutageState.OPEN.value)
    newest = of_home.where(sa.not_(outages.c.ahead)).order_by(outages.c.since.desc()).limit(1)
    rows = [*connection.execute(is_open), *connection.execute(newest)]
    return list({row.since: to_outage(row) for row in rows}.values())


def _notice(connection: Connection, key: str) -> NoticeState | None:
    row = connection.execute(sa.select(notices).where(notices.c.key == key)).first()
    return None if row is None else to_notice(row._mapping)  # noqa: SLF001  SQLAlchemy's public name


def _save_outage(connection: Connection, outage: Outage, *, is_new: bool) -> None:
    if is_new:
        connection.execute(outages.insert().values(from_outage(outage)))
        return
    row = outages.update().where(outages.c.home == outage.home, outages.c.since == outage.since)
    connection.execute(row.values(from_outage(outage)))
