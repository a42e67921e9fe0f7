"""Owns what can become of a batch handed to a sink, and what an HTTP status means; pure."""

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

_SUCCESS = 2  # hundred
_REFUSES = {400, 413, 422}
_LATER = {408, 425, 429}
_SAID_AT_MOST = 300  # characters of the other side's words that are worth keeping


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side has the batch for good."""


@dataclass(frozen=True, slots=True)
class NothingToSay:
    """The batch holds nothing for this sink; nobody was asked."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Not now: transport, 429, 5xx. `retry_after` is the pause it asks for, in seconds."""

    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """Not until somebody mends the configuration or the other side: 401, 403, 404."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Something in the batch will never be taken: 400, 413, 422."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A 500: the batch is poison for the other side, or the other side is ill."""

    reason: str


Outcome = Accepted | NothingToSay | Unavailable | Blocked | Refused | Broken


def outcome_of(status: int, said: str, retry_after: float | None = None) -> Outcome:
    """Judge an HTTP answer; what no rule names waits for somebody to look at it."""
    reason = f"HTTP {status}: {shortened(said)}" if said else f"HTTP {status}"
    if status // 100 == _SUCCESS:
        return Accepted()
    if status in _REFUSES:
        return Refused(reason)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return Broken(reason)
    if status > HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
        return Unavailable(reason, retry_after)
    return Blocked(reason)


def shortened(said: str) -> str:
    """Put what the other side said on one line of bounded length."""
    line = " ".join(said.split())
    return line if len(line) <= _SAID_AT_MOST else f"{line[:_SAID_AT_MOST]}…"


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date, as seconds from `now` (Unix seconds).

    None for none, and for what is neither.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, aware.timestamp() - now)
