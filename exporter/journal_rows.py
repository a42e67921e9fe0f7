"""Owns how rows and records are spelled in the journal's tables; pure."""

import json
from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any

from chassis.instants import Instant
from exporter.blackout import Life
from exporter.books import Books
from exporter.power import Cause, State
from exporter.records import Record
from exporter.transitions import Ballot, Transition

ROW = "id, home, state, previous, at, not_before, confirmed_at, cause, votes"
"""The columns of `transitions` in the order in which they are read and written here."""

_BOOKS = tuple(field.name for field in fields(Books))
_values_of = attrgetter(*_BOOKS)
_NUMBERS = tuple(field.name for field in fields(Books) if field.type in (int, bool))


Doubt = Callable[[int, str], None]
"""Is told the id of a row whose votes make no sense, and why."""


class Unreadable(Exception):
    """What stands in a column makes no sense."""


def from_transition(row: Transition) -> tuple[object, ...]:
    """Return the values of a row, in the order of ROW."""
    votes = [[ballot.probe, ballot.vote.value, ballot.detail] for ballot in row.votes]
    return (
        row.id,
        row.home,
        row.state.value,
        row.previous.value if row.previous else None,
        row.at,
        row.not_before,
        row.confirmed_at,
        row.cause.value,
        json.dumps(votes),
    )


def to_transition(row: tuple[Any, ...], doubt: Doubt) -> Transition:
    """Read a row; raises Unreadable. Votes only explain: those that make no sense are none."""
    id_, home, state, previous, at, not_before, confirmed_at, cause, votes = row
    try:
        known = State(state), State(previous) if previous else None, Cause(cause)
    except ValueError as fault:
        raise Unreadable(f"row {id_} of the journal: {fault}") from fault
    try:
        ballots = _ballots(votes)
    except Unreadable as fault:
        doubt(id_, str(fault))
        ballots = ()
    return Transition(
        id_, home, known[0], known[1], at, not_before, confirmed_at, known[2], ballots
    )


def _ballots(votes: str) -> tuple[Ballot, ...]:
    try:
        read = tuple(
            Ballot(probe, State(vote), detail) for probe, vote, detail in json.loads(votes)
        )
    except (ValueError, TypeError, RecursionError) as fault:
        raise Unreadable(str(fault)) from fault
    if not all(isinstance(text, str) for ballot in read for text in (ballot.probe, ballot.detail)):
        raise Unreadable("a name or a detail is no text")
    return read


def mended(text: bytes) -> str:
    """Read a column's text although it may be damaged: what is no UTF-8 is marked in it."""
    return text.decode(errors="replace")


def from_record(home: str, record: Record) -> tuple[object, ...]:
    """Return the values of a record, in the order of its table."""
    life = record.life
    return (
        home,
        record.last.id,
        record.evidence,
        *life.at,
        life.boot_id,
        life.clean,
        json.dumps(_values_of(record.books)),
    )


def to_books(text: str) -> Books:
    """Read totals; raises Unreadable."""
    try:
        kept = dict(zip(_BOOKS, json.loads(text), strict=True))
        kept["state"] = State(kept["state"])
        kept["last_known"] = State(kept["last_known"]) if kept["last_known"] else None
        if not all(isinstance(kept[name], int) for name in _NUMBERS):
            raise Unreadable("a total is no number")
        return Books(**kept)
    except (ValueError, TypeError) as fault:
        raise Unreadable(str(fault)) from fault


def to_life(row: tuple[Any, ...]) -> Life:
    """Read a sign of life from (wall, boot, boot_id, clean)."""
    wall, boot, boot_id, clean = row
    return Life(Instant(wall, boot), boot_id, bool(clean))
