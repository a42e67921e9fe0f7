"""Books: every second is on, outage or unknown; every outage is counted once."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from exporter.books import Books, pass_time, post
from exporter.power import State
from tests.exporter.test_outages import at, rows_of

FIVE_MINUTES = 300_000


def books_of(journal: str, until: float | None = None, after: int = FIVE_MINUTES) -> Books:
    """Book a home's rows, and then the time up to `until` (seconds)."""
    books: Books | None = None
    for row in rows_of(journal):
        books = post(books, row, after)
    assert books is not None
    return books if until is None else pass_time(books, at(until), after)


def times(books: Books) -> tuple[float, float, float]:
    """On, outage and unknown in seconds."""
    return books.on / 1000, books.outage / 1000, books.unknown / 1000


def counts(books: Books) -> tuple[int, int]:
    """Momentary and sustained outages."""
    return books.momentary_count, books.sustained_count


# ---------------------------------------------------------------- time


def test_time_begins_with_the_first_row() -> None:
    """At its first row a home has no time yet."""
    books = books_of("on@0")
    assert times(books) == (0, 0, 0)
    assert books.first_at == books.until == at(0)


def test_time_is_on_outage_or_unknown() -> None:
    """An unknown spell outside an outage is unknown, one inside is outage."""
    journal = "on@0 unknown@100 on@130 off@200 unknown@250 off@270 unknown@300 on@400"
    assert times(books_of(journal, until=1000)) == (100 + 70 + 600, 200, 30)


def test_unknown_before_an_outage_stays_unknown() -> None:
    """From on over unknown to off: the outage begins with the off row."""
    assert times(books_of("on@0 unknown@100 off@130", until=200)) == (100, 70, 30)


def test_a_running_outage_runs_in_the_books() -> None:
    """Also while it is unseen."""
    assert times(books_of("on@0 off@100 unknown@200", until=450)) == (100, 350, 0)


def test_observed_is_on_and_outage() -> None:
    """What power_observed_seconds_total shows."""
    assert books_of("on@0 unknown@100 off@130", until=200).observed == 170_000


def test_time_that_is_already_booked_is_not_booked_again() -> None:
    """A clock that was set back books nothing, and takes nothing back."""
    books = books_of("on@0", until=100)
    assert pass_time(books, at(60), FIVE_MINUTES) == books
    assert pass_time(books, at(100), FIVE_MINUTES) == books


@given(st.lists(st.tuples(st.sampled_from(["on", "off", "unknown"]), st.integers(1, 900))))
def test_on_outage_and_unknown_add_up_to_all_time(steps: list[tuple[str, int]]) -> None:
    """Whatever the rows: no second is lost, none is counted twice."""
    words, now = ["on@0"], 0
    for name, wait in steps:
        now += wait
        if not words[-1].startswith(name):
            words.append(f"{name}@{now}")
    books = books_of(" ".join(words), until=now + 7)
    assert sum(times(books)) == now + 7
    assert books.until == at(now + 7)
    assert books.sustained_outage <= books.outage


# ---------------------------------------------------------------- outages


def test_a_short_outage_is_counted_as_momentary_when_it_ends() -> None:
    """Not before: it could still become sustained."""
    assert counts(books_of("on@0 off@100", until=399)) == (0, 0)
    assert counts(books_of("on@0 off@100 on@399")) == (1, 0)


def test_a_long_outage_is_counted_as_sustained_when_it_passes_the_threshold() -> None:
    """Not when it ends, and only once."""
    assert counts(books_of("on@0 off@100", until=400)) == (0, 0)
    assert counts(books_of("on@0 off@100", until=400.001)) == (0, 1)
    assert counts(books_of("on@0 off@100 on@900", until=1000)) == (0, 1)


def test_an_outage_of_exactly_the_threshold_is_momentary() -> None:
    """Longer than the threshold is sustained."""
    assert counts(books_of("on@0 off@100 on@400")) == (1, 0)
    assert counts(books_of("on@0 off@100 on@400.001")) == (0, 1)


def test_a_second_off_row_inside_an_outage_counts_nothing() -> None:
    """An outage with an unknown spell inside lasts from the first off to the on."""
    books = books_of("on@0 off@100 unknown@200 off@300 on@450")
    assert counts(books) == (0, 1)
    assert books.sustained_outage == 350_000


