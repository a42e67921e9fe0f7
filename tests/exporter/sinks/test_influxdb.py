"""The InfluxDB sink against a server that speaks the protocol, its faults included."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator

import pytest

from exporter.entries import Entry
from exporter.pump import Pump
from exporter.sinks.influxdb import InfluxDBSink
from exporter.sinks.outcomes import Accepted, Blocked, Broken, Refused, Unavailable
from tests.e2e.real_programs import free_port
from tests.exporter.memory_outbox import EPOCH, MemoryOutbox, entries_of_rows, rows_of
from tests.fakes.influxdb import FakeInfluxDB, Settings

NS = 1_000_000
NOW = (EPOCH + 3_600_000) * NS


def sink_of(url: str, *, token: str = Settings.token, timeout: int = 5_000) -> InfluxDBSink:
    """A sink for the fake's bucket."""
    return InfluxDBSink(
        url=url, org="home", bucket="power", token=token, timeout=timeout, now=lambda: EPOCH / 1000
    )


@pytest.fixture
async def fake() -> AsyncIterator[FakeInfluxDB]:
    """One that has just begun, an hour after the first row."""
    async with FakeInfluxDB(Settings(now=lambda: NOW)) as fake:
        yield fake


@pytest.fixture
async def sink(fake: FakeInfluxDB) -> AsyncIterator[InfluxDBSink]:
    """A sink that writes to it."""
    sink = sink_of(fake.url)
    yield sink
    await sink.close()


@pytest.fixture
def entries() -> list[Entry]:
    """A home that was off for 20 minutes."""
    return entries_of_rows(rows_of(("flat", "on", 0), ("flat", "off", 60), ("flat", "on", 1265)))


async def test_points_arrive_with_their_types(
    fake: FakeInfluxDB, sink: InfluxDBSink, entries: list[Entry]
) -> None:
    """Three transitions and one outage, to the nanosecond."""
    assert await sink.send(entries) == Accepted()
    first, off, back = fake.points("power_transition", home="flat")
    assert [point.time for point in (first, off, back)] == [
        (EPOCH + seconds * 1000) * NS for seconds in (0, 60, 1265)
    ]
    assert off.fields == {
        "on": 0,
        "state": "off",
        "previous_seconds": 60.0,
        "cause": "measured",
        "id": 2,
    }
    assert off.types == {
        "on": "integer",
        "state": "string",
        "previous_seconds": "float",
        "cause": "string",
        "id": "integer",
    }


async def test_an_outage_is_one_point_with_its_bounds(
    fake: FakeInfluxDB, sink: InfluxDBSink, entries: list[Entry]
) -> None:
    """It stands at the outage's start, and its end completes it."""
    assert await sink.send(entries) == Accepted()
    (outage,) = fake.points("power_outage", home="flat")
    assert outage.time == (EPOCH + 60_000) * NS
    assert outage.fields == {
        "start_id": 2,
        "cause": "measured",
        "duration_s": 1205.0,
        "duration_min_s": 1200.0,
        "duration_max_s": 1210.0,
        "sustained": 1,
    }
    assert outage.types == {
        "start_id": "integer",
        "cause": "string",
        "duration_s": "float",
        "duration_min_s": "float",
        "duration_max_s": "float",
        "sustained": "integer",
    }


async def test_writing_again_changes_nothing(
    fake: FakeInfluxDB, sink: InfluxDBSink, entries: list[Entry]
) -> None:
    """Whole, or row by row: the points are the same."""
    await sink.send(entries)
    before = fake.points()
    for entry in entries:
        await sink.send([entry])
    assert fake.points() == before


@pytest.mark.parametrize(
    "how, kind",
    [
        ("400", Refused),
        ("401", Blocked),
        ("403", Blocked),
        ("404", Blocked),
        ("413", Refused),
        ("422", Refused),
        ("429", Unavailable),
        ("500", Broken),
        ("503", Unavailable),
        ("reset-before", Unavailable),
        ("reset-after", Unavailable),
    ],
)
async def test_every_answer_is_an_outcome_after_one_request(
    fake: FakeInfluxDB, sink: InfluxDBSink, entries: list[Entry], how: str, kind: type
) -> None:
    """The client retries nothing by itself."""
    fake.fail_next(1, how)
    assert isinstance(await sink.send(entries), kind)
    assert len(fake.received) == 1
    assert await sink.send(entries) == Accepted()


async def test_what_the_server_says_is_the_reason(
    fake: FakeInfluxDB, sink: InfluxDBSink, entries: list[Entry]
) -> None:
    """Without the token."""
    fake.settings.bucket = "other"
    assert await sink.send(entries) == Blocked('HTTP 404: bucket "power" not found')


@pytest.mark.parametrize(
    "header, seconds", [("7", 7.0), ("Tue, 24 Nov 2026 10:02:13 GMT", 9.88), (None, None)]
)
async def test_retry_after_is_handed_on(
    fake: FakeInfluxDB,
    sink: InfluxDBSink,
    entries: list[Entry],
    header: str | None,
    seconds: float | None,
) -> None:
    """Seconds or a date."""
    fake.fail_next(1, "503", retry_after=header)
    outcome = await sink.send(entries)
    assert isinstance(outcome, Unavailable)
    assert outcome.retry_after == (None if seconds is None else pytest.approx(seconds))


