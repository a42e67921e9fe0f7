"""Owns what is handed in together: all that arrives while the last hand-in is under way."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Together(Generic[Item, Answer]):
    """Hands items in, one group after the other, each as large as has come by then.

    All calls come from one event loop.
    """

    def __init__(self, hand_in: Callable[[list[Item]], Awaitable[Sequence[Answer]]]) -> None:
        """`hand_in` returns the answer of each item; what it raises, all of its group get."""
        self._hand_in = hand_in
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._working: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Answer:
        """Hand in an item; return its answer. It is handed in though nobody waits any more."""
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await asyncio.shield(done)

    async def _work(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            try:
                answers = await self._hand_in([item for item, _ in taken])
            except Exception as fault:  # noqa: BLE001  whoever waits must hear of it, and tries again
                for _, done in taken:
                    if not done.done():
                        done.set_exception(fault)
                continue
            for (_, done), answer in zip(taken, answers, strict=True):
                if not done.done():
                    done.set_result(answer)

    async def finish(self) -> None:
        """Wait until nothing is under way."""
        if self._working is not None and not self._working.done():
            await asyncio.wait([self._working])
