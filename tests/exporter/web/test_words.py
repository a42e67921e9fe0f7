"""How times, durations and parts are said."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web import words

KYIV = ZoneInfo("Europe/Kyiv")
NOON = 1_795_514_400_000  # 2026-11-24T12:00:00 in Kyiv
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    "ms,said",
    [
        (-5, "0 s"),
        (0, "0 s"),
        (999, "less than 1 s"),
        (1_000, "1 s"),
        (59_999, "59 s"),
        (MINUTE, "1 min"),
        (MINUTE + 5_000, "1 min 5 s"),
        (3 * HOUR + 20 * MINUTE + 59_000, "3 h 20 min"),
        (HOUR + 59_000, "1 h"),
        (2 * DAY + 4 * HOUR, "2 d 4 h"),
        (400 * DAY, "400 d"),
    ],
)
def test_durations_are_said_in_two_units_rounded_down(ms: int, said: str) -> None:
    """The smaller unit is left out where it is nought."""
    assert words.duration(ms) == said


@pytest.mark.parametrize(
    "ms,said",
    [(1, "1 s"), (61_001, "1 min 2 s"), (HOUR + 1, "1 h 1 min"), (DAY + 1, "1 d 1 h")],
)
def test_upper_bounds_are_rounded_up(ms: int, said: str) -> None:
    """To what is shown."""
    assert words.at_most(ms) == said


@pytest.mark.parametrize(
    "wall,said",
    [
        (NOON, "12:00:00"),
        (NOON - DAY, "23 Nov 12:00:00"),
        (NOON - 400 * DAY, "20 Oct 2025 13:00:00"),
    ],
)
def test_times_are_those_of_the_home(wall: int, said: str) -> None:
    """The date is said unless it is today's, the year unless it is this one."""
    assert words.time_of_day(wall, KYIV, NOON) == said


def test_zones_are_named_by_the_offset_that_held() -> None:
    """In summer by that of summer; by its number where the zone has no letters."""
    assert words.zone_name(NOON, KYIV) == "EET"
    assert words.zone_name(NOON - 120 * DAY, KYIV) == "EEST"
    assert words.zone_name(NOON, ZoneInfo("Asia/Tashkent")) == "UTC+05"


@pytest.mark.parametrize(
    "earliest,latest,said",
    [
        (NOON - 5_000, NOON, "between 11:59:55 and 12:00:00"),
        (NOON, NOON + 999, "at 12:00:00"),
        (None, NOON, "at 12:00:00 or earlier"),
        (NOON - DAY, NOON - DAY + 5_000, "between 23 Nov 12:00:00 and 12:00:05"),
        (NOON - DAY, NOON, "between 23 Nov 12:00:00 and 12:00:00"),
        (NOON - 2 * DAY, NOON - DAY, "between 22 Nov 12:00:00 and 23 Nov 12:00:00"),
    ],
)
def test_bounds_are_said_in_words(earliest: int | None, latest: int, said: str) -> None:
    """With each date once."""
    assert words.between(earliest, latest, KYIV, NOON) == said


@pytest.mark.parametrize(
    "part,least,most",
    [
        (1.0, "100 %", "100 %"),
        (0.99999, "99.99 %", "100 %"),
        (0.9999, "99.99 %", "99.99 %"),
        (0.5, "50 %", "50 %"),
        (0.1234567, "12.34 %", "12.35 %"),
        (0.0, "0 %", "0 %"),
    ],
)
def test_parts_are_never_better_than_they_were(part: float, least: str, most: str) -> None:
    """Rounded down, upper bounds up; 99.99 is not lost to binary fractions."""
    assert words.percent(part) == least
    assert words.percent_at_most(part) == most


@given(st.floats(0, 1))
def test_only_the_whole_is_100_percent(part: float) -> None:
    """As far as nine decimals go."""
    assert (words.percent(part) == "100 %") == (part > 1 - 1e-9)
