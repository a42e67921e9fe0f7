"""A past of three homes in a real Prometheus: what dashboards are asked about, and the truth."""

import shutil
from pathlib import Path

from chassis.instants import from_rfc3339
from tests.history.recalled import add_blocks
from tests.history.scrapes import Exporter, Scraped, regularly, write_history
from tests.history.story import DAY, HOUR, MINUTE, SECOND, Piece, Seen, Story
from tests.rules.recording_rules import evaluate, read_rules

END = from_rfc3339("2026-06-30T12:00:00Z")
BEGINS = END - 40 * DAY


def _piece(seen: Seen, days: float, minutes: float) -> Piece:
    start = END - round(days * DAY)
    return Piece(start, start + round(minutes * MINUTE), seen)


def off(days: float, minutes: float) -> Piece:
    """Return an outage that began so many days before the end and lasts so many minutes."""
    return _piece(Seen.OFF, days, minutes)


# One that had outages of both classes and was unseen once, one that is dark now, one that is young.
STORIES = (
    Story("flat", BEGINS, (off(20, 90), _piece(Seen.BLIND, 12, 180), off(5, 200), off(2.5, 3))),
    Story("cottage", BEGINS, (off(9, 30), off(0.25, 6 * 60))),
    Story("tower", END - 2 * DAY - 12 * HOUR, (off(1, 45),)),
)
HOMES = {story.home: story for story in STORIES}
# A day that was over at the end, for what looks at whole days.
MIDNIGHT = from_rfc3339("2026-06-25T00:00:00Z")


def write_past(version: str, folder: Path, pages: Path) -> Path:
    """Return the data of a Prometheus 2 or 3 that has scraped all and recorded the rules."""
    tsdb = shutil.copytree(pages, folder / "tsdb")
    evaluate(version, folder, tsdb, read_rules(), [END // SECOND])
    return tsdb


def write_pages(folder: Path) -> Path:
    """Return data that hold what the exporter has said: each 5 minutes, of late each minute."""
    late = END - 3 * HOUR
    moments = [*regularly(BEGINS, late - 1, 5 * MINUTE), *regularly(late, END, MINUTE)]
    text = folder / "past.txt"
    write_history(text, [Exporter(STORIES, (Scraped(BEGINS, END),), moments)])
    add_blocks("promtool-2", text, folder / "tsdb")
    text.unlink()
    return folder / "tsdb"
