"""What a sink gets of each row: the outage that it opens or ends, also of rows the disk refuses."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import overload

import pytest

from exporter.entries import Entry
from exporter.journal_reader import JournalReader
from exporter.lanes import MemoryLane
from exporter.outbox import JournalOutbox, entries_of
from exporter.power import Belief, Cause, Change, State
from exporter.reading import Reading
from exporter.recorder import Recorder
from exporter.records import Sign
from exporter.transitions import Transition, transition_of
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
            change = self.change(word, home)
            belief = Belief(change.state, change.at, change.at, change.at, change.at)
            rows += await self.recorder.record(Sign(home, belief, 90_000, (change,)))
        return rows

    @property
    def state(self) -> str:
        """The word for where the story has come to."""
        return next(word for word, state in WORDS.items() if state is self._last["flat"].state)

    def change(self, word: str, home: str = "flat") -> Change:
        """Return the story's next change."""
        state, last = WORDS[word], self._last.get(home)
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
    ending, opening = await rows.outbox.entries_of(refused, {"flat": refused})
    assert ending.ends is not None
    assert (ending.ends.start, ending.ends.id) == (EPOCH + 60_000, 2)
    assert ending.previous_at == EPOCH + 60_000
    assert opening.opens is not None
    assert opening.opens.id is None


@pytest.mark.parametrize("seed", range(20))
async def test_rows_tell_the_same_before_and_after_the_disk_takes_them(
    rows: Rows, seed: int
) -> None:
    """Whatever the story, wherever the disk filled up, and whatever was sent and let go before."""
    dice = Random(seed)
    await rows.write(_story(dice, 7))
    rows.disk.full = True
    lane = MemoryLane(rows.outbox)
    lane.offer(await rows.write(_story(dice, 40, after=rows.state)))
    told: list[Entry] = []
    while entries := await lane.entries(dice.randint(1, 5)):
        await lane.passed(entries)
        told += entries
    rows.disk.full = False
    await rows.recorder.retry_once()
    durable = (await rows.outbox.entries_after(0, 100))[7:]
    assert len(told) == 40
    assert [_nameless(entry) for entry in told] == [_nameless(entry) for entry in durable]


def _story(dice: Random, length: int, after: str = "") -> str:
    words = [after]
    for _ in range(length):
        words.append(dice.choice([word for word in WORDS if word != words[-1]]))
    return " ".join(words[1:])


def _nameless(entry: Entry) -> Entry:
    """What an entry says, without the ids that only the disk gives."""
    outage = entry.outage and replace(entry.outage, id=None)
    return replace(entry, transition=replace(entry.transition, id=None), outage=outage)


class CountingReader(JournalReader):
    """A journal that counts how often it is asked."""

    asked = 0

    def before(self, home: str, at: int) -> Transition | None:
        self.asked += 1
        return super().before(home, at)

    def around(self, home: str, start: int, end: int) -> list[Transition]:
        self.asked += 1
        return super().around(home, start, end)


class CountingRows(Sequence[Transition]):
    """Rows that count how many of them are looked at."""

    def __init__(self, rows: Sequence[Transition]) -> None:
        self._rows = rows
        self.looks = 0

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Transition: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Transition]: ...

    def __getitem__(self, place: int | slice) -> Transition | Sequence[Transition]:
        found = self._rows[place]
        self.looks += len(found) if isinstance(found, Sequence) else 1
        return found


class CountingOutbox(JournalOutbox):
    """A journal as sinks see it, which counts what it costs to tell of undurable rows."""

    def __init__(self, rows: Rows, reader: CountingReader) -> None:
        super().__init__(rows.recorder, rows.reading, lambda _: 90_000)
        self.reader = reader
        self.looks = 0

    async def entries_of(
        self, rows: Sequence[Transition], own: Mapping[str, Sequence[Transition]]
    ) -> list[Entry]:
        counted = {home: CountingRows(mine) for home, mine in own.items()}
        entries = entries_of(self.reader, rows, counted, lambda _: 90_000)
        self.looks += sum(mine.looks for mine in counted.values())
        return entries


@pytest.mark.parametrize("spell", ["on off", "on ? off ?", "off ?"])
async def test_ten_thousand_undurable_rows_of_one_home_are_linear_work(
    rows: Rows, tmp_path: Path, spell: str
) -> None:
    """A row costs a bounded number of looks, however many wait and however long its outage is."""
    await rows.write("on")
    rows.disk.full = True
    count, words = 10_000, spell.split()
    changes = [rows.change(words[place % len(words)]) for place in range(count)]
    with closing(CountingReader(tmp_path)) as reader:
        outbox = CountingOutbox(rows, reader)
        lane = MemoryLane(outbox)
        lane.offer([transition_of("flat", change) for change in changes])
        told = 0
        while entries := await lane.entries(500):
            await lane.passed(entries)
            told += len(entries)
        assert told == count
        assert reader.asked <= 3
        assert outbox.looks <= 40 * count


async def test_what_waits_is_counted_from_the_cursor(rows: Rows) -> None:
    """With the moment at which the oldest was confirmed."""
    await rows.write("on off on")
    waiting = await rows.outbox.waiting(1)
    assert (waiting.count, waiting.oldest) == (2, EPOCH + 60_100)
    waiting = await rows.outbox.waiting(3)
    assert (waiting.count, waiting.oldest) == (0, None)


async def test_looking_at_a_cursor_gives_a_sink_no_place(rows: Rows) -> None:
    """A sink that has none has none afterwards; one that was given a place keeps it."""
    await rows.write("on off")
    assert await rows.outbox.cursor("influxdb") is None
    assert await rows.outbox.cursor("influxdb") is None
    await rows.outbox.advance("influxdb", 1)
    assert await rows.outbox.cursor("influxdb") == 1
