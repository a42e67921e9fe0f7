"""What a sink gets of each row: the outage that it opens or ends, also of rows the disk refuses."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.outbox import JournalOutbox
from exporter.power import Belief, Cause, Change, State
from exporter.reading import Reading
from exporter.recorder import Recorder
from exporter.records import Sign
from exporter.transitions import Transition
from tests.exporter.clocks import EPOCH, HandClock
from tests.exporter.disks import FillingDisk

WORDS = {"on": State.ON, "off": State.OFF, "?": State.UNKNOWN}


class Rows:
    """A journal into which a story is written, one state a minute."""

    def __init__(self, folder: Path) -> None:
        self.disk = FillingDisk(folder)
        self.recorder = Recorder(self.disk, HandClock())
        self.reading = Reading(folder)
        self.outbox = JournalOutbox(self.recorder, self.reading, lambda _: 90_000)
        self._last: dict[str, Change] = {}

    async def write(self, story: str, home: str = "flat") -> list[Transition]:
        """Write states; return the rows."""
        rows: list[Transition] = []
        for word in story.split():
            change = self._next(WORDS[word], home)
            belief = Belief(change.state, change.at, change.at, change.at, change.at)
            rows += await self.recorder.record(Sign(home, belief, 90_000, (change,)))
        return rows

    def _next(self, state: State, home: str) -> Change:
        last = self._last.get(home)
        at = last.at + 60_000 if last else EPOCH
        before = None if last is None else last.at if last.state is State.UNKNOWN else at - 5_000
        cause = Cause.MEASURED if last else Cause.START
        change = Change(state, last.state if last else None, at, before, at + 100, cause)
        self._last[home] = change
        return change


@pytest.fixture
async def rows(tmp_path: Path) -> AsyncIterator[Rows]:
    """An empty journal."""
    rows = Rows(tmp_path)
    yield rows
    await rows.reading.close()
    await rows.recorder.close()


async def test_an_off_row_opens_an_outage_and_the_next_on_row_ends_it(rows: Rows) -> None:
    """Both carry it; the opening row shows it as it has become since."""
    await rows.write("on off on")
    first, opening, ending = await rows.outbox.entries_after(0, 10)
    assert (first.opens, first.ends, first.previous_at) == (None, None, None)
    assert opening.opens is not None
    assert ending.ends == opening.opens
    assert not opening.opens.running
    assert ending.previous_at == EPOCH + 60_000


async def test_a_running_outage_is_opened(rows: Rows) -> None:
    """It has no end yet."""
    await rows.write("on off")
    entry = (await rows.outbox.entries_after(1, 10))[0]
    assert entry.opens is not None
    assert entry.opens.running
    assert entry.opens.start_earliest == EPOCH + 55_000


async def test_a_blind_spell_inside_an_outage_opens_nothing(rows: Rows) -> None:
    """off, unknown, off is one outage: only its first row opens it."""
    await rows.write("on off ? off on")
    entries = await rows.outbox.entries_after(0, 10)
    assert [entry.opens is not None for entry in entries] == [False, True, False, False, False]
    assert entries[4].ends is not None
    assert entries[4].ends.start == EPOCH + 60_000
    assert entries[4].sustained


async def test_an_outage_may_end_after_a_blind_spell(rows: Rows) -> None:
    """off, unknown, on ends it; on, unknown, on ends nothing."""
    await rows.write("on off ? on ? on")
    entries = await rows.outbox.entries_after(0, 10)
    assert [entry.ends is not None for entry in entries] == [
        False, False, False, True, False, False,
    ]  # fmt: skip


async def test_a_home_that_is_off_from_the_start_opens_an_outage(rows: Rows) -> None:
    """There was no on evidence before it."""
    await rows.write("off on")
    opening, ending = await rows.outbox.entries_after(0, 10)
    assert opening.opens is not None
    assert opening.opens.start_earliest is None
    assert ending.ends is not None


async def test_homes_do_not_mix(rows: Rows) -> None:
    """Another home's rows in between change nothing."""
    await rows.write("on off")
    await rows.write("on off on", home="shed")
    await rows.write("on")
    entries = await rows.outbox.entries_after(0, 10)
    ended = [(e.transition.home, e.ends.start) for e in entries if e.ends]
    assert ended == [("shed", EPOCH + 60_000), ("flat", EPOCH + 60_000)]


async def test_rows_that_the_disk_refuses_carry_their_outage(rows: Rows) -> None:
    """The outage began in the journal, and ends in memory."""
    await rows.write("on off")
    rows.disk.full = True
    refused = await rows.write("on off")
    ending, opening = await rows.outbox.entries_of(refused)
    assert ending.ends is not None
    assert (ending.ends.start, ending.ends.id) == (EPOCH + 60_000, 2)
    assert ending.previous_at == EPOCH + 60_000
    assert opening.opens is not None
    assert opening.opens.id is None


async def test_what_waits_is_counted_from_the_cursor(rows: Rows) -> None:
    """A new sink starts at the end; later rows wait until the cursor passes them."""
    await rows.write("on")
    assert await rows.outbox.cursor("influxdb") == 1
    await rows.write("off on")
    waiting = await rows.outbox.waiting("influxdb")
    assert (waiting.count, waiting.oldest) == (2, EPOCH + 60_100)
    await rows.outbox.advance("influxdb", 3)
    waiting = await rows.outbox.waiting("influxdb")
    assert (waiting.count, waiting.oldest) == (0, None)
