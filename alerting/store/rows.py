"""Owns how rows spell what the relay knows, both ways; pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from alerting.incidents import EventKind, NoticeState, Outage, OutageState
from alerting.store.records import Event
from alerting.subscribers import Homes, State, Subscriber

_NOT_STORABLE = re.compile(r"[\x00\ud800-\udfff]")  # what PostgreSQL and UTF-8 refuse


class Row(Protocol):
    """A row, its columns by name."""

    @property
    def _mapping(self) -> Mapping[Any, Any]: ...


def storable(text: str) -> str:
    """Return a text that any database takes."""
    return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def to_topic(column: int) -> int | None:
    """Read a topic: 0 is none."""
    return column or None


def from_topic(topic: int | None) -> int:
    """Spell a topic."""
    return topic or 0


def from_outage(outage: Outage) -> dict[str, object]:
    """Spell an outage."""
    return asdict(outage) | {"state": outage.state.value}


def to_outage(row: Row) -> Outage:
    """Read an outage."""
    columns = row._mapping  # noqa: SLF001  SQLAlchemy's public name
    return Outage(**{**columns, "state": OutageState(columns["state"])})


def from_notice(notice: NoticeState) -> dict[str, object]:
    """Spell a notice."""
    return {
        "key": notice.key,
        "labels": json.dumps(dict(notice.labels)),
        "annotations": json.dumps(dict(notice.annotations)),
        "firing": notice.firing,
        "starts_at": notice.starts_at,
        "ends_at": notice.ends_at,
    }


def to_notice(columns: Mapping[Any, Any]) -> NoticeState:
    """Read a notice."""
    texts = {name: json.loads(columns[name]) for name in ("labels", "annotations")}
    return NoticeState(**{**columns, **texts})


def snapshot(notice: NoticeState | None) -> str | None:
    """Spell a notice in one column."""
    return None if notice is None else json.dumps(from_notice(notice))


def to_event(columns: Mapping[Any, Any]) -> Event:
    """Read an event; its columns begin with `event_`."""
    notice = columns["event_notice"]
    return Event(
        id=columns["event_id"],
        kind=EventKind(columns["event_kind"]),
        audience=columns["event_audience"],
        home=columns["event_home"],
        since=columns["event_since"],
        notice=None if notice is None else to_notice(json.loads(notice)),
        created=columns["event_created"],
    )


def from_homes(homes: Homes) -> str:
    """Spell homes in one column."""
    return json.dumps(homes)


def to_homes(column: str) -> Homes:
    """Read homes of one column."""
    names = json.loads(column)
    return None if names is None else tuple(names)


def from_subscriber(subscriber: Subscriber) -> dict[str, object]:
    """Spell a subscriber, but for the names of its homes."""
    return {
        "chat_id": subscriber.chat_id,
        "topic": from_topic(subscriber.topic),
        "username": storable(subscriber.username),
        "name": storable(subscriber.name),
        "all_homes": subscriber.homes is None,
        "language": subscriber.language,
        "state": subscriber.state.value,
        "mute": subscriber.mute,
        "created": subscriber.created,
        "kind": subscriber.kind,
        "approved": from_homes(subscriber.approved),
        "wanted": from_homes(subscriber.wanted),
    }


def to_subscriber(row: Row, homes: tuple[str, ...]) -> Subscriber:
    """Read a subscriber; `homes` are the names that stand beside it."""
    columns = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's public name
    everything = columns.pop("all_homes")
    read = {
        "topic": to_topic(columns["topic"]),
        "state": State(columns["state"]),
        "homes": None if everything else homes,
        "approved": to_homes(columns["approved"]),
        "wanted": to_homes(columns["wanted"]),
    }
    return Subscriber(**{**columns, **read})
