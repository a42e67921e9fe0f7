"""Owns the fast path to the relay: outages as one webhook, over HTTP or in the same process."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from exporter.entries import Entry
from exporter.sinks.alerts import payload_of
from exporter.sinks.outcomes import (
    Accepted,
    Broken,
    NothingToSay,
    Outcome,
    Unavailable,
    outcome_of,
    parse_retry_after,
    shortened,
)
from exporter.sinks.reach import reach

WITHIN = 10.0  # seconds that one post may take
_READ_AT_MOST = 1024  # bytes of an answer

Post = Callable[[dict[str, Any]], Awaitable[Outcome]]


async def _always_there() -> Outcome:
    return Accepted()


async def _nothing_to_close() -> None:
    pass


class RelaySink:
    """Tells the relay of outages; rows that tell it nothing only pass."""

    name = "notify"

    def __init__(
        self,
        post: Post,
        *,
        check: Callable[[], Awaitable[Outcome]] = _always_there,
        close: Callable[[], Awaitable[None]] = _nothing_to_close,
        external_url: str = "",
        within: float = WITHIN,
    ) -> None:
        """`post` returns Accepted only for what is committed; `within` is in seconds."""
        self._post = post
        self._check = check
        self._close = close
        self._external_url = external_url
        self._within = within

    async def send(self, entries: Sequence[Entry]) -> Outcome:
        """Tell all that the entries hold in one request."""
        payload = payload_of(entries, self._external_url)
        if payload is None:
            return NothingToSay()
        try:
            async with asyncio.timeout(self._within):
                return await self._post(payload)
        except TimeoutError:
            return Unavailable(f"no answer within {self._within:g} s")

    async def check(self) -> Outcome:
        """Say whether the relay could be asked."""
        return await self._check()

    async def close(self) -> None:
        """Give back what the post holds."""
        await self._close()


class HttpRelay:
    """The relay as another process: `post`, `check` and `close` for a RelaySink.

    The files are read when they are needed, as another service may make them
    later, and again after the relay has called the token wrong.
    """

    def __init__(
        self,
        url: str,
        token_file: Path,
        ca_file: Path | None = None,
        *,
        within: float = WITHIN,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`within` is in seconds, of a whole request; `now` gives Unix seconds."""
        self._url = url
        self._token_file = token_file
        self._ca_file = ca_file
        self._within = within
        self._now = now
        self._token: str | None = None
        self._session: aiohttp.ClientSession | None = None

    async def post(self, payload: dict[str, Any]) -> Outcome:
        """Post a webhook; Accepted for a 2xx."""
        ready = self._prepare()
        if isinstance(ready, Unavailable):
            return ready
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with ready.post(
                self._url, json=payload, headers=headers, allow_redirects=False
            ) as answer:
                return await self._judge(answer)
        except TimeoutError:
            return Unavailable(f"no answer within {self._within:g} s")
        except aiohttp.ClientSSLError as fault:
            await self.close()  # the next session reads ca_file anew
            return Unavailable(shortened(str(fault)))
        except (aiohttp.ClientError, OSError) as fault:
            return Unavailable(shortened(str(fault) or type(fault).__name__))

    async def _judge(self, answer: aiohttp.ClientResponse) -> Outcome:
        said = await _said(answer)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._token = None
        retry_after = parse_retry_after(answer.headers.get("Retry-After"), self._now())
        outcome = outcome_of(answer.status, said, retry_after)
        if isinstance(outcome, Broken):  # the relay does not choke on one alert of many
            return Unavailable(outcome.reason, retry_after)
        return outcome

    def _prepare(self) -> aiohttp.ClientSession | Unavailable:
        """Return a session, with the token at hand, or why there is none."""
        try:
            if self._token is None:
                self._token = _read_token(self._token_file)
            if self._session is None:
                self._session = self._open_session()
        except (OSError, ValueError) as fault:
            return Unavailable(shortened(str(fault)))
        return self._session

    def _open_session(self) -> aiohttp.ClientSession:
        trust = _trust(self._ca_file) if self._url.startswith("https:") else True
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust, limit=1),
            timeout=aiohttp.ClientTimeout(total=self._within),
        )

    async def check(self) -> Outcome:
        """Say whether the token can be read and the relay's host takes connections."""
        ready = self._prepare()
        return ready if isinstance(ready, Unavailable) else await reach(self._url, self._within)

    async def close(self) -> None:
        """Close the session; the next post opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _said(answer: aiohttp.ClientResponse) -> str:
    """Read the answer to its end, so that the connection can be used again, or to a limit."""
    said = b""
    while len(said) < _READ_AT_MOST and (chunk := await answer.content.readany()):
        said += chunk
    return said[:_READ_AT_MOST].decode(errors="replace")


def _read_token(file: Path) -> str:
    """Return the file's token; raises OSError or ValueError, which never quote it."""
    try:
        token = file.read_text(encoding="ascii").rstrip("\r\n")
    except UnicodeDecodeError:
        token = ""
    if not token or not token.isprintable():
        raise ValueError(f"{file} holds no token")
    return token


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as fault:
        raise ValueError(f"{ca_file}: no certificates to trust: {fault}") from fault
