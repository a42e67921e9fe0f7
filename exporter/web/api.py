"""Owns the REST API: what programs read of homes and of the journal. docs/api.md describes it.

To add a path, add its handler here, its line to `ApiRoutes.routes` and its section to docs/api.md.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from aiohttp import web

from chassis.problems import Problem
from exporter.board import HomeView
from exporter.indices import Span, reliability
from exporter.indices import to_json as reliability_json
from exporter.journal_reader import JournalReader
from exporter.outages import Outage
from exporter.transitions import Transition
from exporter.transitions import to_json as transition_json
from exporter.web.history import RunningOutages, Standing, around, first_at, outages_in, page_of
from exporter.web.query import (
    Query,
    choice_of,
    cursor_of,
    cursor_to,
    id_of,
    limit_of,
    span_of,
    time_of,
)
from exporter.web.shapes import (
    csv_answer,
    home_json,
    json_answer,
    outages_csv,
    outages_json,
    to_text,
)
from exporter.web.sources import Sources

Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Api:
    """The handlers of /api/v1, but for its event stream."""

    sources: Sources
    running: RunningOutages

    def routes(self) -> list[web.RouteDef]:
        """Return the paths and their handlers."""
        home = "/api/v1/homes/{home}"
        return [
            web.get("/api/v1/homes", self.homes),
            web.get(home, self.home),
            web.get(f"{home}/transitions", self.home_transitions),
            web.get(f"{home}/outages", self.home_outages),
            web.get(f"{home}/reliability", self.home_reliability),
            web.get("/api/v1/transitions", self.transitions),
        ]

    async def homes(self, _request: web.Request) -> web.Response:
        """Answer with all homes as they stand."""
        views = list(self.sources.board.homes.values())
        outages = await self._running(views)
        shapes = [home_json(view, outages.get(view.config.name)) for view in views]
        return json_answer(to_text({"homes": shapes}))

    async def home(self, request: web.Request) -> web.Response:
        """Answer with one home as it stands."""
        view = self._view(request)
        outages = await self._running([view])
        return json_answer(to_text(home_json(view, outages.get(view.config.name))))

    async def home_transitions(self, request: web.Request) -> web.Response:
        """Answer with a page of a home's rows."""
        standing = self._standing(request)
        limit, span = limit_of(request.query), span_of(request.query)
        if (after := cursor_of(request.query, standing.home)) is not None:
            span = Span(max(span.start, after + 1), span.end)
        rows = await self._read(page_of, standing, span, limit + 1)
        following = cursor_to(standing.home, rows[limit - 1].at) if len(rows) > limit else None
        return json_answer(await asyncio.to_thread(_rows_text, rows[:limit], next=following))

    async def home_outages(self, request: web.Request) -> web.Response:
        """Answer with a home's outages that overlap a span, as JSON or CSV."""
        standing = self._standing(request)
        span = span_of(request.query)
        wanted = choice_of(request.query, "format", ("json", "csv"))
        rows = await self._read(around, standing, span)
        spell = outages_csv if wanted == "csv" else outages_json
        text = await asyncio.to_thread(
            lambda: spell(outages_in(rows, standing.present, span), standing.sustained_after)
        )
        if wanted == "csv":
            return csv_answer(text, f"outages-{standing.home}.csv")
        return json_answer(text)

    async def home_reliability(self, request: web.Request) -> web.Response:
        """Answer with a home's indices over a span."""
        standing = self._standing(request)
        span = await self._asked(request.query, standing)
        rows = await self._read(around, standing, span)
        found = await asyncio.to_thread(
            reliability, rows, standing.present, span, standing.sustained_after
        )
        return json_answer(to_text(reliability_json(found, span)))

    async def _asked(self, query: Query, standing: Standing) -> Span:
        """Return the span asked for: by default from the home's first row up to now."""
        start, end = time_of(query, "from"), time_of(query, "to")
        until = standing.present.now if end is None else end
        if start is not None:
            return span_of(query, Span(start, until))
        first = await self._read(first_at, standing)
        return Span(until if first is None else min(first, until), until)

    async def transitions(self, request: web.Request) -> web.Response:
        """Answer with the rows of the whole journal after an id."""
        after, limit = id_of(request.query, "after") or 0, limit_of(request.query)
        rows = await self._read(JournalReader.after, after, limit)
        return json_answer(await asyncio.to_thread(_rows_text, rows))

    def _view(self, request: web.Request) -> HomeView:
        name = request.match_info["home"]
        view = self.sources.board.homes.get(name)
        if view is None:
            raise Problem(404, detail=f"there is no home {name!r}")
        return view

    def _standing(self, request: web.Request) -> Standing:
        return Standing.of(self._view(request), self.sources.clock.now().wall)

    async def _running(self, views: list[HomeView]) -> dict[str, Outage]:
        try:
            return await self.running.of(views, self.sources.clock.now().wall)
        except sqlite3.Error as fault:
            raise _unreadable(fault) from fault

    async def _read(
        self,
        query: Callable[Concatenate[JournalReader, Given], Result],
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Result:
        try:
            return await self.sources.reading.read(query, *args, **kwargs)
        except sqlite3.Error as fault:
            raise _unreadable(fault) from fault


def _unreadable(fault: sqlite3.Error) -> Problem:
    return Problem(503, detail=f"the journal cannot be read: {fault}")


def _rows_text(rows: list[Transition], **more: str | None) -> str:
    return to_text({"transitions": [transition_json(row) for row in rows], **more})
