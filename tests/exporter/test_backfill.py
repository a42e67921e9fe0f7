"""Backfill tells a sink the whole journal."""

from collections.abc import Sequence

import pytest

from exporter.backfill import BackfillFailed, Progress, backfill
from exporter.sinks.outcomes import Blocked, Broken, Refused, Unavailable
from tests.exporter.memory_outbox import MemoryOutbox
from tests.exporter.pump_bench import ScriptedSink


async def _fill(rows: int, sink: ScriptedSink, slept: list[float] | None = None) -> Progress:
    outbox = MemoryOutbox(cursors={"influxdb": 2})
    for _ in range(rows):
        outbox.add()
    pauses = [] if slept is None else slept

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    progress = await backfill(outbox, sink, batch=4, sleep=sleep)
    assert (outbox.cursors, outbox.parked) == ({"influxdb": 2}, [])
    return progress


async def test_every_row_is_sent_and_no_cursor_moves() -> None:
    """From the first, whatever the sink already has."""
    sink = ScriptedSink()
    assert await _fill(10, sink) == Progress(id=10, told=10)
    assert sink.sent == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


async def test_progress_is_told_after_each_batch() -> None:
    """For whoever watches."""
    outbox = MemoryOutbox()
    for _ in range(6):
        outbox.add()
    told: list[Progress] = []
    await backfill(outbox, ScriptedSink(), told.append, batch=4)
    assert [(one.id, one.told) for one in told] == [(4, 4), (6, 6)]


@pytest.mark.parametrize("poison", [Refused("HTTP 422"), Broken("HTTP 500")])
async def test_rows_that_are_refused_are_counted_and_left_out(poison: Refused | Broken) -> None:
    """Those behind the retention, say; the last reason is kept."""
    sink = ScriptedSink()
    sink.poison = {2: poison, 3: poison}
    progress = await _fill(6, sink)
    assert (progress.told, progress.refused, progress.last_reason) == (4, 2, poison.reason)
    assert sink.accepted == [1, 4, 5, 6]


async def test_a_sink_that_is_away_for_a_while_is_waited_for() -> None:
    """With growing pauses, and as long as it asks."""
    sink, slept = ScriptedSink(), list[float]()
    sink.script.extend([Unavailable("away"), Unavailable("HTTP 503", 20.0)])
    await _fill(3, sink, slept)
    assert slept[0] <= 0.5
    assert slept[1] == 20.0


@pytest.mark.parametrize(
    "faults", [[Unavailable("away")] * 8, [Blocked("HTTP 401: unauthorized access")]]
)
async def test_it_gives_up_saying_why(faults: Sequence[Unavailable | Blocked]) -> None:
    """A minute without the sink, or a wrong token."""
    sink = ScriptedSink()
    sink.script.extend(faults)
    with pytest.raises(BackfillFailed, match=faults[0].reason):
        await _fill(3, sink)
    assert len(sink.sent) == len(faults)
