"""Owns when this relay sends and polls: while it leads, and not a moment longer than it knows."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alerting.delivery import Courier
from alerting.leadership import Leadership
from chassis.loops import Stop, run_loop

log = logging.getLogger(__name__)

ASK_AGAIN = 1.0  # seconds
ASK_WITHIN = 3.0  # seconds; a database that hangs may have given the lead to another
LAST_SENDS = 0.5  # seconds that sends under way have at the end

Talk = Callable[[Stop], Coroutine[Any, Any, None]]


class Leader:
    """Runs the courier and the bot while no other relay of the database does."""

    def __init__(
        self,
        leadership: Leadership,
        courier: Courier,
        talk: Talk | None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """`talk` hears and answers people until it is cancelled; it never raises.

        `on_end` is called whenever this relay has ceased to lead and its last send has ended.
        """
        self._leadership = leadership
        self._courier = courier
        self._talk = talk
        self._on_end = on_end
        self._told = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="leadership")

    async def lead_once(self, stop: Stop) -> float:
        """Lead if nobody else does, until that ends; return the seconds before the next try.

        Raises StoreDown.
        """
        if not await self._ask(self._leadership.hold):
            if not self._told:
                self._told = True
                log.info("another relay sends; this one takes alerts, and takes over when needed")
            return ASK_AGAIN
        self._told = False
        try:
            await self._lead(stop)
        finally:
            await self._courier.stop(LAST_SENDS)
            self._on_end()
        return ASK_AGAIN

    async def _lead(self, stop: Stop) -> None:
        await self._courier.begin()
        log.info("this relay sends")
        tasks = [asyncio.create_task(run_loop("deliveries", self._courier.once, stop))]
        if self._talk is not None:
            tasks.append(asyncio.create_task(self._talk(stop)))
        try:
            while not await stop.within(ASK_AGAIN):
                if not await self._ask(self._leadership.still_held):
                    log.warning("this relay does not lead any more: it stops sending")
                    return
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, question: Callable[[], bool]) -> bool:
        """Ask in the one thread that may; no answer in time is a no."""
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(self._thread, question)
        await asyncio.wait((asked,), timeout=ASK_WITHIN)
        return asked.done() and asked.result()

    async def close(self) -> None:
        """Let another relay lead at once."""
        released = asyncio.get_running_loop().run_in_executor(
            self._thread, self._leadership.release
        )
        await asyncio.wait((released,), timeout=ASK_WITHIN)
        self._thread.shutdown(wait=False)
