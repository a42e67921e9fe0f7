"""Owns what is kept of one home beside its rows, and how rows and time change it; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from exporter.blackout import Life
from exporter.books import Books, pass_time, post
from exporter.power import Belief, Change
from exporter.transitions import Transition, transition_of


@dataclass(frozen=True, slots=True)
class Record:
    """One home as last committed.

    `evidence` is the last evidence of the latest row's state, and while unknown
    that of the state before it (wall ms). `life` is when this was committed.
    """

    last: Transition
    evidence: int | None
    books: Books
    life: Life


@dataclass(frozen=True, slots=True)
class Sign:
    """What one home asks to be committed: its changes, oldest first (none for a mere sign of life).

    `belief` is the home's after all of them.
    """

    home: str
    belief: Belief
    sustained_after: int
    changes: tuple[Change, ...] = ()


def belief_of(record: Record | None) -> Belief:
    """Return the belief that a record leaves, without pending evidence and without rounds."""
    if record is None:
        return Belief()
    settled = max(record.books.until, record.last.at)
    return Belief(
        state=record.last.state,
        since=record.last.at,
        evidence=record.evidence,
        settled=settled,
        newest=max(settled, record.evidence or 0),
        in_outage=record.books.outage_start is not None,
    )


def enter(
    record: Record | None, sign: Sign, life: Life, next_id: int
) -> tuple[Record | None, Sequence[Transition]]:
    """Return the home's next record and its new rows, numbered from `next_id`.

    None where the home has no row yet. A sign of life that was taken before the
    home's latest row says nothing of that row's state: it only says that it lives.
    """
    if record is not None and not sign.changes and sign.belief.since != record.last.at:
        return replace(record, life=life), ()
    books = record.books if record else None
    last = record.last if record else None
    rows = []
    for id_, change in enumerate(sign.changes, next_id):
        last = transition_of(sign.home, change, id_)
        books = post(books, last, sign.sustained_after)
        rows.append(last)
    if books is None or last is None:
        return None, rows
    books = pass_time(books, sign.belief.settled or 0, sign.sustained_after)
    return Record(last, sign.belief.evidence, books, life), rows
