"""The pump delivers every row in order, whatever a sink does."""

import asyncio
import logging

import pytest

from exporter.sinks.outcomes import (
    Accepted,
    Blocked,
    Broken,
    NothingToSay,
    Outcome,
    Refused,
    Unavailable,
)
from tests.exporter.memory_outbox import Died
from tests.exporter.pump_bench import AWAY, Bench


async def test_sends_what_waits_in_one_batch_and_moves_the_cursor() -> None:
    """Three rows that wait are one request."""
    bench = Bench(rows=3)
    await bench.run()
    assert bench.sink.sent == [[1, 2, 3]]
    assert bench.cursor == 3
    assert bench.pump.up


async def test_a_long_backlog_goes_in_batches_of_bounded_size() -> None:
    """Seven rows in batches of three are three requests, in order."""
    bench = Bench(rows=7, batch=3)
    await bench.run()
    assert bench.sink.sent == [[1, 2, 3], [4, 5, 6], [7]]


async def test_the_cursor_stays_while_the_sink_is_away() -> None:
    """What was not accepted is sent again, with what came meanwhile."""
    bench = Bench(rows=1)
    bench.sink.script.extend([AWAY])
    await bench.step()
    assert (bench.cursor, bench.pump.up) == (0, False)
    bench.outbox.add()
    await bench.run()
    assert bench.sink.sent == [[1], [1, 2]]
    assert (bench.cursor, bench.pump.up) == (2, True)


