"""Owns what can become of one message sent to a chat, and of asking Telegram for news; pure.

Every `reason` is fit for a log: no token, no address of the Bot API, no chat's text or names.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """Telegram has taken it. `message_id` is 0 for what makes no message, such as an answer."""

    message_id: int


@dataclass(frozen=True, slots=True)
class RetryLater:
    """It was not taken, for sure.

    `after` is the pause in seconds that Telegram asks for, 0 where it asks for none;
    `flood` tells a 429, which pauses the chat, from an outage, which is everybody's.
    """

    after: float
    reason: str
    flood: bool = False


@dataclass(frozen=True, slots=True)
class ChatMoved:
    """The group has become a supergroup: it has another id, and this message was not taken."""

    new_id: int


@dataclass(frozen=True, slots=True)
class ChatGone:
    """The bot may not write there any more: blocked, kicked, deleted, never known.

    `topic_only`: the topic is gone, the chat's other topics are not.
    """

    reason: str
    topic_only: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """This message will never be taken. `parse`: but without its markup it may be."""

    reason: str
    parse: bool = False


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Nobody knows whether it was taken: the answer is missing, or tells nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """Telegram does not know the token: nothing will be taken until somebody mends it."""

    reason: str


Outcome = Sent | RetryLater | ChatMoved | ChatGone | Refused | Ambiguous | TokenRefused


class Unreachable(Exception):
    """Telegram gave no answer that could be used; `after` is the pause in seconds it asks for."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class TokenWrong(Exception):
    """Telegram does not know the token."""


class Conflict(Exception):
    """Somebody else asks for this bot's updates, or a webhook gets them."""
