"""Owns the shape of a committed transition; pure."""

from dataclasses import dataclass
from typing import Any

from chassis.instants import to_rfc3339
from exporter.power import Cause, Change, State, Vote


@dataclass(frozen=True, slots=True)
class Ballot:
    """A probe's vote as the journal keeps it."""

    probe: str
    vote: State
    detail: str


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the journal; `id` is None for one that the disk has refused so far.

    `at`, `not_before` and `confirmed_at` are wall milliseconds since the epoch;
    `not_before` is the last evidence of the previous state.
    """

    id: int | None
    home: str
    state: State
    previous: State | None
    at: int
    not_before: int | None
    confirmed_at: int
    cause: Cause
    votes: tuple[Ballot, ...] = ()

    @property
    def durable(self) -> bool:
        """Tell whether the row stands in the journal."""
        return self.id is not None


def transition_of(home: str, change: Change, id_: int | None = None) -> Transition:
    """Give a home's change the shape of a row."""
    return Transition(
        id_,
        home,
        change.state,
        change.previous,
        change.at,
        change.not_before,
        change.confirmed_at,
        change.cause,
        tuple(_ballot(vote) for vote in change.votes),
    )


def _ballot(vote: Vote) -> Ballot:
    return Ballot(vote.probe, vote.vote, vote.detail)


def to_json(row: Transition) -> dict[str, Any]:
    """Spell a row as every interface does; `durable` is named only where it is false."""
    shape: dict[str, Any] = {
        "id": row.id,
        "home": row.home,
        "state": row.state.value,
        "previous": row.previous.value if row.previous else None,
        "at": to_rfc3339(row.at),
        "not_before": None if row.not_before is None else to_rfc3339(row.not_before),
        "confirmed_at": to_rfc3339(row.confirmed_at),
        "cause": row.cause.value,
        "votes": [
            {"probe": ballot.probe, "vote": ballot.vote.value, "detail": ballot.detail}
            for ballot in row.votes
        ],
    }
    if not row.durable:
        shape["durable"] = False
    return shape
