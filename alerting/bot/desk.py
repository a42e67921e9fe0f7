"""Owns what a command is given to work with, and what it gives back: a call and its answer."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from alerting.bot.voice import Room, Voice
from alerting.exporter_answers import HomeNow, Reliability, SeenOutage, Transition
from alerting.exporter_api import Away
from alerting.outcomes import Outcome
from alerting.store import Store
from alerting.subscribers import Mode, State, Subscriber, hears
from alerting.telegram_updates import Buttons, Update
from alerting.telling import Surroundings
from alerting.times import Local
from alerting.wording import Html, Wording
from chassis.clock import Clock


@dataclass(frozen=True, slots=True)
class Rules:
    """What the config of the moment says; `admins` are ids of users, and of their private chats."""

    around: Surroundings
    mode: Mode
    admins: tuple[int, ...]


class Wire(Protocol):
    """What commands use of the Bot API beside sending."""

    async def answer_button(self, query_id: str, text: str = "") -> Outcome:
        """End the waiting of whoever pressed a button."""

    async def edit(
        self, chat_id: int, message_id: int, text: str, buttons: Buttons = ()
    ) -> Outcome:
        """Replace a message's text and buttons."""

    async def is_admin(self, chat_id: int, user_id: int) -> bool:
        """Tell whether a user may speak for a chat. Raises Unreachable, TokenWrong."""


class Exporter(Protocol):
    """What is asked of the exporter; moments are wall ms."""

    async def homes(self, names: Sequence[str]) -> tuple[HomeNow, ...] | Away:
        """Return homes as they stand, without those that are not watched."""

    async def outages(self, home: str, start: int) -> tuple[SeenOutage, ...] | Away:
        """Return the outages of a home since then."""

    async def reliability(self, home: str, start: int) -> Reliability | Away:
        """Return the indices of a home since then."""

    async def transitions(self, home: str, start: int) -> tuple[Transition, ...] | Away:
        """Return the changes of a home since then."""


@dataclass(frozen=True, slots=True)
class Desk:
    """All that commands stand on; `rules` tells those of the moment."""

    store: Store
    exporter: Exporter
    voice: Voice
    wire: Wire
    clock: Clock
    rules: Callable[[], Rules]


@dataclass(frozen=True, slots=True)
class Call:
    """One command, or one press of a button, and all that its answer depends on."""

    update: Update
    args: tuple[str, ...]
    subscriber: Subscriber | None
    rules: Rules
    words: Wording
    now: int

    @property
    def room(self) -> Room:
        """Where the answer goes."""
        return room_of(self.update)

    @property
    def in_group(self) -> bool:
        """Tell whether others than one user are there."""
        return self.update.kind != "private"

    @property
    def by_admin(self) -> bool:
        """Tell whether it is one of the bot's administrators, alone with the bot."""
        return not self.in_group and self.update.user_id in self.rules.admins

    @property
    def heard(self) -> list[str]:
        """The homes that the chat hears, in the order of the config."""
        who = self.subscriber
        return (
            [] if who is None else [home for home in self.rules.around.places if hears(who, home)]
        )

    def local(self, home: str) -> Local:
        """Tell times as the clock on a home's wall does."""
        return Local(self.words, ZoneInfo(self.rules.around.place(home).timezone), self.now)

    def title(self, home: str) -> str:
        """Return how people call a home."""
        return " ".join(self.rules.around.place(home).title.split())

    def refusal(self) -> Html | None:
        """Say why the chat hears nothing of homes, or return None: it does."""
        return refusal(self.subscriber, self.rules.mode, self.words)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a call; `then` is done after it has been."""

    text: Html
    buttons: Buttons = ()
    then: Callable[[], Awaitable[None]] | None = None


Handler = Callable[[Desk, Call], Awaitable[Answer]]


def room_of(update: Update) -> Room:
    """Return where an update came from."""
    return Room(update.chat_id, update.kind, update.topic)


def refusal(subscriber: Subscriber | None, mode: Mode, words: Wording) -> Html | None:
    """Say what a chat hears that is not told of homes; None for one that is.

    When a home is dark is nobody else's business.
    """
    state = None if subscriber is None else subscriber.state
    approved = subscriber is not None and subscriber.approved != ()
    if state is State.ACTIVE:
        return None
    if state is State.DENIED:
        return words.say("start.denied")
    if mode == "closed" and not approved:
        return words.say("start.closed")
    if state is State.PENDING and mode == "approval":
        return words.say("start.waiting")
    return words.say("sorry.not_subscribed")
