"""An exporter's web parts on a real server, over a real journal that tests fill by hand."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web

from chassis.instants import Instant
from chassis.secrets import Secret
from chassis.web import WebServer
from chassis.web_config import WebSettings
from exporter.board import Board, HomeView, ProbeView
from exporter.config import HomeConfig
from exporter.power import Cause, Change, State, Vote
from exporter.probes.heartbeat import Beats, HeartbeatSettings, Line
from exporter.probes.protocol import Finding
from exporter.reading import Reading
from exporter.recorder import Recorder
from exporter.records import Sign
from exporter.transitions import Transition
from exporter.web.events import EventStream
from exporter.web.routes import BEARER, routes
from exporter.web.sources import Sources
from tests.exporter.boards import home_config
from tests.exporter.clocks import HandClock
from tests.exporter.disks import FillingDisk

START = 1_795_514_400_000  # 2026-11-24T10:00:00Z
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


class Rig:
    """Homes, their journal and the server that shows them; `async with` it."""

    def __init__(self, folder: Path, *homes: str) -> None:
        self.clock = HandClock(START)
        self.journal = FillingDisk(folder)
        self.board = Board(version="1.2.3")
        self.beats = Beats()
        self.stopping = asyncio.Event()
        self.recorder = Recorder(self.journal, self.clock)
        self.reading = Reading(folder)
        self.sources = Sources(
            self.board, self.reading, self.clock, self.recorder, self.beats, self.stopping
        )
        for home in homes or ("flat",):
            self.add(home_config(home))
        self.events = EventStream(self.sources, keep_alive=0.05, patience=0.5)
        self.quiet = EventStream(self.sources, keep_alive=3600)

    def add(self, config: HomeConfig, *probes: ProbeView) -> HomeView:
        """Watch a home."""
        view = HomeView(config, probes={probe.name: probe for probe in probes}, rounds=1)
        self.board.homes[config.name] = view
        return view

    def view(self, home: str = "flat") -> HomeView:
        """A home as published."""
        return self.board.homes[home]

    def listen(self, home: str, name: str, token: str) -> Line:
        """Watch a home by a heartbeat probe."""
        settings = HeartbeatSettings.model_construct(token=Secret(token), every=10_000)
        return self.beats.listen(home, name, settings, self.clock.now())

    async def __aenter__(self) -> Self:
        self.server = WebServer(
            WebSettings(listen="127.0.0.1:0"),
            [
                web.get("/quick/events", self.events.events),
                web.get("/quiet/events", self.quiet.events),
                *routes(self.sources),
            ],
            bearer=BEARER,
        )
        await self.server.start()
        self.url = self.server.url
        self.client = aiohttp.ClientSession(self.url, timeout=aiohttp.ClientTimeout(30))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stopping.set()
        await self.client.close()
        await self.server.stop()
        await self.reading.close()
        await self.recorder.close()

    # --- what happens to homes ---

    async def change(
        self,
        state: State,
        at: int,
        *,
        home: str = "flat",
        seen: int | None = None,
        cause: Cause | None = None,
        detail: str = "no reply in 2s",
    ) -> Transition:
        """A home's state changes at `at`; its former state was last seen at `seen`."""
        view = self.view(home)
        last = view.last
        previous = last.state if last else None
        before = None if last is None else at - 5 * SECOND if seen is None else seen
        if previous is State.UNKNOWN and last is not None:
            before = last.at
        vote = Vote("plug", state, detail, Instant(at, 0))
        why = cause or (Cause.MEASURED if last else Cause.START)
        votes = () if state is State.UNKNOWN else (vote,)
        made = Change(state, previous, at, before, at + 10 * SECOND, why, votes)
        outage = state is State.OFF or (view.belief.in_outage and state is State.UNKNOWN)
        evidence = before if state is State.UNKNOWN else at
        belief = replace(
            view.belief, state=state, since=at, evidence=evidence, settled=at, in_outage=outage
        )
        rows = await self.recorder.record(Sign(home, belief, 300_000, (made,)))
        view.belief = belief
        view.last = rows[-1]
        self.publish()
        return rows[-1]

    def see(self, at: int, home: str = "flat") -> None:
        """Evidence of a home's state at `at`."""
        view = self.view(home)
        view.belief = replace(view.belief, evidence=at, settled=at)

    def publish(self) -> None:
        """Show of every home what is committed, as a watch does."""
        self.board.journal_up = self.recorder.writable
        for name, view in self.board.homes.items():
            view.undurable = self.recorder.undurable(name)
            record = self.recorder.records.get(name)
            if record is not None:
                view.books = record.books
                if not view.undurable:
                    view.last = record.last

    async def disk_has_room(self) -> None:
        """The disk takes again what it refused; what is published follows later."""
        self.journal.full = False
        await self.recorder.retry_once()

    # --- what is asked ---

    async def get(self, path: str, **params: str) -> Any:  # noqa: ANN401  JSON
        """Ask for JSON that must be there."""
        async with self.client.get(path, params=params) as answer:
            assert answer.status == 200, await answer.text()
            assert answer.content_type == "application/json"
            return await answer.json()

    async def fault(self, path: str, **params: str) -> tuple[int, str]:
        """Ask for what cannot be had; return the problem's status and detail."""
        async with self.client.get(path, params=params) as answer:
            assert answer.content_type == "application/problem+json", await answer.text()
            problem = await answer.json()
            assert problem["status"] == answer.status
            return answer.status, problem["detail"]

    async def text(self, path: str) -> str:
        """Ask for text that must be there."""
        async with self.client.get(path) as answer:
            assert answer.status == 200
            return await answer.text()


def probe(name: str, vote: State, detail: str, at: int, **more: str) -> ProbeView:
    """A probe that was asked."""
    finding = Finding(vote, detail, Instant(at, 0))
    view = ProbeView(name, more.get("kind", "tcp"), more.get("role", "mains"), finding)
    view.vote, view.detail, view.at = vote, detail, at
    view.duration_seconds, view.attempts = 0.0123456789, 1
    return view
