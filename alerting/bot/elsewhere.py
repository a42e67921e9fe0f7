"""Owns answers that admins gave elsewhere, on a page of any relay: kept until the leader has told.

Only the relay that leads sends. So whoever takes an answer writes down whose it is, and the
leader looks there; it writes nothing there itself, so that neither undoes what the other did.
"""

import asyncio
import json
import logging
from contextlib import suppress

from alerting.bot import approving, asking
from alerting.bot.asking import APPROVE, DENY
from alerting.bot.desk import Desk
from alerting.store import Change
from alerting.subscribers import State, Subscriber

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0  # seconds between looks at what other relays were told
UNTOLD = "bot.untold"

Place = tuple[int, int | None]
"""A chat, and its topic."""


class Elsewhere:
    """Takes answers on each relay, and tells them on the one that leads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._one_at_a_time = asyncio.Lock()
        self._news = asyncio.Event()

    async def remember(self, change: Change, by: str) -> None:
        """Keep an answer that `by` gave. Raises StoreDown."""
        who = change.after
        if who is None:
            return
        answer = DENY if who.state is State.DENIED else APPROVE
        place = (who.chat_id, who.topic)
        async with self._one_at_a_time:
            untold = [one for one in await self._untold() if one != place]
            text = json.dumps([*untold, place])
            await asyncio.to_thread(self._desk.store.set_setting, UNTOLD, text)
            await approving.remember(self._desk, answer, [change], by)
        self._news.set()

    async def tell_once(self) -> None:
        """Tell what is untold, then wait until there may be more. Raises StoreDown."""
        self._news.clear()
        await self.tell()
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await self._news.wait()

    async def tell(self) -> None:
        """Tell chats, and the admins who were asked, what is untold. Raises StoreDown."""
        await asyncio.gather(*(self._tell(*place) for place in await self._untold()))

    async def _untold(self) -> list[Place]:
        kept = await asyncio.to_thread(self._desk.store.setting, UNTOLD)
        places: list[Place] = [(chat, topic) for chat, topic in json.loads(kept or "[]")]
        asked = [await asking.question_of(self._desk, *place) for place in places]
        return [
            place
            for place, question in zip(places, asked, strict=True)
            if question is not None and question.waits_to_be_told
        ]

    async def _tell(self, chat_id: int, topic: int | None) -> None:
        who = await asyncio.to_thread(self._desk.store.subscriber, chat_id, topic)
        # One that was removed meanwhile is like one that has stopped: it is told nothing.
        await approving.tell(self._desk, who or Subscriber(chat_id, topic, state=State.STOPPED))