async def test_a_server_that_hangs_is_unavailable_in_time(
    fake: FakeInfluxDB, entries: list[Entry]
) -> None:
    """The timeout is in milliseconds."""
    sink = sink_of(fake.url, timeout=200)
    fake.fail_next(1, "hang")
    assert isinstance(await sink.send(entries), Unavailable)
    assert await sink.send(entries) == Accepted()
    await sink.close()


async def test_a_write_that_never_ends_is_left_alone_and_keeps_the_next_ones_waiting(
    entries: list[Entry],
) -> None:
    """A server that drips is given up; there is never a second write beside the first."""
    mended = asyncio.Event()
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n")
        while not mended.is_set():
            writer.write(b"X-Drip: drop\r\n")
            await asyncio.sleep(0.02)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    sink = sink_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=200)
    assert await sink.send(entries) == Unavailable("no answer within 0.2 s")
    waits = Unavailable("the write before has not ended yet")
    assert await sink.send(entries) == waits
    assert connections == 1
    mended.set()
    (write,) = (one for one in threading.enumerate() if one.name == "influxdb-write")
    await asyncio.to_thread(write.join, 20)
    assert await sink.send(entries) != waits
    assert connections == 2
    await sink.close()
    server.close()


async def test_a_port_without_a_server_is_unavailable(entries: list[Entry]) -> None:
    """For a write and for a look."""
    sink = sink_of(f"http://127.0.0.1:{free_port()}")
    outcome = await sink.send(entries)
    assert isinstance(outcome, Unavailable)
    assert "refused" in outcome.reason
    assert isinstance(await sink.check(), Unavailable)
    await sink.close()


@pytest.mark.parametrize("answer", [b"\xff\xfe", b"<html>\xe9</html>", b""])
async def test_an_answer_that_nobody_can_read_is_unavailable(
    entries: list[Entry], answer: bytes
) -> None:
    """A proxy's page in another encoding, or no HTTP at all."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 502 Bad Gateway\r\nContent-Length: {len(answer)}\r\n\r\n"
        writer.write(head.encode() + answer if answer else b"hello\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    sink = sink_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert isinstance(await sink.send(entries), Unavailable)
    await sink.close()
    server.close()


async def test_tls_that_fails_is_unavailable(fake: FakeInfluxDB, entries: list[Entry]) -> None:
    """The client reports it as an HTTP error without a status."""
    sink = sink_of(fake.url.replace("http:", "https:"))
    outcome = await sink.send(entries)
    assert isinstance(outcome, Unavailable)
    assert "SSL" in outcome.reason
    await sink.close()


async def test_looking_says_nothing(fake: FakeInfluxDB, sink: InfluxDBSink) -> None:
    """Nothing is written by a check."""
    assert await sink.check() == Accepted()
    assert fake.received == []


async def test_rows_that_conflict_with_another_programs_type_are_parked(
    fake: FakeInfluxDB, sink: InfluxDBSink
) -> None:
    """Its integer bars our floats from the shard; the row without that field arrives."""
    outbox = MemoryOutbox()
    for _ in range(6):
        outbox.add()
    at = outbox.rows[3].at * NS
    await sink.write([f"power_transition,home=flat on=1i,previous_seconds=1i {at - 1}"])
    pump = Pump(sink, outbox, outbox.place("influxdb"))
    while await pump.pump_once() is not None:
        pass
    parked = [(id_, reason.split(":")[0]) for _, id_, reason in outbox.parked]
    assert [id_ for id_, _ in parked] == [2, 3, 4, 5, 6]
    assert {status for _, status in parked} == {"HTTP 422"}
    assert [point.fields.get("id") for point in fake.points("power_transition")] == [1, None]


async def test_a_row_behind_the_retention_is_parked_and_the_rest_arrives() -> None:
    """422 never heals, so it is not retried for ever."""
    settings = Settings(retention=3_600, now=lambda: NOW + 90_000 * NS)
    async with FakeInfluxDB(settings) as fake:
        outbox = MemoryOutbox()
        for _ in range(5):
            outbox.add()
        sink = sink_of(fake.url)
        pump = Pump(sink, outbox, outbox.place("influxdb"))
        while await pump.pump_once() is not None:
            pass
        await sink.close()
        assert [id_ for _, id_, _ in outbox.parked] == [1, 2]
        assert [point.fields["id"] for point in fake.points("power_transition")] == [3, 4, 5]


def test_nothing_of_influxdb_is_imported_until_its_sink_is() -> None:
    """It costs 39 MiB."""
    program = (
        "import sys, exporter.pump, exporter.sinks.relay, exporter.sinks.points, "
        "exporter.backfill; print('influxdb_client' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


_HANGING = """
import asyncio, sys
from exporter.sinks.influxdb import InfluxDBSink

async def main():
    sink = InfluxDBSink(url=sys.argv[1], org="home", bucket="power", token="influx-token",
                        timeout=600_000)
    write = asyncio.create_task(sink.write(["m x=1"]))
    print("begun", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    write.cancel()
    await sink.close()

asyncio.run(main())
print("ended", flush=True)
"""


async def test_a_stop_does_not_wait_for_a_write(fake: FakeInfluxDB) -> None:
    """The write may take ten minutes; the process is gone long before."""
    fake.fail_next(1, "hang")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _HANGING, fake.url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    await fake.arrived(1)
    output, _ = await asyncio.wait_for(process.communicate(b"stop\n"), 60)
    assert output.split() == [b"begun", b"ended"]
    assert process.returncode == 0
