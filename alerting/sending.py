"""Owns every send of this process: one in flight per chat, within Telegram's limits.

All messages of one bot must go through one Sending. It keeps nothing that must survive.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from alerting.outcomes import Ambiguous, Outcome, Refused, RetryLater, Sent, TokenRefused
from alerting.pacing import Pace
from alerting.splitting import plain
from alerting.telegram_updates import Buttons
from chassis.loops import Backoff

log = logging.getLogger(__name__)

AMBIGUOUS_PAUSE = (2.0, 15.0)  # seconds: what was sent may have arrived
TURN_WITHIN = 2.0  # seconds that a text may wait for its turn
IN_DOUBT = 3  # ambiguous answers in a row, after which it is not one chat's fault
GROUPS = frozenset({"group", "supergroup", "channel"})
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds


class Bot(Protocol):
    """What is used of the Bot API."""

    async def send(
        self,
        chat_id: int,
        text: str,
        *,
        topic: int | None = None,
        silent: bool = False,
        buttons: Buttons = (),
        plain: bool = False,
    ) -> Outcome:
        """Send a text: HTML, or no markup at all."""

    async def send_photo(
        self, chat_id: int, png: bytes, caption: str = "", *, topic: int | None = None
    ) -> Outcome:
        """Send a picture."""


class Progress(NamedTuple):
    """What became of a message in parts: of its last send, and how many parts were taken."""

    outcome: Outcome
    taken: int


class Sending:
    """One bot's mouth. All calls come from one event loop; moments are monotonic seconds."""

    def __init__(
        self,
        bot: Bot,
        pace: Pace,
        *,
        on_health: Callable[[bool], None] = lambda _: None,
        now: Callable[[], float] = time.monotonic,
        between: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """`on_health` is told whether the Bot API takes what it is given."""
        self._bot = bot
        self._pace = pace
        self._on_health = on_health
        self._now = now
        self._between = between
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE, lambda: between(0.0, 1.0))
        self._busy: set[int] = set()
        self._changed = asyncio.Event()
        self._paused_until = float("-inf")
        self._failures = 0
        self._in_doubt = 0
        self._said: str | None = None
        self.up = False

    # --- for who chooses whom to send to ---

    def wait(self, chat: int, kind: str) -> float:
        """Return 0 if a message may be sent to a chat now, else the seconds before it is no use."""
        if chat in self._busy:
            return LONGEST_PAUSE
        return self._pace.wait(chat, kind in GROUPS, self._now())

    def room(self) -> float:
        """Return the same as far as it depends on no chat."""
        return self._pace.room(self._now())

    @property
    def changed(self) -> asyncio.Event:
        """What is set when a chat has become free again; take it anew for each wait."""
        return self._changed

    def claim(self, chat: int) -> None:
        """Take a chat that `wait` said to be free; `deliver` or `unclaim` must follow.

        Its turn comes in `deliver`: what is made ready meanwhile is not to slow down all.
        """
        self._busy.add(chat)

    def unclaim(self, chat: int) -> None:
        """Give a chat back without having sent anything."""
        self._free(chat)

    def pause(self, chat: int, seconds: float) -> None:
        """Leave a chat alone for so long."""
        self._pace.pause(chat, self._now() + seconds)

    def doubt(self, chat: int) -> None:
        """Leave a chat alone for a moment: what was sent to it before may still arrive."""
        self.pause(chat, self._between(*AMBIGUOUS_PAUSE))

    async def deliver(
        self, chat: int, kind: str, parts: Sequence[str], *, topic: int | None, silent: bool
    ) -> Progress:
        """Send a text in parts to a chat that was claimed; stops at the first that is not taken.

        So it does, too, at one whose turn is far off: until then more may be known.
        """
        try:
            return await self._send_parts(chat, kind, parts, topic=topic, silent=silent)
        finally:
            self._free(chat)

    # --- for answers ---

    async def answer(
        self,
        chat_id: int,
        kind: str,
        text: str,
        *,
        topic: int | None = None,
        buttons: Buttons = (),
    ) -> Outcome:
        """Send one text as soon as the chat's turn comes, in the room kept for answers."""
        await self._claim_answer(chat_id, kind)
        try:
            send = partial(self._bot.send, chat_id, topic=topic, buttons=buttons)
            return await self._send_text(chat_id, kind, send, text, answer=True)
        finally:
            self._free(chat_id)

    async def answer_photo(
        self, chat_id: int, kind: str, png: bytes, caption: str, *, topic: int | None = None
    ) -> Outcome:
        """Send one picture likewise."""
        await self._claim_answer(chat_id, kind)
        try:
            call = partial(self._bot.send_photo, chat_id, png, caption, topic=topic)
            return await self._send_once(chat_id, call, answer=True)
        finally:
            self._free(chat_id)

    async def _claim_answer(self, chat: int, kind: str) -> None:
        while chat in self._busy:
            await self._changed.wait()
        self._busy.add(chat)
        try:
            await self._take_turn(chat, kind, answer=True)
        except BaseException:
            self._free(chat)
            raise

    # --- sending ---

    async def _send_parts(
        self, chat: int, kind: str, parts: Sequence[str], *, topic: int | None, silent: bool
    ) -> Progress:
        send = partial(self._bot.send, chat, topic=topic, silent=silent)
        outcome: Outcome = Sent(0)
        for taken, part in enumerate(parts):
            if not await self._take_turn(chat, kind, within=TURN_WITHIN):
                return Progress(RetryLater(0.0, "its turn is far off"), taken)
            outcome = await self._send_text(chat, kind, send, part)
            if not isinstance(outcome, Sent):
                return Progress(outcome, taken)
        return Progress(outcome, len(parts))

    async def _send_text(
        self,
        chat: int,
        kind: str,
        send: Callable[..., Awaitable[Outcome]],
        text: str,
        *,
        answer: bool = False,
    ) -> Outcome:
        """Send a text in its turn; one whose markup is refused goes without it."""
        outcome = await self._send_once(chat, partial(send, text), answer=answer)
        if not (isinstance(outcome, Refused) and outcome.parse):
            return outcome
        log.error("Telegram could not read a message's markup: it is sent without")
        await self._take_turn(chat, kind, answer=answer)
        return await self._send_once(chat, partial(send, plain(text), plain=True), answer=answer)

    async def _send_once(
        self, chat: int, call: Callable[[], Awaitable[Outcome]], *, answer: bool = False
    ) -> Outcome:
        """Make one call, whose turn has been taken."""
        try:
            outcome = await call()
        finally:
            self._pace.answered(chat, self._now(), answer=answer)
        self._heed(chat, outcome)
        return outcome

    async def _take_turn(
        self, chat: int, kind: str, *, answer: bool = False, within: float = float("inf")
    ) -> bool:
        """Wait for a chat's turn and take it, or say that it does not come in time."""
        until = self._now() + within
        while wait := self._pace.wait(chat, kind in GROUPS, self._now(), answer=answer):
            if self._now() + wait > until:
                return False
            await asyncio.sleep(wait)
        self._pace.began(chat, self._now(), answer=answer)
        return True

    def _free(self, chat: int) -> None:
        self._busy.discard(chat)
        self._changed.set()
        self._changed = asyncio.Event()

    # --- what an outcome says of those to come ---

    def _heed(self, chat: int, outcome: Outcome) -> None:
        self._in_doubt = self._in_doubt + 1 if isinstance(outcome, Ambiguous) else 0
        match outcome:
            case RetryLater(after, _, flood=True):
                self._pace.flooded(chat, max(after, 1.0), self._now())
            case RetryLater(after, reason):
                self._went_down(reason, after)
            case TokenRefused(reason):
                self._went_down(reason)
            case Ambiguous(reason):
                self.doubt(chat)
                if self._in_doubt >= IN_DOUBT:
                    self._went_down(reason)
            case _:
                self._came_up()

    def _went_down(self, reason: str, after: float = 0.0) -> None:
        """Pause all sends, longer from time to time; what fails together counts once."""
        if self._said is None:
            log.warning("Telegram takes no messages, all are kept: %s", reason)
        self._said = reason
        self._tell(up=False)
        if self._now() < self._paused_until:
            return
        self._failures += 1
        pause = max(after, self._backoff.after(self._failures))
        self._paused_until = self._now() + pause
        self._pace.pause_all(self._paused_until)

    def _came_up(self) -> None:
        if self._said is not None:
            log.info("Telegram takes messages again")
        self._said, self._failures = None, 0
        self._tell(up=True)

    def _tell(self, *, up: bool) -> None:
        if up is not self.up:
            self.up = up
            self._on_health(up)
