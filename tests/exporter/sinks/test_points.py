"""Rows become InfluxDB points with exact types."""

import pytest

from exporter.entries import Entry
from exporter.sinks.points import Point, Seconds, points_of
from tests.exporter.memory_outbox import EPOCH, entries_of_rows, rows_of
from tests.fakes.line_protocol import parse_line


def _lines(*steps: tuple[str, str, int], only: int | None = None) -> list[str]:
    entries: list[Entry] = entries_of_rows(rows_of(*steps))
    chosen = entries if only is None else [entries[only]]
    return [point.line() for point in points_of(chosen)]


ON, OFF, BACK = ("flat", "on", 0), ("flat", "off", 60), ("flat", "on", 1265)


def test_the_first_row_has_no_previous_seconds() -> None:
    """Nothing came before it that could have lasted."""
    assert _lines(ON) == [
        'power_transition,home=flat on=1i,state="on",cause="start",id=1i 1795514523120000000'
    ]


def test_an_off_row_tells_the_transition_and_the_start_of_its_outage() -> None:
    """Two points: times are those of the row, floats have a decimal point."""
    assert _lines(ON, OFF, only=1) == [
        (
            'power_transition,home=flat on=0i,state="off",previous_seconds=60.000,'
            'cause="measured",id=2i 1795514583120000000'
        ),
        'power_outage,home=flat start_id=2i,cause="measured" 1795514583120000000',
    ]


def test_the_on_row_adds_the_durations_to_the_outage_at_its_start() -> None:
    """start_id and cause are repeated with the same values, so that the point is whole."""
    assert _lines(ON, OFF, BACK, only=2)[1] == (
        'power_outage,home=flat start_id=2i,cause="measured",duration_s=1205.000,'
        "duration_min_s=1200.000,duration_max_s=1210.000,sustained=1i 1795514583120000000"
    )


def test_an_outage_without_known_power_before_it_has_no_longest_duration() -> None:
    """The field is absent rather than guessed."""
    (_, point) = _lines(("flat", "off", 0), ("flat", "on", 60), only=1)
    assert "duration_max_s" not in point
    assert "sustained=0i" in point


def test_the_off_row_of_an_outage_that_is_over_is_told_as_when_it_ran() -> None:
    """What a row is told as does not depend on when it is told."""
    assert _lines(ON, OFF, BACK, only=1) == _lines(ON, OFF, only=1)


def test_an_unknown_row_has_no_on_field() -> None:
    """Unknown is neither 0 nor 1, and inside an outage neither its start nor its end."""
    lines = _lines(ON, OFF, ("flat", "unknown", 100), ("flat", "off", 200), BACK)
    unknown = next(line for line in lines if 'state="unknown"' in line)
    assert " on=" not in unknown
    assert ",on=" not in unknown
    assert sum(line.startswith("power_outage") for line in lines) == 2


def test_rows_of_a_batch_keep_their_order() -> None:
    """Points come as the rows do."""
    times = [int(line.rsplit(" ", 1)[1]) for line in _lines(ON, OFF) if "transition" in line]
    assert times == [EPOCH * 1_000_000, (EPOCH + 60_000) * 1_000_000]


@pytest.mark.parametrize(
    "ms, spelt", [(0, "0.000"), (1, "0.001"), (31_536_000_001, "31536000.001")]
)
def test_seconds_are_exact_and_always_floats(ms: int, spelt: str) -> None:
    """No exponent, no integer, no rounding."""
    assert f"s={spelt} " in Point("m", "flat", 0, {"s": Seconds(ms)}).line()


def test_what_is_special_in_line_protocol_is_escaped() -> None:
    """A strict reader gets back what was written."""
    line = parse_line(Point("m", "a b,c=d", 1, {"state": 'say "hi" \\ there, x=1'}).line(), "ns", 0)
    assert line.tags == (("home", "a b,c=d"),)
    assert line.fields["state"].value == 'say "hi" \\ there, x=1'
