"""Owns the relay's durable truth: every method is one transaction of the database."""

from collections.abc import Callable, Collection, Iterable, Sequence

from sqlalchemy.engine import Connection

from alerting.alerts import Alert, Ignored, Rejected
from alerting.store import deliveries, keeping, remembering, subscribing
from alerting.store.accepting import Accepting, forget_homes
from alerting.store.engine import Database
from alerting.store.records import (
    Change,
    Chat,
    Delivery,
    DeliveryRow,
    Done,
    Incidents,
    Shift,
    WaitingChat,
)
from alerting.store.rows import from_topic
from alerting.subscribers import Subscriber, approving, blocked, denying
from alerting.tally import Tally

PRUNED_AT_ONCE = 20_000


class Store:
    """What the relay knows, for any number of threads and processes.

    Every method raises StoreDown while the database is away; then nothing has changed. Where
    a `topic` narrows a chat, None means all of its topics, 0 the chat itself.
    """

    def __init__(self, database: str, password: str | None = None) -> None:
        """Name the database by its URL; it is opened when first needed."""
        self._database = Database(database, password)

    @property
    def writers(self) -> int:
        """How many threads are of use to one who writes again and again."""
        return self._database.writers

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()

    # ------------------------------------------------------------ alerts

    def accept(
        self,
        alerts: Sequence[Alert | Ignored | Rejected],
        now: int,
        *,
        queue: bool,
        admins: Sequence[int],
    ) -> list[str]:
        """Commit alerts with their events and deliveries; return the outcome of each.

        Without `queue` nothing is to be sent; `admins` are chat ids.
        """
        return self._database.write_in_turn(
            lambda connection: [
                Accepting(connection, now, queue, admins).take(alert) for alert in alerts
            ]
        )

    def forget_homes(self, homes: Collection[str]) -> None:
        """End the open outages of homes that are not configured any more, without a message."""
        self._database.write_in_turn(lambda connection: forget_homes(connection, homes))

    def incidents(self, limit: int) -> Incidents:
        """Return the newest outages and notices, at most `limit` of each."""
        return self._database.read(lambda connection: keeping.incidents(connection, limit))

    # ------------------------------------------------------------ deliveries

    def waiting(self) -> list[WaitingChat]:
        """Return the chats that have pending deliveries."""
        return self._database.read(deliveries.waiting)

    def pending_of(self, chat_id: int) -> list[Delivery]:
        """Return a chat's pending deliveries, all topics, in the order of events."""
        return self._database.read(lambda connection: deliveries.pending_of(connection, chat_id))

    def take_over(self) -> Shift:
        """Begin a leader's shift, and let all that a former one was sending wait again."""
        return self._database.write_in_turn(deliveries.take_over)

    def begin(self, ids: Sequence[int], shift: int) -> frozenset[int]:
        """Mark deliveries as being sent, before they are; return those that were pending.

        A shift that is over marks none.
        """
        return self._database.write_in_turn(lambda c: deliveries.begin(c, ids, shift))

    def finish(self, ids: Sequence[int], outcome: Done, now: int) -> None:
        """Settle deliveries for good."""
        self._database.write(lambda connection: deliveries.finish(connection, ids, outcome, now))

    def release(self, ids: Sequence[int], shift: int) -> None:
        """Let deliveries of a shift wait again: they were not sent, or nobody knows."""
        self._database.write_in_turn(lambda c: deliveries.release(c, ids, shift))

    def recent_deliveries(self, limit: int) -> list[DeliveryRow]:
        """Return deliveries, newest first."""
        return self._database.read(lambda connection: deliveries.recent(connection, limit))

    def counts(self) -> Tally:
        """Count what waits (being sent included), and the subscribers."""
        return self._database.read(keeping.counts)

    def prune(self, now: int) -> int:
        """Forget some of what is too old to be kept; call it again until it returns 0."""

        def some(connection: Connection) -> int:
            keeping.prune(connection, now)
            return deliveries.prune(connection, now, PRUNED_AT_ONCE)

        return self._database.write_in_turn(some)

    # ------------------------------------------------------------ subscribers

    def subscribers(self) -> list[Subscriber]:
        """Return all, oldest first."""
        return self._database.read(subscribing.load)

    def subscribers_of(self, chat_id: int, topic: int | None = None) -> list[Subscriber]:
        """Return a chat's subscriptions."""
        return self._database.read(lambda c: subscribing.load(c, chat_id, topic))

    def subscriber(self, chat_id: int, topic: int | None) -> Subscriber | None:
        """Return one subscription; the topic None is the chat itself."""
        found = self.subscribers_of(chat_id, from_topic(topic))
        return found[0] if found else None

    def change(
        self,
        chat_id: int,
        topic: int | None,
        rule: Callable[[Subscriber | None], Subscriber | None],
        now: int,
    ) -> Change:
        """Change one subscription by a rule; the topic None is the chat itself.

        One that is no longer active loses what still waits for it. The rule may be called
        more than once.
        """
        return self._database.write_in_turn(
            lambda connection: subscribing.change(connection, chat_id, topic, rule, now)
        )

    def save(self, subscriber: Subscriber, now: int) -> Change:
        """Write one subscription, whatever it was before."""
        return self.change(subscriber.chat_id, subscriber.topic, lambda _: subscriber, now)

    def approve(self, chat_id: int, now: int, topic: int | None = None) -> list[Change]:
        """Approve what a chat asked for."""
        return self._change_all(chat_id, topic, approving, now)

    def deny(self, chat_id: int, now: int, topic: int | None = None) -> list[Change]:
        """Deny a chat everything."""
        return self._change_all(chat_id, topic, denying, now)

    def remove(self, chat_id: int, now: int, topic: int | None = None) -> list[Change]:
        """Remove a chat's subscriptions."""
        return self._change_all(chat_id, topic, lambda _: None, now)

    def block(self, chat_id: int, now: int) -> int:
        """Let a chat that cannot be sent to be blocked; return how many deliveries it loses."""

        def block(connection: Connection) -> int:
            changes = subscribing.change_all(connection, chat_id, None, _if_any(blocked), now)
            rest = deliveries.drop(connection, chat_id, None, now, as_subscriber=False)
            return rest + sum(change.dropped for change in changes)

        return self._database.write_in_turn(block)

    def restore(self, rows: Iterable[Subscriber], now: int) -> list[Change]:
        """Import rows: each replaces the one of its chat and topic; all of them, or none."""
        given = list(rows)
        return self._database.write_in_turn(lambda c: subscribing.restore(c, given, now))

    def move_chat(self, old: int, new: int) -> None:
        """Let all that is of one chat be of another: a group became a supergroup."""
        self._database.write_in_turn(lambda c: subscribing.move_chat(c, old, new))

    def _change_all(
        self,
        chat_id: int,
        topic: int | None,
        rule: Callable[[Subscriber], Subscriber | None],
        now: int,
    ) -> list[Change]:
        return self._database.write_in_turn(
            lambda c: subscribing.change_all(c, chat_id, topic, _if_any(rule), now)
        )

    # ------------------------------------------------------------ beside it

    def note_chat(self, chat: Chat) -> None:
        """Remember that a chat wrote to the bot."""
        self._database.write_in_turn(lambda connection: keeping.note_chat(connection, chat))

    def chats(self) -> list[Chat]:
        """Return the chats that wrote to the bot, those that wrote last first."""
        return self._database.read(keeping.all_chats)

    def setting(self, key: str) -> str | None:
        """Return what is remembered under a key."""
        return self._database.read(lambda connection: remembering.setting(connection, key))

    def set_setting(self, key: str, value: str) -> None:
        """Remember a value under a key."""
        self._database.write_in_turn(lambda c: remembering.set_setting(c, key, value))


def _if_any(rule: Callable[[Subscriber], Subscriber | None]) -> subscribing.Rule:
    return lambda existing: None if existing is None else rule(existing)
