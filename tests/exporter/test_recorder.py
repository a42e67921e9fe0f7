"""The way into the journal: groups, order, and a disk that refuses."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from exporter.blackout import Life
from exporter.journal_reader import JournalReader
from exporter.power import Belief, Cause, Change, State
from exporter.recorder import Recorder
from exporter.records import Sign
from exporter.transitions import Transition
from tests.exporter.clocks import EPOCH, HandClock
from tests.exporter.disks import FillingDisk, HangingDisk


@pytest.fixture
def journal(tmp_path: Path) -> FillingDisk:
    """A journal in a folder of its own."""
    return FillingDisk(tmp_path)


@pytest.fixture
async def recorder(journal: FillingDisk) -> AsyncIterator[Recorder]:
    """Its asynchronous face."""
    recorder = Recorder(journal, HandClock())
    yield recorder
    await recorder.close()


def change(home: str, number: int) -> Sign:
    """Make the home's number-th change: on, off, on and so forth."""
    state, other = (State.OFF, State.ON) if number % 2 else (State.ON, State.OFF)
    at = EPOCH + number * 1000
    made = Change(
        state,
        other if number else None,
        at,
        at - 500 if number else None,
        at + 100,
        Cause.MEASURED if number else Cause.START,
    )
    belief = Belief(state, at, at, at, at, in_outage=state is State.OFF)
    return Sign(home, belief, 300_000, (made,))


def stored(folder: Path) -> list[Transition]:
    """What a second connection finds in the journal."""
    reader = JournalReader(folder)
    rows = reader.after(0, 1000)
    reader.close()
    return rows


async def test_a_change_is_committed_before_record_returns(
    recorder: Recorder, tmp_path: Path
) -> None:
    """What `record` returns stands in the journal."""
    rows = await recorder.record(change("flat", 0))
    assert list(rows) == stored(tmp_path)
    assert rows[0].id == 1
    assert rows[0].durable


async def test_changes_that_come_together_get_their_own_rows_back(
    recorder: Recorder, tmp_path: Path
) -> None:
    """A hundred homes that lose power at once each get their own row, and ids have no gap."""
    homes = [f"home-{n}" for n in range(100)]
    answers = await asyncio.gather(*(recorder.record(change(home, 0)) for home in homes))
    assert [rows[0].home for rows in answers] == homes
    assert sorted(row.id or 0 for row in stored(tmp_path)) == list(range(1, 101))


async def test_a_full_disk_gives_rows_that_are_not_durable(
    recorder: Recorder, journal: FillingDisk, tmp_path: Path
) -> None:
    """They are decided and told, with no id, and stand in the home's own view."""
    told: list[Transition] = []
    recorder.on_undurable.append(told.extend)
    journal.full = True
    rows = await recorder.record(change("flat", 0))
    assert [row.id for row in rows] == [None]
    assert not recorder.writable
    assert recorder.undurable("flat") == rows
    assert told == list(rows)
    assert stored(tmp_path) == []


async def test_what_could_not_be_written_is_written_unchanged_and_in_order(
    recorder: Recorder, journal: FillingDisk, tmp_path: Path
) -> None:
    """When the disk has room again the rows get ids and keep their dates."""
    durable_again: list[bool] = []
    recorder.on_durable.append(lambda: durable_again.append(True))
    await recorder.record(change("flat", 0))
    journal.full = True
    refused = [await recorder.record(change("flat", n)) for n in (1, 2)]
    refused.append(await recorder.record(change("shed", 0)))
    await recorder.retry_once()
    assert not recorder.writable
    journal.full = False
    await recorder.retry_once()
    assert recorder.writable
    assert durable_again == [True]
    rows = stored(tmp_path)
    assert [row.id for row in rows] == [1, 2, 3, 4]
    assert [(row.home, row.at) for row in rows[1:]] == [(r[0].home, r[0].at) for r in refused]
    assert recorder.undurable("flat") == ()


async def test_the_next_change_brings_the_refused_ones_along(
    recorder: Recorder, journal: FillingDisk, tmp_path: Path
) -> None:
    """The new change comes after them, and only it is returned."""
    journal.full = True
    await recorder.record(change("flat", 0))
    journal.full = False
    rows = await recorder.record(change("flat", 1))
    assert [row.id for row in rows] == [2]
    assert [row.state for row in stored(tmp_path)] == [State.ON, State.OFF]


async def test_a_stale_sign_of_life_does_not_undo_a_newer_row(
    recorder: Recorder, journal: FillingDisk
) -> None:
    """A sign of life taken before a row was written says nothing of that row's evidence."""
    await recorder.record(change("flat", 0))
    stale = Sign("flat", change("flat", 0).belief, 300_000)
    await recorder.record(change("flat", 1))
    await recorder.sign_of_life([stale])
    assert journal.records["flat"].evidence == change("flat", 1).belief.evidence


async def test_signs_of_life_and_changes_never_write_a_refused_row_twice(
    recorder: Recorder, journal: FillingDisk, tmp_path: Path
) -> None:
    """However they meet, each refused row is written once."""
    journal.full = True
    await recorder.record(change("flat", 0))
    journal.full = False
    await asyncio.gather(
        recorder.sign_of_life([]),
        recorder.record(change("flat", 1)),
        recorder.retry_once(),
        recorder.sign_of_life([]),
    )
    assert [row.id for row in stored(tmp_path)] == [1, 2]


async def test_waiting_for_a_row_ends_when_it_is_committed(recorder: Recorder) -> None:
    """Who waits beyond an id wakes at the commit, not before."""
    waiter = asyncio.create_task(recorder.wait_beyond(0))
    await asyncio.sleep(0)
    assert not waiter.done()
    await recorder.record(change("flat", 0))
    assert await waiter == 1


