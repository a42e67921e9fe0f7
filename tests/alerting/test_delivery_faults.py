"""Deliveries where something goes wrong between two steps: nothing is lost, nothing told unseen.

The database is real, and fails where a test says so; the bot answers as it is told.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from alerting.delivery import Courier
from alerting.metrics import RelayMetrics
from alerting.outcomes import ChatGone, ChatMoved, Outcome, RetryLater, Sent
from alerting.pacing import Pace
from alerting.sending import Sending
from alerting.store import Delivery, Store, StoreDown
from alerting.subscribers import State, stopping
from alerting.telegram_updates import Buttons
from alerting.telling import Surroundings
from alerting.told import Place
from chassis.loops import Stop, run_loop
from tests.alerting.store.alerts import (
    MINUTE,
    NOW,
    accept,
    ids,
    notice,
    outage,
    restored,
    subscriber,
)
from tests.exporter.clocks import HandClock

Step = Outcome | Callable[[], Awaitable[Outcome]]
FLOOD = RetryLater(0.1, "Too Many Requests", flood=True)


class TalkingBot:
    """Answers in order with what it is told, then takes everything."""

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.asked: list[tuple[int, str]] = []
        self.taken: list[tuple[int, str]] = []

    async def send(
        self,
        chat_id: int,
        text: str,
        *,
        topic: int | None = None,  # noqa: ARG002  the Bot API's shape
        silent: bool = False,  # noqa: ARG002
        buttons: Buttons = (),  # noqa: ARG002
        plain: bool = False,  # noqa: ARG002
    ) -> Outcome:
        self.asked.append((chat_id, text))
        step = self.script.pop(0) if self.script else Sent(1)
        outcome = step if not callable(step) else await step()
        if isinstance(outcome, Sent):
            self.taken.append((chat_id, text))
        return outcome

    async def send_photo(
        self,
        chat_id: int,
        png: bytes,  # noqa: ARG002
        caption: str = "",
        *,
        topic: int | None = None,  # noqa: ARG002
    ) -> Outcome:
        return await self.send(chat_id, caption)


class FailingStore(Store):
    """A store whose next calls fail, before or after they have done their work."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"sqlite:///{folder / 'alerting.db'}")
        self.fails_after_begin = self.fails_before_release = self.fails_at_begin = 0
        self.hangs_in_begin: threading.Event | None = None
        self.begins = 0

    def begin(self, ids: Sequence[int], shift: int) -> frozenset[int]:
        self.begins += 1
        if self.hangs_in_begin is not None:
            hang, self.hangs_in_begin = self.hangs_in_begin, None
            hang.wait(20)
        if self.fails_at_begin:
            self.fails_at_begin -= 1
            raise StoreDown("no answer")
        begun = super().begin(ids, shift)
        if self.fails_after_begin:
            self.fails_after_begin -= 1
            raise StoreDown("the connection was closed")
        return begun

    def release(self, ids: Sequence[int], shift: int) -> None:
        if self.fails_before_release:
            self.fails_before_release -= 1
            raise StoreDown("no answer")
        super().release(ids, shift)


