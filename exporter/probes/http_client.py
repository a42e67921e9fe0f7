"""Owns the HTTP client of the process: one session, kept connections, no cookies, no proxies."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from yarl import URL

from chassis.clock import Clock
from chassis.instants import Instant
from exporter.probes.faults import Blame, blame, seconds, worded

MOST_READ = 1 << 20  # bytes of a body that is wanted
_MOST_DRAINED = 1 << 16  # bytes of a body that is not, so that its connection can be kept
_KEPT = 75.0  # seconds that an idle connection is kept
_NO_TIMEOUT = ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


@dataclass(frozen=True, slots=True)
class Page:
    """An HTTP answer; `at` is when its head arrived. `body` is None if it was not wanted or had."""

    status: int
    at: Instant
    body: bytes | None


@dataclass(frozen=True, slots=True)
class NoPage:
    """No HTTP answer: whom that speaks against, and why; ALIVE for an answer that is not HTTP."""

    blame: Blame
    why: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for; `server_name` is the name in a TLS certificate where the URL has none."""

    url: URL
    headers: Mapping[str, str]
    server_name: str | None = None


class HttpClient:
    """Asks for pages. The session is opened with the first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._session: ClientSession | None = None

    async def get(self, request: Request, timeout: float, *, body: bool) -> Page | NoPage:
        """Ask for a page within `timeout` seconds; `body` says whether it is wanted.

        A kept connection that the peer has closed is no answer: aiohttp then asks
        once more on another.
        """
        head: list[Page] = []
        try:
            async with asyncio.timeout(timeout):
                return await self._get(request, head, body=body)
        except TimeoutError:
            return head[0] if head else self._silent(timeout)
        except (ClientConnectorCertificateError, ClientConnectorSSLError):
            return NoPage(Blame.ALIVE, "answers, but without a valid certificate", self._now())
        except OSError as error:
            return head[0] if head else self._failed(_cause(error), timeout)
        except (ClientError, ValueError):
            why = "answers, but not in HTTP"
            return head[0] if head else NoPage(Blame.ALIVE, why, self._now())

    async def _get(self, request: Request, head: list[Page], *, body: bool) -> Page:
        """Ask for a page; leave in `head` what is known when the head has arrived."""
        asked = self._open().get(
            request.url,
            headers=request.headers,
            allow_redirects=False,
            server_hostname=request.server_name,
        )
        async with asked as response:
            page = Page(response.status, self._now(), None)
            head.append(page)
            if body:
                return Page(page.status, page.at, await _read(response))
            if 0 < (response.content_length or 0) <= _MOST_DRAINED:
                await response.content.read()  # so that its connection can be kept
            return page

    def _silent(self, timeout: float) -> NoPage:
        return NoPage(Blame.DEAD, f"no answer in {seconds(timeout)}", self._now())

    def _failed(self, error: OSError, timeout: float) -> NoPage:
        if isinstance(error, TimeoutError):
            return self._silent(timeout)
        return NoPage(blame(error), worded(error), self._now())

    def _now(self) -> Instant:
        return self._clock.now()

    def _open(self) -> ClientSession:
        if self._session is None:
            # An address is all that the connector is given: names are Target's.
            connector = TCPConnector(
                limit=0, use_dns_cache=False, keepalive_timeout=_KEPT, happy_eyeballs_delay=None
            )
            self._session = ClientSession(
                connector=connector,
                cookie_jar=DummyCookieJar(),
                timeout=_NO_TIMEOUT,
                trust_env=False,
                headers={"User-Agent": "power-status-tracker", "Accept-Encoding": "identity"},
            )
        return self._session

    async def close(self) -> None:
        """Close what is kept."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _cause(error: OSError) -> OSError:
    """Return the system's own error in one of aiohttp's."""
    return error.os_error if isinstance(error, ClientConnectorError) else error


async def _read(response: ClientResponse) -> bytes | None:
    """Return a body of at most MOST_READ bytes, None for a longer one."""
    if (response.content_length or 0) > MOST_READ:
        return None
    body = b""
    while chunk := await response.content.readany():
        body += chunk
        if len(body) > MOST_READ:
            return None
    return body
