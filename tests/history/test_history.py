"""A made-up past is there, in a real Prometheus, with all that the exporter says of itself."""

from pathlib import Path

import pytest

from chassis.instants import from_rfc3339
from exporter.metrics import FAMILIES
from tests.e2e.real_programs import needs
from tests.history.recalled import Recalled, add_blocks
from tests.history.scrapes import Exporter, Scraped, regularly, write_history
from tests.history.story import DAY, HOUR, MINUTE, SECOND, Piece, Seen, Story, outages, truth

END = from_rfc3339("2026-06-30T00:00:00Z")
OUTAGE = Piece(END - 12 * HOUR, END - 11 * HOUR, Seen.OFF)
UNSEEN = Piece(END - 11 * HOUR, END - 8 * HOUR, Seen.BLIND)
AGAIN = Piece(END - 8 * HOUR, END - 7 * HOUR, Seen.OFF)
APART = Piece(END - 4 * HOUR, END - 2 * HOUR, Seen.AWAY)
STORY = Story("flat", END - 2 * DAY, (OUTAGE, UNSEEN, AGAIN, APART))
WITHOUT_SINKS_AND_PROBES = {
    family.name for family in FAMILIES if not {"sink", "probe"} & set(family.label_names)
}


@needs("promtool-2", "prometheus-3")
def test_a_past_with_every_metric_is_recalled(tmp_path: Path) -> None:
    """Samples bear the names of their target and their own times; where none was, none is."""
    away = Scraped(STORY.begins, APART.start), Scraped(APART.end, END, "moved:1")
    text = tmp_path / "past.txt"
    write_history(text, [Exporter((STORY,), away, regularly(STORY.begins, END, 5 * MINUTE))])
    add_blocks("promtool-2", text, tmp_path / "tsdb")
    with Recalled("prometheus-3", tmp_path, tmp_path / "tsdb") as prometheus:
        found = prometheus.at('{job="power-exporter",instance="moved:1"}', END // SECOND)
        assert {dict(labels)["__name__"] for labels in found} == WITHOUT_SINKS_AND_PROBES
        for at, state in (
            (UNSEEN.start - MINUTE, "off"),
            (UNSEEN.end - MINUTE, "unknown"),
            (END, "on"),
        ):
            (now,) = prometheus.at("power_state == 1", at // SECOND)
            assert ("power_state", state) in now
        assert prometheus.at("power_on", (APART.end - MINUTE) // SECOND) == {}


def test_an_unknown_spell_inside_an_outage_belongs_to_it() -> None:
    """The truth is that of the contract: an outage ends when power is seen."""
    assert outages(STORY, END) == [Piece(OUTAGE.start, AGAIN.end, Seen.OFF)]
    found = truth(STORY, END - DAY, END)
    assert found.outage_seconds == found.sustained_seconds == 5 * 3600
    assert found.unknown_seconds == 2 * 3600
    assert found.observed_seconds == 22 * 3600
    assert (found.momentary, found.sustained) == (0, 1)


@pytest.mark.parametrize("lasts, class_", [(5 * MINUTE, "momentary"), (301 * SECOND, "sustained")])
def test_an_outage_counts_once_it_is_of_a_class(lasts: int, class_: str) -> None:
    """A sustained one when it passes the threshold, a momentary one when it ends."""
    story = Story("flat", END - DAY, (Piece(END - HOUR, END - HOUR + lasts, Seen.OFF),))
    at = END - HOUR + 5 * MINUTE
    assert getattr(truth(story, END - DAY, at), class_) == 0
    assert getattr(truth(story, END - DAY, at + 2 * SECOND), class_) == 1
    assert getattr(truth(story, at + 2 * SECOND, END), class_) == 0
