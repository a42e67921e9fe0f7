"""Owns the order in which updates are handled: one chat's after each other, chats side by side.

Nobody can make others wait by sending much: a chat's queue is short, and what does not fit is left
out and told so once.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from alerting.telegram_updates import Update

log = logging.getLogger(__name__)

MOST_WAITING = 25  # updates of one chat: more than anybody types; each is answered
CHATS_AT_ONCE = 64

Handle = Callable[[Update], Awaitable[None]]


@dataclass(slots=True)
class _Lane:
    queue: deque[tuple[Update, Callable[[], None]]] = field(default_factory=deque)
    left_out: Update | None = None


class Lanes:
    """Handles updates. All calls come from one event loop."""

    def __init__(self, handle: Handle, too_much: Handle) -> None:
        """`too_much` is told the first update that was left out, once the queue is empty."""
        self._handle = handle
        self._too_much = too_much
        self._lanes: dict[int, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(CHATS_AT_ONCE)

    def put(self, update: Update, done: Callable[[], None]) -> None:
        """Queue an update; `done` is called when it has been handled, whatever came of it."""
        lane = self._lanes.get(update.chat_id)
        if lane is None:
            lane = self._lanes[update.chat_id] = _Lane()
            task = asyncio.create_task(self._run(update.chat_id, lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif len(lane.queue) >= MOST_WAITING and _may_be_left_out(update):
            lane.left_out = lane.left_out or update
            done()
            return
        lane.queue.append((update, done))

    async def idle(self, within: float) -> None:
        """Wait until nothing is being handled, at most so many seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)

    async def close(self) -> None:
        """Leave what is being handled; nothing more is called."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._lanes.clear()

    async def _run(self, chat_id: int, lane: _Lane) -> None:
        while True:
            while lane.queue:
                update, done = lane.queue.popleft()
                await self._guarded(self._handle, update)
                done()
            if lane.left_out is None:
                del self._lanes[chat_id]
                return
            update, lane.left_out = lane.left_out, None
            await self._guarded(self._too_much, update)

    async def _guarded(self, handle: Handle, update: Update) -> None:
        """Let no update stop the next; nothing of it is logged, it is somebody's words."""
        async with self._room:
            try:
                await handle(update)
            except Exception as fault:  # noqa: BLE001  the border of all updates
                kind = type(fault)
                log.error("an update was not handled: %s.%s", kind.__module__, kind.__qualname__)


def _may_be_left_out(update: Update) -> bool:
    """Tell whether its sender can repeat it; that a chat has moved or is gone is told once."""
    return update.moved_to is None and not update.left and not update.joined
