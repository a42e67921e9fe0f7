"""Owns the shapes that the store hands out."""

from dataclasses import dataclass
from typing import Literal

from alerting.alerts import Audience
from alerting.incidents import EventKind, NoticeState, Outage
from alerting.subscribers import Subscriber

Done = Literal["delivered", "failed", "dropped"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell: of an outage (`home` and `since`) or of a notice, as it was then."""

    id: int
    kind: EventKind
    audience: Audience
    home: str | None
    since: int | None
    notice: NoticeState | None
    created: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one chat, with what is now known of its outage.

    `on_since`: when power had come back before that outage, at the end of `before`;
    `running`: a newer one of the home that runs now.
    """

    id: int
    topic: int | None
    event: Event
    outage: Outage | None = None
    on_since: int | None = None
    before: Outage | None = None
    running: Outage | None = None


@dataclass(frozen=True, slots=True)
class WaitingChat:
    """A chat with pending deliveries, in the topics named; the oldest created at that wall ms.

    `kind` is Telegram's word; where nobody has said, private or supergroup by the id's sign.
    """

    chat_id: int
    topics: tuple[int | None, ...]
    kind: str
    oldest_created: int
    first_event_id: int


@dataclass(frozen=True, slots=True)
class Shift:
    """One leader's time: a later one has a higher number.

    `in_doubt` are the chats of deliveries that the leader before was sending, `count` how many.
    """

    number: int
    in_doubt: tuple[int, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery as it stands, for people to see; `name` is its subscriber's."""

    id: int
    chat_id: int
    topic: int | None
    name: str
    state: str
    attempts: int
    created: int
    done: int | None
    event: Event


@dataclass(frozen=True, slots=True)
class Incidents:
    """What has been reported, newest first."""

    outages: tuple[Outage, ...]
    notices: tuple[NoticeState, ...]


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat that wrote to the bot, and who wrote last; `title` is a group's."""

    chat_id: int
    topic: int | None
    kind: str
    title: str
    username: str
    name: str
    last_seen: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a change made of a subscription; None where there is none.

    `dropped` counts the deliveries that will not be sent any more because of it.
    """

    before: Subscriber | None
    after: Subscriber | None
    dropped: int = 0
