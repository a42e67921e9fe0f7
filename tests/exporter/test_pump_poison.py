"""A row that a sink will never take does not block the rest, and no other row pays for it."""

from exporter.sinks.outcomes import Accepted, Broken, Refused, Unavailable
from tests.exporter.pump_bench import Bench


async def test_a_refused_batch_is_halved_down_to_the_poison() -> None:
    """One bad row of nine is put aside; the rest arrive in order, without a pause."""
    bench = Bench(rows=9)
    bench.sink.poison = {5: Refused("HTTP 400: unable to parse")}
    await bench.run()
    assert bench.time == 0.0
    assert bench.sink.accepted == [1, 2, 3, 4, 6, 7, 8, 9]
    assert bench.outbox.parked == [("influxdb", 5, "HTTP 400: unable to parse")]
    assert (bench.cursor, bench.pump.rejected) == (9, 1)


async def test_halving_takes_few_requests_for_a_long_batch() -> None:
    """A poison at the front of 500 rows costs about two requests a halving, not 500."""
    bench = Bench(rows=500)
    bench.sink.poison = {1: Refused("HTTP 400")}
    await bench.run()
    assert bench.parked == [1]
    assert len(bench.sink.sent) <= 20


async def test_many_poisons_are_all_put_aside() -> None:
    """Every other row is bad, the first and the last included."""
    bench = Bench(rows=11)
    bench.sink.poison = {id_: Refused("HTTP 422") for id_ in range(1, 12, 2)}
    await bench.run()
    assert bench.parked == [1, 3, 5, 7, 9, 11]
    assert bench.sink.accepted == [2, 4, 6, 8, 10]


async def test_the_fifth_500_of_one_batch_halves_it() -> None:
    """Four times it may be the server; new rows do not make it another batch."""
    bench = Bench(rows=4)
    bench.sink.script.extend([Broken("HTTP 500")] * 5)
    for _ in range(3):
        await bench.step()
    bench.outbox.add()
    for _ in range(2):
        await bench.step()
    assert bench.sink.sent == [[1, 2, 3, 4]] * 5
    await bench.run()
    assert bench.sink.sent[5:] == [[1, 2], [3, 4], [5]]
    assert bench.parked == []


async def test_a_row_that_breaks_the_sink_is_put_aside_once_another_is_taken() -> None:
    """The row before it, written once more, shows that the sink is well."""
    bench = Bench(rows=1)
    await bench.run()
    bench.outbox.add()
    bench.sink.poison = {2: Broken("HTTP 500: gzip")}
    await bench.run()
    assert bench.sink.sent == [[1], *[[2]] * 5, [1], [2]]
    assert bench.parked == [2]
    assert bench.pump.up


async def test_a_row_that_breaks_the_sink_in_mid_batch_does_not_block_the_rest() -> None:
    """The batch is narrowed to the row, and the rest arrives in order."""
    bench = Bench(rows=8)
    bench.sink.poison = {6: Broken("HTTP 500")}
    await bench.run()
    assert bench.parked == [6]
    assert list(dict.fromkeys(bench.sink.accepted)) == [1, 2, 3, 4, 5, 7, 8]


async def test_a_sink_that_breaks_on_everything_gets_everything_again() -> None:
    """Nothing is put aside while nothing is accepted, for as long as it lasts."""
    bench = Bench(rows=3)
    bench.sink.script.extend([Broken("HTTP 500")] * 60)
    for _ in range(60):
        await bench.step()
    assert (bench.cursor, bench.parked) == (0, [])
    await bench.run()
    assert bench.sink.accepted == [1, 2, 3]
    assert bench.parked == []


async def test_a_lone_row_that_breaks_the_sink_is_retried_until_another_row_comes() -> None:
    """Without any other row nobody can tell whose fault it is."""
    bench = Bench(rows=1)
    bench.sink.poison = {1: Broken("HTTP 500")}
    for _ in range(30):
        await bench.step()
    assert bench.sink.sent == [[1]] * 30
    bench.outbox.add()
    await bench.run()
    assert bench.parked == [1]
    assert bench.cursor == 2


async def test_a_witness_that_is_refused_itself_is_not_asked_for_ever() -> None:
    """The point written before has left the retention: the row behind is asked instead."""
    bench = Bench(rows=1)
    await bench.run()
    bench.outbox.add()
    bench.outbox.add()
    bench.sink.poison = {1: Refused("HTTP 422"), 2: Broken("HTTP 500")}
    await bench.run()
    assert bench.parked == [2]
    assert bench.cursor == 3


async def test_a_witness_is_worth_nothing_once_the_sink_was_away() -> None:
    """What comes back may be ill: the row is given up only after another witness."""
    bench = Bench(rows=1)
    await bench.run()
    bench.outbox.add()
    ill = Broken("HTTP 500")
    bench.sink.script.extend([*[ill] * 5, Accepted(), Unavailable("restarts"), ill])
    await bench.run()
    assert bench.parked == []
    assert bench.sink.sent == [[1], *[[2]] * 5, [1], [2], [2], [1], [2]]


async def test_rows_that_break_the_sink_side_by_side_are_both_put_aside() -> None:
    """Before anything was accepted: each row behind is asked in turn until one is taken."""
    bench = Bench(rows=4)
    bench.sink.poison = {1: Broken("HTTP 500"), 2: Broken("HTTP 500"), 3: Broken("HTTP 500")}
    await bench.run()
    assert bench.parked == [1, 2, 3]
    assert bench.cursor == 4
