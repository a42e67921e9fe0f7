"""Owns the committed totals of one home: every second is on, outage or unknown; pure.

Totals only grow. They run up to evidence that no later row can re-date, so
they never have to be taken back. Times and durations are milliseconds.
"""

from dataclasses import dataclass, replace

from exporter.outages import DurationClass, duration_class
from exporter.power import State
from exporter.transitions import Transition


@dataclass(frozen=True, slots=True)
class Books:
    """The totals of one home up to `until`.

    `state` is that of the latest row, and `last_known` the last state that was
    on or off. `outage_start` is the start of the running outage; `outage_counted`
    says that it has already been counted as sustained. `ended_start` and
    `ended_at` are those of the last outage that ended.
    """

    first_at: int
    until: int
    state: State
    last_known: State | None = None
    on: int = 0
    outage: int = 0
    unknown: int = 0
    sustained_outage: int = 0
    momentary_count: int = 0
    sustained_count: int = 0
    to_on: int = 0
    to_off: int = 0
    to_unknown: int = 0
    outage_start: int | None = None
    outage_counted: bool = False
    ended_start: int | None = None
    ended_at: int | None = None

    @property
    def observed(self) -> int:
        """Time that was on or in an outage (ms)."""
        return self.on + self.outage


def post(books: Books | None, row: Transition, sustained_after: int) -> Books:
    """Book the time up to a new row of the home, and the row."""
    if books is None:
        books = Books(first_at=row.at, until=row.at, state=row.state)
    else:
        books = pass_time(books, row.at, sustained_after)
    books = _count_row(books, row.state)
    if row.state is State.OFF and books.outage_start is None:
        return replace(books, outage_start=row.at, outage_counted=False)
    if row.state is State.ON and books.outage_start is not None:
        return _end_outage(books, row.at, sustained_after)
    return books


def pass_time(books: Books, until: int, sustained_after: int) -> Books:
    """Book the time up to `until`, which no later row may precede."""
    passed = until - books.until
    if passed <= 0:
        return books
    if books.outage_start is None:
        if books.state is State.ON:
            return replace(books, until=until, on=books.on + passed)
        return replace(books, until=until, unknown=books.unknown + passed)
    books = replace(books, until=until, outage=books.outage + passed)
    if books.outage_counted:
        return replace(books, sustained_outage=books.sustained_outage + passed)
    so_far = until - (books.outage_start or 0)
    if duration_class(so_far, sustained_after) is DurationClass.SUSTAINED:
        return _count_sustained(books, so_far)
    return books


def _count_sustained(books: Books, so_far: int) -> Books:
    return replace(
        books,
        outage_counted=True,
        sustained_count=books.sustained_count + 1,
        sustained_outage=books.sustained_outage + so_far,
    )


def _end_outage(books: Books, at: int, sustained_after: int) -> Books:
    start = books.outage_start
    assert start is not None
    if not books.outage_counted:
        if duration_class(at - start, sustained_after) is DurationClass.SUSTAINED:
            books = _count_sustained(books, at - start)
        else:
            books = replace(books, momentary_count=books.momentary_count + 1)
    return replace(books, outage_start=None, outage_counted=False, ended_start=start, ended_at=at)


def _count_row(books: Books, state: State) -> Books:
    match state:
        case State.ON:
            return replace(books, state=state, last_known=state, to_on=books.to_on + 1)
        case State.OFF:
            return replace(books, state=state, last_known=state, to_off=books.to_off + 1)
        case State.UNKNOWN:
            return replace(books, state=state, to_unknown=books.to_unknown + 1)
