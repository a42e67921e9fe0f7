"""Owns the test message: sent now within Telegram's limits, and what became of it in words.

It only sends: whoever polls for this bot is not disturbed. Nothing is kept for later.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from alerting.clerk import FAILED, FINE, Clerk, CommandFailed, named, say
from alerting.config import TelegramSettings
from alerting.messages import compose_test
from alerting.outcomes import (
    Ambiguous,
    ChatGone,
    ChatMoved,
    Outcome,
    Refused,
    RetryLater,
    Sent,
    TokenRefused,
)
from alerting.pacing import Pace
from alerting.sending import Sending
from alerting.subscribers import State, Subscriber
from alerting.telegram import Telegram
from alerting.telling import Surroundings, surroundings_of, zone_of
from chassis.command_output import written

AT_ONCE = 16  # sends in flight
LONGEST_WAIT = 60.0  # seconds that a chat is waited for, once
IN_DOUBT = 3  # sends in a row without an answer, after which no more are begun
NO_BOT = (
    "there is no Telegram token: get one from @BotFather, put it in a file, and name that in "
    "the config at alerting.telegram.token_file"
)
NOBODY = "nobody is subscribed: power-alerting subscribers add CHAT_ID, or send the bot /start"

Failure = RetryLater | ChatMoved | ChatGone | Refused | Ambiguous | TokenRefused


@dataclass(frozen=True, slots=True)
class Letter:
    """One test message to one chat or topic."""

    chat_id: int
    topic: int | None
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a letter; `moved_to` is the chat's new id, if it has one."""

    outcome: Outcome
    moved_to: int | None = None


def send_test(chat_id: int | None, clerk: Clerk) -> int:
    """Send to all active subscribers, or to one chat; print a line for each. Raises StoreDown."""
    telegram = clerk.config.alerting.telegram
    if telegram is None or not telegram.token.reveal():
        raise CommandFailed(NO_BOT)
    letters = _letters(chat_id, clerk)
    if not letters:
        say(NOBODY)
        return FINE
    return asyncio.run(_send_all(letters, telegram, clerk))


def _letters(chat_id: int | None, clerk: Clerk) -> list[Letter]:
    store, around = clerk.store, surroundings_of(clerk.config)
    known = store.subscribers() if chat_id is None else store.subscribers_of(chat_id)
    chosen = [subscriber for subscriber in known if subscriber.state is State.ACTIVE]
    if chat_id is not None and not chosen:
        chosen = known or [Subscriber(chat_id, None, language=around.language)]
    return [_letter(subscriber, around, clerk.now) for subscriber in chosen]


def _letter(to: Subscriber, around: Surroundings, now: int) -> Letter:
    kind = to.kind or ("private" if to.chat_id > 0 else "supergroup")
    text = compose_test(to.language, now, zone=zone_of(to, around))
    return Letter(to.chat_id, to.topic, kind, text)


async def _send_all(letters: Sequence[Letter], settings: TelegramSettings, clerk: Clerk) -> int:
    """Send side by side, tell in order, and write down which groups have moved."""
    telegram = Telegram(settings.token.reveal(), settings.api_url, settings.proxy_url)
    trial = Trial(Sending(telegram, Pace(settings.messages_per_second)))
    moved: dict[int, int] = {}
    code = FINE
    try:
        tasks = [asyncio.create_task(trial.send(letter)) for letter in letters]
        for letter, task in zip(letters, tasks, strict=True):
            told = await task
            written(f"{named(letter.chat_id, letter.topic)}: {in_words(told)}\n")
            if told.moved_to is not None:
                moved[letter.chat_id] = told.moved_to
            if not isinstance(told.outcome, Sent):
                code = FAILED
    finally:
        await telegram.close()
    for old, new in moved.items():
        clerk.store.move_chat(old, new)
    return code


class Trial:
    """Sends letters, each at most twice, and none once it is clear that none can arrive."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._in_doubt = 0
        self._hopeless: Outcome | None = None

    async def send(self, letter: Letter) -> Told:
        """Send a letter when its turn comes; a group that moved gets it where it is now."""
        async with self._slots:
            outcome = await self._send_patiently(letter)
            if not isinstance(outcome, ChatMoved):
                return Told(outcome)
            there = replace(letter, chat_id=outcome.new_id)
            return Told(await self._send_patiently(there), outcome.new_id)

    async def _send_patiently(self, letter: Letter) -> Outcome:
        """Send, and once more if Telegram asks for a wait that a person would wait."""
        outcome = await self._send_once(letter)
        if not isinstance(outcome, RetryLater) or outcome.after > LONGEST_WAIT:
            return outcome
        outcome = await self._send_once(letter)
        if isinstance(outcome, RetryLater) and not outcome.flood:
            self._hopeless = outcome
        return outcome

    async def _send_once(self, letter: Letter) -> Outcome:
        if self._hopeless is not None:
            return self._hopeless
        wait = self._sending.wait(letter.chat_id, letter.kind)
        if wait > LONGEST_WAIT:
            return RetryLater(wait, "it was sent too much", flood=True)
        outcome = await self._sending.answer(
            letter.chat_id, letter.kind, letter.text, topic=letter.topic
        )
        self._learn(outcome)
        return outcome

    def _learn(self, outcome: Outcome) -> None:
        self._in_doubt = self._in_doubt + 1 if isinstance(outcome, Ambiguous) else 0
        if isinstance(outcome, TokenRefused):
            self._hopeless = outcome
        elif isinstance(outcome, Ambiguous) and self._in_doubt >= IN_DOUBT:
            self._hopeless = RetryLater(0.0, outcome.reason)


def in_words(told: Told) -> str:
    """Say what became of a letter."""
    words = "delivered" if isinstance(told.outcome, Sent) else _why_not(told.outcome)
    return words if told.moved_to is None else f"{words}; the group is {told.moved_to} now"


def _why_not(outcome: Failure) -> str:
    match outcome:
        case ChatGone() as gone:
            which = "topic" if gone.topic_only else "chat has blocked the bot, or"
            return f"the {which} is gone: {gone.reason}"
        case Refused(reason):
            return f"Telegram refused the message: {reason}"
        case TokenRefused(reason):
            return f"Telegram does not know the token: {reason}"
        case Ambiguous(reason):
            return f"nobody knows whether it arrived: {reason}"
        case ChatMoved(new_id):
            return f"not delivered: the group moved twice, to {new_id} at last"
        case RetryLater() as later:
            why = f"asks to wait {later.after:.0f} s" if later.flood else "takes no messages"
            return f"not delivered: Telegram {why}: {later.reason}"
