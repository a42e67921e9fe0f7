"""Parameters: what is a time, a limit, a cursor, and what is a 400 that says which."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from chassis.instants import to_rfc3339
from chassis.problems import Problem
from exporter.indices import Span
from exporter.web import query

TEN = 1_795_514_400_000  # 2026-11-24T10:00:00Z
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(9990, 1, 1), timezones=OFFSETS)  # noqa: DTZ001  the zones are given


@pytest.mark.parametrize(
    "text,wall",
    [
        ("2026-11-24T10:00:00Z", TEN),
        ("2026-11-24t10:00:00z", TEN),
        ("2026-11-24 10:00:00Z", TEN),
        ("2026-11-24T12:00:00+02:00", TEN),
        ("2026-11-24T12:00:00 02:00", TEN),
        ("2026-11-24T04:30:00-05:30", TEN),
        ("2026-11-24T10:00:00.5Z", TEN + 500),
        ("2026-11-24T10:00:00.120Z", TEN + 120),
        ("2026-11-24T10:00:00.120000000Z", TEN + 120),
        ("2026-11-24T10:00:00.1200000001Z", TEN + 121),
        ("2026-11-24T09:59:60Z", TEN),
        ("0001-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59.9999Z", query.LATEST),
        ("9999-12-31T23:59:59-23:00", query.LATEST),
    ],
)
def test_any_rfc_3339_time_is_read(text: str, wall: int) -> None:
    """With any offset, any decimals, a + that arrived as a space, and rounded up."""
    assert query.wall_of(text) == wall


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1795514400",
        "2026-11-24",
        "2026-11-24T10:00Z",
        "2026-11-24T10:00:00",
        "2026-11-24T10:00:00+0200",
        "2026-11-24T10:00:00+24:00",
        "2026-11-24T24:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-11-24T10:00:00Z\n",
        "٢٠٢٦-11-24T10:00:00Z",
        "0000-01-01T00:00:00Z",
    ],
)
def test_what_is_no_rfc_3339_time_is_refused(text: str) -> None:
    """The 400 names the parameter."""
    with pytest.raises(Problem) as caught:
        query.time_of(MultiDict({"from": text}), "from")
    assert caught.value.status == 400
    assert caught.value.detail is not None
    assert caught.value.detail.startswith("from: ")


@given(MOMENTS)
def test_a_time_is_read_as_the_standard_library_does(moment: datetime) -> None:
    """Whatever the offset and the microseconds; rounded up to a millisecond."""
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    assert query.wall_of(moment.isoformat()) == -(-since // timedelta(milliseconds=1))


@given(st.integers(0, query.LATEST))
def test_times_that_we_write_are_read_back(wall: int) -> None:
    """What an answer gives can be asked with."""
    assert query.wall_of(to_rfc3339(wall)) == wall


@pytest.mark.parametrize("text", ["", "0", "-1", "1001", "ten", "1.0", "+5", "\u0665", "1" * 30])
def test_a_bad_limit_is_refused(text: str) -> None:
    """Only 1 to 1000 will do."""
    with pytest.raises(Problem, match="400"):
        query.limit_of(MultiDict({"limit": text}))


@pytest.mark.parametrize("text", ["", "-1", "x", "1e3", "9" * 19])
def test_a_bad_id_is_refused(text: str) -> None:
    """An id is a whole number that SQLite can hold."""
    with pytest.raises(Problem, match="400"):
        query.id_of(MultiDict({"after": text}), "after")


@given(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True), st.integers(0, query.LATEST))
def test_a_cursor_is_read_back_for_its_home(home: str, at: int) -> None:
    """And it is plain enough for an address."""
    cursor = query.cursor_to(home, at)
    assert query.cursor_of(MultiDict({"cursor": cursor}), home) == at
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text())
def test_any_other_text_is_a_bad_cursor(text: str) -> None:
    """Never a 500."""
    with pytest.raises(Problem, match="400"):
        query.cursor_of(MultiDict({"cursor": text}), "flat")


def test_a_cursor_of_another_home_is_refused() -> None:
    """It would skip rows at random."""
    with pytest.raises(Problem, match="400"):
        query.cursor_of(MultiDict({"cursor": query.cursor_to("shed", 5)}), "flat")


def test_a_parameter_that_is_given_twice_is_refused() -> None:
    """Nobody can tell which is meant."""
    with pytest.raises(Problem, match="400"):
        query.limit_of(MultiDict([("limit", "1"), ("limit", "2")]))


def test_a_span_must_not_be_empty() -> None:
    """`from` at or after `to` is a fault, half a span is not."""
    same = MultiDict({"from": "2026-11-24T10:00:00Z", "to": "2026-11-24T10:00:00Z"})
    with pytest.raises(Problem, match="400"):
        query.span_of(same)
    assert query.span_of(MultiDict({"from": "2026-11-24T10:00:00Z"})) == Span(TEN, query.LATEST)
    assert query.span_of(MultiDict({"to": "2026-11-24T10:00:00Z"})) == Span(0, TEN)