def test_an_outage_that_ends_after_an_unseen_spell_is_counted() -> None:
    """From off over unknown to on."""
    assert counts(books_of("on@0 off@100 unknown@200 on@250")) == (1, 0)
    assert counts(books_of("on@0 off@100 unknown@200 on@950")) == (0, 1)


def test_unknown_outside_an_outage_counts_nothing() -> None:
    """Spells of unknown are no outages."""
    assert counts(books_of("on@0 unknown@100 on@900")) == (0, 0)


def test_sustained_outage_seconds_are_those_of_sustained_outages_from_their_start() -> None:
    """Nothing of a momentary one; of a sustained one all, once it has passed the threshold."""
    assert books_of("on@0 off@100 on@300", until=400).sustained_outage == 0
    assert books_of("on@0 off@100", until=400).sustained_outage == 0
    assert books_of("on@0 off@100", until=401).sustained_outage == 301_000
    assert books_of("on@0 off@100 on@900", until=1000).sustained_outage == 800_000


def test_passing_time_in_steps_books_what_one_step_books() -> None:
    """Signs of life in the middle of an outage change nothing in the sum."""
    stepped = books_of("on@0 off@100")
    for moment in range(110, 910, 7):
        stepped = pass_time(stepped, at(moment), FIVE_MINUTES)
    assert pass_time(stepped, at(910), FIVE_MINUTES) == books_of("on@0 off@100", until=910)


def test_a_higher_threshold_does_not_take_a_counted_outage_back() -> None:
    """Counted as sustained it stays sustained, and its seconds go on."""
    books = books_of("on@0 off@100", until=500)
    (on,) = rows_of("on@600")
    ended = post(pass_time(books, at(550), 3_600_000), on, 3_600_000)
    assert counts(ended) == (0, 1)
    assert ended.sustained_outage == 500_000


def test_a_changed_threshold_applies_to_a_running_outage_that_is_not_counted_yet() -> None:
    """Lowered, the running one is sustained when time passes; raised, it may end momentary."""
    running = books_of("on@0 off@100", until=200)
    assert counts(pass_time(running, at(201), 60_000)) == (0, 1)
    assert pass_time(running, at(201), 60_000).sustained_outage == 101_000
    (on,) = rows_of("on@600")
    assert counts(post(running, on, 3_600_000)) == (1, 0)


def test_a_changed_threshold_does_not_recount_what_has_ended() -> None:
    """The momentary one of yesterday stays momentary."""
    books = books_of("on@0 off@100 on@200", until=300)
    assert counts(pass_time(books, at(400), 1_000)) == (1, 0)


def test_the_running_and_the_last_ended_outage_are_known() -> None:
    """The last that *ended* is kept while another runs."""
    books = books_of("on@0 off@100 on@200 off@300 unknown@320")
    assert books.outage_start == at(300)
    assert (books.ended_start, books.ended_at) == (at(100), at(200))
    fresh = books_of("on@0")
    assert (fresh.outage_start, fresh.ended_start, fresh.ended_at) == (None, None, None)
    assert books_of("on@0 off@100 on@200").outage_start is None


# ---------------------------------------------------------------- rows


def test_rows_are_counted_by_where_they_lead() -> None:
    """Every row, the first one and second off rows included."""
    books = books_of("on@0 off@1 unknown@2 off@3 on@4 unknown@5 on@6")
    assert (books.to_on, books.to_off, books.to_unknown) == (3, 2, 2)


def test_the_last_state_that_was_on_or_off_is_held_while_unknown() -> None:
    """What power_on shows."""
    assert books_of("on@0 unknown@1").last_known is State.ON
    assert books_of("on@0 off@1 unknown@2").last_known is State.OFF
    assert books_of("on@0 off@1 unknown@2").state is State.UNKNOWN


def test_posting_a_row_changes_no_older_books() -> None:
    """Books are values: a commit that the disk refuses leaves them as they were."""
    books = books_of("on@0", until=50)
    kept = replace(books)
    post(books, rows_of("off@100")[0], FIVE_MINUTES)
    assert books == kept
