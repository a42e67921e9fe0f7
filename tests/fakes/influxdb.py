"""A fake InfluxDB 2: answers as 2.9.1 was measured to answer, and has faults on request.

In a test: `async with FakeInfluxDB() as fake`. As a program of its own:
`python -m tests.fakes.influxdb --port 0`, which prints its address.
"""

import argparse
import asyncio
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.fakes.faults import Fault, Faults
from tests.fakes.influxdb_operator import Operator
from tests.fakes.influxdb_store import Store, StoredPoint
from tests.fakes.line_protocol import parse

_CODES = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not found",
    413: "request too large",
    422: "unprocessable entity",
    429: "too many requests",
    500: "internal error",
    503: "unavailable",
}


@dataclass(frozen=True)
class Received:
    """One write as it came, and how it was answered; 0 for a cut connection."""

    lines: tuple[str, ...]
    status: int


@dataclass
class Settings:
    """Whom and what the fake lets in."""

    org: str = "home"
    bucket: str = "power"
    token: str = "influx-token"
    read_only_token: str = "read-only-token"
    retention: float | None = None
    max_body: int = 128 * 1024 * 1024
    file: Path | None = None
    now: Callable[[], int] = field(default=time.time_ns)


class FakeInfluxDB:
    """One org, one bucket, on a socket of its own."""

    def __init__(self, settings: Settings | None = None, *, port: int = 0) -> None:
        self.settings = settings or Settings()
        self.store = Store(self.settings.retention, self.settings.file)
        self.operator = Operator(
            self.settings.org,
            self.settings.bucket,
            self.settings.token,
            self.settings.read_only_token,
        )
        self.faults = Faults()
        self.received: list[Received] = []
        self._poison: list[tuple[str, str]] = []
        self._news = asyncio.Condition()
        self._port = port
        self._runner = web.AppRunner(
            self._app(), auto_decompress=False, shutdown_timeout=0.1, access_log=None
        )

    @property
    def url(self) -> str:
        """The address for a client's `url`."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
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

    def poison(self, text: str, how: str = "500") -> None:
        """Answer every write that holds `text` with a status."""
        self._poison.append((text, how))

    def heal(self) -> None:
        """Be without any fault from now on."""
        self._poison.clear()
        self.faults.clear()

    async def arrived(self, count: int) -> None:
        """Wait until so many writes have come."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: len(self.received) >= count)

    def points(self, measurement: str | None = None, **tags: str) -> list[StoredPoint]:
        """See `Store.points`."""
        return self.store.points(measurement, **tags)

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=self.settings.max_body * 2)
        app.add_routes(
            [
                web.post("/api/v2/write", self._write),
                web.get("/health", self._health),
                web.get("/ping", self._ping),
                web.get("/_points", self._get_points),
                web.get("/_received", self._get_received),
                web.post("/_fail", self._post_fail),
                web.post("/_poison", self._post_poison),
                web.post("/_heal", self._post_heal),
                *self.operator.routes(),
            ]
        )
        return app

    async def _write(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def process() -> web.StreamResponse:
            return await self._note(body, self._processed(request, body))

        fault = self.faults.take() or self._poisoned(body)
        if fault is None:
            return await process()
        if fault.status is not None:
            return await self._note(body, _refusal(fault.status, "asked for", fault.retry_after))
        if fault.how in ("reset-before", "hang"):
            await self._note(body, web.Response(), cut=True)
        return await self.faults.suffer(fault, request, process)

    async def _note(self, body: bytes, answer: web.Response, *, cut: bool = False) -> web.Response:
        self.received.append(Received(_lines(body), 0 if cut else answer.status))
        async with self._news:
            self._news.notify_all()
        return answer

    def _poisoned(self, body: bytes) -> Fault | None:
        text = body.decode(errors="replace")
        return next((Fault(how) for poison, how in self._poison if poison in text), None)

    def _processed(self, request: web.Request, body: bytes) -> web.Response:
        refused = self._not_let_in(request)
        if refused is not None:
            return refused
        if len(body) > self.settings.max_body:
            return _refusal(413, "cannot read data: points batch is too large")
        if request.headers.get("Content-Encoding") == "gzip":
            try:
                body = zlib.decompress(body, wbits=31)
            except zlib.error as fault:
                return _refusal(500, f"gzip: {fault}")
        return self._stored(body, request.query.get("precision", "ns"))

    def _not_let_in(self, request: web.Request) -> web.Response | None:
        actions = self.operator.actions(request)
        if actions is None:
            return _refusal(401, "unauthorized access")
        org, bucket = request.query.get("org", ""), request.query.get("bucket", "")
        if org != self.settings.org:
            return _refusal(404, f'organization name "{org}" not found')
        if bucket != self.settings.bucket:
            return _refusal(404, f'bucket "{bucket}" not found')
        if "write" not in actions:
            return _refusal(403, "insufficient permissions for write")
        return None

    def _stored(self, body: bytes, precision: str) -> web.Response:
        if precision not in ("ns", "us", "ms", "s"):
            return _refusal(400, "invalid precision; valid precision units are ns, us, ms, and s")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return _refusal(400, "invalid UTF-8")
        now = self.settings.now()
        lines, faults = parse(text, precision, now)
        if faults:
            return _refusal(400, "\n".join(faults))
        partial = self.store.write(lines, now)
        return _refusal(422, partial) if partial else web.Response(status=204)

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"name": "influxdb", "status": "pass", "version": "v2.9.1"})

    async def _ping(self, _: web.Request) -> web.Response:
        return web.Response(status=204, headers={"X-Influxdb-Version": "v2.9.1"})

    async def _get_points(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        found = self.points(query.pop("measurement", None), **query)
        return web.json_response([point.to_json() for point in found])

    async def _get_received(self, _: web.Request) -> web.Response:
        return web.json_response([asdict(one) for one in self.received])

    async def _post_fail(self, request: web.Request) -> web.Response:
        asked: dict[str, Any] = await request.json()
        self.fail_next(asked.pop("count", 1), str(asked.pop("how")), **asked)
        return web.Response(status=204)

    async def _post_poison(self, request: web.Request) -> web.Response:
        asked: dict[str, Any] = await request.json()
        self.poison(asked["text"], str(asked.get("how", "500")))
        return web.Response(status=204)

    async def _post_heal(self, _: web.Request) -> web.Response:
        self.heal()
        return web.Response(status=204)


def _lines(body: bytes) -> tuple[str, ...]:
    return tuple(body.decode(errors="replace").splitlines())


def _refusal(status: int, message: str, retry_after: str | None = None) -> web.Response:
    headers = {"X-Platform-Error-Code": _CODES.get(status, "unavailable")}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    said = {"code": _CODES.get(status, "unavailable"), "message": message}
    return web.json_response(said, status=status, headers=headers)


async def _serve(settings: Settings, port: int) -> None:
    async with FakeInfluxDB(settings, port=port) as fake:
        print(fake.url, flush=True)  # noqa: T201  whoever started this reads it
        await asyncio.Event().wait()


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--org", default="home")
    parser.add_argument("--bucket", default="power")
    parser.add_argument("--token", default="influx-token")
    parser.add_argument("--retention", type=float, help="seconds")
    parser.add_argument("--max-body", type=int, default=128 * 1024 * 1024)
    parser.add_argument("--file", type=Path, help="keeps the points across restarts")
    asked = vars(parser.parse_args())
    port = asked.pop("port")
    asyncio.run(_serve(Settings(**asked), port))


if __name__ == "__main__":
    main()
