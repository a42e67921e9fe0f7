"""The fake InfluxDB answers influxdb-client as InfluxDB 2.9.1 was measured to answer."""

import asyncio
import gzip
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write.point import Point
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from tests.fakes.influxdb import FakeInfluxDB, Settings
from tests.fakes.line_protocol import Malformed, parse_line, split_lines

NOW = 1_795_514_523_120_000_000
BEYOND_RETENTION = (
    "failure writing points to database: partial write: points beyond retention policy dropped=1"
)
DAY = 86_400 * 1_000_000_000


@pytest.fixture
async def fake() -> AsyncIterator[FakeInfluxDB]:
    """One that has just begun, whose clock stands."""
    async with FakeInfluxDB(Settings(now=lambda: NOW)) as fake:
        yield fake


async def write(fake: FakeInfluxDB, record: object, **settings: str) -> ApiException | None:
    """Write with influxdb-client; return how it was refused."""
    who = {"org": "home", "token": "influx-token", "bucket": "power"} | settings
    bucket = who.pop("bucket")

    def run() -> ApiException | None:
        with InfluxDBClient(url=fake.url, timeout=5_000, **who) as client:  # type: ignore[arg-type]
            try:
                client.write_api(write_options=SYNCHRONOUS).write(bucket, record=record)
            except ApiException as fault:
                return fault
        return None

    return await asyncio.to_thread(run)


async def refusal(fake: FakeInfluxDB, record: object, **settings: str) -> tuple[int | None, str]:
    """Return status and message."""
    fault = await write(fake, record, **settings)
    assert fault is not None
    return fault.status, str(fault.message)


async def test_the_clients_own_points_come_out_as_they_went_in(fake: FakeInfluxDB) -> None:
    """All types, and what has to be escaped; the client wrote it, not we."""
    point = (
        Point("a, b=c")  # type: ignore[no-untyped-call]
        .tag("home one", "x, y=z")
        .field("i", 5)
        .field("f", 1.0)
        .field("s", 'q"uo\\te')
        .field("b", value=True)
        .time(NOW)
    )
    assert await write(fake, point) is None
    (stored,) = fake.points()
    assert (stored.measurement, stored.tags, stored.time) == (
        "a, b=c",
        {"home one": "x, y=z"},
        NOW,
    )
    assert stored.fields == {"i": 5, "f": 1.0, "s": 'q"uo\\te', "b": True}
    assert stored.types == {"i": "integer", "f": "float", "s": "string", "b": "boolean"}


async def test_points_merge(fake: FakeInfluxDB) -> None:
    """The same measurement, tags and time: same fields are overwritten, others kept."""
    await write(fake, f'm,home=a x=1,s="old" {NOW}')
    await write(fake, f'm,home=a s="new",y=2i {NOW}\nm,home=b x=9 {NOW}')
    (stored,) = fake.points("m", home="a")
    assert stored.fields == {"x": 1.0, "s": "new", "y": 2}
    assert len(fake.points("m")) == 2


@pytest.mark.parametrize(
    "settings, answer",
    [
        ({"token": "wrong"}, (401, "unauthorized access")),
        ({"token": "read-only-token"}, (403, "insufficient permissions for write")),
        ({"org": "away"}, (404, 'organization name "away" not found')),
        ({"bucket": "sand"}, (404, 'bucket "sand" not found')),
    ],
)
async def test_strangers_are_refused(
    fake: FakeInfluxDB, settings: dict[str, str], answer: tuple[int, str]
) -> None:
    """And nothing is stored."""
    assert await refusal(fake, f"m x=1 {NOW}", **settings) == answer
    assert fake.points() == []


async def test_one_malformed_line_refuses_the_batch(fake: FakeInfluxDB) -> None:
    """400: nothing is stored, and every bad line is quoted."""
    status, message = await refusal(fake, f"m x=1 {NOW}\nm y=NaN {NOW}\nm {NOW}\nm x=1 soon")
    assert status == 400
    assert message.splitlines() == [
        f"unable to parse 'm y=NaN {NOW}': invalid number",
        f"unable to parse 'm {NOW}': invalid field format",
        "unable to parse 'm x=1 soon': bad timestamp",
    ]
    assert fake.points() == []


