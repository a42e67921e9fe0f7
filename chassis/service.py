"""Owns a service's life: its start, the signals, its end within 2 s.

It knows nothing of what the service does.
"""

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType

from chassis.loops import Backoff, Border, Health, Pace, Stop, run_loop

__all__ = [
    "Backoff",
    "Border",
    "Health",
    "OneAtATime",
    "Pace",
    "StartFailed",
    "Stop",
    "run",
    "run_loop",
    "run_service",
]

log = logging.getLogger(__name__)

GRACE = 1.0  # seconds that the service's body has after a stop, before it is cancelled
UNWIND = 0.3  # seconds that a cancelled body has
LAST_WORDS = 1.8  # seconds after the stop until which the hook on stop has time
SHORTEST_LAST_WORDS = 0.2  # seconds that it has in any case
LEAVE_AFTER = 1.9  # seconds after a stop at which the process leaves, whatever still holds it

Body = Callable[[Stop], Awaitable[None]]
Hook = Callable[[], Awaitable[None]]


class StartFailed(Exception):
    """A service cannot start, for a reason that its operator can act on: no traceback is needed."""


class OneAtATime:
    """A reload that never runs twice at once, whoever asks for it: a signal or a request."""

    def __init__(self, reload: Hook) -> None:
        self._reload = reload
        self._lock = asyncio.Lock()
        self._asked: set[asyncio.Task[None]] = set()
        self._ended = False

    async def __call__(self) -> None:
        """Wait for a reload that runs, then reload; raises what the reload raises."""
        task = asyncio.create_task(self._once())
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        if self._ended:
            task.cancel()
        await task

    async def _once(self) -> None:
        async with self._lock:
            await self._reload()

    async def end(self) -> None:
        """Cancel what runs and whatever is asked for later; call it before parts are ended."""
        self._ended = True
        for task in self._asked:
            task.cancel()
        if self._asked:
            await asyncio.wait(self._asked, timeout=UNWIND)


# ---------------------------------------------------------------- the life


async def run_service(
    body: Body,
    *,
    reload: Hook | None = None,
    on_stop: Hook | None = None,
    stop: Stop | None = None,
    exit_now: Callable[[int], object] = os._exit,
) -> None:
    """Run a service's body until it returns or has been stopped.

    SIGTERM and SIGINT set the stop event, which the body is given; a second one
    exits at once with 1. SIGHUP calls `reload`, never twice at the same time;
    without one SIGHUP is left alone. A body that has not returned GRACE seconds
    after the stop is cancelled, and so is then a reload. `on_stop` runs after both,
    however they ended, and has until LAST_WORDS seconds after the stop. What the
    body raises is raised.
    """
    stop = stop if stop is not None else Stop()
    hangups = _Hangups(reload) if reload is not None else None
    with _signals(stop, hangups, exit_now):
        reloading = asyncio.ensure_future(hangups.run(stop)) if hangups is not None else None
        try:
            await _run_until_stopped(body, stop)
        finally:
            stop.set()
            await _end(reloading)
            await _last_words(on_stop, stop.since + LAST_WORDS)


async def _run_until_stopped(body: Body, stop: Stop) -> None:
    running = asyncio.ensure_future(body(stop))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await asyncio.wait([running], timeout=GRACE)
    finally:
        stopping.cancel()
        if not running.done():
            log.warning("the service did not end by itself and is cancelled")
            running.cancel()
            await asyncio.wait([running], timeout=UNWIND)
    if running.done() and not running.cancelled():
        running.result()


async def _end(reloading: "asyncio.Future[None] | None") -> None:
    if reloading is not None:
        reloading.cancel()
        await asyncio.wait([reloading], timeout=UNWIND)


async def _last_words(on_stop: Hook | None, until: float) -> None:
    if on_stop is None:
        return
    earliest = asyncio.get_running_loop().time() + SHORTEST_LAST_WORDS
    try:
        async with asyncio.timeout_at(max(until, earliest)):
            await on_stop()
    except TimeoutError:
        log.error("what is done on a stop took too long and was given up")


class _Hangups:
    """Turns SIGHUPs into reloads. Those that come while one runs become one more."""

    def __init__(self, reload: Hook) -> None:
        self._reload = reload
        self._asked = asyncio.Event()

    def ask(self) -> None:
        self._asked.set()

    async def run(self, stop: Stop) -> None:
        while not stop.is_set():
            await self._asked.wait()
            self._asked.clear()
            await Border("the reload").run(self._reload)  # a new one: each failure is logged


@contextlib.contextmanager
def _signals(
    stop: Stop, hangups: _Hangups | None, exit_now: Callable[[int], object]
) -> Iterator[None]:
    """Handle the signals while the service runs; give back the handlers of before.

    Plain handlers rather than the loop's: a second signal must end a loop that hangs.
    """
    loop = asyncio.get_running_loop()
    asked: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if asked:
            exit_now(1)
        asked.append(number)
        loop.call_soon_threadsafe(stop.set)

    def hang_up(_number: int, _frame: FrameType | None) -> None:
        if hangups is not None:
            loop.call_soon_threadsafe(hangups.ask)

    handlers: dict[int, Callable[[int, FrameType | None], None]]
    handlers = {signal.SIGTERM: end, signal.SIGINT: end}
    if hangups is not None:
        handlers[signal.SIGHUP] = hang_up
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(
    body: Body,
    *,
    reload: Hook | None = None,
    on_stop: Hook | None = None,
    exit_now: Callable[[int], object] = os._exit,
) -> int:
    """Run a service as this process's whole work; return its exit code, 0 or after a failure 1.

    The arguments are run_service's. Soon after the last words, and at the latest
    LEAVE_AFTER seconds after the stop, the process leaves even if a thread (a write
    to a server that does not answer) or a task still holds it: the caller has
    nothing left to do but to exit.
    """
    leaving = _Leaving(exit_now)

    async def main() -> None:
        stop = Stop()
        arming = asyncio.ensure_future(leaving.arm_at(stop))
        try:
            await run_service(body, reload=reload, on_stop=on_stop, stop=stop, exit_now=exit_now)
            leaving.code = 0
        finally:
            arming.cancel()
            leaving.arm(UNWIND)

    try:
        asyncio.run(main())
    except StartFailed as failed:
        log.critical("%s", failed)
    except Exception:
        log.critical("the service failed", exc_info=True)
    return leaving.code


class _Leaving:
    """Ends the process when a stop takes too long. A daemon thread: no loop can hold it up."""

    def __init__(self, exit_now: Callable[[int], object]) -> None:
        self.code = 1
        self._exit_now = exit_now

    async def arm_at(self, stop: Stop) -> None:
        await stop.wait()
        self.arm(LEAVE_AFTER)

    def arm(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._leave)
        timer.daemon = True
        timer.start()

    def _leave(self) -> None:
        self._exit_now(self.code)
