"""Owns the sinks of the config: makes their pumps, runs them, wakes them after a commit."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chassis.loops import Backoff, Border
from exporter.board import Board, SinkView
from exporter.config import ExporterSettings, InfluxSettings, NotifySettings
from exporter.entries import Place
from exporter.journal import Unwritable
from exporter.outbox import JournalOutbox
from exporter.pump import Pump, Sink
from exporter.recorder import RETRY_EVERY, Recorder
from exporter.transitions import Transition

if TYPE_CHECKING:
    from exporter.sinks.relay import Post

log = logging.getLogger(__name__)

NOTIFY = "notify"


@dataclass(frozen=True, slots=True)
class HandOver:
    """A relay in the same process: `post` takes a payload, and accepts only what is committed."""

    post: "Post"


Wanted = InfluxSettings | NotifySettings | HandOver


@dataclass(frozen=True, slots=True)
class Order:
    """What the config asks of a sink; alerts also name the exporter's own address."""

    settings: Wanted
    external_url: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One sink under way: what was asked for, its pump, what it shows, and how its pump fares."""

    order: Order
    pump: Pump
    view: SinkView
    border: Border


class Deliveries:
    """All sinks of the config, each with a pump of its own."""

    def __init__(
        self,
        board: Board,
        recorder: Recorder,
        outbox: JournalOutbox,
        hand_over: HandOver | None = None,
    ) -> None:
        """`hand_over` is where alerts go unless the config names a relay."""
        self._hand_over = hand_over
        self._board = board
        self._recorder = recorder
        self._outbox = outbox
        self._lines: dict[str, Line] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._unforgotten: set[str] = set()  # sinks that are off, but the disk keeps their cursors
        self._forgetting: asyncio.Task[None] | None = None
        self._seen = recorder.last_id
        recorder.on_undurable.append(self._offer_undurable)
        recorder.on_durable.append(self._forget_undurable)
        recorder.on_writable.append(lambda _: self._wake())  # to save what the disk did not take

    async def apply(self, settings: ExporterSettings) -> None:
        """Deliver to exactly the sinks of a config; a new one starts at the journal's end."""
        for name, order in orders_of(settings, self._hand_over).items():
            line = self._lines.get(name)
            if line is not None and line.order == order:
                continue
            if line is not None:
                await self._end(name)
            if order is None:
                await self._forget(name)
            else:  # an edited sink goes on where it was, also where the disk does not know that
                self._begin(name, order, line.pump.place if line else await self._place(name))

    async def _place(self, name: str) -> Place:
        """Return where a sink that is turned on starts: at its cursor, or at the journal's end."""
        kept = None if name in self._unforgotten else await self._outbox.cursor(name)
        if kept is not None:
            return Place(kept)
        end = self._recorder.last_id
        self._unforgotten.discard(name)  # before the disk is asked, or a late forgetting undid it
        try:
            await self._outbox.advance(name, end)
        except Unwritable:
            return Place(end, kept=False)
        return Place(end)

    async def _forget(self, name: str) -> None:
        """Let a sink that is off start anew when it is turned on again."""
        self._unforgotten.add(name)
        await self.forget_once()
        if self._unforgotten and (self._forgetting is None or self._forgetting.done()):
            self._forgetting = asyncio.create_task(self._keep_forgetting(), name="forgetting")

    async def forget_once(self) -> None:
        """Forget the cursors of all sinks that were turned off, as far as the disk allows."""
        for name in sorted(self._unforgotten):
            if name not in self._unforgotten:  # turned on again meanwhile
                continue
            try:
                await self._recorder.forget_cursor(name)
            except Unwritable as fault:
                log.debug("the cursor of %s is still to be forgotten: %s", name, fault)
            else:
                self._unforgotten.discard(name)

    async def _keep_forgetting(self) -> None:
        border = Border("the forgetting of cursors")
        while self._unforgotten:
            await asyncio.sleep(RETRY_EVERY)
            await border.run(self.forget_once)

    def _begin(self, name: str, order: Order, place: Place) -> None:
        pump = Pump(sink_of(order.settings, order.external_url), self._outbox, place)
        line = Line(order, pump, SinkView(name), Border(f"the pump of {name}"))
        self._lines[name] = line
        self._board.sinks[name] = line.view
        self._tasks[name] = asyncio.create_task(self._keep_pumping(line), name=f"pump {name}")
        if name == NOTIFY:
            pump.offer_undurable(self._recorder.all_undurable())

    async def _end(self, name: str) -> None:
        line, task = self._lines.pop(name), self._tasks.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await line.pump.close()
        del self._board.sinks[name]

    async def _keep_pumping(self, line: Line) -> None:
        showing, backoff = Border(f"the view of {line.pump.name}"), Backoff()
        health = line.border.health
        while True:
            wait = await line.border.run(line.pump.pump_once)
            await showing.run(lambda: self._show(line))
            if health.failing:
                wait = backoff.after(health.failures_in_a_row)
            await line.pump.rest(wait)

    async def _show(self, line: Line) -> None:
        """Show how a sink fares; one whose rows cannot even be read is not up."""
        view, pump = line.view, line.pump
        view.up = pump.up and not line.border.health.failing
        view.rejected = pump.rejected
        waiting = await self._outbox.waiting(pump.place.id)
        view.pending, view.oldest = waiting.count, waiting.oldest

    async def wake_once(self) -> None:
        """Wait for a commit of rows that nobody was woken for yet, then wake every pump."""
        self._seen = await self._recorder.wait_beyond(self._seen)
        self._wake()
        for line in list(self._lines.values()):
            await self._show(line)

    def _wake(self) -> None:
        for line in self._lines.values():
            line.pump.wake()

    def _offer_undurable(self, rows: Sequence[Transition]) -> None:
        notify = self._lines.get(NOTIFY)
        if notify is not None:
            notify.pump.offer_undurable(rows)

    def _forget_undurable(self) -> None:
        for line in self._lines.values():
            line.pump.forget_undurable()

    async def stop(self) -> None:
        """End all pumps; what was under way is sent again at the next start."""
        if self._forgetting is not None:
            self._forgetting.cancel()
            await asyncio.gather(self._forgetting, return_exceptions=True)
        for name in list(self._lines):
            await self._end(name)


def orders_of(
    settings: ExporterSettings, hand_over: HandOver | None = None
) -> Mapping[str, Order | None]:
    """Return what a config asks of each sink, None where it is off."""
    influxdb, notify = settings.influxdb, settings.notify or hand_over
    return {
        "influxdb": None if influxdb is None else Order(influxdb),
        NOTIFY: None if notify is None else Order(notify, settings.external_url or ""),
    }


def sink_of(settings: Wanted, external_url: str = "") -> Sink:
    """Make a sink; its library is imported only now. `external_url` is the exporter's own."""
    if isinstance(settings, InfluxSettings):
        from exporter.sinks.influxdb import InfluxDBSink  # noqa: PLC0415  39 MiB, for whom it serves

        return InfluxDBSink(
            url=settings.url,
            org=settings.org,
            bucket=settings.bucket,
            token=settings.token.reveal(),
            timeout=settings.timeout,
        )
    from exporter.sinks.relay import HttpRelay, RelaySink  # noqa: PLC0415  likewise

    if isinstance(settings, HandOver):
        return RelaySink(settings.post, external_url=external_url)
    relay = HttpRelay(settings.url, settings.token_file, settings.ca_file)
    return RelaySink(relay.post, check=relay.check, close=relay.close, external_url=external_url)