async def test_a_clean_stop_is_remembered(recorder: Recorder, journal: FillingDisk) -> None:
    """The mark of an orderly stop is on the exporter's life and on each home's record."""
    await recorder.record(change("flat", 0))
    assert not journal.records["flat"].life.clean
    await recorder.sign_of_life([Sign("flat", change("flat", 0).belief, 300_000)], clean=True)
    assert journal.records["flat"].life.clean
    assert journal.life is not None
    assert journal.life.clean


async def test_a_fault_of_ours_reaches_everybody_who_waits(tmp_path: Path) -> None:
    """A home must not wait for ever for a commit that broke: its next round tries again."""

    class Broken(FillingDisk):
        broken = True

        def commit(self, signs: Sequence[Sign], life: Life) -> list[Transition]:
            if self.broken:
                raise MemoryError
            return super().commit(signs, life)

    journal = Broken(tmp_path)
    recorder = Recorder(journal, HandClock())
    asked = [recorder.record(change(home, 0)) for home in ("flat", "shed")]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [MemoryError, MemoryError]
    journal.broken = False
    assert [row.id for row in await recorder.record(change("flat", 0))] == [1]
    await recorder.close()


@pytest.fixture
async def hanging(tmp_path: Path) -> AsyncIterator[tuple[Recorder, HangingDisk]]:
    """A recorder with little patience, and its disk."""
    disk = HangingDisk(tmp_path)
    recorder = Recorder(disk, HandClock(), patience=0.02)
    yield recorder, disk
    disk.lets_go.set()
    await until_durable(recorder)
    await recorder.close()


async def until_durable(recorder: Recorder) -> None:
    """Retry, as the exporter does all the time, until nothing is refused any more."""
    async with asyncio.timeout(10):
        while not recorder.writable:
            await recorder.retry_once()


async def test_a_disk_that_does_not_answer_is_one_that_refuses(
    hanging: tuple[Recorder, HangingDisk], tmp_path: Path
) -> None:
    """The home goes on, with rows that are not durable; they are written once, in order."""
    recorder, disk = hanging
    told: list[Transition] = []
    recorder.on_undurable.append(told.extend)
    await recorder.record(change("flat", 0))
    disk.lets_go.clear()
    rows = [row for n in (1, 2, 3) for row in await recorder.record(change("flat", n))]
    assert [row.id for row in rows] == [None, None, None]
    assert not recorder.writable
    assert told == rows
    disk.lets_go.set()
    await until_durable(recorder)
    assert [(row.id, row.at) for row in stored(tmp_path)[1:]] == list(
        zip((2, 3, 4), [row.at for row in rows], strict=True)
    )
    assert recorder.undurable("flat") == ()
    assert recorder.last_id == 4


async def test_rows_refused_after_a_late_commit_are_offered_again(
    hanging: tuple[Recorder, HangingDisk], tmp_path: Path
) -> None:
    """The late commit made the first durable; the second is still told, as not durable."""
    recorder, disk = hanging
    offered: list[Transition] = []
    recorder.on_undurable.append(offered.extend)
    recorder.on_durable.append(offered.clear)
    disk.lets_go.clear()
    await recorder.record(change("flat", 0))
    second = await recorder.record(change("flat", 1))
    disk.full_after = 1
    disk.lets_go.set()
    async with asyncio.timeout(10):
        while recorder.last_id < 1:
            await recorder.retry_once()
    assert not recorder.writable
    assert offered == list(second)
    assert [row.state for row in stored(tmp_path)] == [State.ON]
    disk.full = False
    await until_durable(recorder)
    assert offered == []


async def test_a_late_commit_that_failed_is_written_again(
    hanging: tuple[Recorder, HangingDisk], tmp_path: Path
) -> None:
    """First no answer, then a full disk, then room: each row is written once."""
    recorder, disk = hanging
    disk.lets_go.clear()
    await recorder.record(change("flat", 0))
    disk.full = True
    disk.lets_go.set()
    await recorder.record(change("flat", 1))
    assert not recorder.writable
    disk.full = False
    await until_durable(recorder)
    assert [(row.id, row.state) for row in stored(tmp_path)] == [(1, State.ON), (2, State.OFF)]


async def test_a_retry_that_nobody_waits_for_any_more_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The stop of the service cuts it off; what it committed is not written again."""
    disk = HangingDisk(tmp_path)
    recorder = Recorder(disk, HandClock())
    disk.full = True
    await recorder.record(change("flat", 0))
    disk.full = False
    disk.lets_go.clear()
    retry = asyncio.create_task(recorder.retry_once())
    await asyncio.sleep(0)
    retry.cancel()
    await asyncio.gather(retry, return_exceptions=True)
    disk.lets_go.set()
    await recorder.sign_of_life([Sign("flat", change("flat", 0).belief, 300_000)], clean=True)
    assert [row.id for row in stored(tmp_path)] == [1]
    assert "makes no sense" not in caplog.text
    await recorder.close()


async def test_the_latest_of_a_home_holds_what_the_disk_refused(
    recorder: Recorder, journal: FillingDisk
) -> None:
    """Who comes back to a home goes on from there, as if it had been written."""
    await recorder.record(change("flat", 0))
    journal.full = True
    await recorder.record(change("flat", 1))
    await recorder.record(change("shed", 0))
    latest = recorder.latest("flat")
    assert latest is not None
    assert (latest.last.state, latest.last.id, latest.books.outage_start) == (
        State.OFF,
        None,
        latest.last.at,
    )
    assert recorder.latest("barn") is None
