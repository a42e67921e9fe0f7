"""Owns the sinks of the config: makes their pumps, runs them, wakes them after a commit."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chassis.loops import Backoff, Border
from exporter.board import Board, SinkView
from exporter.config import ExporterSettings, InfluxSettings, NotifySettings
from exporter.journal import Unwritable
from exporter.outbox import JournalOutbox
from exporter.pump import Pump, Sink
from exporter.recorder import Recorder
from exporter.transitions import Transition

log = logging.getLogger(__name__)

NOTIFY = "notify"

Wanted = InfluxSettings | NotifySettings


@dataclass(slots=True)
class Line:
    """One sink under way: its settings, its pump and the task that runs it."""

    settings: Wanted
    pump: Pump
    task: asyncio.Task[None]


class Deliveries:
    """All sinks of the config, each with a pump of its own."""

    def __init__(self, board: Board, recorder: Recorder, outbox: JournalOutbox) -> None:
        self._board = board
        self._recorder = recorder
        self._outbox = outbox
        self._lines: dict[str, Line] = {}
        self._seen = recorder.last_id
        recorder.on_undurable.append(self._offer_undurable)
        recorder.on_durable.append(self._forget_undurable)

    async def apply(self, settings: ExporterSettings) -> None:
        """Deliver to exactly the sinks of a config; a new one starts at the journal's end."""
        wanted: Mapping[str, Wanted | None] = {
            "influxdb": settings.influxdb,
            NOTIFY: settings.notify,
        }
        for name, sink_settings in wanted.items():
            line = self._lines.get(name)
            if line is not None and line.settings != sink_settings:
                await self._end(name)
            place = self._recorder.forget_cursor if sink_settings is None else self._recorder.cursor
            with contextlib.suppress(Unwritable):  # the pump asks again
                await place(name)
            if sink_settings is not None and name not in self._lines:
                self._begin(name, sink_settings, settings.external_url or "")

    def _begin(self, name: str, settings: Wanted, external_url: str) -> None:
        pump = Pump(sink_of(settings, external_url), self._outbox)
        self._board.sinks[name] = SinkView(name)
        task = asyncio.create_task(self._keep_pumping(pump), name=f"pump {name}")
        self._lines[name] = Line(settings, pump, task)
        if name == NOTIFY:
            pump.offer_undurable(self._recorder.all_undurable())

    async def _end(self, name: str) -> None:
        line = self._lines.pop(name)
        line.task.cancel()
        await asyncio.gather(line.task, return_exceptions=True)
        await line.pump.close()
        del self._board.sinks[name]

    async def _keep_pumping(self, pump: Pump) -> None:
        border, backoff = Border(f"the pump of {pump.name}"), Backoff()
        while True:
            wait = await border.run(pump.pump_once)
            await border.run(lambda: self._show(pump))
            if border.health.failing:
                wait = backoff.after(border.health.failures_in_a_row)
            await pump.rest(wait)

    async def _show(self, pump: Pump) -> None:
        waiting = await self._outbox.waiting(pump.name)
        view = self._board.sinks[pump.name]
        view.up, view.rejected = pump.up, pump.rejected
        view.pending, view.oldest = waiting.count, waiting.oldest

    async def wake_once(self) -> None:
        """Wait for a commit of rows that nobody was woken for yet, then wake every pump."""
        self._seen = await self._recorder.wait_beyond(self._seen)
        pumps = [line.pump for line in self._lines.values()]
        for pump in pumps:
            pump.wake()
        for pump in pumps:
            await self._show(pump)

    def _offer_undurable(self, rows: Sequence[Transition]) -> None:
        notify = self._lines.get(NOTIFY)
        if notify is not None:
            notify.pump.offer_undurable(rows)

    def _forget_undurable(self) -> None:
        for line in self._lines.values():
            line.pump.forget_undurable()

    async def stop(self) -> None:
        """End all pumps; what was under way is sent again at the next start."""
        for name in list(self._lines):
            await self._end(name)


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

    relay = HttpRelay(settings.url, settings.token_file, settings.ca_file)
    return RelaySink(relay.post, check=relay.check, close=relay.close, external_url=external_url)
