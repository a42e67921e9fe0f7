"""A stand-in for the exporter's API: answers what a test sets, and has faults on request."""

import ssl
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.fakes.faults import Faults


class FakeExporter:
    """One exporter on a socket of its own.

    `answers`: JSON by path, or bytes as they stand; `asked`: paths with their queries.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Any] = {}
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.authorizations: list[str | None] = []
        self.faults = Faults()
        self._tls = tls
        app = web.Application()
        app.add_routes([web.get("/{path:.*}", self._answer)])
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        self._port = 0

    @property
    def url(self) -> str:
        """The address for `exporter_url`."""
        return f"http{'s' if self._tls else ''}://localhost:{self._port}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
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

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.authorizations.append(request.headers.get("Authorization"))

        async def process() -> web.StreamResponse:
            answer = self.answers.get(request.path)
            if isinstance(answer, bytes):
                return web.Response(body=answer, headers=self.headers)
            if answer is None:
                return web.json_response({}, status=404, content_type="application/problem+json")
            return web.json_response(answer)

        fault = self.faults.take()
        if fault is None:
            return await process()
        if fault.status is not None:
            return web.json_response({}, status=fault.status, headers={"Location": "/elsewhere"})
        return await self.faults.suffer(fault, request, process)
