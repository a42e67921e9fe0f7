"""Owns how the bot's words reach a chat: in parts, in its turn, again where they were not taken."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from alerting.outcomes import Ambiguous, ChatMoved, Outcome, Refused, RetryLater, Sent
from alerting.splitting import split
from alerting.store import Store
from alerting.telegram_updates import Buttons
from alerting.wording import Html

log = logging.getLogger(__name__)

GIVEN_UP_AFTER = 600.0  # seconds: nobody waits longer for an answer
DOUBTS = 2  # times that an answer is sent again which may have arrived
PAUSE = 0.1  # seconds; how long a chat must wait is the sending's to know


@dataclass(frozen=True, slots=True)
class Room:
    """A chat, or one topic of it; `kind` is Telegram's word."""

    chat_id: int
    kind: str
    topic: int | None = None


class Sending(Protocol):
    """What is used of the one way out."""

    async def answer(
        self,
        chat_id: int,
        kind: str,
        text: str,
        *,
        topic: int | None = None,
        buttons: Buttons = (),
    ) -> Outcome:
        """Send one text as soon as the chat's turn comes."""

    async def answer_photo(
        self, chat_id: int, kind: str, png: bytes, caption: str, *, topic: int | None = None
    ) -> Outcome:
        """Send one picture likewise."""


class Voice:
    """Says things to chats. It never raises but for a store that is down, when a chat has moved."""

    def __init__(
        self, sending: Sending, store: Store, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`now` gives seconds of a monotonic clock."""
        self._sending = sending
        self._store = store
        self._now = now

    async def say(self, room: Room, text: Html, buttons: Buttons = ()) -> Outcome:
        """Send a text, in parts if need be; the buttons stand under the last.

        Returns what became of the last part, or of the first that was not taken.
        """
        parts = split(text)
        outcome: Outcome = Sent(0)
        for number, part in enumerate(parts, 1):
            under = buttons if number == len(parts) else ()
            outcome, room = await self._insist(room, partial(self._send, part, under))
            if not isinstance(outcome, Sent):
                break
        return outcome

    async def show(self, room: Room, png: bytes, caption: Html) -> Outcome:
        """Send a picture."""
        outcome, _ = await self._insist(room, partial(self._send_photo, png, caption))
        return outcome

    async def _send(self, text: str, buttons: Buttons, room: Room) -> Outcome:
        return await self._sending.answer(
            room.chat_id, room.kind, text, topic=room.topic, buttons=buttons
        )

    async def _send_photo(self, png: bytes, caption: str, room: Room) -> Outcome:
        return await self._sending.answer_photo(
            room.chat_id, room.kind, png, caption, topic=room.topic
        )

    async def _insist(
        self, room: Room, send: Callable[[Room], Awaitable[Outcome]]
    ) -> tuple[Outcome, Room]:
        """Send until it was taken or never will be; a chat may get another id meanwhile."""
        until, doubts, moves = self._now() + GIVEN_UP_AFTER, DOUBTS, 1
        while True:
            outcome = await send(room)
            match outcome:
                case RetryLater() if self._now() < until:
                    await asyncio.sleep(PAUSE)
                case Ambiguous() if doubts:
                    doubts -= 1
                    await asyncio.sleep(PAUSE)
                case ChatMoved(new_id) if moves:
                    moves -= 1
                    await asyncio.to_thread(self._store.move_chat, room.chat_id, new_id)
                    room = replace(room, chat_id=new_id, kind="supergroup")
                case Refused(reason):
                    log.warning("an answer was refused: %s", reason)
                    return outcome, room
                case _:
                    return outcome, room
