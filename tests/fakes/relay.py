"""A fake relay: takes webhooks on POST /alerts, checks the token, has faults on request.

In a test: `async with FakeRelay() as fake`. As a program of its own:
`python -m tests.fakes.relay --port 0`, which prints its address.
"""

import argparse
import asyncio
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.fakes.faults import Faults

TOKEN = "webhook-token"


@dataclass(frozen=True)
class Posted:
    """One request as it came, and how it was answered; 0 for a cut connection."""

    payload: Any
    status: int


class FakeRelay:
    """One relay on a socket of its own; `tls` makes it https."""

    def __init__(
        self, token: str = TOKEN, *, port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.token = token
        self.faults = Faults()
        self.posted: list[Posted] = []
        self.connections: set[object] = set()
        self._news = asyncio.Condition()
        self._tls = tls
        self._port = port
        app = web.Application()
        app.add_routes(
            [
                web.post("/alerts", self._alerts),
                web.get("/_payloads", self._get_payloads),
                web.post("/_fail", self._post_fail),
                web.post("/_heal", self._post_heal),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)

    @property
    def url(self) -> str:
        """The address for `notify.url`."""
        return f"http{'s' if self._tls else ''}://localhost:{self._port}/alerts"

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """What was accepted, in order."""
        return [one.payload for one in self.posted if one.status == 200]

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that were accepted, in order."""
        return [alert for payload in self.payloads for alert in payload["alerts"]]

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, "127.0.0.1", self._port, ssl_context=self._tls, reuse_address=True
        )
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.faults.clear()
        await self._runner.cleanup()

    def fail_next(self, count: int, how: str, **more: object) -> None:
        """See `Faults.fail_next`."""
        self.faults.fail_next(count, how, **more)

    def heal(self) -> None:
        """Be without any fault from now on."""
        self.faults.clear()

    async def arrived(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: len(self.posted) >= count)

    async def _alerts(self, request: web.Request) -> web.StreamResponse:
        self.connections.add(request.transport)
        payload = await request.json()

        async def process() -> web.StreamResponse:
            if request.headers.get("Authorization") != f"Bearer {self.token}":
                return await self._answer(payload, 401)
            return await self._answer(payload, 200 if payload.get("version") == "4" else 400)

        fault = self.faults.take()
        if fault is None:
            return await process()
        if fault.status is not None:
            return await self._answer(payload, fault.status, fault.retry_after)
        if fault.how in ("reset-before", "hang"):
            await self._answer(payload, 0)
        return await self.faults.suffer(fault, request, process)

    async def _answer(
        self, payload: object, status: int, retry_after: str | None = None
    ) -> web.Response:
        self.posted.append(Posted(payload, status))
        async with self._news:
            self._news.notify_all()
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return web.json_response({"status": status}, status=status or 503, headers=headers)

    async def _get_payloads(self, _: web.Request) -> web.Response:
        return web.json_response(self.payloads)

    async def _post_fail(self, request: web.Request) -> web.Response:
        asked: dict[str, Any] = await request.json()
        self.fail_next(asked.pop("count", 1), str(asked.pop("how")), **asked)
        return web.Response(status=204)

    async def _post_heal(self, _: web.Request) -> web.Response:
        self.heal()
        return web.Response(status=204)


async def _serve(token: str, port: int) -> None:
    async with FakeRelay(token, port=port) as fake:
        print(fake.url, flush=True)  # noqa: T201  whoever started this reads it
        await asyncio.Event().wait()


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    asked = parser.parse_args()
    asyncio.run(_serve(asked.token, asked.port))


if __name__ == "__main__":
    main()