async def test_a_type_conflict_drops_the_point_and_stores_the_rest(fake: FakeInfluxDB) -> None:
    """422 within a shard of 7 days; a month later the other type is taken."""
    await write(fake, f"m on=1i {NOW}")
    status, message = await refusal(fake, f"m on=1.0 {NOW + 1}\nm on=0i {NOW + 2}")
    assert status == 422
    assert message == (
        'failure writing points to database: partial write: field type conflict: input field "on"'
        ' on measurement "m" is type float, already exists as type integer dropped=1'
    )
    assert [point.time for point in fake.points("m")] == [NOW, NOW + 2]
    assert await write(fake, f"m on=1.0 {NOW - 30 * DAY}") is None


async def test_a_point_beyond_the_retention_is_dropped_and_the_rest_stored() -> None:
    """422, and it never heals."""
    settings = Settings(retention=86_400, now=lambda: NOW)
    async with FakeInfluxDB(settings) as fake:
        old = f"m x=1 {NOW - 2 * DAY}"
        status, message = await refusal(fake, f"{old}\nm x=1 {NOW}")
        assert (status, message) == (
            422,
            BEYOND_RETENTION,
        )
        assert [point.time for point in fake.points("m")] == [NOW]


async def test_a_string_over_a_mebibyte_is_422_and_a_tag_over_64_kib_400(
    fake: FakeInfluxDB,
) -> None:
    """As measured."""
    assert (await refusal(fake, f'm s="{"x" * (1024 * 1024 + 1)}" {NOW}'))[0] == 422
    assert (await refusal(fake, f"m,t={'x' * 70_000} x=1 {NOW}"))[0] == 400


async def test_a_body_over_the_limit_is_413() -> None:
    """As a proxy would answer."""
    async with FakeInfluxDB(Settings(max_body=100)) as fake:
        assert (await refusal(fake, "m x=1\n" * 50))[0] == 413


async def _post(fake: FakeInfluxDB, body: bytes, **headers: str) -> int:
    query = {"org": "home", "bucket": "power", "precision": "ns"}
    headers["Authorization"] = "Token influx-token"
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{fake.url}/api/v2/write", params=query, data=body, headers=headers
        ) as answer,
    ):
        return answer.status


async def test_gzip_is_read_and_corrupt_gzip_is_500(fake: FakeInfluxDB) -> None:
    """An empty body is fine."""
    good = gzip.compress(f"m x=1 {NOW}".encode())
    assert await _post(fake, good, **{"Content-Encoding": "gzip"}) == 204
    assert await _post(fake, good[:-9] + b"x" * 9, **{"Content-Encoding": "gzip"}) == 500
    assert await _post(fake, b"") == 204
    assert len(fake.points()) == 1


async def test_statuses_come_when_asked_for(fake: FakeInfluxDB) -> None:
    """With Retry-After, for as many requests as were asked for, then none."""
    fake.fail_next(1, "429", retry_after="7")
    fake.faults.let_pass(1)
    fake.fail_next(2, "503")
    answers = [await write(fake, f"m x=1 {NOW + index}") for index in range(5)]
    assert [fault and fault.status for fault in answers] == [429, None, 503, 503, None]
    assert answers[0] is not None
    assert answers[0].headers["Retry-After"] == "7"
    assert [one.status for one in fake.received] == [429, 204, 503, 503, 204]


@pytest.mark.parametrize("how, stored", [("reset-before", 0), ("reset-after", 1)])
async def test_resets_cut_the_connection(fake: FakeInfluxDB, how: str, stored: int) -> None:
    """Before or after the points were stored; the client cannot tell which."""
    fake.fail_next(1, how)
    with pytest.raises(aiohttp.ClientOSError):
        await _post(fake, f"m x=1 {NOW}".encode())
    assert len(fake.points()) == stored


async def test_a_hang_lasts_until_it_is_healed(fake: FakeInfluxDB) -> None:
    """Nothing is answered, and then the connection is cut."""
    fake.fail_next(1, "hang")
    hanging = asyncio.create_task(_post(fake, b"m x=1"))
    await fake.arrived(1)
    assert not hanging.done()
    fake.heal()
    with pytest.raises(aiohttp.ClientOSError):
        await hanging


