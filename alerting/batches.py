"""Owns what a chat is told by one message, from its making to what the store knows of it at last.

Methods that only write wait until that is done: a message that was told must not be told again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from alerting.store import Delivery, Done, Shift, Store, StoreDown, WaitingChat
from alerting.subscribers import State, Subscriber, blocked
from alerting.telling import Surroundings, message_of
from chassis.clock import Clock
from chassis.loops import Backoff

log = logging.getLogger(__name__)

BACKOFF = Backoff(0.2, 5.0)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Batch:
    """What one topic of a chat is told by one message.

    `parts` are those not taken yet, `is_rest` tells that some have been: then the
    deliveries stay marked until the last, so that after a crash they are in doubt.
    """

    deliveries: tuple[Delivery, ...]
    subscriber: Subscriber | None
    parts: tuple[str, ...]
    silent: bool
    is_rest: bool = False

    @property
    def ids(self) -> list[int]:
        """The ids of the deliveries."""
        return [delivery.id for delivery in self.deliveries]

    @property
    def topic(self) -> int | None:
        """The topic that they are for."""
        return self.deliveries[0].topic


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chat's next message, if any; how many deliveries were dropped; whether more waits."""

    batch: Batch | None
    dropped: int = 0
    more: bool = False


class Batches:
    """The messages of one leader. What it has marked is its shift's."""

    def __init__(self, store: Store, clock: Clock, around: Callable[[], Surroundings]) -> None:
        """`around` gives what texts are made by, by the config of the moment."""
        self._store = store
        self._clock = clock
        self._around = around
        self._shift = 0
        self._threads = ThreadPoolExecutor(store.writers, thread_name_prefix="batches")

    async def take_over(self) -> Shift:
        """Begin a shift. Raises StoreDown."""
        shift = await self._run(self._store.take_over)
        self._shift = shift.number
        return shift

    async def waiting(self) -> list[WaitingChat]:
        """Return the chats for which something waits. Raises StoreDown."""
        return await self._run(self._store.waiting)

    async def prepare(self, chat: int) -> Prepared:
        """Make the next message of a chat from what is known now. Raises StoreDown."""
        return await self._run(partial(self._prepare, chat))

    def _prepare(self, chat: int) -> Prepared:
        pending = self._store.pending_of(chat)
        if not pending:
            return Prepared(None)
        first = pending[0].topic
        subscriber = self._store.subscriber(chat, first)
        of_topic = [delivery for delivery in pending if delivery.topic == first]
        told = [delivery for delivery in of_topic if _hears(subscriber, delivery)]
        unheard = [delivery.id for delivery in of_topic if delivery not in told]
        now = self._clock.now().wall
        if unheard:
            self._store.finish(unheard, "dropped", now)
        more = len(pending) > len(of_topic)
        if not told:
            return Prepared(None, len(unheard), more)
        message = message_of(told, subscriber, self._around(), now)
        batch = Batch(tuple(told), subscriber, message.parts, message.silent)
        return Prepared(batch, len(unheard), more)

    async def mark(self, batch: Batch) -> frozenset[int]:
        """Mark deliveries as being sent; return those that still waited. Raises StoreDown."""
        return await self._run(partial(self._store.begin, batch.ids, self._shift))

    async def unmark(self, ids: Sequence[int]) -> None:
        """Let deliveries wait again. Raises StoreDown."""
        await self._run(partial(self._store.release, ids, self._shift))

    # --- what is tried until it is written ---

    async def put_back(self, batch: Batch) -> None:
        """Let a message wait again."""
        await self._until_written(lambda: self._store.release(batch.ids, self._shift))

    async def finish(self, batch: Batch, how: Done) -> None:
        """Settle a message for good."""
        now = self._clock.now().wall
        await self._until_written(lambda: self._store.finish(batch.ids, how, now))

    async def move(self, chat: int, new_id: int) -> None:
        """Let all that is of a chat be of another."""
        await self._until_written(lambda: self._store.move_chat(chat, new_id))

    async def block(self, chat: int, batch: Batch, *, topic_only: bool) -> int:
        """Let a chat, or its topic, hear nothing more; return how many deliveries that costs."""
        return await self._until_written(lambda: self._block(chat, batch, topic_only=topic_only))

    def _block(self, chat: int, batch: Batch, *, topic_only: bool) -> int:
        """Let a chat, or its topic, hear nothing more; return how many deliveries that costs."""
        now = self._clock.now().wall
        if self._store.subscriber(chat, batch.topic) != batch.subscriber:
            # It has written since: whether it is gone is found out by another try.
            self._store.release(batch.ids, self._shift)
            return 0
        if topic_only:
            change = self._store.change(
                chat, batch.topic, lambda known: None if known is None else blocked(known), now
            )
            self._store.finish(batch.ids, "dropped", now)
            return change.dropped + len(batch.deliveries)
        self._store.finish(batch.ids, "dropped", now)
        return self._store.block(chat, now) + len(batch.deliveries)

    async def _until_written(self, write: Callable[[], Result]) -> Result:
        failures = 0
        while True:
            try:
                return await self._run(write)
            except StoreDown as fault:
                failures += 1
                if failures == 1:
                    log.error("what was sent cannot be written down yet: %s", fault)
                await asyncio.sleep(BACKOFF.after(failures))

    async def _run(self, call: Callable[[], Result]) -> Result:
        """Ask the store in a thread of ours: no crowd of them is to keep alerts waiting."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _hears(subscriber: Subscriber | None, delivery: Delivery) -> bool:
    """Tell whether a chat is still to be told of an event; what is for admins is, in any case."""
    if delivery.event.audience == "admins":
        return True
    return subscriber is not None and subscriber.state is State.ACTIVE
