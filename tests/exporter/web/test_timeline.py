"""The bar of states: it is whole, bounded, and shows every outage."""

from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from exporter.outages import Spell
from exporter.power import State
from exporter.web.timeline import DAY, HOUR, SLOTS, last_day, last_week

NOW = 1_795_514_400_000  # 2026-11-24T12:00:00 in Kyiv
KYIV = ZoneInfo("Europe/Kyiv")


@st.composite
def spells(draw: st.DrawFn) -> list[Spell]:
    """Successive spells that end now."""
    lengths = draw(st.lists(st.integers(1, 3 * HOUR) | st.integers(1, 2000), max_size=40))
    found, end = [], NOW
    for length in lengths:
        found.append(Spell(draw(st.sampled_from(State)), end - length, end, end))
        end -= length
    return found[::-1]


@given(spells())
def test_the_blocks_fill_the_bar_and_do_not_overlap(past: list[Spell]) -> None:
    """However many spells there were."""
    blocks = last_day(past, NOW, KYIV).blocks
    edge = 0.0
    for block in blocks:
        assert abs(block.left - edge) < 0.01
        edge = block.left + block.width
    assert abs(edge - 100) < 0.01
    assert len(blocks) <= SLOTS


@given(spells())
def test_every_outage_can_be_seen(past: list[Spell]) -> None:
    """However short, at its place."""
    blocks = last_week(past, NOW, KYIV).blocks
    for spell in past:
        if spell.state is State.OFF and spell.end > NOW - 7 * DAY:
            middle = (max(spell.start, NOW - 7 * DAY) + spell.end) / 2
            place = 100 * (middle - NOW + 7 * DAY) / (7 * DAY)
            assert any(
                block.state == "off"
                and block.left - 0.01 <= place <= block.left + block.width + 0.01
                for block in blocks
            )


def test_a_bar_says_in_words_what_it_shows() -> None:
    """For who cannot see it."""
    past = [
        Spell(State.ON, NOW - 20 * HOUR, NOW - 2 * HOUR, NOW - 2 * HOUR),
        Spell(State.OFF, NOW - 2 * HOUR, NOW, NOW),
    ]
    bar = last_day(past, NOW, KYIV)
    assert bar.alternative == "Last 24 hours: on 18 h, off 2 h, not watched 4 h"
    assert [(block.state, round(block.left)) for block in bar.blocks] == [
        ("none", 0),
        ("on", 17),
        ("off", 92),
    ]


def test_ticks_stand_at_the_round_hours_of_the_home() -> None:
    """Six hours apart on its own clock."""
    ticks = last_day([], NOW, KYIV).ticks
    assert [tick.label for tick in ticks] == ["12:00", "18:00", "00:00", "06:00"]
    assert [tick.left for tick in ticks] == [0, 25, 50, 75]


def test_ticks_follow_the_change_to_winter_time() -> None:
    """The day on which the clock went back has 25 hours."""
    after_change = 1_792_922_400_000  # 2026-10-25T12:00 in Kyiv, where it had been 04:00 twice
    ticks = last_day([], after_change, KYIV).ticks
    lefts = {tick.label: tick.left for tick in ticks}
    assert lefts["06:00"] == 75
    assert lefts["00:00"] == round(100 * 11 / 24, 2)


def test_a_week_is_marked_by_its_days() -> None:
    """At midnight."""
    labels = [tick.label for tick in last_week([], NOW, KYIV).ticks]
    assert labels == ["Wed", "Thu", "Fri", "Sat", "Sun", "Mon", "Tue"]
