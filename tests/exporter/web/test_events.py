"""The event stream: every durable row once, in order, from where the reader left off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from exporter.power import State
from exporter.transitions import to_json
from exporter.web.events import MOST_READERS
from tests.exporter.web.rig import MINUTE, START, Rig

ON, OFF = State.ON, State.OFF


@dataclass
class Reader:
    """One who reads a stream by the rules of server-sent events."""

    answer: aiohttp.ClientResponse
    comments: list[str] = field(default_factory=list)

    async def event(self) -> tuple[str, str, Any]:
        """Return the next event: its type, its id and its data."""
        fields: dict[str, str] = {}
        while True:
            line = (await self.line()).rstrip("\n")
            name, _, value = line.partition(": ")
            if not line and "data" in fields:
                return fields["event"], fields["id"], json.loads(fields["data"])
            fields[name] = value

    async def line(self) -> str:
        """Return the next line that is no comment."""
        while True:
            line = (await asyncio.wait_for(self.answer.content.readline(), 20)).decode()
            assert line, "the stream has ended"
            if not line.startswith(":"):
                return line
            self.comments.append(line)


@asynccontextmanager
async def reading(rig: Rig, path: str = "/api/v1/events", **headers: str) -> AsyncIterator[Reader]:
    """Open a stream."""
    async with rig.client.get(path, headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        reader = Reader(answer)
        assert await reader.line() == "retry: 2000\n"
        yield reader


async def rows(rig: Rig, first: int, last: int) -> None:
    """Commit the rows of these ids."""
    for n in range(first, last + 1):
        await rig.change(ON if n % 2 else OFF, START + n * MINUTE)


async def test_a_new_reader_gets_what_happens_from_now_on(rig: Rig) -> None:
    """One event a row: its type, its id, its JSON on one line."""
    await rows(rig, 1, 2)
    async with reading(rig) as reader:
        row = await rig.change(ON, START + 3 * MINUTE, detail="two\nlines")
        assert await reader.event() == ("transition", "3", to_json(row))


@pytest.mark.parametrize("how", ["header", "after", "lastEventId"])
async def test_a_reader_who_comes_back_gets_what_it_missed(rig: Rig, how: str) -> None:
    """By the header of the standard, or by a parameter where it cannot be set."""
    await rows(rig, 1, 4)
    path = "/api/v1/events" if how == "header" else f"/api/v1/events?{how}=1"
    headers = {"Last-Event-ID": "1"} if how == "header" else {}
    async with reading(rig, path, **headers) as reader:
        ids = [(await reader.event())[1] for _ in range(3)]
        await rows(rig, 5, 5)
        ids.append((await reader.event())[1])
    assert ids == ["2", "3", "4", "5"]


async def test_the_header_stands_above_the_parameter(rig: Rig) -> None:
    """A browser that comes back uses the address it began with."""
    await rows(rig, 1, 3)
    async with reading(rig, "/api/v1/events?after=0", **{"Last-Event-ID": "2"}) as reader:
        assert (await reader.event())[1] == "3"


async def test_a_bad_last_event_id_is_a_400(rig: Rig) -> None:
    """It is not taken for none."""
    async with rig.client.get("/api/v1/events", headers={"Last-Event-ID": "x"}) as answer:
        assert answer.status == 400
        assert (await answer.json())["detail"].startswith("Last-Event-ID: ")


async def test_an_id_beyond_the_journal_s_end_begins_at_its_end(rig: Rig) -> None:
    """A journal that was begun anew is followed all the same."""
    await rows(rig, 1, 1)
    async with reading(rig, "/api/v1/events?after=500") as reader:
        await rows(rig, 2, 2)
        assert (await reader.event())[1] == "2"


async def test_every_row_comes_once_and_in_order_through_a_long_backlog(rig: Rig) -> None:
    """More than one read of the journal, while more rows arrive."""
    await rows(rig, 1, 150)
    async with reading(rig, "/api/v1/events?after=0") as reader:
        more = asyncio.create_task(rows(rig, 151, 260))
        ids = [int((await reader.event())[1]) for _ in range(260)]
        await more
    assert ids == list(range(1, 261))


async def test_rows_that_are_not_durable_wait_until_they_are(rig: Rig) -> None:
    """Then they come, in order, with their ids."""
    await rows(rig, 1, 1)
    async with reading(rig) as reader:
        rig.journal.full = True
        await rows(rig, 2, 3)
        await rig.disk_has_room()
        await rows(rig, 4, 4)
        assert [(await reader.event())[1] for _ in range(3)] == ["2", "3", "4"]


async def test_a_quiet_stream_shows_that_it_lives(rig: Rig) -> None:
    """Comments come now and then, and rows among them."""
    await rows(rig, 1, 1)
    async with reading(rig, "/quick/events") as reader:
        for _ in range(2):
            assert (await reader.answer.content.readuntil(b"\n\n")).strip() == b": alive"
        await rows(rig, 2, 2)
        assert (await reader.event())[1] == "2"


async def test_streams_end_when_the_service_stops(rig: Rig) -> None:
    """Nobody has to be waited for."""
    async with reading(rig) as reader:
        rig.stopping.set()
        assert await asyncio.wait_for(reader.answer.content.read(), 20) == b"\n"


async def bytes_until_the_end(stream: asyncio.StreamReader) -> int:
    """Read until the other side has ended it, in whichever way; return how much there was."""
    count = 0
    try:
        while some := await asyncio.wait_for(stream.read(65536), 20):
            count += len(some)
    except ConnectionError:
        pass
    return count


async def test_a_reader_who_takes_nothing_is_cut_off_and_costs_no_memory(rig: Rig) -> None:
    """The others go on meanwhile."""
    for n in range(1, 400):
        await rig.change(ON if n % 2 else OFF, START + n * MINUTE, detail="x" * 60_000)
    host, port = rig.url.removeprefix("http://").split(":")
    deaf, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(b"GET /quick/events?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await writer.drain()
    async with reading(rig, "/api/v1/events?after=0") as reader:
        assert [int((await reader.event())[1]) for _ in range(399)] == list(range(1, 400))
    async with asyncio.timeout(20):
        while rig.events._readers:
            await asyncio.sleep(0.01)
    assert await bytes_until_the_end(deaf) < 399 * 60_000
    writer.close()


async def raw_reader(rig: Rig) -> asyncio.StreamWriter:
    """Open a stream that shows no sign of life, over a connection of its own."""
    host, port = rig.url.removeprefix("http://").split(":")
    stream, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /quiet/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asyncio.wait_for(stream.readuntil(b"retry: 2000"), 20)
    return writer


async def status_of_another(rig: Rig) -> int:
    """Ask for one more stream."""
    async with rig.client.get("/quiet/events") as answer:
        return answer.status


@pytest.mark.parametrize("leave", ["close", "abort"])
async def test_readers_who_have_gone_make_room_at_once(rig: Rig, leave: str) -> None:
    """Nothing is sent for an hour, and yet whoever comes next is let in."""
    readers = [await raw_reader(rig) for _ in range(MOST_READERS)]
    assert await status_of_another(rig) == 503
    for reader in readers:
        reader.close() if leave == "close" else reader.transport.abort()
    async with asyncio.timeout(20):
        while await status_of_another(rig) != 200:
            pass
        while rig.quiet._readers:
            await asyncio.sleep(0.01)
