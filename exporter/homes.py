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
        self._one_at_a_time = asyncio.Lock()
        self._spread = Spread()
        self.lag = Lag()

    async def apply(self, config: ExporterConfig) -> None:
        """Watch exactly the homes of a config: at the start all, on a reload what differs.

        An unchanged home goes on without missing a round; an edited one keeps its
        state; one that is gone leaves a clean stop in the journal. All that can fail
        comes before anything is changed.
        """
        async with self._one_at_a_time:
            _warn_of_hindrances(config)
            old_references = self._references
            references = self._references_for(config.exporter.references)
            made = [self._make(home, references) for home in config.homes if self._differs(home)]
            self._references = references
            self._reference_settings = config.exporter.references
            for watched in self._watched.values():
                watched.watch.references = references
            await self._take(made, [home.name for home in config.homes])
            if old_references is not references:
                await old_references.close()

    async def believe_the_clock(self) -> None:
        """Begin the homes that were held back until the clock could be believed."""
        async with self._one_at_a_time:
            watches = [one.watch for one in self._watched.values()]
            await _begin([watch for watch in watches if watch.course.holding])

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

    def _differs(self, home: HomeConfig) -> bool:
        watched = self._watched.get(home.name)
        return watched is None or watched.watch.config != home

    async def _take(self, made: Sequence[Watch], wanted: Sequence[str]) -> None:
        """Put new watches in place of older ones, and let go of what is not wanted any more."""
        for name in [name for name in self._watched if name not in wanted]:
            await self._remove(name)
        new = []
        for watch in made:
            old = self._watched.get(watch.config.name)
            if old is None:
                new.append(watch)
            else:
                await self._replace(old, watch)
        await self._add(new)
        self._board.homes = {name: self._watched[name].watch.view for name in wanted}
        if self._board.clock_doubt is not None:
            for watched in self._watched.values():
                watched.watch.hold(HELD_ROUNDS // len(wanted))

    async def _add(self, watches: Sequence[Watch]) -> None:
        if self._board.clock_doubt is None:
            await _begin(watches)
        for watch in watches:
            self._run(watch)

    async def _replace(self, old: Watched, watch: Watch) -> None:
        await self._end(old)
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

    def _make(self, home: HomeConfig, references: References) -> Watch:
        views = self._views_of_unchanged(home)
        asked = [
            Asked(
                self._probe(home.name, settings),
                views.get(_name(settings)) or _view(settings),
                settings.role,
            )
            for settings in home.probes
        ]
        view = HomeView(home, probes={one.view.name: one.view for one in asked})
        return Watch(home, view, asked, references, self._recorder, self._clock)

    def _views_of_unchanged(self, home: HomeConfig) -> dict[str, ProbeView]:
        """Return what is shown of the probes that an edit of their home leaves as they are."""
        watched = self._watched.get(home.name)
        if watched is None:
            return {}
        before = watched.watch
        same = [settings for settings in before.config.probes if settings in home.probes]
        return {_name(settings): before.view.probes[_name(settings)] for settings in same}

    def _references_for(self, settings: Sequence[ProbeSettings]) -> References:
        if settings == self._reference_settings:
            return self._references
        return References([self._probe("", one) for one in settings], self._clock)

    def _probe(self, home: str, settings: ProbeSettings) -> Probe:
        name = _name(settings)
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
        self._board.homes[watch.config.name] = watch.view

    async def _end(self, watched: Watched) -> None:
        async with watched.watch.course.deciding:
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
    return ProbeView(_name(settings), settings.kind, settings.role.value)


def _name(settings: ProbeSettings) -> str:
    return settings.name or settings.kind
