"""Owns the bot's questions to the exporter: each has an answer, or is told that it is away.

Nothing but the address given is asked: no redirect is followed, no proxy of the environment used.
"""

import asyncio
import logging
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ValidationError

from alerting.exporter_answers import (
    HomeNow,
    Homes,
    Outages,
    Reliability,
    SeenOutage,
    Transition,
    Transitions,
)
from chassis.instants import to_rfc3339
from chassis.secrets import Secret

log = logging.getLogger(__name__)

WITHIN = 5.0  # seconds that one answer may take
CONNECTIONS = 4
MOST_BYTES = 8 * 1024 * 1024  # of one answer
MOST_PAGES = 5
ONE_BY_ONE = 20  # homes
_LONGEST_REASON = 200

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Away:
    """The exporter gave no answer that can be used; the reason is fit for a log."""

    reason: str
    unknown_home: bool = False  # it did answer: that it watches no such home


@dataclass(frozen=True, slots=True)
class Address:
    """Where an exporter is, and how it is asked: `login` is user:password."""

    url: str
    login: Secret | None = None
    ca_file: Path | None = None


class ExporterApi:
    """One exporter's API. It connects when first asked, and anew when its address changes."""

    def __init__(self, address: Callable[[], Address], *, within: float = WITHIN) -> None:
        """`address` tells the one of the moment; `within` is in seconds."""
        self._address = address
        self._within = within
        self._asked: Address | None = None
        self._session: aiohttp.ClientSession | None = None
        self._away: str | None = None

    async def homes(self, names: Sequence[str]) -> tuple[HomeNow, ...] | Away:
        """Ask for homes as they stand; those that it does not watch are left out.

        A few are asked for one by one: an exporter may watch very many.
        """
        if len(names) > ONE_BY_ONE:
            everything = await self._get("/api/v1/homes", Homes)
            if isinstance(everything, Away):
                return everything
            return tuple(home for home in everything.homes if home.name in set(names))
        found = await asyncio.gather(*(self._get(_of(name), HomeNow) for name in names))
        for one in found:
            if isinstance(one, Away) and not one.unknown_home:
                return one
        return tuple(one for one in found if not isinstance(one, Away))

    async def outages(self, home: str, start: int) -> tuple[SeenOutage, ...] | Away:
        """Ask for the outages of a home that were not over at `start` (wall ms), oldest first."""
        found = await self._get(_of(home, "/outages"), Outages, _from(start))
        return found if isinstance(found, Away) else found.outages

    async def reliability(self, home: str, start: int) -> Reliability | Away:
        """Ask for the indices of a home since `start` (wall ms)."""
        return await self._get(_of(home, "/reliability"), Reliability, _from(start))

    async def transitions(self, home: str, start: int) -> tuple[Transition, ...] | Away:
        """Ask for the changes of a home since `start` (wall ms), oldest first."""
        rows: list[Transition] = []
        params = _from(start) | {"limit": "1000"}
        for _ in range(MOST_PAGES):
            page = await self._get(_of(home, "/transitions"), Transitions, params)
            if isinstance(page, Away):
                return page
            rows += page.transitions
            if page.following is None:
                return tuple(rows)
            params["cursor"] = page.following
        return Away("more changes than can be shown")

    async def close(self) -> None:
        """Close the connections; the next question opens others."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _get(
        self, path: str, model: type[M], params: Mapping[str, str] | None = None
    ) -> M | Away:
        try:
            address = self._address()
            session = await self._opened(address)
            url = address.url.rstrip("/") + path
            async with session.get(url, params=params, allow_redirects=False) as answer:
                found = await _read(answer, model)
        except TimeoutError:
            found = Away(f"no answer within {self._within:g} s")
        except aiohttp.ClientSSLError as fault:
            await self.close()  # the next session reads the CA's file anew
            found = _unreachable(fault)
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            found = _unreachable(fault)
        self._heed(found)
        return found

    async def _opened(self, address: Address) -> aiohttp.ClientSession:
        """Return the session; raises OSError or ValueError for a file that is no use."""
        if address != self._asked:
            await self.close()
            self._asked = address
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=_trust(address), limit=CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=self._within),
                headers={"Accept": "application/json"} | _login(address.login),
            )
        return self._session

    def _heed(self, found: object) -> None:
        """Log when it goes away and when it is back, not every question."""
        away = found.reason if isinstance(found, Away) and not found.unknown_home else None
        if away is not None and self._away is None:
            log.warning("the exporter cannot be asked: %s", away)
        elif away is None and self._away is not None:
            log.info("the exporter can be asked again")
        self._away = away


def _unreachable(fault: Exception) -> Away:
    return Away(" ".join((str(fault) or type(fault).__name__).split())[:_LONGEST_REASON])


async def _read(answer: aiohttp.ClientResponse, model: type[M]) -> M | Away:
    if answer.status != HTTPStatus.OK:
        # Who listens there instead of an exporter gives a 404 of another kind.
        problem = answer.content_type == "application/problem+json"
        unknown = problem and answer.status == HTTPStatus.NOT_FOUND
        return Away(f"HTTP {answer.status}", unknown_home=unknown)
    body = bytearray()
    while chunk := await answer.content.readany():
        body += chunk
        if len(body) > MOST_BYTES:
            answer.close()
            return Away("an answer that is too long")
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as fault:
        where = ".".join(map(str, fault.errors()[0]["loc"]))
        return Away(f"an answer that is not understood (at {where})")


def _of(home: str, what: str = "") -> str:
    return f"/api/v1/homes/{quote(home, safe='')}{what}"


def _from(start: int) -> dict[str, str]:
    return {"from": to_rfc3339(max(0, start))}


def _login(login: Secret | None) -> dict[str, str]:
    if login is None:
        return {}
    return {"Authorization": f"Basic {b64encode(login.reveal().encode()).decode()}"}


def _trust(address: Address) -> ssl.SSLContext | bool:
    if not address.url.startswith("https:"):
        return True
    try:
        return ssl.create_default_context(cafile=address.ca_file)
    except (OSError, ssl.SSLError) as fault:
        raise ValueError(f"{address.ca_file}: no certificates to trust") from fault
