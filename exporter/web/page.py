"""Owns GET /: which homes the page shows, and how much of each; cards.py says what of one."""

import asyncio
import copy
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aiohttp import web

from chassis.problems import Problem
from exporter.board import Board, HomeView, SinkView
from exporter.indices import Span
from exporter.journal_reader import JournalReader
from exporter.outages import Outage
from exporter.power import State
from exporter.transitions import Transition
from exporter.web import words
from exporter.web.cards import WINDOWS, Card, Past, ProbeLine, card_of, past_of, probe_line, when
from exporter.web.history import RunningOutages, Standing, around
from exporter.web.query import LATEST, only
from exporter.web.sources import Sources
from exporter.web.static_files import StaticFiles
from exporter.web.timeline import DAY

if TYPE_CHECKING:
    from jinja2 import Environment

FEW = 4  # homes that the index shows in full
OUTAGES_OF_ONE, OUTAGES_OF_SEVERAL = 10, 5  # lines of the table of a home
REFRESH_FEW, REFRESH_MANY = 10, 30  # seconds between two looks of the page's script
COMPRESSED_ON_LOOP = 16_384  # bytes; what is larger is compressed in a thread
HEADERS = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A home on the page; `probes` and `past` only where it is shown in full."""

    card: Card
    full: bool
    probes: tuple[ProbeLine, ...] = ()
    past: Past | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the board, taken on the loop: what a thread may read at leisure."""

    now: int
    views: tuple[HomeView, ...]
    outages: dict[str, Outage]
    rows: dict[str, Sequence[Transition]] | None
    chosen: str | None
    warnings: tuple[str, ...]
    sinks: tuple[SinkView, ...]
    version: str


class StatusPage:
    """Answers GET / and GET /?home=NAME."""

    def __init__(self, sources: Sources, running: RunningOutages, files: StaticFiles) -> None:
        self._sources = sources
        self._running = running
        self._files = files

    def routes(self) -> list[web.RouteDef]:
        """Return the path and its handler."""
        return [web.get("/", self.page)]

    async def page(self, request: web.Request) -> web.Response:
        """Answer with the page, worked out in a thread: no round of probes waits for it."""
        look = await self._look(only(request.query, "home"))
        text = await asyncio.to_thread(self._render, look)
        body = text.encode("utf-8", "replace")
        response = web.Response(body=body, headers=HEADERS, zlib_executor_size=COMPRESSED_ON_LOOP)
        response.enable_compression()  # if the browser takes it: a list of homes shrinks to a tenth
        return response

    async def _look(self, chosen: str | None) -> Look:
        board = self._sources.board
        if chosen is not None and chosen not in board.homes:
            raise Problem(404, detail=f"there is no home {chosen!r}")
        now = self._sources.clock.now().wall
        live = [board.homes[chosen]] if chosen is not None else list(board.homes.values())
        views = tuple(map(_still, live))
        warnings = _warnings(board, views)
        outages: dict[str, Outage] = {}
        rows: dict[str, Sequence[Transition]] | None = None
        try:
            outages = await self._running.of(views, now)
            if len(views) <= FEW:
                rows = await self._sources.reading.read(_pasts, views, now)
        except sqlite3.Error as fault:
            warnings = (*warnings, f"The journal cannot be read: {fault}. No history is shown.")
        sinks = tuple(map(copy.copy, board.sinks.values()))
        return Look(now, views, outages, rows, chosen, warnings, sinks, board.version)

    def _render(self, look: Look) -> str:
        homes = sorted(_shown(look), key=lambda home: home.card.place)
        zone = ZoneInfo(look.views[0].config.timezone if look.views else "UTC")
        return self._environment.get_template("page.html").render(
            homes=homes,
            full=bool(homes) and homes[0].full,
            now=when(look.now, zone, look.now),
            chosen=look.chosen,
            summary=_summary(look.views),
            heading=_heading(homes),
            warnings=look.warnings,
            sinks=[_sink_words(sink, look.now) for sink in look.sinks],
            version=look.version,
            refresh=REFRESH_FEW if len(homes) <= FEW else REFRESH_MANY,
            file=self._files.url,
        )

    @cached_property
    def _environment(self) -> "Environment":
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  an exporter whose page nobody opens does without

        return Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )


def _still(view: HomeView) -> HomeView:
    """Copy a view, so that it stays as it is now."""
    still = copy.copy(view)
    still.probes = {name: copy.copy(probe) for name, probe in view.probes.items()}
    return still


def _pasts(
    reader: JournalReader, views: Sequence[HomeView], now: int
) -> dict[str, Sequence[Transition]]:
    """Return each home's rows over the longest window, or back to its last outage."""
    return {
        view.config.name: around(reader, Standing.of(view, now), Span(_reach(view, now), LATEST))
        for view in views
    }


def _reach(view: HomeView, now: int) -> int:
    last_outage = view.books.ended_start if view.books else None
    window = now - max(WINDOWS) * DAY
    return max(0, window if last_outage is None else min(window, last_outage))


def _shown(look: Look) -> list[Shown]:
    shown = []
    outages = OUTAGES_OF_ONE if len(look.views) == 1 else OUTAGES_OF_SEVERAL
    for view in look.views:
        name = view.config.name
        card = card_of(view, look.outages.get(name), look.now)
        if len(look.views) > FEW:
            shown.append(Shown(card, full=False))
            continue
        probes = tuple(probe_line(probe, look.now) for probe in view.probes.values())
        past = None if look.rows is None else past_of(look.rows[name], view, look.now, outages)
        shown.append(Shown(card, full=True, probes=probes, past=past))
    return shown


def _summary(views: Sequence[HomeView]) -> tuple[tuple[str, int], ...]:
    """Count the homes by state, in the order of urgency."""
    states = [view.state for view in views]
    counts = ((state, states.count(state)) for state in (State.OFF, State.UNKNOWN, State.ON))
    return tuple((state.value, number) for state, number in counts if number)


def _heading(homes: Sequence[Shown]) -> str:
    """Say the page's title: the state first, as a tab shows only its beginning."""
    if len(homes) == 1:
        return f"{homes[0].card.headline} · {homes[0].card.title}"
    off = sum(home.card.state == State.OFF for home in homes)
    return f"{off} of {len(homes)} off · Power status" if off else "Power status"


def _warnings(board: Board, views: Sequence[HomeView]) -> tuple[str, ...]:
    warnings = []
    if not board.journal_up:
        waiting = sum(len(view.undurable) for view in views)
        rows = words.count(waiting, "change waits", "changes wait")
        warnings.append(
            "The journal cannot be written. "
            f"What is seen is shown and told, but not stored: {rows}."
        )
    if board.clock_doubt is not None:
        warnings.append(
            f"The clock is in doubt: {board.clock_doubt}. "
            "All homes are unknown until it is believed."
        )
    if not board.reload_successful:
        warnings.append("The last reload of the config failed; the config before it is in force.")
    return tuple(warnings)


def _sink_words(sink: SinkView, now: int) -> str:
    if sink.oldest is None:
        return f"{sink.name}: {'up' if sink.up else 'down'}, nothing waits"
    since = words.duration(now - sink.oldest)
    rows = words.count(sink.pending, "change waits", "changes wait")
    return f"{sink.name}: {'up' if sink.up else 'down'}, {rows}, the oldest for {since}"
