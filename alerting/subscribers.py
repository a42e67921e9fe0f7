"""Owns who may hear what: subscribers, and how commands and admins change them; pure.

A chat's topics subscribe each for itself. Homes are a tuple of names, or None for all,
later ones too. `approved` are the homes that an admin has let a chat hear; `wanted` those
that admins have been asked about and have not answered. Rules:

- Approval is for the homes asked for. An active chat that asks for more goes on hearing what
  it hears until an admin answers; one that asks for what is approved needs nobody.
- A question stands until it is answered: asking again for the same asks nobody.
- A denied chat stays denied, whatever it sends, until an admin approves. `/deny` takes back
  all of a chat's approvals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

Homes = tuple[str, ...] | None
Mode = Literal["open", "approval", "closed"]


class State(StrEnum):
    """How a subscription stands; only an active one hears anything."""

    ACTIVE = "active"
    PENDING = "pending"
    """Waits for its first approval."""
    STOPPED = "stopped"
    """By /stop."""
    BLOCKED = "blocked"
    """Telegram says that the chat is gone, or that it blocked the bot."""
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscription: of a chat, or of one topic of a forum.

    `homes` is what it hears when active; `mute` is "22:00-07:00" or empty; `created` is wall
    ms; `kind` is Telegram's word for the chat, empty where nobody has said.
    """

    chat_id: int
    topic: int | None
    username: str = ""
    name: str = ""
    homes: Homes = None
    language: str = "uk"
    state: State = State.PENDING
    mute: str = ""
    created: int = 0
    kind: str = ""
    approved: Homes = ()
    wanted: Homes = ()

    @property
    def question_is_open(self) -> bool:
        """Whether admins have been asked about it, and have not answered."""
        return self.wanted != () and self.state in {State.ACTIVE, State.PENDING}


@dataclass(frozen=True, slots=True)
class Started:
    """What /start made of a subscription; None if it made none. Admins may have to be asked."""

    subscriber: Subscriber | None
    asks_admins: bool = False


def covers(given: Homes, asked: Homes) -> bool:
    """Tell whether all homes that are asked for are among the given ones."""
    if given is None or asked is None:
        return given is None
    return set(asked) <= set(given)


def joined(some: Homes, more: Homes) -> Homes:
    """Return the homes of both."""
    if some is None or more is None:
        return None
    return tuple(dict.fromkeys((*some, *more)))


def hears(subscriber: Subscriber, home: str) -> bool:
    """Tell whether a subscriber is told of a home."""
    return subscriber.state is State.ACTIVE and covers(subscriber.homes, (home,))


def starting(
    existing: Subscriber | None, homes: Homes, mode: Mode, newcomer: Subscriber
) -> Started:
    """/start: the chat asks for `homes`, all that it wants to hear.

    `newcomer` is what becomes of it where there is no subscription yet.
    """
    before = newcomer if existing is None else existing
    if before.state is State.DENIED:
        return Started(before)
    if mode == "open" or covers(before.approved, homes):
        return Started(replace(before, state=State.ACTIVE, homes=homes, wanted=()))
    if mode == "closed":
        return Started(existing)
    asks = before.wanted == () or not covers(before.wanted, homes)
    if before.state is State.ACTIVE:
        return Started(replace(before, wanted=homes), asks)
    return Started(replace(before, state=State.PENDING, homes=homes, wanted=homes), asks)


def stopping(existing: Subscriber) -> Subscriber:
    """/stop: it hears nothing more; what was approved stays so."""
    return _unless_denied(existing, State.STOPPED)


def approving(existing: Subscriber) -> Subscriber:
    """/approve: it may hear what it asked for. One that has stopped hears it when it starts."""
    asked = existing.homes if existing.wanted == () else existing.wanted
    after = replace(existing, approved=joined(existing.approved, asked), homes=asked, wanted=())
    if existing.state in {State.STOPPED, State.BLOCKED}:
        return after
    return replace(after, state=State.ACTIVE)


def denying(existing: Subscriber) -> Subscriber:
    """/deny: it hears nothing; should an admin approve it later, then what it asked for last."""
    asked = existing.homes if existing.wanted == () else existing.wanted
    return replace(existing, state=State.DENIED, homes=asked, approved=(), wanted=())


def blocked(existing: Subscriber) -> Subscriber:
    """Nothing can be sent to the chat, until it sends /start."""
    if existing.state is State.STOPPED:
        return existing
    return _unless_denied(existing, State.BLOCKED)


def admitting(existing: Subscriber | None, given: Subscriber) -> Subscriber:
    """An admin adds a subscription: it is active and approved, whatever was before."""
    return replace(
        given,
        state=State.ACTIVE,
        created=given.created if existing is None else existing.created,
        kind=given.kind or ("" if existing is None else existing.kind),
        approved=given.homes,
        wanted=(),
    )


def restoring(existing: Subscriber | None, row: Subscriber) -> Subscriber:
    """An admin imports a row, which says nothing of approvals.

    What it says to be active is approved. Else what is known stands, if it is of the same homes;
    of a chat that nobody knows, nothing is.
    """
    kind = "" if existing is None else existing.kind
    if row.state is State.ACTIVE:
        return replace(row, kind=kind, approved=row.homes, wanted=())
    wanted = row.homes if row.state is State.PENDING else ()
    known = existing is not None and existing.homes == row.homes and row.state is not State.DENIED
    approved = existing.approved if existing is not None and known else ()
    return replace(row, kind=kind, approved=approved, wanted=wanted)


def merging(old: Subscriber, new: Subscriber) -> Subscriber:
    """One subscription of two: a group became a supergroup that had subscribed already."""
    first = min(old, new, key=lambda subscriber: subscriber.created)
    return replace(
        first,
        chat_id=new.chat_id,
        homes=_merged_homes(old, new),
        state=max(old.state, new.state, key=_MERGED.index),
        kind=new.kind or old.kind,
        approved=joined(old.approved, new.approved),
        wanted=joined(old.wanted, new.wanted),
    )


_MERGED: Sequence[State] = (
    State.BLOCKED,
    State.PENDING,
    State.STOPPED,
    State.ACTIVE,
    State.DENIED,
)
"""Of two states, the later here stands."""


def _merged_homes(old: Subscriber, new: Subscriber) -> Homes:
    heard = [each for each in (old, new) if each.state is State.ACTIVE] or [old, new]
    return joined(heard[0].homes, heard[-1].homes)


def _unless_denied(existing: Subscriber, state: State) -> Subscriber:
    return existing if existing.state is State.DENIED else replace(existing, state=state)
