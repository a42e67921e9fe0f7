"""Owns the commands that change who is subscribed, and carry that in and out."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from alerting.clerk import FINE, Clerk, CommandFailed, WrongInput, in_words, named
from alerting.store import Change
from alerting.subscriber_table import BadTable, from_csv, to_csv
from alerting.subscribers import State, Subscriber, admitting
from chassis.command_output import in_utf8, written

STANDARD = "-"

# ---------------------------------------------------------------- changing


def add(asked: argparse.Namespace, clerk: Clerk) -> int:
    """Let a chat be an active subscriber; what is not given stays, but for its homes."""
    homes = None if asked.home is None else tuple(dict.fromkeys(asked.home))
    clerk.warn_of_unknown(homes or ())
    newcomer = _newcomer(asked.chat_id, asked.topic or None, clerk)

    def rule(known: Subscriber | None) -> Subscriber:
        before = newcomer if known is None else known
        given = replace(
            before,
            username=_or(asked.username, before.username).removeprefix("@"),
            name=_or(asked.name, before.name),
            homes=homes,
            language=_or(asked.lang, before.language),
        )
        return admitting(known, given)

    change = clerk.store.change(asked.chat_id, asked.topic or None, rule, clerk.now)
    done = "added" if change.before is None else "changed"
    written(f"{named(asked.chat_id, asked.topic)}: {done}, hears of {in_words(homes)}\n")
    return FINE


def _newcomer(chat_id: int, topic: int | None, clerk: Clerk) -> Subscriber:
    """Return a new subscriber, known as it told when it wrote to the bot."""
    of_chat = [chat for chat in clerk.store.chats() if chat.chat_id == chat_id]
    of_chat.sort(key=lambda chat: chat.topic != topic)
    stranger = Subscriber(
        chat_id, topic, language=clerk.config.alerting.language, created=clerk.now
    )
    if not of_chat:
        return stranger
    chat = of_chat[0]
    username = chat.username if chat.kind == "private" else ""  # else of whoever wrote there
    return replace(stranger, username=username, name=chat.title or chat.name, kind=chat.kind)


def remove(asked: argparse.Namespace, clerk: Clerk) -> int:
    """Remove the subscriptions of a chat, or of one topic."""
    changes = clerk.store.remove(asked.chat_id, clerk.now, asked.topic)
    _need_some(changes, asked)
    written("".join(f"{_place(change)}: removed\n" for change in changes))
    return FINE


def approve(asked: argparse.Namespace, clerk: Clerk) -> int:
    """Approve what a chat, or one topic, has asked for."""
    changes = clerk.store.approve(asked.chat_id, clerk.now, asked.topic)
    _need_some(changes, asked)
    written("".join(f"{_place(change)}: {_approved(change)}\n" for change in changes))
    return FINE


def _approved(change: Change) -> str:
    after = change.after
    if change.before == after or after is None:
        return "is approved already"
    if after.state is not State.ACTIVE:
        return f"approved for {in_words(after.homes)}, hears of it after its next /start"
    return f"approved, hears of {in_words(after.homes)}"


def _need_some(changes: Sequence[Change], asked: argparse.Namespace) -> None:
    if not changes:
        raise CommandFailed(f"{named(asked.chat_id, asked.topic)} is no subscriber")


def _place(change: Change) -> str:
    subscriber = change.before or change.after
    assert subscriber is not None
    return named(subscriber.chat_id, subscriber.topic)


def _or(given: str | None, before: str) -> str:
    return before if given is None else given


# ---------------------------------------------------------------- tables in and out


def export(asked: argparse.Namespace, clerk: Clerk) -> int:
    """Write all subscribers as CSV, in UTF-8; a file is for its owner alone."""
    text = to_csv(clerk.store.subscribers())
    if asked.file == STANDARD:
        in_utf8()
        written(text)
        return FINE
    try:
        descriptor = os.open(asked.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as fault:
        raise CommandFailed(f"{asked.file} cannot be written: {fault.strerror}") from fault
    return FINE


def restore(asked: argparse.Namespace, clerk: Clerk) -> int:
    """Read subscribers from CSV: all of its rows, or after a fault none."""
    try:
        rows = from_csv(_text_of(asked.file))
    except BadTable as fault:
        raise WrongInput(f"{_name_of(asked.file)}: {fault}; nothing was imported") from fault
    clerk.warn_of_unknown(home for row in rows for home in row.homes or ())
    changes = clerk.store.restore(rows, clerk.now)
    new = sum(change.before is None for change in changes)
    written(f"imported: {new} new, {len(changes) - new} replaced\n")
    return FINE


def _text_of(file: str) -> str:
    try:
        read = sys.stdin.buffer.read() if file == STANDARD else Path(file).read_bytes()
        return read.decode()
    except OSError as fault:
        raise WrongInput(f"{_name_of(file)} cannot be read: {fault.strerror}") from fault
    except UnicodeDecodeError:
        raise WrongInput(f"{_name_of(file)} is not UTF-8 text") from None


def _name_of(file: str) -> str:
    return "standard input" if file == STANDARD else file
