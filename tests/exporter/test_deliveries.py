"""The sinks of the config: where they start, what a reload changes, and what they show."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.board import Board
from exporter.config import ExporterSettings, NotifySettings
from exporter.deliveries import Deliveries
from exporter.journal import Unwritable
from exporter.journal_reader import JournalReader
from exporter.outbox import JournalOutbox
from exporter.power import Belief, Cause, Change, State
from exporter.reading import Reading
from exporter.recorder import Recorder
from exporter.records import Sign
from tests.exporter.clocks import EPOCH, HandClock
from tests.exporter.disks import FillingDisk
from tests.exporter.test_journal import change_row
from tests.fakes.relay import TOKEN, FakeRelay

OFF = ExporterSettings()


class RefusingDisk(FillingDisk):
    """A full disk takes no cursor either."""

    def _change(self, sql: str, values: tuple[object, ...]) -> None:
        if self.full:
            raise Unwritable("database or disk is full")
        super()._change(sql, values)


class SlowReading(Reading):
    """A reading that can be told to wait before it answers what waits for a sink."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()

    async def read(self, query: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        if query is JournalReader.waiting:
            self.asked.set()
            await self.may_answer.wait()
        return await super().read(query, *args, **kwargs)


class Exporter:
    """A journal, and the relay as its sink."""

    def __init__(self, folder: Path, relay: FakeRelay) -> None:
        self.folder = folder
        self.relay = relay
        self.disk = RefusingDisk(folder)
        self.recorder = Recorder(self.disk, HandClock())
        self.reading = SlowReading(folder)
        self.outbox = JournalOutbox(self.recorder, self.reading, lambda _: 300_000)
        self.board = Board()
        self.deliveries = Deliveries(self.board, self.recorder, self.outbox)
        self._last: Change | None = None

    def settings(self, external_url: str | None = None) -> ExporterSettings:
        """Return settings with the sink turned on."""
        token_file = self.folder / "token"
        token_file.write_text(TOKEN, encoding="ascii")
        notify = NotifySettings.model_construct(
            url=self.relay.url, token_file=token_file, ca_file=None
        )
        return ExporterSettings.model_construct(notify=notify, external_url=external_url)

    async def flip(self, times: int = 1) -> None:
        """Let the power come or go, a minute after the last time, and wake the sink."""
        await self.commit(times)
        if not self.disk.full:
            await self.deliveries.wake_once()

    async def commit(self, times: int = 1) -> None:
        """Let the power come or go, and the sink sleep."""
        for _ in range(times):
            last = self._last
            state = State.OFF if last and last.state is State.ON else State.ON
            at = last.at + 60_000 if last else EPOCH
            cause = Cause.MEASURED if last else Cause.START
            before = last.at if last else None
            change = Change(state, last.state if last else None, at, before, at + 10, cause)
            belief = Belief(state, at, at, at, at, in_outage=state is State.OFF)
            await self.recorder.record(Sign("flat", belief, 300_000, (change,)))
            self._last = change

    async def recover(self) -> None:
        """Let the disk have room again."""
        self.disk.full = False
        await self.recorder.retry_once()

    async def settle(self) -> None:
        """Wait until all that stands in the journal is behind the sink."""

        async def idle() -> bool:
            return await self.outbox.cursor("notify") == self.recorder.last_id

        await until(idle)

    @property
    def told(self) -> list[str]:
        """The alerts that the relay has accepted."""
        return [alert["labels"]["alertname"] for alert in self.relay.alerts]

    async def close(self) -> None:
        await self.deliveries.stop()
        await self.reading.close()
        await self.recorder.close()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(20):
        while not await true():
            await asyncio.sleep(0.01)


@pytest.fixture
async def exporter(tmp_path: Path) -> AsyncIterator[Exporter]:
    """An exporter with its sink off."""
    async with FakeRelay() as relay:
        exporter = Exporter(tmp_path, relay)
        yield exporter
        await exporter.close()


# ---------------------------------------------------------------- where a sink starts


async def test_a_sink_turned_off_on_a_full_disk_is_forgotten_when_there_is_room(
    exporter: Exporter,
) -> None:
    """The forgetting is repeated by itself, so that no later start sends what is past."""
    await exporter.deliveries.apply(exporter.settings())
    await exporter.flip()
    exporter.disk.full = True
    await exporter.deliveries.apply(OFF)
    assert await exporter.outbox.cursor("notify") is not None
    await exporter.recover()

    async def forgotten() -> bool:
        return await exporter.outbox.cursor("notify") is None

    await until(forgotten)
    await exporter.flip(2)
    await exporter.deliveries.apply(exporter.settings())
    assert await exporter.outbox.cursor("notify") == 3
    assert exporter.told == []


@pytest.mark.parametrize("edited", [False, True])
async def test_a_sink_turned_off_and_on_again_on_a_full_disk_starts_where_the_journal_ends(
    exporter: Exporter, *, edited: bool
) -> None:
    """What waited before is not sent, not after a further edit either; what follows is sent."""
    exporter.relay.fail_next(1_000, "503")
    await exporter.deliveries.apply(exporter.settings())
    await exporter.flip(2)
    await exporter.relay.arrived(1)
    exporter.disk.full = True
    await exporter.deliveries.apply(OFF)
    await exporter.deliveries.apply(exporter.settings())
    if edited:
        await exporter.deliveries.apply(exporter.settings(external_url="https://power.test"))
    await exporter.recover()
    await exporter.settle()
    exporter.relay.heal()
    await exporter.deliveries.forget_once()
    await exporter.flip()
    await exporter.settle()
    assert exporter.told == ["PowerRestored"]


async def test_a_sink_turned_on_on_a_full_disk_gets_what_the_disk_takes_afterwards(
    exporter: Exporter,
) -> None:
    """Its place is the journal's end as of then, not as of when the disk had room."""
    await exporter.flip()
    exporter.disk.full = True
    exporter.relay.fail_next(1_000, "503")
    await exporter.deliveries.apply(exporter.settings())
    await exporter.flip()
    await exporter.recover()
    exporter.relay.heal()
    await exporter.settle()
    assert set(exporter.told) == {"PowerOutage"}
    assert "durable" not in exporter.relay.alerts[-1]["annotations"]


# ---------------------------------------------------------------- what a reload changes


async def test_an_edit_of_the_external_url_reaches_the_alerts(exporter: Exporter) -> None:
    """Without a restart, and without an edit of the sink itself."""
    for url in ("https://old.example.org", "https://new.example.org"):
        await exporter.deliveries.apply(exporter.settings(external_url=url))
        await exporter.flip(2)
        await exporter.settle()
    named = [payload["externalURL"] for payload in exporter.relay.payloads]
    assert list(dict.fromkeys(named)) == ["https://old.example.org", "https://new.example.org"]


async def test_a_reload_of_the_same_config_leaves_a_sink_alone(exporter: Exporter) -> None:
    """Its view stays the same one."""
    await exporter.deliveries.apply(exporter.settings())
    view = exporter.board.sinks["notify"]
    await exporter.deliveries.apply(exporter.settings())
    assert exporter.board.sinks["notify"] is view


async def test_a_sink_may_be_turned_off_while_its_rows_are_counted(exporter: Exporter) -> None:
    """Whoever wakes the sinks ends quietly."""
    await exporter.deliveries.apply(exporter.settings())
    await exporter.flip()
    await exporter.settle()
    exporter.reading.may_answer.clear()
    exporter.reading.asked.clear()
    flipping = asyncio.create_task(exporter.flip())
    await exporter.reading.asked.wait()
    await exporter.deliveries.apply(OFF)
    exporter.reading.may_answer.set()
    await flipping
    assert exporter.board.sinks == {}


# ---------------------------------------------------------------- what is damaged


async def test_a_row_with_damaged_votes_is_delivered(exporter: Exporter) -> None:
    """Votes only explain: no sink stops for them."""
    await exporter.flip(2)
    change_row(exporter.folder, 1, "votes", "{")
    await exporter.outbox.advance("notify", 0)
    change_row(exporter.folder, 2, "votes", b"\xff")
    await exporter.deliveries.apply(exporter.settings())
    await exporter.relay.arrived(1)
    await exporter.settle()
    assert exporter.told == ["PowerOutage"]


async def test_a_sink_whose_rows_cannot_be_read_is_down_and_counts_what_waits(
    exporter: Exporter, caplog: pytest.LogCaptureFixture
) -> None:
    """It never looks as if nothing waited; the log names the row, once."""
    await exporter.deliveries.apply(exporter.settings())
    await exporter.flip()
    await exporter.settle()
    view = exporter.board.sinks["notify"]

    async def up() -> bool:
        return view.up

    await until(up)
    await exporter.commit()
    change_row(exporter.folder, 2, "state", "of")
    await exporter.deliveries.wake_once()
    with caplog.at_level(logging.ERROR):

        async def down() -> bool:
            await exporter.deliveries._show(exporter.deliveries._lines["notify"])
            return exporter.deliveries._lines["notify"].border.health.failures_in_a_row > 1

        await until(down)
    assert (view.up, view.pending, view.oldest) == (False, 1, EPOCH + 60_010)
    assert len([one for one in caplog.records if "pump of notify fails" in one.message]) == 1
    assert "row 2" in caplog.text
