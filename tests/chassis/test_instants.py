"""Moments: two clocks, the one that advanced more, and the spelling of wall time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.instants import Instant, elapsed, from_rfc3339, to_rfc3339

NOON = 1_795_514_523_120  # 2026-11-24T10:02:03.120Z
YEAR_1 = -62_135_596_800_000
YEAR_10_000 = 253_402_300_800_000


def test_a_moment_is_shifted_on_both_clocks() -> None:
    """A duration passes on the wall clock and on the boot clock alike."""
    assert Instant(1000, 50).shifted(7) == Instant(1007, 57)
    assert Instant(1000, 50).shifted(-7) == Instant(993, 43)


@pytest.mark.parametrize(
    "later, expected",
    [
        (Instant(1500, 150), 500),  # a paused virtual machine, or a clock set forward
        (Instant(1100, 900), 850),  # a suspended machine
        (Instant(200, 90), 40),  # a clock set back
    ],
)
def test_the_clock_that_advanced_more_tells_how_long_nobody_looked(
    later: Instant, expected: int
) -> None:
    """Lateness is the greater advance of the two clocks, whichever way the other was moved."""
    assert elapsed(Instant(1000, 50), later) == expected


def test_wall_time_is_spelled_in_utc_with_milliseconds_and_z() -> None:
    """The spelling is RFC 3339 in UTC, always with three digits of milliseconds."""
    assert to_rfc3339(NOON) == "2026-11-24T10:02:03.120Z"
    assert to_rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert to_rfc3339(7) == "1970-01-01T00:00:00.007Z"


def test_time_before_the_epoch_is_spelled_too() -> None:
    """A clock without a battery may stand in 1969: its milliseconds still count upwards."""
    assert to_rfc3339(-1) == "1969-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2026-11-24T10:02:03.120Z", NOON),
        ("2026-11-24T12:02:03.120+02:00", NOON),
        ("2026-11-24T04:32:03.120-05:30", NOON),
        ("2026-11-24T10:02:03Z", NOON - 120),
        ("2026-11-24T10:02:03.1209Z", NOON),
        ("2026-11-24T10:02:03.12Z", NOON),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_rfc_3339_with_any_offset_is_read(text: str, expected: int) -> None:
    """What an offset says is taken off; what is finer than a millisecond is cut."""
    assert from_rfc3339(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1795514523",
        "2026-11-24",
        "2026-11-24T10:02:03",
        "2026-11-24T10:02:03.120",
        "2026-02-30T10:02:03Z",
        "2026-11-24T25:02:03Z",
        "2026-11-24T10:02:03Zulu",
    ],
)
def test_what_is_no_rfc_3339_time_with_an_offset_is_refused(text: str) -> None:
    """A time that could mean another moment elsewhere is a ValueError, not a guess."""
    with pytest.raises(ValueError):  # noqa: PT011  the message is the standard library's
        from_rfc3339(text)


@pytest.mark.parametrize(
    "text",
    [
        "20261124T100203Z",
        "2026-W48-2T10:02:03Z",
        "2026-11-24T10Z",
        "2026-11-24T10:02Z",
        "2026-11-24T10:02:03,120Z",
        "2026-11-24T10:02:03+02:00:30",
    ],
)
def test_other_forms_of_iso_8601_are_refused(text: str) -> None:
    """RFC 3339 is one form of ISO 8601: full date, full time, offset in hours and minutes."""
    with pytest.raises(ValueError):  # noqa: PT011  whatever it says
        from_rfc3339(text)


@given(st.integers(-2_208_988_800_000, 4_102_444_800_000))
def test_what_was_spelled_is_read_back(wall: int) -> None:
    """From 1900 to 2100 a spelling is exact to the millisecond."""
    assert from_rfc3339(to_rfc3339(wall)) == wall


@pytest.mark.parametrize("wall", [YEAR_1, YEAR_10_000 - 1])
def test_the_first_and_the_last_year_have_four_digits_as_well(wall: int) -> None:
    """Whoever asks for all of time ("since year 1") gets an answer that can be read again."""
    assert from_rfc3339(to_rfc3339(wall)) == wall
    assert len(to_rfc3339(wall)) == len("2026-11-24T10:02:03.120Z")
