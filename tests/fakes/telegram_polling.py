"""The fake Bot API's getUpdates: long polls, confirms by offset, ends an older poller with 409."""

import asyncio
import time
from typing import Any

from tests.fakes.telegram_methods import Asked, Methods, Refusal
from tests.fakes.telegram_world import World

TERMINATED = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)
WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)
_LOOK_EVERY = 0.01  # seconds


class Polling:
    """The updates of one bot, for one poller at a time."""

    def __init__(self, world: World, methods: Methods) -> None:
        self._world = world
        self._methods = methods
        self._pollers = 0
        self._allowed: list[str] = []

    async def get(self, asked: Asked) -> list[dict[str, Any]]:
        """Return what is there, or wait for it; raises Refusal."""
        if self._methods.webhook:
            raise Refusal(409, WEBHOOK)
        self._pollers += 1
        me = self._pollers
        self._confirm(asked.whole("offset") or 0)
        allowed = asked.tree("allowed_updates")
        self._allowed = self._allowed if allowed is None else allowed
        until = time.monotonic() + min(asked.whole("timeout") or 0, 50)
        while not (found := self._waiting(asked.whole("limit") or 100)):
            if time.monotonic() >= until:
                break
            await asyncio.sleep(_LOOK_EVERY)
            if me != self._pollers:
                raise Refusal(409, TERMINATED)
        return found

    def _confirm(self, offset: int) -> None:
        """Forget what is older; a negative offset keeps so many from the end."""
        updates = self._world.updates
        while updates and (len(updates) > -offset if offset < 0 else _id(updates[0]) < offset):
            updates.popleft()

    def _waiting(self, limit: int) -> list[dict[str, Any]]:
        for update in list(self._world.updates):
            if self._allowed and not update.keys() & set(self._allowed):
                self._world.updates.remove(update)
        return list(self._world.updates)[:limit]


def _id(update: dict[str, Any]) -> int:
    return int(update["update_id"])
