"""How durations, times and parts are said."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.lengths import Length, length_of, say_length, say_length_shortly
from alerting.times import (
    MINUTE,
    Local,
    decimal,
    duration,
    duration_at_most,
    percent,
    percent_at_most,
)
from alerting.wording import wording
from tests.alerting.message_cases import at, outage

EN, UK = wording("en"), wording("uk")
KYIV = ZoneInfo("Europe/Kyiv")
HOUR, DAY = 60 * MINUTE, 1440 * MINUTE
DASH = "\N{EN DASH}"


@pytest.mark.parametrize(
    "ms,english,ukrainian",
    [
        (-5, "less than 1 s", "менше 1 с"),  # noqa: RUF001  Cyrillic
        (999, "less than 1 s", "менше 1 с"),  # noqa: RUF001  Cyrillic
        (45_900, "45 s", "45 с"),  # noqa: RUF001  Cyrillic
        (MINUTE + 5_000, "1 min 5 s", "1 хв 5 с"),  # noqa: RUF001  Cyrillic
        (59 * MINUTE, "59 min", "59 хв"),
        (3 * HOUR + 20 * MINUTE + 59_999, "3 h 20 min", "3 год 20 хв"),
        (2 * DAY + 3 * HOUR, "2 d 3 h", "2 д 3 год"),
        (400 * DAY, "400 d", "400 д"),
    ],
)
def test_durations_are_said_in_two_units(ms: int, english: str, ukrainian: str) -> None:
    """Rounded down; the smaller is left out where it is nought, and none is 0 min."""
    assert duration(EN, ms) == english
    assert duration(UK, ms) == ukrainian


@pytest.mark.parametrize(
    "ms,said",
    [
        (1, "1 s"),
        (60_001, "1 min"),
        (61_002, "1 min 2 s"),
        (HOUR + 2, "1 h 1 min"),
        (DAY + 2, "1 d 1 h"),
        (3 * HOUR + 20 * MINUTE + 1, "3 h 20 min"),
    ],
)
def test_upper_bounds_are_rounded_up(ms: int, said: str) -> None:
    """To what is shown, the millisecond after the last evidence apart."""
    assert duration_at_most(EN, ms) == said


def seconds(said: str) -> int:
    """Read a duration back."""
    sizes = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
    numbers = said.removeprefix("less than ").split(" ")
    return sum(int(n) * sizes[unit] for n, unit in zip(numbers[::2], numbers[1::2], strict=True))


@given(st.integers(1, 10**11))
def test_what_is_said_bounds_what_is(ms: int) -> None:
    """From below, or from above."""
    assert seconds(duration(EN, ms)) * 1000 <= max(ms, 1000)
    assert seconds(duration_at_most(EN, ms)) * 1000 >= ms - 1


@pytest.mark.parametrize(
    "wall,english,ukrainian",
    [
        (at("20:12"), "20:12", "20:12"),
        (at("20:12", "2026-11-23"), "23 Nov 20:12", "23 листопада 20:12"),
        (at("01:05", "2025-02-03"), "3 Feb 2025 01:05", "3 лютого 2025 01:05"),
    ],
)
def test_the_date_is_said_unless_it_is_todays(wall: int, english: str, ukrainian: str) -> None:
    """The year too, of another year."""
    assert Local(EN, KYIV, at("21:00")).time(wall) == english
    assert Local(UK, KYIV, at("21:00")).time(wall) == ukrainian


def test_today_is_that_of_the_home() -> None:
    """At 23:30 UTC it is tomorrow in Kyiv already."""
    late = at("01:30", "2026-11-25")
    assert Local(EN, KYIV, late + MINUTE).time(late) == "01:30"
    assert Local(EN, ZoneInfo("UTC"), late + 40 * MINUTE).time(late) == "24 Nov 23:30"


def test_an_hour_that_comes_twice_names_its_offset() -> None:
    """In the night when the clocks go back, and at no other time."""
    first, second = at("02:30", "2026-10-25"), at("03:30", "2026-10-25")  # by the clock of winter
    local = Local(EN, KYIV, second + HOUR)
    assert local.time(first) == "03:30 EEST"
    assert local.time(second) == "03:30 EET"
    assert local.time(second + HOUR) == "04:30"

    midnight = 1_550_368_800_000  # 2019-02-17T02:00Z: Brazil's midnight became 23:00
    assert Local(EN, ZoneInfo("America/Sao_Paulo"), midnight).time(midnight) == "23:00 UTC-03"


@pytest.mark.parametrize(
    "start,end,said",
    [
        (at("14:02"), at("17:22"), f"14:02{DASH}17:22"),
        (at("14:02:05"), at("14:02:50"), f"14:02:05{DASH}14:02:50"),
        (at("14:02", "2026-11-22"), at("17:22", "2026-11-22"), f"22 Nov 14:02{DASH}17:22"),
        (at("22:10", "2026-11-23"), at("01:30"), f"23 Nov 22:10 {DASH} 24 Nov 01:30"),
    ],
)
def test_spans_leave_no_day_open(start: int, end: int, said: str) -> None:
    """One date where both are of one day, none for today, else both."""
    assert Local(EN, KYIV, at("21:00")).span(start, end) == said


def test_days_are_named() -> None:
    """For lists by day."""
    local = Local(UK, KYIV, at("21:00"))
    assert [local.day(at("00:00")), local.day(at("23:59", "2026-11-23"))] == [
        "Сьогодні",
        "23 листопада",
    ]


def test_parts_are_never_rounded_to_all_or_beyond() -> None:
    """99.999 % of power is no 100 %."""
    assert [percent(EN, 0.99999), percent(EN, 1), percent(UK, 0.9995)] == [
        "99.99 %",
        "100 %",
        "99,95 %",
    ]
    assert percent_at_most(EN, 0.999901) == "100 %"
    assert [decimal(EN, 1.5), decimal(UK, 2.25), decimal(EN, 3)] == ["1.5", "2,25", "3"]


@pytest.mark.parametrize(
    "length,full,short",
    [
        (Length(HOUR, HOUR - 5_000, HOUR + 5_000), "1 h", "1 h"),
        (Length(HOUR, 0, HOUR), "at most 1 h", "at most 1 h"),
        (Length(HOUR, HOUR, None), "at least 1 h", "at least 1 h"),
        (
            Length(HOUR, 55 * MINUTE, 70 * MINUTE),
            "about 1 h: between 55 min and 1 h 10 min",
            "about 1 h",
        ),
        (
            Length(72 * HOUR, 72 * HOUR, 72 * HOUR + MINUTE),
            "about 3 d: between 3 d and 3 d 1 h",
            "about 3 d",
        ),
    ],
)
def test_lengths_say_how_exactly_they_are_known(length: Length, full: str, short: str) -> None:
    """A minute more or less is told, a round of probes is not."""
    assert say_length(EN, length) == full
    assert say_length_shortly(EN, length) == short


def test_an_hour_that_comes_twice_under_one_name_is_told_by_its_offset() -> None:
    """Moscow's clocks went back in 2014 from MSK to MSK."""
    first = round(datetime(2014, 10, 25, 21, 30, tzinfo=UTC).timestamp() * 1000)
    local = Local(EN, ZoneInfo("Europe/Moscow"), first + 2 * HOUR)
    assert local.time(first) == "01:30 UTC+04:00"
    assert local.time(first + HOUR) == "01:30 UTC+03:00"


def test_the_length_of_an_outage_has_the_bounds_of_its_times() -> None:
    """Without bounds there is nothing to doubt."""
    start, end = at("10:00"), at("12:00")
    assert length_of(outage(start, end), end) == Length(2 * HOUR, 2 * HOUR, 2 * HOUR)
    bounded = outage(start, end, start_earliest=start - MINUTE, end_earliest=end - MINUTE)
    assert length_of(bounded, end) == Length(2 * HOUR, 2 * HOUR - MINUTE, 2 * HOUR + MINUTE)
    assert length_of(outage(start, end, cause="start"), end).most is None
    assert length_of(outage(start, end, cause="inferred"), end) == Length(2 * HOUR, 0, 2 * HOUR)
