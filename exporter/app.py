"""Owns the running exporter: puts its parts together, starts, reloads and stops them in order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from chassis.clock import Clock
from chassis.loops import Stop, end_task, run_loop
from chassis.service import StartFailed
from chassis.version import own_version
from chassis.yaml_config import ConfigError
from exporter.board import Board
from exporter.config import ExporterConfig
from exporter.deliveries import Deliveries, HandOver
from exporter.homes import Homes
from exporter.journal import Journal
from exporter.journal_schema import JournalError
from exporter.outages import SUSTAINED_AFTER
from exporter.outbox import JournalOutbox, SustainedAfter
from exporter.probes.heartbeat import beats_of
from exporter.probes.protocol import Shared
from exporter.reading import Reading
from exporter.recorder import Recorder
from exporter.vigil import Vigil
from exporter.web.server import exporter_web
from exporter.web.sources import Sources

log = logging.getLogger(__name__)

Once = Callable[[], Awaitable[float | None]]


class App:
    """One exporter. `start`, then `run` until the stop, then `stop`; `reload` in between."""

    def __init__(
        self, config: ExporterConfig, clock: Clock, hand_over: HandOver | None = None
    ) -> None:
        """`hand_over` is a relay in the same process."""
        self._hand_over = hand_over
        self._config = config
        self._clock = clock
        self._parts = AsyncExitStack()
        self.board = Board(version=own_version())

    async def start(self, stop: Stop, reload: Callable[[], Awaitable[None]]) -> None:
        """Open the journal, watch the homes, then listen. Raises StartFailed, saying why.

        `reload` is what POST /-/reload asks for.
        """
        settings, parts = self._config.exporter, self._parts
        recorder = Recorder(_open(settings.data_dir), self._clock)
        parts.push_async_callback(recorder.close)
        reading = Reading(settings.data_dir)
        parts.push_async_callback(reading.close)
        shared = Shared()
        parts.push_async_callback(shared.close)
        self._homes = homes = Homes(self.board, recorder, self._clock, shared)
        parts.push_async_callback(homes.close)
        recorder.on_durable.append(homes.refresh)
        recorder.on_writable.append(partial(setattr, self.board, "journal_up"))
        outbox = JournalOutbox(recorder, reading, sustained_after(self.board))
        self._deliveries = Deliveries(self.board, recorder, outbox, self._hand_over)
        parts.push_async_callback(self._deliveries.stop)
        sources = Sources(self.board, reading, self._clock, recorder, beats_of(shared), stop)
        self.web = exporter_web(settings, sources, reload)
        parts.push_async_callback(self.web.stop)
        vigil = Vigil(self.board, homes, recorder, self._clock, settings.heartbeat_interval)
        parts.push_async_callback(vigil.last_words)
        parts.push_async_callback(homes.stop)
        await self._deliveries.apply(settings)  # a new sink's place is before the first row
        await homes.apply(self._config)
        log.info("homes are watched", extra={"fields": self._config.extent()})
        await self.web.start()
        self._begin_loops(stop, recorder, vigil)

    def _begin_loops(self, stop: Stop, recorder: Recorder, vigil: Vigil) -> None:
        loops: dict[str, Once] = {
            "signs of life": vigil.life_once,
            "retries of the journal": recorder.retry_once,
            "waking of the sinks": self._deliveries.wake_once,
        }
        for name, once in loops.items():
            task = asyncio.create_task(run_loop(name, once, stop), name=name)
            self._parts.push_async_callback(end_task, task)

    async def reload(self, read: Callable[[], Awaitable[ExporterConfig]]) -> None:
        """Go on with the config that `read` returns; the board tells how the latest reload ended.

        Raises what went wrong, ConfigError before anything has changed.
        """
        try:
            await self._go_on_with(await read())
        except ConfigError as wrong:
            self.board.reload_successful = False
            for fault in wrong.faults:
                log.error("the config is faulty, the old one is kept: %s", fault)
            raise
        except Exception:
            self.board.reload_successful = False
            raise
        self.board.reload_successful = True

    async def _go_on_with(self, config: ExporterConfig) -> None:
        """Take over what can change while it runs; the log names what cannot."""
        self.web.reload(config.exporter)
        for key in ("data_dir", "heartbeat_interval"):
            if getattr(config.exporter, key) != getattr(self._config.exporter, key):
                log.warning("exporter.%s takes effect at the next start", key)
        await self._homes.apply(config)
        await self._deliveries.apply(config.exporter)
        log.info("the config was reloaded", extra={"fields": config.extent()})

    async def stop(self) -> None:
        """End all parts, newest first; the mark of a clean stop comes before what may take time."""
        await self._parts.aclose()


def _open(folder: Path) -> Journal:
    try:
        return Journal(folder)
    except JournalError as fault:
        raise StartFailed(str(fault)) from fault


def sustained_after(board: Board) -> SustainedAfter:
    """Return what tells a home's threshold, as configured now."""

    def threshold(home: str) -> int:
        view = board.homes.get(home)
        return SUSTAINED_AFTER if view is None else view.config.sustained_after

    return threshold