async def test_poison_makes_every_batch_fail_that_holds_it(fake: FakeInfluxDB) -> None:
    """Until it is healed."""
    fake.poison("id=2i", "500")
    batches = ["m id=1i 1\nm id=2i 2", "m id=1i 1", "m id=2i 2"]
    assert [bool(await write(fake, batch)) for batch in batches] == [True, False, True]
    fake.heal()
    assert await write(fake, batches[0]) is None


async def test_the_health_page_and_ping_are_there(fake: FakeInfluxDB) -> None:
    """For what looks before it writes."""

    def ask() -> tuple[object, object]:
        with InfluxDBClient(url=fake.url, token="influx-token", org="home") as client:
            return client.ping(), client.version()

    assert await asyncio.to_thread(ask) == (True, "v2.9.1")


@pytest.mark.parametrize(
    "line, fault",
    [
        ("m", "missing fields"),
        (",t=1 x=1", "missing measurement"),
        ("m,t= x=1", "missing tag value"),
        ("m,=a x=1", "missing tag key"),
        ("m,t=a=b x=1", "invalid tag format"),
        ("m x", "invalid field format"),
        ("m =1", "missing field key"),
        ("m x=1,", "invalid field format"),
        ("m x=inf", "invalid number"),
        ("m x=1.5i", "invalid number"),
        ("m x=1e", "invalid number"),
        ("m x=9223372036854775808i", "invalid number"),
        ("m x=-1u", "invalid number"),
        ("m x=yes", "invalid boolean"),
        ('m x="open', "unbalanced quotes"),
        ("m x=1 1.5", "bad timestamp"),
        ("m x=1 1 2", "bad timestamp"),
        ("m x=1 9223372036854775808", "time outside range"),
    ],
)
def test_the_reader_is_strict(line: str, fault: str) -> None:
    """Each fault is named as the server names it."""
    with pytest.raises(Malformed, match=re.escape(fault)):
        parse_line(line, "ns", 0)


@pytest.mark.parametrize(
    "text, kind, value",
    [
        ("1", "float", 1.0),
        ("-.5e3", "float", -500.0),
        ("1i", "integer", 1),
        ("18446744073709551615u", "unsigned", 18446744073709551615),
        ("T", "boolean", True),
        ("false", "boolean", False),
        ('"a b,c=d"', "string", "a b,c=d"),
    ],
)
def test_values_have_their_types(text: str, kind: str, value: object) -> None:
    """A number without i is a float."""
    typed = parse_line(f"m x={text} 5", "ms", 0).fields["x"]
    assert (typed.type, typed.value) == (kind, value)


def test_precision_and_the_servers_own_time() -> None:
    """A line without a time gets the server's."""
    assert parse_line("m x=1 5", "ms", 0).time == 5_000_000
    assert parse_line("m x=1", "ms", 42).time == 42


def test_a_line_feed_in_a_string_does_not_end_the_line() -> None:
    """But one after an apostrophe in a tag does."""
    assert list(split_lines('m x="a\nb" 1\nm y=1')) == ['m x="a\nb" 1', "m y=1"]


async def start(*arguments: str) -> tuple[asyncio.subprocess.Process, str]:
    """Start the fake as a program of its own; return it and its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.influxdb", "--port", "0", *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 20)
    return process, line.decode().strip()


async def stop(process: asyncio.subprocess.Process) -> None:
    """Kill it, as a power cut would."""
    process.kill()
    await process.wait()


async def test_as_a_program_it_keeps_its_points_across_a_kill(tmp_path: Path) -> None:
    """With --file; and it takes faults and shows points over HTTP."""
    file = tmp_path / "points"
    process, url = await start("--file", str(file))
    fake = FakeInfluxDB(port=int(url.rsplit(":", 1)[1]))  # only its address is used
    assert await write(fake, f'm,home=a on=1i,s="a\\"b" {NOW}') is None
    async with aiohttp.ClientSession() as session:
        await session.post(f"{url}/_fail", data=json.dumps({"how": "503"}))
        assert (await refusal(fake, f"m x=1 {NOW}"))[0] == 503
        await stop(process)
        process, url = await start("--file", str(file))
        async with session.get(f"{url}/_points?measurement=m&home=a") as answer:
            (point,) = await answer.json()
    await stop(process)
    assert point["fields"] == {"on": 1, "s": 'a"b'}
    assert point["types"] == {"on": "integer", "s": "string"}
