"""Owns the loop from what waits to what has been told: due, marked, sent, settled.

Only the leader runs it. A delivery is marked before it is sent and settled after
the answer, so that a crash leaves no doubt about which sends are in doubt.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from alerting.metrics import RelayMetrics
from alerting.outcomes import (
    Ambiguous,
    ChatGone,
    ChatMoved,
    Refused,
    RetryLater,
    Sent,
    TokenRefused,
)
from alerting.sending import GROUPS, Progress, Sending
from alerting.store import Delivery, Done, Store, StoreDown
from alerting.subscribers import Subscriber, blocked
from alerting.telling import Message, Surroundings, message_of
from chassis.clock import Clock
from chassis.instants import MS_PER_SECOND
from chassis.loops import Backoff

log = logging.getLogger(__name__)

AT_ONCE = 16  # sends in flight
AFTER_A_FAULT = 30.0  # seconds
LOOK_EVERY = 1.0  # seconds: other relays of one database take alerts too
STORE_BACKOFF = Backoff(0.2, 5.0)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Batch:
    """What one topic of a chat is told by one message; `parts` are those not taken yet."""

    deliveries: tuple[Delivery, ...]
    message: Message

    @property
    def ids(self) -> list[int]:
        """The ids of the deliveries."""
        return [delivery.id for delivery in self.deliveries]

    @property
    def topic(self) -> int | None:
        """The topic that they are for."""
        return self.deliveries[0].topic


class Courier:
    """Carries deliveries to chats. All calls come from one event loop."""

    def __init__(
        self,
        store: Store,
        sending: Sending,
        clock: Clock,
        metrics: RelayMetrics,
        around: Callable[[], Surroundings],
    ) -> None:
        """`around` gives what texts are made by, by the config of the moment."""
        self._store = store
        self._sending = sending
        self._clock = clock
        self._metrics = metrics
        self._around = around
        self._groups: deque[int] = deque()  # a channel costs one send and reaches many
        self._private: deque[int] = deque()
        self._kinds: dict[int, str] = {}  # of the chats in the two, and of those under way
        self._rest: dict[int, Batch] = {}  # messages of which some parts were taken
        self._under_way: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._look_at = 0.0

    def wake(self) -> None:
        """Say that there may be something to send."""
        self._news.set()

    # --- the leader's life ---

    async def begin(self) -> None:
        """Take over from whoever sent before. Raises StoreDown.

        What it was sending has arrived or not: it is sent again, and counted.
        """
        self._metrics.sent("ambiguous", await asyncio.to_thread(self._store.in_flight_at_start))
        self._news.set()

    async def once(self) -> None:
        """Start all sends that may begin now, then wait until more may. Raises StoreDown."""
        news, changed = self._news, self._sending.changed
        await self._look()
        wait = self._start_sends()
        waits = [asyncio.ensure_future(news.wait()), asyncio.ensure_future(changed.wait())]
        try:
            await asyncio.wait(
                waits, timeout=min(wait, LOOK_EVERY), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for one in waits:
                one.cancel()

    async def stop(self, within: float) -> None:
        """Let sends under way end within so many seconds; what is cut off is in doubt."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=within)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._groups.clear()
        self._private.clear()
        self._kinds.clear()
        self._rest.clear()

    # --- whose turn it is ---

    async def _look(self) -> None:
        """Line up the chats for which something waits that are not in line yet, if it is time."""
        now = asyncio.get_running_loop().time()
        if not self._news.is_set() and now < self._look_at:
            return
        self._news.clear()
        self._look_at = now + LOOK_EVERY
        for chat in await asyncio.to_thread(self._store.waiting):
            if chat.chat_id not in self._kinds:
                self._line_up(chat.chat_id, chat.kind)

    def _line_up(self, chat: int, kind: str) -> None:
        self._kinds[chat] = kind
        (self._groups if kind in GROUPS else self._private).append(chat)

    def _start_sends(self) -> float:
        """Start what may be sent; return the seconds before more is no use."""
        wait = LOOK_EVERY
        while len(self._under_way) < AT_ONCE:
            chat, wait = self._next()
            if chat is None:
                break
            self._sending.claim(chat)
            task = asyncio.create_task(self._serve(chat))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return wait

    def _next(self) -> tuple[int | None, float]:
        """Take the next chat that may be sent to out of its line, groups first."""
        least = LOOK_EVERY
        for line in (self._groups, self._private):
            for _ in range(len(line)):
                if room := self._sending.room():
                    return None, room
                wait = self._sending.wait(line[0], self._kinds[line[0]])
                if not wait:
                    return line.popleft(), 0.0
                least = min(least, wait)
                line.rotate(-1)
        return None, least

    # --- one chat ---

    async def _serve(self, chat: int) -> None:
        """Tell a claimed chat the first that waits for it; whatever happens, it is given back."""
        kind = self._kinds[chat]
        more = False
        try:
            more = await self._tell_first(chat, kind)
        except StoreDown as fault:
            log.debug("a chat waits for the database: %s", fault)
        except Exception:
            log.exception("a message cannot be made, others go on")
            self._sending.pause(chat, AFTER_A_FAULT)
        finally:
            self._kinds.pop(chat, None)
            if more:
                self._line_up(chat, kind)

    async def _tell_first(self, chat: int, kind: str) -> bool:
        """Send one message; tell whether more waits for the chat."""
        try:
            batch, more = await asyncio.to_thread(self._prepare, chat)
        except BaseException:
            self._sending.unclaim(chat)
            raise
        if batch is None:
            self._sending.unclaim(chat)
            return more
        progress = await self._deliver(chat, kind, batch)
        return await self._settle(chat, batch, progress) or more

    async def _deliver(self, chat: int, kind: str, batch: Batch) -> Progress:
        message = batch.message
        try:
            return await self._sending.deliver(
                chat, kind, message.parts, topic=batch.topic, silent=message.silent
            )
        except Exception as fault:
            log.exception("a send failed, others go on")
            self._sending.pause(chat, AFTER_A_FAULT)
            return Progress(Ambiguous(type(fault).__name__), 0)

    def _prepare(self, chat: int) -> tuple[Batch | None, bool]:
        """Make the next message of a chat and mark it as being sent; runs in a thread."""
        pending = self._store.pending_of(chat)
        if not pending:
            return None, False
        first = pending[0].topic
        of_topic = [delivery for delivery in pending if delivery.topic == first]
        batch = self._rest.pop(chat, None)
        if batch is None or not set(batch.ids) <= {delivery.id for delivery in of_topic}:
            subscriber = self._store.subscriber(chat, first)
            batch = self._compose(of_topic, subscriber)
        begun = self._store.begin(batch.ids)
        more = len(pending) > len(batch.deliveries)
        if len(begun) < len(batch.deliveries):  # stopped meanwhile: what is left is told anew
            self._store.release(sorted(begun))
            return None, bool(begun) or more
        return batch, more

    def _compose(self, deliveries: Sequence[Delivery], subscriber: Subscriber | None) -> Batch:
        now = self._clock.now().wall
        return Batch(tuple(deliveries), message_of(deliveries, subscriber, self._around(), now))

    # --- what became of it ---

    async def _settle(self, chat: int, batch: Batch, progress: Progress) -> bool:
        """Write down what became of a message; tell whether it has to be sent again.

        It is tried until it is written: a message that has been told must not be told again.
        """
        outcome, count = progress.outcome, len(batch.deliveries)
        match outcome:
            case Sent():
                await self._until_written(lambda: self._finish(batch, "delivered"))
                self._delivered(batch)
            case ChatGone(_, topic_only):
                lost = await self._until_written(
                    lambda: self._block(chat, batch, topic_only=topic_only)
                )
                self._metrics.sent("dropped", lost)
            case Refused(reason):
                log.error("Telegram refused a message for good: %s", reason)
                await self._until_written(lambda: self._finish(batch, "failed"))
                self._metrics.sent("failed", count)
            case ChatMoved(new_id):
                await self._until_written(lambda: self._move(chat, new_id, batch))
                self._metrics.sent("retried", count)
                self._news.set()
            case RetryLater() | TokenRefused() | Ambiguous():
                await self._until_written(lambda: self._store.release(batch.ids))
                self._metrics.sent(
                    "ambiguous" if isinstance(outcome, Ambiguous) else "retried", count
                )
                self._keep_rest(chat, batch, progress.taken)
                return True
        return False

    def _finish(self, batch: Batch, how: Done) -> None:
        self._store.finish(batch.ids, how, self._clock.now().wall)

    def _block(self, chat: int, batch: Batch, *, topic_only: bool) -> int:
        """Let a chat, or its topic, hear nothing more; return how many deliveries that costs."""
        now = self._clock.now().wall
        self._store.release(batch.ids)
        if not topic_only:
            return self._store.block(chat, now)
        change = self._store.change(
            chat, batch.topic, lambda known: None if known is None else blocked(known), now
        )
        self._store.finish(batch.ids, "dropped", now)
        return max(change.dropped, len(batch.ids))

    def _move(self, chat: int, new_id: int, batch: Batch) -> None:
        self._store.release(batch.ids)
        self._store.move_chat(chat, new_id)

    def _delivered(self, batch: Batch) -> None:
        now = self._clock.now().wall
        self._metrics.sent("delivered", len(batch.deliveries))
        for delivery in batch.deliveries:
            self._metrics.delayed((now - delivery.event.created) / MS_PER_SECOND)

    def _keep_rest(self, chat: int, batch: Batch, taken: int) -> None:
        """Keep what is left of a message of which a part was taken: that is not told again."""
        if taken:
            left = replace(batch.message, parts=batch.message.parts[taken:])
            self._rest[chat] = replace(batch, message=left)

    async def _until_written(self, write: Callable[[], Result]) -> Result:
        failures = 0
        while True:
            try:
                return await asyncio.to_thread(write)
            except StoreDown as fault:
                failures += 1
                if failures == 1:
                    log.error("what was sent cannot be written down yet: %s", fault)
                await asyncio.sleep(STORE_BACKOFF.after(failures))
