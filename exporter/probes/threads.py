"""Owns the way off the event loop for calls that may hang: threads that no exit waits for."""

import asyncio
import errno
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Generic, TypeVar

R = TypeVar("R")


def in_thread(call: Callable[[], R]) -> asyncio.Future[R]:
    """Run a call in a thread of its own, which ends with it; return a future of what it gives.

    A pool would be full of hung calls one day, and is waited for at exit; a new
    daemon thread costs no more than a hop to a pool. Nobody has to fetch the
    result, and cancelling the future does not end the call.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[R] = loop.create_future()

    def give(result: R) -> None:
        if not future.done():
            future.set_result(result)

    def fail(fault: BaseException) -> None:
        if not future.done():
            future.set_exception(fault)
            future.exception()  # nobody has to fetch it

    def run() -> None:
        try:
            deliver = partial(give, call())
        except BaseException as fault:  # noqa: BLE001  the thread's border: it is the asker's to handle
            deliver = partial(fail, fault)
        with suppress(RuntimeError):  # the loop may have ended meanwhile, and with it who asked
            loop.call_soon_threadsafe(deliver)

    try:
        Thread(target=run, daemon=True).start()
    except RuntimeError:
        fail(OSError(errno.EAGAIN, "this machine has no thread left"))
    return future


class OneCall(Generic[R]):
    """At most one call under way, however long it hangs."""

    def __init__(self) -> None:
        self._running: asyncio.Future[R] | None = None

    async def ask(self, call: Callable[[], R], timeout: float) -> R:
        """Return what a call begun now returns, or raise what it raises.

        Raises TimeoutError after `timeout` seconds, be it that an earlier call
        still hangs or that this one does.
        """
        ends = asyncio.get_running_loop().time() + timeout
        if self._running is not None:
            await _within(self._running, ends)
        self._running = in_thread(call)
        await _within(self._running, ends)
        return self._running.result()

    async def settle(self, timeout: float) -> None:
        """Wait for a call that is still under way, but no longer than `timeout` seconds."""
        if self._running is not None:
            with suppress(TimeoutError):
                await _within(self._running, asyncio.get_running_loop().time() + timeout)


async def _within(future: asyncio.Future[R], ends: float) -> None:
    """Wait for a future, never cancelling it, until a time of the loop; raises TimeoutError."""
    if not future.done():
        await asyncio.wait((future,), timeout=ends - asyncio.get_running_loop().time())
    if not future.done():
        raise TimeoutError
