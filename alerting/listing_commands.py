"""Owns the commands that show who is subscribed and who wrote to the bot."""

import argparse
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from alerting.clerk import FINE, Clerk, in_words, say
from alerting.store import Chat
from alerting.subscriber_table import to_json
from alerting.subscribers import Subscriber
from chassis.command_output import spelled, written
from chassis.instants import MS_PER_SECOND, to_rfc3339
from chassis.tables import Column, table
from chassis.timezones import host_timezone

SUBSCRIBERS = (
    Column("Chat", number=True),
    *map(Column, ("Topic", "Name", "User name", "Homes", "Language", "State", "Muted", "Since")),
)
CHATS = (
    Column("Chat", number=True),
    *map(Column, ("Topic", "Kind", "Title", "Name", "User name", "Last wrote")),
)


def listing(asked: argparse.Namespace, clerk: Clerk) -> int:
    """Print the subscribers, oldest first."""
    found = clerk.store.subscribers()
    if asked.json:
        written(spelled([to_json(subscriber) for subscriber in found]))
        return FINE
    if not found:
        say("nobody is subscribed")
    written(table(SUBSCRIBERS, [_subscriber_row(subscriber) for subscriber in found]))
    return FINE


def _subscriber_row(subscriber: Subscriber) -> Sequence[str]:
    return (
        str(subscriber.chat_id),
        str(subscriber.topic or ""),
        subscriber.name,
        _at(subscriber.username),
        in_words(subscriber.homes),
        subscriber.language,
        subscriber.state.value,
        subscriber.mute,
        _local(subscriber.created),
    )


def chats(asked: argparse.Namespace, clerk: Clerk) -> int:
    """Print the chats that wrote to the bot, those that wrote last first."""
    found = clerk.store.chats()
    if asked.json:
        written(spelled([_chat_to_json(chat) for chat in found]))
        return FINE
    if not found:
        say("no chat has written yet: send the bot /start while power-alerting runs")
    written(table(CHATS, [_chat_row(chat) for chat in found]))
    return FINE


def _chat_to_json(chat: Chat) -> dict[str, object]:
    return {
        "chat_id": chat.chat_id,
        "topic": chat.topic,
        "kind": chat.kind,
        "title": chat.title,
        "username": chat.username,
        "name": chat.name,
        "last_seen": to_rfc3339(chat.last_seen),
    }


def _chat_row(chat: Chat) -> Sequence[str]:
    return (
        str(chat.chat_id),
        str(chat.topic or ""),
        chat.kind,
        "" if chat.kind == "private" else chat.title,  # there it is the name
        chat.name,
        _at(chat.username),
        _local(chat.last_seen),
    )


def _at(username: str) -> str:
    return f"@{username}" if username else ""


def _local(wall_ms: int) -> str:
    """Spell a time by the host's own clock."""
    moment = datetime.fromtimestamp(wall_ms / MS_PER_SECOND, ZoneInfo(host_timezone()))
    return moment.strftime("%Y-%m-%d %H:%M")