class Round:
    """A courier between a store and a bot."""

    def __init__(self, store: FailingStore, bot: TalkingBot) -> None:
        self.store = store
        self.bot = bot
        self.registry = CollectorRegistry()
        metrics = RelayMetrics(self.registry, "1")
        sending = Sending(bot, Pace(28), between=lambda least, _: min(least, 0.05))
        around = Surroundings({"flat": Place("Flat", "Europe/Kyiv")}, "en", "Europe/Kyiv")
        self.courier = Courier(store, sending, HandClock(NOW), metrics, lambda: around)
        self._task: asyncio.Task[None] | None = None

    async def lead(self) -> None:
        """Begin to send."""
        await self.courier.begin()
        loop = run_loop("deliveries", self.courier.once, Stop())
        self._task = asyncio.create_task(loop)

    async def end(self) -> None:
        """Stop sending, as one that has lost the lead."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.courier.stop(0.1)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.01)

    async def settle(self) -> None:
        """Lead until nothing waits any more, then end."""
        await self.lead()
        await self.until(lambda: self.store.counts().pending == 0)
        await self.end()

    def count(self, outcome: str) -> float:
        """Return how many deliveries had an outcome."""
        name = "power_alerting_deliveries_total"
        return self.registry.get_sample_value(name, {"outcome": outcome}) or 0.0


@pytest.fixture
def store(tmp_path: Path) -> FailingStore:
    """A store with one subscriber."""
    store = FailingStore(tmp_path)
    store.save(replace(subscriber(7), language="en"), NOW)
    return store


def tell_much(store: Store, outages: int = 200) -> None:
    """Let several parts of a message wait."""
    alerts = [
        restored(NOW - (2 * number + 2) * MINUTE, NOW - (2 * number + 1) * MINUTE)
        for number in range(outages)
    ]
    accept(store, *alerts)


def assert_each_part_once(bot: TalkingBot) -> None:
    """No part was taken twice."""
    texts = [text for _, text in bot.taken]
    assert len(texts) > 1
    assert len(texts) == len(set(texts))


async def test_a_mark_whose_answer_was_lost_is_taken_back(store: FailingStore) -> None:
    """The database may have written it though nobody heard: else it was never told."""
    accept(store, outage(NOW - MINUTE))
    store.fails_after_begin = 1
    round_ = Round(store, TalkingBot())
    await round_.settle()
    assert (len(round_.bot.taken), round_.count("ambiguous")) == (1, 0)


async def test_a_former_leader_that_was_slow_marks_nothing(store: FailingStore) -> None:
    """Its thread hung while another took over: what it marked nobody would send."""
    accept(store, outage(NOW - MINUTE))
    hang = store.hangs_in_begin = threading.Event()
    former = Round(store, TalkingBot())
    await former.lead()
    await former.until(lambda: store.begins == 1)
    await former.end()
    leader = Round(store, TalkingBot())
    await leader.courier.begin()
    hang.set()
    await leader.settle()
    assert (len(leader.bot.taken), len(former.bot.taken)) == (1, 0)


async def test_what_is_left_of_a_batch_is_told_though_the_database_fails_once(
    store: FailingStore, tmp_path: Path
) -> None:
    """A chat stops while its message is being made: what it hears as an admin is still told."""
    store.save(replace(subscriber(900), language="en"), NOW)
    accept(store, outage(NOW - MINUTE))
    accept(store, notice(NOW - MINUTE))

    class Stopping(FailingStore):
        def pending_of(self, chat_id: int) -> list[Delivery]:
            found = super().pending_of(chat_id)
            if chat_id == 900 and len(found) > 1:
                self.change(900, None, lambda known: known and stopping(known), NOW)
            return found

    stops = Stopping(tmp_path)
    stops.fails_before_release = 1
    round_ = Round(stops, TalkingBot())
    await round_.settle()
    told = [text for chat, text in round_.bot.taken if chat == 900]
    assert len(told) == 1
    assert "PowerExporterDown" in told[0]
    stops.close()


async def test_parts_that_were_taken_are_not_told_again_after_faults(store: FailingStore) -> None:
    """However often the next part is refused."""
    tell_much(store)
    round_ = Round(store, TalkingBot(Sent(1), FLOOD, FLOOD))
    await round_.settle()
    assert_each_part_once(round_.bot)


async def test_parts_that_were_taken_are_not_told_again_where_a_group_has_moved(
    store: FailingStore,
) -> None:
    """The rest goes to its new id."""
    store.save(replace(subscriber(-7), language="en", kind="group"), NOW)
    store.remove(7, NOW)
    tell_much(store)
    round_ = Round(store, TalkingBot(Sent(1), ChatMoved(-1007)))
    await round_.settle()
    assert_each_part_once(round_.bot)
    assert {chat for chat, _ in round_.bot.taken} == {-7, -1007}


async def test_parts_that_are_told_again_after_a_crash_are_counted(store: FailingStore) -> None:
    """Their deliveries stay marked until the last part: whoever comes next is in doubt."""
    tell_much(store)
    first = Round(store, TalkingBot(Sent(1), RetryLater(30, "flood", flood=True)))
    await first.lead()
    await first.until(lambda: len(first.bot.asked) == 2)
    await first.end()
    second = Round(store, TalkingBot())
    await second.settle()
    assert first.bot.taken[0] in second.bot.taken
    assert second.count("ambiguous") == 200


async def test_who_stops_while_a_send_is_under_way_is_not_told_later(store: FailingStore) -> None:
    """The message was refused for now; meanwhile the chat wants nothing more."""

    async def stop() -> Outcome:
        store.change(7, None, lambda known: known and stopping(known), NOW)
        return FLOOD

    accept(store, outage(NOW - MINUTE))
    round_ = Round(store, TalkingBot(stop))
    await round_.settle()
    assert (round_.bot.taken, round_.count("dropped")) == ([], 1)


async def test_who_stopped_is_not_told_what_a_crash_left_in_doubt(store: FailingStore) -> None:
    """Rather once than twice to who wants nothing."""
    accept(store, outage(NOW - MINUTE))
    store.begin(ids(store.pending_of(7)), 0)
    store.change(7, None, lambda known: known and stopping(known), NOW)
    round_ = Round(store, TalkingBot())
    await round_.settle()
    assert round_.bot.asked == []


async def test_who_starts_while_being_found_gone_stays(store: FailingStore) -> None:
    """Whether it is gone is found out by another try."""

    async def start() -> Outcome:
        known = store.subscriber(7, None)
        assert known is not None
        store.save(replace(known, name="again"), NOW)
        return ChatGone("Forbidden: bot was blocked by the user")

    accept(store, outage(NOW - MINUTE))
    round_ = Round(store, TalkingBot(start))
    await round_.settle()
    after = store.subscriber(7, None)
    assert after is not None
    assert (after.state, len(round_.bot.taken)) == (State.ACTIVE, 1)


async def test_an_admin_that_cannot_be_written_to_is_warned_of(
    store: FailingStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Else nobody would know why alerts reach nobody."""
    accept(store, notice(NOW - MINUTE))
    round_ = Round(store, TalkingBot(ChatGone("Forbidden"), ChatGone("Forbidden")))
    await round_.settle()
    assert "an administrator is not told of alerts" in caplog.text
