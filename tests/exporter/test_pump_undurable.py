"""Rows that the disk has refused reach a sink from memory."""

from dataclasses import replace

import pytest

from exporter.lanes import MemoryLane
from exporter.sinks.outcomes import Refused
from exporter.transitions import Transition
from tests.exporter.memory_outbox import MemoryOutbox, rows_of
from tests.exporter.pump_bench import AWAY, Bench


def _undurable(*steps: tuple[str, str, int]) -> list[Transition]:
    return [replace(row, id=None) for row in rows_of(*steps)]


async def test_undurable_rows_go_after_the_durable_backlog_in_order() -> None:
    """They have no ids and move no cursor."""
    bench = Bench(rows=2)
    bench.sink.script.append(AWAY)
    await bench.step()
    bench.pump.offer_undurable(_undurable(("cabin", "on", 500), ("cabin", "off", 600)))
    await bench.run()
    assert bench.sink.sent == [[1, 2], [1, 2], [None, None]]
    assert bench.cursor == 2


async def test_undurable_rows_are_sent_once_while_they_are_undurable() -> None:
    """What was accepted is not repeated when more rows follow."""
    bench = Bench()
    first, second = _undurable(("cabin", "on", 500), ("cabin", "off", 600))
    bench.pump.offer_undurable([first])
    await bench.run()
    bench.pump.offer_undurable([second])
    await bench.run()
    assert bench.sink.sent == [[None], [None]]


async def test_undurable_rows_that_became_durable_come_again_with_ids() -> None:
    """What was not sent yet is dropped from memory and comes through the journal."""
    bench = Bench()
    bench.sink.script.extend([AWAY])
    bench.pump.offer_undurable(_undurable(("flat", "on", 0)))
    await bench.step()
    bench.outbox.add()
    bench.pump.forget_undurable()
    await bench.run()
    assert bench.sink.sent == [[None], [1]]


async def test_rows_forgotten_while_they_are_on_their_way_leave_later_ones_alone() -> None:
    """A row offered after the forgetting is sent, although the one before was just accepted."""
    bench = Bench()
    old, new = _undurable(("cabin", "on", 500), ("cabin", "off", 600))
    bench.pump.offer_undurable([old])

    def disk_recovers() -> None:
        bench.sink.during_send = lambda: None
        bench.pump.forget_undurable()
        bench.pump.offer_undurable([new])

    bench.sink.during_send = disk_recovers
    await bench.run()
    assert bench.sink.sent == [[None], [None]]


async def test_a_refused_undurable_row_does_not_block_the_next() -> None:
    """It is let go; the journal will bring it again."""
    bench = Bench()
    bench.sink.script.extend([Refused("HTTP 400"), Refused("HTTP 400")])
    bench.pump.offer_undurable(_undurable(("cabin", "on", 500), ("cabin", "off", 600)))
    await bench.run()
    assert bench.sink.sent == [[None, None], [None], [None]]
    assert bench.outbox.parked == []


async def test_a_full_memory_takes_no_row_behind_a_hole_until_all_are_durable(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Rows with a hole between them would tell outages that never were; the log says so once."""
    rows = _undurable(*(("cabin", "off" if at % 2 else "on", 60 * at) for at in range(6)))
    lane = MemoryLane(MemoryOutbox(), most=3)
    lane.offer(rows[:4])
    await lane.passed(await lane.entries(10))
    lane.offer(rows[4:5])
    assert await lane.entries(10) == []
    lane.forget()
    lane.offer(rows[5:])
    assert [entry.transition for entry in await lane.entries(10)] == rows[5:]
    assert len(caplog.records) == 1


async def test_what_was_sent_leaves_room_for_what_comes() -> None:
    """A relay that keeps up is told of everything, however many rows the disk refuses."""
    rows = _undurable(*(("cabin", "off" if at % 2 else "on", 60 * at) for at in range(20)))
    lane = MemoryLane(MemoryOutbox(), most=4)
    told = 0
    for row in rows:
        lane.offer([row])
        entries = await lane.entries(10)
        await lane.passed(entries)
        told += len(entries)
    assert told == 20
