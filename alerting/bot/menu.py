"""Owns the menu of commands that Telegram offers to whoever types; pure but for the offering."""

import logging
from collections.abc import Sequence
from typing import Protocol

from alerting.outcomes import Ambiguous, Outcome, RetryLater, Sent, TokenRefused
from alerting.wording import LANGUAGES, wording

log = logging.getLogger(__name__)

COMMANDS = (
    "status", "history", "stats", "homes", "start", "stop", "mute", "unmute", "lang", "help",
)  # fmt: skip
FOR_ADMINS = ("subscribers", "approve", "deny")


class Offering(Protocol):
    """What is used of the Bot API."""

    async def set_commands(
        self,
        commands: Sequence[tuple[str, str]],
        language: str | None = None,
        chat: int | None = None,
    ) -> Outcome:
        """Tell the (command, description) pairs to offer, for one language or for all others.

        With `chat` they are for that chat alone.
        """


def menu(language: str, commands: Sequence[str] = COMMANDS) -> list[tuple[str, str]]:
    """Return the commands with what they do."""
    words = wording(language)
    return [(command, str(words.say(f"menu.{command}"))) for command in commands]


async def offer(wire: Offering, language: str, admins: Sequence[int] = ()) -> bool:
    """Offer the menus: one per language, one in `language` to everybody else; a longer to admins.

    Returns whether that is settled; else it is to be tried again. An admin who never wrote
    to the bot is offered nothing: there is no such chat yet.
    """
    for chat in (None, *admins):
        commands = COMMANDS if chat is None else (*COMMANDS, *FOR_ADMINS)
        for told in (None, *LANGUAGES):
            match await wire.set_commands(menu(told or language, commands), told, chat):
                case Sent():
                    continue
                case RetryLater() | Ambiguous() | TokenRefused():
                    return False
                case refused if chat is None:
                    log.warning("Telegram does not take the menu of commands: %s", refused)
                    return True
                case _:
                    break
    return True