async def test_pauses_start_within_a_second_and_grow_to_thirty() -> None:
    """With the most jitter there is, pauses double up to 30 s and stay there."""
    bench = Bench(rows=1)
    bench.sink.script.extend([AWAY] * 9)
    pauses = [await bench.step() for _ in range(9)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


@pytest.mark.parametrize("outcome", [Blocked("HTTP 401"), Broken("HTTP 500")])
async def test_a_blocked_or_broken_sink_is_paced_like_one_that_is_away(outcome: Outcome) -> None:
    """Neither is asked more often."""
    bench = Bench(rows=1)
    bench.sink.script.extend([outcome] * 4)
    assert [await bench.step() for _ in range(4)] == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize("fractions", [[0.0] * 6, [0.999] * 6, [0.999, 0.0] * 3])
async def test_jitter_takes_away_at_most_half_and_never_reverses_growth(
    fractions: list[float],
) -> None:
    """Whatever the dice say, a pause is no shorter than the one before, up to the cap."""
    bench = Bench(rows=1)
    bench.sink.script.extend([AWAY] * 6)
    pauses: list[float] = []
    for bench.fraction in fractions:
        pauses.append(await bench.step() or 0.0)
    assert pauses == sorted(pauses)
    assert 0.25 <= pauses[0] <= 0.5


async def test_a_success_resets_the_pause() -> None:
    """After a success the next failure is answered by the shortest pause again."""
    bench = Bench(rows=1)
    bench.sink.script.extend([AWAY, AWAY, AWAY, Accepted(), AWAY])
    await bench.run(4 + 1)
    bench.outbox.add()
    assert await bench.step() == 0.5


@pytest.mark.parametrize("asked_for, pause", [(7.0, 7.0), (3600.0, 30.0), (0.0, 0.5), (None, 0.5)])
async def test_retry_after_is_honoured_up_to_thirty_seconds(
    asked_for: float | None, pause: float
) -> None:
    """The sink says how long, within bounds, and never makes the pump faster."""
    bench = Bench(rows=1)
    bench.sink.script.append(Unavailable("HTTP 503", asked_for))
    assert await bench.step() == pause


async def test_waking_during_a_pause_does_not_hammer() -> None:
    """A new row and a wake-up wait for the end of the pause."""
    bench = Bench(rows=1)
    bench.sink.script.append(Unavailable("HTTP 503", 10.0))
    await bench.pump.pump_once()
    bench.outbox.add()
    bench.pump.wake()
    bench.time = 4.0
    assert await bench.pump.pump_once() == 6.0
    assert len(bench.sink.sent) == 1
    bench.time = 10.0
    assert await bench.pump.pump_once() == 0.0
    assert bench.sink.sent[-1] == [1, 2]


async def test_an_idle_pump_sends_at_once_when_it_is_woken() -> None:
    """A wake-up between the look and the rest is not lost."""
    bench = Bench(rows=1)
    await bench.run()
    assert await bench.pump.pump_once() is None
    bench.outbox.add()
    bench.pump.wake()
    await bench.pump.rest(None)
    await bench.pump.pump_once()
    assert bench.sink.sent[-1] == [2]


async def test_a_crash_before_the_cursor_moved_repeats_the_batch() -> None:
    """The sink had it, the process died: the sink gets it once more, and nothing is lost."""
    bench = Bench(rows=2)
    bench.sink.during_send = bench.outbox.die
    with pytest.raises(Died):
        await bench.run()
    bench.sink.during_send = lambda: None
    bench.restart()
    await bench.run()
    assert bench.sink.sent == [[1, 2], [1, 2]]


async def test_rows_that_say_nothing_pass_without_a_word_about_the_sink() -> None:
    """The cursor moves, but the sink does not count as up for it."""
    bench = Bench(rows=2)
    bench.sink.reachable = AWAY
    bench.sink.script.append(NothingToSay())
    await bench.step()
    assert bench.cursor == 2
    assert not bench.pump.up


async def test_an_idle_sink_that_cannot_be_reached_is_down_until_it_can() -> None:
    """Nothing waits at the start: the pump looks whether it could send, and then leaves it be."""
    bench = Bench()
    bench.sink.reachable = AWAY
    assert await bench.step() == 0.5
    assert not bench.pump.up
    bench.sink.reachable = Accepted()
    assert await bench.step() is None
    assert bench.pump.up
    await bench.step()
    assert bench.sink.checks == 2


async def test_each_change_of_state_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Going down, turning blocked and coming back are one line each, whatever the retries."""
    caplog.set_level(logging.INFO)
    bench = Bench(rows=1)
    bench.sink.script.extend([AWAY, AWAY, Blocked("HTTP 401"), Blocked("HTTP 401")])
    await bench.step()
    bench.outbox.add()
    await bench.run()
    assert [record.message for record in caplog.records] == [
        "influxdb is down: connection refused",
        "influxdb is blocked, everything is kept: HTTP 401",
        "influxdb is up again, 2 rows waited",
    ]


async def test_a_flood_of_refused_rows_is_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each is counted; the first is named."""
    bench = Bench(rows=40)
    bench.sink.poison = {id_: Refused("HTTP 400") for id_ in range(1, 41)}
    await bench.run()
    assert bench.pump.rejected == 40
    assert len(caplog.records) == 1


async def test_the_count_of_rejected_rows_survives_a_restart() -> None:
    """The counter never goes back."""
    bench = Bench(rows=2)
    bench.sink.poison = {1: Refused("HTTP 400")}
    await bench.run()
    bench.restart()
    await bench.run()
    assert bench.pump.rejected == 1


async def test_a_disk_that_refuses_the_cursor_does_not_stop_the_pump() -> None:
    """The pump goes on from memory, sends nothing twice, and saves when it can."""
    bench = Bench(rows=1)
    await bench.run()
    bench.outbox.writable = False
    bench.outbox.add()
    bench.outbox.add()
    await bench.run()
    assert bench.sink.sent == [[1], [2, 3]]
    assert bench.cursor == 1
    bench.outbox.writable = True
    await bench.run()
    assert bench.sink.sent == [[1], [2, 3]]
    assert bench.cursor == 3


async def test_a_row_is_not_passed_before_the_disk_knows_that_it_was_refused() -> None:
    """It is refused again until `rejected` can be written."""
    bench = Bench(rows=1)
    bench.sink.poison = {1: Refused("HTTP 400")}
    bench.sink.script.append(AWAY)
    await bench.step()
    bench.outbox.writable = False
    assert await bench.step()
    assert (bench.parked, bench.pump.rejected) == ([], 0)
    bench.outbox.writable = True
    await bench.run()
    assert (bench.parked, bench.pump.rejected) == ([1], 1)


async def test_an_idle_pump_rests_until_it_is_woken_again() -> None:
    """A wake-up that was heeded does not keep the pump running."""
    bench = Bench(rows=1)
    bench.pump.wake()
    await bench.run()
    resting = asyncio.create_task(bench.pump.rest(None))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not resting.done()
    bench.pump.wake()
    await resting
