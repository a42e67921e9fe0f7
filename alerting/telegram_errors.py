"""Owns what an answer or a fault of the Bot API means for a message; sends nothing.

Texts are those of tdlib/telegram-bot-api. Only what the Bot API itself says in its JSON is
believed to be final: a proxy's or a provider's page ends no subscription and drops no message.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import httpx
from telegram.error import TelegramError

from alerting.outcomes import (
    Ambiguous,
    ChatGone,
    ChatMoved,
    Conflict,
    Outcome,
    Refused,
    RetryLater,
    TokenRefused,
    TokenWrong,
    Unreachable,
)

_FLOOD_PAUSE = 5.0  # seconds, where a 429 names no pause
_REASON_AT_MOST = 120  # characters
_HUNDRED = 100

_CHAT_IS_GONE = (
    "chat not found",
    "peer_id_invalid",
    "channel_private",
    "chat was deleted",
    "chat was deactivated",
    "chat was upgraded",
    "bot was kicked",
    "bot was blocked",
    "bot is not a member",
    "user is deactivated",
)
_TOPIC_IS_GONE = ("message thread not found", "topic_deleted", "topic_id_invalid")
_NOT_SENT = (
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ConnectError,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no success. `genuine`: the Bot API's own, no page of somebody between."""

    status: int
    genuine: bool = False
    description: str = ""
    retry_after: float = 0.0
    moved_to: int | None = None


class Answered(TelegramError):
    """Telegram, or somebody in its place, answered, and not with a success."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


def read_answer(status: int, payload: bytes) -> Answer | None:
    """Read an HTTP answer of the Bot API; None for a success."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        return Answer(status)
    if not isinstance(said, dict) or not isinstance(said.get("ok"), bool):
        return Answer(status)
    if said["ok"] and "result" in said and status // _HUNDRED == HTTPStatus.OK // _HUNDRED:
        return None
    parameters = said.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    after, moved_to = parameters.get("retry_after"), parameters.get("migrate_to_chat_id")
    return Answer(
        status,
        genuine=not said["ok"],
        description=str(said.get("description", "")),
        retry_after=float(after) if isinstance(after, int | float) else 0.0,
        moved_to=moved_to if isinstance(moved_to, int) else None,
    )


def outcome_of(fault: TelegramError, redact: Callable[[str], str]) -> Outcome:
    """Judge what a call of the library raised. `redact` takes secrets out of a reason."""
    if isinstance(fault, Answered):
        return _outcome_of_answer(fault.answer, redact)
    cause = fault.__cause__
    kind = type(cause if cause is not None else fault)
    if isinstance(cause, httpx.InvalidURL):
        return TokenRefused("the token makes no address")
    if isinstance(cause, _NOT_SENT) or kind.__module__.startswith("socksio"):
        return RetryLater(0.0, _shortened(redact(f"{kind.__name__}: {cause}")))
    return Ambiguous(kind.__name__)


def exception_of(fault: TelegramError, redact: Callable[[str], str]) -> Exception:
    """Name the same for somebody who asked for something: Conflict, TokenWrong, Unreachable."""
    if isinstance(fault, Answered) and fault.answer.status == HTTPStatus.CONFLICT:
        return Conflict(_reason(fault.answer, redact))
    match outcome_of(fault, redact):
        case TokenRefused(reason):
            return TokenWrong(reason)
        case RetryLater(after, reason):
            return Unreachable(reason, after)
        case Ambiguous(reason) | ChatGone(reason) | Refused(reason):
            return Unreachable(reason)
        case other:
            return Unreachable(type(other).__name__)


def _outcome_of_answer(answer: Answer, redact: Callable[[str], str]) -> Outcome:
    reason = _reason(answer, redact)
    if not answer.genuine:
        between = answer.status // _HUNDRED in {3, 4}  # whoever said that did not pass it on
        return RetryLater(0.0, reason) if between else Ambiguous(reason)
    if answer.moved_to is not None:
        return ChatMoved(answer.moved_to)
    if answer.status // _HUNDRED == HTTPStatus.BAD_REQUEST // _HUNDRED:
        return _outcome_of_refusal(answer, reason)
    return Ambiguous(reason)


def _outcome_of_refusal(answer: Answer, reason: str) -> Outcome:
    outcome: Outcome
    match answer.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.NOT_FOUND:
            outcome = TokenRefused(reason)
        case HTTPStatus.FORBIDDEN:
            outcome = ChatGone(reason)
        case HTTPStatus.TOO_MANY_REQUESTS:
            outcome = RetryLater(answer.retry_after or _FLOOD_PAUSE, reason, flood=True)
        case HTTPStatus.CONFLICT:
            outcome = RetryLater(0.0, reason)
        case _:
            outcome = _outcome_of_text(answer.description.lower(), reason)
    return outcome


def _outcome_of_text(description: str, reason: str) -> Outcome:
    if any(text in description for text in _TOPIC_IS_GONE):
        return ChatGone(reason, topic_only=True)
    if any(text in description for text in _CHAT_IS_GONE):
        return ChatGone(reason)
    return Refused(reason, parse="can't parse entities" in description)


def _reason(answer: Answer, redact: Callable[[str], str]) -> str:
    """Say it without what Telegram quotes from the message after the second colon."""
    if not answer.genuine:
        return f"HTTP {answer.status}, not from the Bot API"
    told = ": ".join(answer.description.split(": ")[:2]).partition('"')[0].strip()
    return _shortened(redact(f"HTTP {answer.status}: {told}" if told else f"HTTP {answer.status}"))


def _shortened(said: str) -> str:
    line = " ".join(said.split())
    return line if len(line) <= _REASON_AT_MOST else f"{line[:_REASON_AT_MOST]}…"
