"""Quiet hours are those of the clock on the wall, over midnight and while clocks are set."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.muting import is_muted, parse_mute
from alerting.subscriber_table import from_csv, to_csv
from alerting.subscribers import Subscriber

KYIV = ZoneInfo("Europe/Kyiv")


def at(text: str, fold: int = 0, zone: ZoneInfo = KYIV) -> int:
    """Return the wall ms of a local time."""
    moment = datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)
    return int(moment.timestamp() * 1000)


@pytest.mark.parametrize(
    "text,span",
    [
        ("22:00-07:00", "22:00-07:00"),
        (" 9:05 - 7:00 ", "09:05-07:00"),
        ("22:00\u201307:00", "22:00-07:00"),
        ("00:00-24:00", "00:00-00:00"),
        ("13:00-13:00", "13:00-13:00"),
        ("24:01-07:00", None),
        ("22:60-07:00", None),
        ("22:00-25:00", None),
        ("22-7", None),
        ("22:00-07:00-08:00", None),
        ("٢٢:00-07:00", None),
        ("", None),
        ("at night", None),
    ],
)
def test_what_people_write(text: str, span: str | None) -> None:
    """Hours and minutes, or nothing."""
    assert parse_mute(text) == span


@pytest.mark.parametrize(
    "mute,when,muted",
    [
        ("22:00-07:00", "2026-11-24 21:59:59", False),
        ("22:00-07:00", "2026-11-24 22:00:00", True),
        ("22:00-07:00", "2026-11-25 00:00:00", True),
        ("22:00-07:00", "2026-11-25 06:59:59", True),
        ("22:00-07:00", "2026-11-25 07:00:00", False),
        ("13:00-14:30", "2026-11-24 14:29:00", True),
        ("13:00-14:30", "2026-11-24 12:59:00", False),
        ("13:00-14:30", "2026-11-24 14:30:00", False),
        ("00:00-00:00", "2026-11-24 14:30:00", True),
        ("", "2026-11-24 23:00:00", False),
        ("nonsense", "2026-11-24 23:00:00", False),
    ],
)
def test_hours_of_a_day(mute: str, when: str, *, muted: bool) -> None:
    """The first minute is in, the last is out."""
    assert is_muted(mute, KYIV, at(when)) is muted


def test_the_zone_is_the_homes() -> None:
    """At one moment it is night here and day there."""
    now = at("2026-11-24 23:00")
    assert is_muted("22:00-07:00", KYIV, now)
    assert not is_muted("22:00-07:00", ZoneInfo("America/New_York"), now)


def test_an_hour_that_comes_twice_is_muted_twice() -> None:
    """At 04:00 on 25 October 2026 Kyiv's clocks go back to 03:00."""
    for fold in (0, 1):
        assert is_muted("22:00-03:30", KYIV, at("2026-10-25 03:29", fold))
        assert not is_muted("22:00-03:30", KYIV, at("2026-10-25 03:30", fold))
    assert is_muted("22:00-04:00", KYIV, at("2026-10-25 03:59", 1))


def test_an_hour_that_is_left_out_ends_what_ends_in_it() -> None:
    """At 03:00 on 29 March 2026 Kyiv's clocks go on to 04:00."""
    before = at("2026-03-29 02:59:59")
    assert is_muted("22:00-03:30", KYIV, before)
    assert not is_muted("22:00-03:30", KYIV, before + 1000)
    assert is_muted("03:15-05:00", KYIV, before + 1000)


@given(st.times(), st.times())
def test_what_is_parsed_can_be_exported_and_imported(start: object, end: object) -> None:
    """The table of subscribers takes the spans that people may set."""
    span = parse_mute(f"{start:%H:%M}-{end:%H:%M}")
    assert span is not None
    assert parse_mute(span) == span
    who = Subscriber(1, None, mute=span)
    assert from_csv(to_csv([who]))[0].mute == span
