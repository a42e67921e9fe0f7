"""A fake Bot API: speaks /bot<token>/METHOD as api.telegram.org does, with its limits and faults.

In a test: `async with FakeTelegram() as api`. As a program of its own:
`python -m tests.fakes.telegram --port 0 --out FILE`, which prints its address, appends what it
takes to the file as lines of JSON, and is told what to do on /_control/….
"""

import argparse
import asyncio
import re
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.fakes.faults import ALWAYS, Fault, Faults, reset
from tests.fakes.telegram_control import Control
from tests.fakes.telegram_limits import Flood, Limits
from tests.fakes.telegram_methods import Asked, Methods, Refusal, too_many
from tests.fakes.telegram_polling import Polling
from tests.fakes.telegram_world import Taken, World

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
_SENDS = ("sendmessage", "sendphoto")
_SAID = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict",
    500: "Internal Server Error: restart",
    502: "Bad Gateway",
    504: "Gateway Timeout",
}


@dataclass(frozen=True)
class Call:
    """One call and how it was answered; 0 for a cut connection. `at` is monotonic seconds."""

    method: str
    chat_id: int | None
    status: int
    at: float


class FakeTelegram:
    """One bot of one Bot API server on a socket of its own.

    `latency`: seconds between a call's effect and its answer. `most_at_once`: the most sends
    that waited for an answer; `overlaps`: how often a chat was sent to while it waited for one.
    """

    def __init__(
        self,
        token: str = TOKEN,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        out: Path | None = None,
        username: str = "power_test_bot",
    ) -> None:
        self.token = token
        self.latency = 0.0
        self.world = World(username, out)
        self.flood_limits = limits or Limits()
        self.calls: list[Call] = []
        self.most_at_once = self.overlaps = 0
        self._flood = Flood(self.flood_limits)
        self._methods = Methods(self.world, self._flood)
        self._polling = Polling(self.world, self._methods)
        self._faults: defaultdict[str, Faults] = defaultdict(Faults)
        self._chat_faults: defaultdict[int, Faults] = defaultdict(Faults)
        self._outage: tuple[float, Fault] | None = None
        self._at_once: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Condition()
        self.host, self.port = host, port
        app = web.Application(client_max_size=50 * 1024 * 1024)
        app.add_routes([*Control(self).routes(), web.route("*", "/{path:.*}", self._answer)])
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        """The address for `api_url`."""
        return f"http://{self.host}:{self.port}"

    @property
    def messages(self) -> list[Taken]:
        """What was taken, in order."""
        return self.world.messages

    @property
    def webhook(self) -> str:
        """Where updates go instead, if anywhere."""
        return self._methods.webhook

    @webhook.setter
    def webhook(self, url: str) -> None:
        self._methods.webhook = url

    def to(self, chat_id: int, thread: int | None = None) -> list[str]:
        """Return the texts that a chat, or one thread of it, was sent."""
        taken = (one for one in self.messages if one.chat_id == chat_id)
        return [one.text for one in taken if thread is None or one.thread == thread]

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await self._listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.heal()
        for task in self._tasks:
            task.cancel()
        await self._runner.cleanup()

    def fail_next(
        self, count: int = 1, how: str = "502", method: str = "sendMessage", **more: object
    ) -> None:
        """Let the next calls of a method fail.

        `how` is one of `tests.fakes.faults`, a status, `502-after` (taken, and answered so
        nevertheless), `page-403` (a page of somebody between that shows the address) or `cut`
        (taken, and half the answer).
        """
        self._faults[method.lower()].fail_next(count, how, **more)

    def fail_chat(
        self, chat_id: int, count: int = ALWAYS, how: str = "502", **more: object
    ) -> None:
        """Let the next messages to a chat fail, as fail_next does."""
        self._chat_faults[chat_id].fail_next(count, how, **more)

    def flood(self, seconds: float, chat_id: int | None = None) -> None:
        """Answer 429 to a chat, or to all, for so long."""
        self._flood.ban(chat_id, time.monotonic() + seconds)

    async def outage(self, seconds: float, how: str = "refuse") -> None:
        """Be away for so long: `refuse` closes the listener, else every call suffers `how`."""
        if how != "refuse":
            self._outage = (time.monotonic() + seconds, Fault(how))
            return
        await self.go_down()
        self.soon(self._listen, seconds)

    async def go_down(self) -> None:
        """Cut all connections and refuse new ones, until come_back."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
        server = self._runner.server
        for connection in list(server.connections) if server is not None else []:
            if connection.transport is not None:
                connection.transport.abort()

    async def come_back(self) -> None:
        """Listen again, at the same address."""
        await self._listen()

    def heal(self) -> None:
        """Be without any fault, ban or outage of calls from now on."""
        self._outage = None
        self._flood.lift()
        for faults in (*self._faults.values(), *self._chat_faults.values()):
            faults.clear()

    def soon(self, what: Callable[[], Awaitable[None]], seconds: float = 0.05) -> None:
        """Do something a little later."""

        async def do() -> None:
            await asyncio.sleep(seconds)
            await what()

        task = asyncio.ensure_future(do())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def taken(self, count: int, within: float = 20) -> None:
        """Wait until so many messages have been taken."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: len(self.messages) >= count)

    async def _listen(self) -> None:
        if self._site is None:
            site = web.TCPSite(self._runner, self.host, self.port, reuse_address=True)
            await site.start()
            self._site = site
            self.port = self._runner.addresses[0][1]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = re.fullmatch(r"/bot([^/]*)/(\w+)", request.path)
        method = path.group(2).lower() if path else ""
        asked = await _asked(request)
        chat_id = asked.whole("chat_id") if method in _SENDS else None

        async def process() -> web.StreamResponse:
            if path is None or not re.fullmatch(r"\d+:[\w-]+", path.group(1)):
                raise Refusal(404, "Not Found")
            if path.group(1) != self.token:
                raise Refusal(401, "Unauthorized")
            return await self._processed(method, asked)

        if chat_id is not None:
            self._began(chat_id)
        status = 0
        try:
            answer = await self._suffered(request, self._fault(method, chat_id), process)
            status = answer.status if request.transport is not None else 0
        except Refusal as refusal:
            status = refusal.status
            answer = web.json_response(refusal.to_json(), status=status)
        finally:
            self._at_once -= Counter([] if chat_id is None else [chat_id])
            self.calls.append(Call(method, chat_id, status, time.monotonic()))
        await self._tell()
        return answer

    def _began(self, chat_id: int) -> None:
        self.overlaps += self._at_once[chat_id] > 0
        self._at_once[chat_id] += 1
        self.most_at_once = max(self.most_at_once, self._at_once.total())

    def _fault(self, method: str, chat_id: int | None) -> Fault | None:
        if self._outage is not None and time.monotonic() < self._outage[0]:
            return self._outage[1]
        here = None if chat_id is None else self._chat_faults[chat_id].take()
        return here or self._faults[method].take()

    async def _processed(self, method: str, asked: Asked) -> web.StreamResponse:
        try:
            if method == "getupdates":
                result = await self._polling.get(asked)
            else:
                result = self._methods.call(method, asked)
        finally:
            await asyncio.sleep(self.latency)
        return web.json_response({"ok": True, "result": result})

    async def _suffered(
        self,
        request: web.Request,
        fault: Fault | None,
        process: Callable[[], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if fault is None:
            return await process()
        if fault.how == "cut":
            return await _cut(request, await process())
        what, _, more = fault.how.partition("-")
        if what == "page":
            page = f"<html><title>Blocked</title>You asked for {request.path}</html>"
            return web.Response(text=page, status=int(more), content_type="text/html")
        if not what.isdigit():
            return await self._faults[""].suffer(fault, request, process)
        if more == "after":
            await process()
        if what == "429":
            raise too_many(int(fault.retry_after or "1"))
        raise Refusal(int(what), _SAID.get(int(what), "Unknown"))

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


async def _asked(request: web.Request) -> Asked:
    """Read parameters from the query and from a JSON, form or multipart body."""
    parameters: dict[str, Any] = dict(request.query)
    files: dict[str, int] = {}
    if request.content_type == "application/json":
        parameters |= await request.json()
    elif request.can_read_body:
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files[name] = len(value.file.read())
            else:
                parameters[name] = value
    return Asked(parameters, files)


async def _cut(request: web.Request, whole: web.StreamResponse) -> web.StreamResponse:
    """Begin an answer, and cut the connection in its middle."""
    answer = web.StreamResponse(status=whole.status)
    answer.content_length = 1000
    await answer.prepare(request)
    await answer.write(b'{"ok":true,')
    reset(request)
    return answer


async def _serve(fake: FakeTelegram) -> None:
    async with fake:
        print(fake.url, flush=True)  # noqa: T201  whoever started this reads it
        await asyncio.Event().wait()


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--out", type=Path, help="takes one line of JSON per message")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--burst", type=int, default=0, help="messages to a private chat at once")
    parser.add_argument("--no-limits", action="store_true")
    asked = parser.parse_args()
    limits = Limits(None, None, None) if asked.no_limits else Limits(burst=asked.burst)
    fake = FakeTelegram(asked.token, host=asked.host, port=asked.port, limits=limits, out=asked.out)
    fake.latency = asked.latency
    asyncio.run(_serve(fake))


if __name__ == "__main__":
    main()
