"""A home's days become bars, and those a picture, by matplotlib where it is installed."""

import struct
import subprocess
import sys
from datetime import date, datetime
from zoneinfo import ZoneInfo

from alerting.charts import Bar, Day, Spell, available, days, draw, spells
from alerting.exporter_answers import State, Transition

KYIV = ZoneInfo("Europe/Kyiv")
DAY = 86_400_000


def at(text: str) -> int:
    """Return the wall ms of a time in Kyiv."""
    return int(datetime.fromisoformat(text).replace(tzinfo=KYIV).timestamp() * 1000)


def row(state: State, previous: State | None, when: int) -> Transition:
    """Spell a change as the exporter's answer has it."""
    return Transition.model_construct(state=state, previous=previous, at=when)


def test_changes_become_spells() -> None:
    """The first tells what was before it."""
    rows = [row("off", "on", 100), row("unknown", "off", 150), row("on", "unknown", 180)]
    assert spells(rows, "on", 50, 200) == (
        Spell("on", 50, 100),
        Spell("off", 100, 150),
        Spell("unknown", 150, 180),
        Spell("on", 180, 200),
    )


def test_before_the_first_change_of_all_nothing_is_known() -> None:
    """And nothing is drawn."""
    assert spells([row("on", None, 100)], "on", 50, 200) == (Spell("on", 100, 200),)
    assert spells([], None, 50, 200) == ()
    assert spells([], "off", 50, 200) == (Spell("off", 50, 200),)


def test_spells_are_cut_at_midnight() -> None:
    """Of the home's clock; a day without anything is a day."""
    start, now = at("2026-11-21 12:00"), at("2026-11-24 06:00")
    told = [Spell("off", at("2026-11-22 18:00"), at("2026-11-24 00:00"))]
    assert days(told, start, now, KYIV) == (
        Day(date(2026, 11, 21), ()),
        Day(date(2026, 11, 22), (Bar("off", 18.0, 24.0),)),
        Day(date(2026, 11, 23), (Bar("off", 0.0, 24.0),)),
        Day(date(2026, 11, 24), ()),
    )


def test_the_night_in_which_clocks_go_back_has_no_bar_that_ends_before_it_begins() -> None:
    """From the first 03:50 to the second 03:10 the clock on the wall goes backwards."""
    start = at("2026-10-25 03:50")
    (day,) = days([Spell("off", start, start + 20 * 60_000)], start, start + 1_200_000, KYIV)
    (bar,) = day.bars
    assert bar.end >= bar.start


def test_a_picture_is_drawn() -> None:
    """A PNG within what Telegram takes as a photo, for as many days as can be asked for."""
    assert available()
    start = at("2026-08-26 12:00")
    now = start + 90 * DAY
    told = [Spell("on", start, start + 40 * DAY), Spell("off", start + 40 * DAY, now)]
    drawn = days(told, start, now, KYIV)
    for shown in (drawn[:1], drawn):
        png = draw(shown, ["24 листопада"] * len(shown))
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", png[16:24])
        assert width + height <= 10_000
        assert 1 / 20 < width / height < 20


def test_nothing_is_imported_until_a_picture_is_asked_for() -> None:
    """The library costs 50 MiB."""
    program = "import sys, alerting.charts, alerting.bot; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
