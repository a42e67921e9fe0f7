"""Durations: what a config may spell, and what it means."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chassis.durations import (
    Duration,
    PositiveDuration,
    duration_between,
    format_duration,
    parse_duration,
)
from chassis.strict_model import StrictModel, validate


@pytest.mark.parametrize(
    "text, ms",
    [
        ("200ms", 200),
        ("5s", 5_000),
        ("1m30s", 90_000),
        ("12h", 43_200_000),
        ("30d", 2_592_000_000),
        ("1h1ms", 3_600_001),
        ("90m", 5_400_000),
        ("1w", 604_800_000),
        ("1y2w3d4h5m6s7ms", 33_019_506_007),
        ("0s", 0),
        ("007s", 7_000),
    ],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, ms: int) -> None:
    """Whole numbers with units, the largest unit first."""
    assert parse_duration(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "s",
        "5 s",
        " 5s",
        "5s\n",
        "-5s",
        "+5s",
        "1.5s",
        "5S",
        "1s1m",
        "5s5s",
        "\u0665s",
        "1e3s",
    ],
)
def test_what_is_no_duration_is_refused_by_its_spelling(text: str) -> None:
    """The message says how a duration looks and repeats what was written."""
    with pytest.raises(ValueError, match="such as 5s or 1m30s") as refused:
        parse_duration(text)
    assert repr(text) in str(refused.value)


def test_a_number_of_absurd_length_is_refused_without_being_repeated() -> None:
    """A message stays a line that people can read."""
    with pytest.raises(ValueError, match="must be a duration") as refused:
        parse_duration("9" * 10_000 + "s")
    assert len(str(refused.value)) < 120


@given(st.integers(min_value=0, max_value=10**14))
def test_what_is_spelled_reads_as_it_was(ms: int) -> None:
    """`format_duration` and `parse_duration` undo each other."""
    assert parse_duration(format_duration(ms)) == ms


@pytest.mark.parametrize(
    "ms, text", [(0, "0s"), (90_000, "1m30s"), (3_600_001, "1h1ms"), (86_400_000, "1d")]
)
def test_a_duration_is_spelled_with_the_largest_units(ms: int, text: str) -> None:
    """Parts of nothing are left out."""
    assert format_duration(ms) == text


def test_no_duration_is_negative() -> None:
    """Whoever subtracted the wrong way round hears of it."""
    with pytest.raises(ValueError, match="never negative"):
        format_duration(-1)


class Waits(StrictModel):
    """A model with each type of duration."""

    any: Duration = 0
    some: PositiveDuration = 1
    hourly: Annotated[int, duration_between(60_000, 3_600_000)] = 60_000


def refusal(**keys: object) -> str:
    """Return what is said of keys in a file."""
    with pytest.raises(ValidationError) as refused:
        validate(Waits, keys, None)
    return str(refused.value)


def test_a_file_spells_durations_as_text() -> None:
    """They become milliseconds."""
    assert validate(Waits, {"any": "0s", "some": "1ms", "hourly": "1h"}, None) == Waits(
        any=0, some=1, hourly=3_600_000
    )


def test_a_bare_number_in_a_file_is_refused() -> None:
    """Nobody can tell seconds from milliseconds."""
    assert "a number and its unit" in refusal(any=5)
    assert "a number and its unit" in refusal(any=True)


def test_bounds_are_told_in_durations() -> None:
    """People read 1h, not 3600000."""
    assert "must be between 1m and 1h, not 1h1ms" in refusal(hourly="1h1ms")
    assert "must be between 1m and 1h, not 59s999ms" in refusal(hourly="59s999ms")
    assert "must be longer than 0s, not 0s" in refusal(some="0s")


def test_code_gives_milliseconds_within_the_same_bounds() -> None:
    """A model made by code is as sound as one from a file."""
    assert Waits(hourly=120_000).hourly == 120_000
    with pytest.raises(ValidationError):
        Waits(hourly=1)
