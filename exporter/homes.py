"""Owns the watched homes: makes their probes, runs their rounds, swaps them on a reload."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from chassis.clock import Clock
from chassis.loops import Border
from exporter.board import Board, HomeView, ProbeView
from exporter.config import ExporterConfig, HomeConfig
from exporter.probes import kind_named
from exporter.probes.guard import Guarded
from exporter.probes.protocol import Probe, ProbeContext, ProbeSettings, Shared
from exporter.recorder import Recorder
from exporter.records import Sign
from exporter.references import References
from exporter.schedule import Lag, Rounds, Spread
from exporter.watch import HELD_ROUNDS, Asked, Watch

log = logging.getLogger(__name__)

AFTER_A_FAULT = 0.1  # seconds


@dataclass(slots=True)
class Watched:
    """A home's watch and the task that runs its rounds."""

    watch: Watch
    task: asyncio.Task[None]


class Homes:
    """All homes of the config, each with rounds of its own."""

    def __init__(self, board: Board, recorder: Recorder, clock: Clock, shared: Shared) -> None:
        self._board = board
        self._recorder = recorder
        self._clock = clock
        self._shared = shared
        self._watched: dict[str, Watched] = {}
        self._references = References((), clock)
        self._reference_settings: Sequence[ProbeSettings] = ()
        self._spread = Spread()
        self.lag = Lag()

    async def apply(self, config: ExporterConfig) -> None:
        """Watch exactly the homes of a config: at the start all, on a reload what differs.

        An unchanged home goes on without missing a round; an edited one keeps its
        state; one that is gone leaves a clean stop in the journal.
        """
        _warn_of_hindrances(config)
        wanted = {home.name: home for home in config.homes}
        references_changed = config.exporter.references != self._reference_settings
        old_references = self._references
        if references_changed:
            self._reference_settings = config.exporter.references
            self._references = References(self._make_references(), self._clock)
        for name in [name for name in self._watched if name not in wanted]:
            await self._remove(name)
        for name, watched in list(self._watched.items()):
            watched.watch.references = self._references
            if watched.watch.config != wanted[name]:
                await self._replace(watched, wanted[name])
        await self._add([home for name, home in wanted.items() if name not in self._watched])
        self._board.homes = {name: self._board.homes[name] for name in wanted}
        if references_changed:
            await old_references.close()

    async def believe_the_clock(self) -> None:
        """Begin the homes that were held back until the clock could be believed."""
        held = [one.watch for one in self._watched.values() if one.watch.view.held]
        await _begin(held)

    def signs(self) -> list[Sign]:
        """Return the sign of life of every home."""
        return [watched.watch.sign() for watched in self._watched.values()]

    def refresh(self) -> None:
        """Show of every home what is committed by now."""
        for watched in self._watched.values():
            watched.watch.refresh()

    async def stop(self) -> None:
        """End all rounds, none in the middle of a commit."""
        for watched in self._watched.values():
            await self._end(watched)

    async def close(self) -> None:
        """Give back what probes and references hold."""
        for watched in self._watched.values():
            await watched.watch.close()
        await self._references.close()

    async def _add(self, homes: Sequence[HomeConfig]) -> None:
        watches = [self._make(home) for home in homes]
        if self._board.clock_doubt is None:
            await _begin(watches)
        for watch in watches:
            if self._board.clock_doubt is not None:
                watch.hold(HELD_ROUNDS // len(watches))
            self._run(watch)

    async def _replace(self, old: Watched, home: HomeConfig) -> None:
        await self._end(old)
        watch = self._make(home)
        watch.take_over(old.watch)
        self._run(watch)
        await old.watch.close()

    async def _remove(self, name: str) -> None:
        gone = self._watched.pop(name)
        await self._end(gone)
        if self._board.clock_doubt is None:
            await self._recorder.sign_of_life([gone.watch.sign()], clean=True)
        await gone.watch.close()
        del self._board.homes[name]
        log.info("home is no longer watched", extra={"fields": {"home": name}})

    def _make(self, home: HomeConfig) -> Watch:
        asked = [
            Asked(self._probe(home.name, settings), _view(settings), settings.role)
            for settings in home.probes
        ]
        view = HomeView(home, probes={one.view.name: one.view for one in asked})
        self._board.homes[home.name] = view
        return Watch(home, view, asked, self._references, self._recorder, self._clock)

    def _make_references(self) -> list[Probe]:
        return [self._probe("", settings) for settings in self._reference_settings]

    def _probe(self, home: str, settings: ProbeSettings) -> Probe:
        name = settings.name or settings.kind
        context = ProbeContext(home, name, self._clock, self._shared)
        probe = kind_named(settings.kind).make(settings, context)
        return Guarded(f"{name} of {home or 'exporter.references'}", probe)

    def _run(self, watch: Watch) -> None:
        place = self._spread.place(watch.config.interval)
        rounds = Rounds(watch.round_once, watch.config.interval, place, self.lag)
        task = asyncio.create_task(
            _keep_on(watch.config.name, rounds), name=f"home {watch.config.name}"
        )
        self._watched[watch.config.name] = Watched(watch, task)

    async def _end(self, watched: Watched) -> None:
        async with watched.watch.deciding:
            watched.task.cancel()
        await asyncio.gather(watched.task, return_exceptions=True)


def _warn_of_hindrances(config: ExporterConfig) -> None:
    probes = chain(*(home.probes for home in config.homes), config.exporter.references)
    for kind in sorted({probe.kind for probe in probes}):
        if hindrance := kind_named(kind).hindrance():
            log.warning("%s probes can only say unknown: %s", kind, hindrance)


async def _begin(watches: Sequence[Watch]) -> None:
    """Judge the gaps of all at once, so that what they write is one commit."""
    await asyncio.gather(*(watch.begin() for watch in watches))


async def _keep_on(home: str, rounds: Rounds) -> None:
    """Run rounds until cancelled; a round that fails is logged, and the next comes all the same."""
    border = Border(f"the rounds of {home}")
    while True:
        wait = await border.run(rounds.once)
        await asyncio.sleep(AFTER_A_FAULT if wait is None else wait)


def _view(settings: ProbeSettings) -> ProbeView:
    return ProbeView(settings.name or settings.kind, settings.kind, settings.role.value)
