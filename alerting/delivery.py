"""Owns the loop from what waits to what has been told: due, marked, sent, settled.

Only the leader runs it. A delivery is marked before it is sent and settled after
the answer, so that a crash leaves no doubt about which sends are in doubt.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from alerting.batches import Batch, Batches
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
from alerting.store import Store, StoreDown
from alerting.telling import Surroundings
from chassis.clock import Clock
from chassis.instants import MS_PER_SECOND

log = logging.getLogger(__name__)

AT_ONCE = 16  # sends in flight
AFTER_A_FAULT = 30.0  # seconds
LOOK_EVERY = 1.0  # seconds: other relays of one database take alerts too
LOOKS_COST = 5  # times what a look takes must pass before the next
AHEAD = 0.1  # seconds before its turn in which a message is made ready
APART = 0.02  # seconds between two sends' beginnings: whoever brings alerts comes in between


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
        self._batches = Batches(store, clock, around)
        self._sending = sending
        self._clock = clock
        self._metrics = metrics
        self._groups: deque[int] = deque()  # a channel costs one send and reaches many
        self._private: deque[int] = deque()
        self._kinds: dict[int, str] = {}  # of the chats in the two, and of those under way
        self._rest: dict[int, Batch] = {}  # messages of which some parts were taken
        self._stray: dict[int, int] = {}  # ids, by chat, that may be marked and are not sent
        self._serving: set[int] = set()
        self._under_way: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._ended = asyncio.Event()  # a send has been settled, or a look
        self._looking: asyncio.Task[None] | None = None
        self._look_at = self._look_again_at = self._start_at = 0.0

    def wake(self) -> None:
        """Say that there may be something to send."""
        self._news.set()

    # --- the leader's life ---

    async def begin(self) -> None:
        """Take over from whoever sent before. Raises StoreDown.

        What it was sending has arrived or not: it is sent again, and counted.
        """
        shift = await self._batches.take_over()
        self._metrics.sent("ambiguous", shift.count)
        for chat in shift.in_doubt:
            self._sending.doubt(chat)
        self._news.set()

    async def once(self) -> None:
        """Start all sends that may begin now, then wait until more may. Raises StoreDown.

        A look at many chats takes its time: sends go on meanwhile.
        """
        self._ended.clear()
        changed = self._sending.changed
        look_in = self._look()
        wait = min(self._start_send(), look_in)
        await _any_of([changed, self._ended, *self._unheard()], wait)

    def _unheard(self) -> list[asyncio.Event]:
        """Return the news to wait for; those that came are looked at when it is time."""
        return [] if self._news.is_set() else [self._news]

    async def stop(self, within: float) -> None:
        """Let sends under way end within so many seconds; what is cut off is in doubt."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=within)
        ending = [*self._under_way, *([self._looking] if self._looking is not None else [])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._looking = None
        for kept in (
            self._groups,
            self._private,
            self._kinds,
            self._rest,
            self._stray,
            self._serving,
        ):
            kept.clear()

    # --- whose turn it is ---

    def _look(self) -> float:
        """Begin a look if it is time for one; return the seconds until it is. Raises StoreDown."""
        if self._looking is not None:
            if not self._looking.done():
                return LOOK_EVERY
            looked, self._looking = self._looking, None
            looked.result()
        now = asyncio.get_running_loop().time()
        due = self._look_again_at if self._news.is_set() else self._look_at
        if now < due:
            return due - now
        self._news.clear()
        self._looking = asyncio.create_task(self._look_once())
        self._looking.add_done_callback(lambda _: self._ended.set())
        return LOOK_EVERY

    async def _look_once(self) -> None:
        """Line up the chats for which something waits that are not in line yet."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._release_stray()
        # Who has waited longest comes first, also after a restart: nobody's place is an id's.
        for chat in sorted(await self._batches.waiting(), key=lambda chat: chat.first_event_id):
            if chat.chat_id not in self._kinds:
                self._line_up(chat.chat_id, chat.kind)
        pause = LOOKS_COST * (loop.time() - began)
        self._look_again_at = loop.time() + pause
        self._look_at = loop.time() + max(LOOK_EVERY, pause)

    async def _release_stray(self) -> None:
        """Let deliveries wait again that a fault has left marked, though nobody sends them.

        Their chats are not sent to before that, or it would unmark what is being sent.
        """
        ids = [id_ for id_, chat in self._stray.items() if chat not in self._serving]
        if ids:
            await self._batches.unmark(ids)
            for id_ in ids:
                del self._stray[id_]

    def _line_up(self, chat: int, kind: str) -> None:
        self._kinds[chat] = kind
        (self._groups if kind in GROUPS else self._private).append(chat)

    def _start_send(self) -> float:
        """Start a send if one may begin; return the seconds before another is no use."""
        now = asyncio.get_running_loop().time()
        if now < self._start_at:
            return self._start_at - now
        wait = LOOK_EVERY
        if len(self._under_way) < AT_ONCE:
            chat, wait = self._next()
            if chat is None:
                return wait
            wait, self._start_at = APART, now + APART
            self._sending.claim(chat)
            self._serving.add(chat)
            task = asyncio.create_task(self._serve(chat))
            self._under_way.add(task)
            task.add_done_callback(self._served)
        return wait

    def _served(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._ended.set()

    def _next(self) -> tuple[int | None, float]:
        """Take the next chat that may be sent to out of its line, groups first."""
        least = LOOK_EVERY
        strays = set(self._stray.values())
        for line in (self._groups, self._private):
            for _ in range(len(line)):
                if (room := self._sending.room()) > AHEAD:
                    return None, room - AHEAD
                wait = self._sending.wait(line[0], self._kinds[line[0]])
                if wait <= AHEAD and line[0] not in strays:
                    return line.popleft(), 0.0
                least = min(least, max(wait - AHEAD, APART))
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
            self._serving.discard(chat)
            if more and chat not in self._kinds:
                self._line_up(chat, kind)

    async def _tell_first(self, chat: int, kind: str) -> bool:
        """Send one message; tell whether more waits for the chat."""
        try:
            batch, more = await self._next_batch(chat)
        except BaseException:
            self._sending.unclaim(chat)
            raise
        if batch is None:
            self._sending.unclaim(chat)
            return more
        progress = await self._deliver(chat, kind, batch)
        try:
            return await self._settle(chat, batch, progress) or more
        except Exception:
            self._mislaid(chat, batch.ids)
            raise

    async def _next_batch(self, chat: int) -> tuple[Batch | None, bool]:
        """Return the next message of a chat, marked as being sent, and whether more waits."""
        rest = self._rest.pop(chat, None)
        if rest is not None:
            return rest, True
        prepared = await self._batches.prepare(chat)
        batch = prepared.batch
        self._metrics.sent("dropped", prepared.dropped)
        if batch is None:
            return None, prepared.more
        try:
            begun = await self._batches.mark(batch)
        except BaseException:
            self._mislaid(chat, batch.ids)  # marked or not: nobody has told
            raise
        if len(begun) < len(batch.deliveries):  # stopped meanwhile: what is left is told anew
            self._mislaid(chat, begun)
            return None, False
        return batch, prepared.more

    async def _deliver(self, chat: int, kind: str, batch: Batch) -> Progress:
        try:
            return await self._sending.deliver(
                chat, kind, batch.parts, topic=batch.topic, silent=batch.silent
            )
        except Exception as fault:
            log.exception("a send failed, others go on")
            self._sending.pause(chat, AFTER_A_FAULT)
            return Progress(Ambiguous(type(fault).__name__), 0)

    def _mislaid(self, chat: int, ids: Iterable[int]) -> None:
        self._stray.update(dict.fromkeys(ids, chat))
        self._news.set()

    # --- what became of it ---

    async def _settle(self, chat: int, batch: Batch, progress: Progress) -> bool:
        """Write down what became of a message; tell whether it has to be sent again.

        It is tried until it is written: a message that has been told must not be told again.
        """
        outcome, count = progress.outcome, len(batch.deliveries)
        match outcome:
            case Sent():
                await self._batches.finish(batch, "delivered")
                self._delivered(batch)
            case ChatGone(reason, topic_only):
                _say_gone(batch, reason)
                lost = await self._batches.block(chat, batch, topic_only=topic_only)
                self._metrics.sent("dropped", lost)
            case Refused(reason):
                log.error("Telegram refused a message for good: %s", reason)
                await self._batches.finish(batch, "failed")
                self._metrics.sent("failed", count)
            case ChatMoved(new_id):
                await self._batches.move(chat, new_id)
                self._metrics.sent("retried", count)
                await self._put_back(new_id, batch, progress.taken)
            case RetryLater() | TokenRefused() | Ambiguous():
                how = "ambiguous" if isinstance(outcome, Ambiguous) else "retried"
                self._metrics.sent(how, count)
                await self._put_back(chat, batch, progress.taken)
                return True
        return False

    async def _put_back(self, chat: int, batch: Batch, taken: int) -> None:
        """Let a message wait again, or what is left of it: that is not told from its beginning."""
        if not (taken or batch.is_rest):
            await self._batches.put_back(batch)
            self._news.set()
            return
        self._rest[chat] = replace(batch, parts=batch.parts[taken:], is_rest=True)
        if chat not in self._kinds:  # it has moved
            self._line_up(chat, "supergroup")

    def _delivered(self, batch: Batch) -> None:
        now = self._clock.now().wall
        self._metrics.sent("delivered", len(batch.deliveries))
        for delivery in batch.deliveries:
            self._metrics.delayed((now - delivery.event.created) / MS_PER_SECOND)


def _say_gone(batch: Batch, reason: str) -> None:
    if any(delivery.event.audience == "admins" for delivery in batch.deliveries):
        log.warning("an administrator is not told of alerts, the bot cannot write: %s", reason)


async def _any_of(events: Sequence[asyncio.Event], within: float) -> None:
    """Wait for one of the events, at most so many seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
