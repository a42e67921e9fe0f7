"""From what waits to what has been told, over the socket of a fake Bot API, faults included."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from alerting.delivery import AT_ONCE, Courier
from alerting.metrics import RelayMetrics
from alerting.pacing import Pace
from alerting.sending import Sending
from alerting.store import Store
from alerting.subscribers import State, Subscriber
from alerting.telegram import Telegram
from alerting.telling import Surroundings
from alerting.told import Place
from chassis.loops import Stop, run_loop
from tests.alerting.store.alerts import MINUTE, NOW, accept, notice, outage, restored, subscriber
from tests.exporter.clocks import HandClock
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_limits import Limits

HOMES = {"flat": Place("Наша квартира", "Europe/Kyiv"), "barn": Place("Barn", "No/Such_Zone")}
CHANNEL, GROUP = -1001, -22


class Post:
    """A courier on its way between a store and a fake Bot API."""

    def __init__(self, folder: Path, api: FakeTelegram) -> None:
        self.api = api
        self.clock = HandClock(NOW)
        self.store = Store(f"sqlite:///{folder / 'alerting.db'}")
        self.registry = CollectorRegistry()
        self.metrics = RelayMetrics(self.registry, "1")
        self.telegram = Telegram(api.token, api.url, read_timeout=2.0)
        self.up: list[bool] = []
        self.sending = Sending(
            self.telegram,
            Pace(28),
            on_health=self.up.append,
            between=lambda least, _: min(least, 0.05),
        )
        around = Surroundings(HOMES, "uk", "Europe/Kyiv")
        self.courier = Courier(self.store, self.sending, self.clock, self.metrics, lambda: around)
        self.stop = Stop()
        self._task: asyncio.Task[None] | None = None

    async def lead(self) -> None:
        """Begin to send, as a leader does."""
        await self.courier.begin()
        self._task = asyncio.create_task(run_loop("deliveries", self.courier.once, self.stop))

    async def end(self) -> None:
        """Stop sending."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.courier.stop(0.2)

    async def close(self) -> None:
        """End all."""
        await self.end()
        await self.telegram.close()
        self.store.close()

    def subscribe(self, *chats: int, topic: int | None = None, kind: str = "") -> None:
        """Subscribe chats, English ones, to everything; the fake knows them."""
        for chat in chats:
            self.api.world.chat(chat)
            given = subscriber(chat, topic=topic)
            kind = kind or ("private" if chat > 0 else "supergroup")
            self.store.save(_with(given, language="en", kind=kind), NOW)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Wait until nothing waits any more."""
        self.courier.wake()
        await self.until(lambda: self.store.counts().pending == 0)

    def count(self, outcome: str) -> float:
        """Return how many deliveries had an outcome."""
        value = self.registry.get_sample_value(
            "power_alerting_deliveries_total", {"outcome": outcome}
        )
        return value or 0.0


def _with(given: Subscriber, **changes: Any) -> Subscriber:  # noqa: ANN401  any field
    return replace(given, **changes)


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    """A courier that has not begun yet; the fake knows no limits but the total."""
    async with FakeTelegram(limits=Limits(burst=100)) as api:
        post = Post(tmp_path, api)
        yield post
        await post.close()


async def test_each_chat_is_told_each_event_once(post: Post) -> None:
    """An outage and, later, its end."""
    post.subscribe(7, 8, GROUP)
    await post.lead()
    accept(post.store, outage(NOW - MINUTE))
    await post.settled()
    accept(post.store, restored(NOW - MINUTE, NOW))
    await post.settled()
    for chat in (7, 8, GROUP):
        began, ended = post.api.to(chat)
        assert began.startswith("🔴 13:59 Наша квартира: power is out")
        assert ended.startswith("🟢 14:00 Наша квартира: power is back")
    assert post.count("delivered") == 6


async def test_a_chat_that_missed_several_events_gets_one_message(post: Post) -> None:
    """It tells all of them, truthfully: the outage is over."""
    post.subscribe(7)
    accept(post.store, outage(NOW - 60 * MINUTE))
    accept(post.store, restored(NOW - 60 * MINUTE, NOW - 10 * MINUTE))
    await post.lead()
    await post.settled()
    (only,) = post.api.to(7)
    assert only.startswith("🟢 13:50")
    assert "(50 min)" in only


async def test_groups_and_channels_come_first(post: Post) -> None:
    """A channel costs one send and reaches many."""
    post.subscribe(*range(1, 41))
    post.subscribe(CHANNEL, kind="channel")
    post.subscribe(GROUP)
    accept(post.store, outage(NOW))
    await post.lead()
    await post.settled()
    first = {call.chat_id for call in post.api.calls[:AT_ONCE]}
    assert {CHANNEL, GROUP} <= first


async def test_topics_of_a_forum_are_told_each_in_order(post: Post) -> None:
    """One in flight for the whole chat."""
    post.api.world.chat(GROUP, topics={5, 6})
    for topic in (5, 6):
        given = subscriber(GROUP, topic=topic)
        post.store.save(_with(given, language="en", kind="supergroup"), NOW)
    accept(post.store, outage(NOW))
    post.api.latency = 0.02
    await post.lead()
    await post.settled()
    assert len(post.api.to(GROUP, 5)) == len(post.api.to(GROUP, 6)) == 1
    assert post.api.overlaps == 0


async def test_a_blocked_chat_is_deactivated_and_delays_nobody(post: Post) -> None:
    """Its deliveries are dropped and counted; /start would bring it back."""
    post.subscribe(7, 8)
    post.api.world.chat(7, state="blocked")
    accept(post.store, outage(NOW))
    await post.lead()
    await post.settled()
    gone = post.store.subscriber(7, None)
    assert gone is not None
    assert gone.state is State.BLOCKED
    assert (len(post.api.to(8)), post.count("dropped")) == (1, 1)


async def test_a_group_that_moved_is_followed(post: Post) -> None:
    """Its id is rewritten and the message sent to the new one."""
    post.subscribe(GROUP)
    post.api.world.migrate(GROUP, CHANNEL)
    accept(post.store, outage(NOW))
    await post.lead()
    await post.settled()
    assert len(post.api.to(CHANNEL)) == 1
    assert [one.chat_id for one in post.store.subscribers()] == [CHANNEL]


async def test_a_429_pauses_its_chat_as_long_as_was_asked(post: Post) -> None:
    """Others go on; the message is delivered once."""
    post.subscribe(7, 8)
    post.api.flood(1.0, 7)
    accept(post.store, outage(NOW))
    await post.lead()
    await post.until(lambda: len(post.api.to(8)) == 1)
    assert post.api.to(7) == []
    await post.settled()
    assert len(post.api.to(7)) == 1
    asked = [call for call in post.api.calls if call.chat_id == 7]
    assert [call.status for call in asked] == [429, 200]
    assert asked[1].at - asked[0].at >= 1.0


async def test_what_was_not_sent_is_sent_when_telegram_is_back(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    """However long it refuses connections; health turns red, and green again; each logged once."""
    caplog.set_level("INFO")
    post.subscribe(7, 8)
    await post.api.go_down()
    accept(post.store, outage(NOW))
    await post.lead()
    await post.until(lambda: post.count("retried") >= 2)
    assert not post.sending.up
    await post.api.come_back()
    await post.settled()
    assert len(post.api.to(7)) == len(post.api.to(8)) == 1
    assert post.up[-1]
    assert caplog.text.count("Telegram takes no messages") == 1
    assert caplog.text.count("Telegram takes messages again") == 1
    assert post.count("ambiguous") == 0


async def test_a_send_without_an_answer_is_repeated_and_counted(post: Post) -> None:
    """Nobody knows whether it arrived: rather twice than never."""
    post.subscribe(7)
    post.api.fail_next(1, "reset-after")
    accept(post.store, outage(NOW))
    await post.lead()
    await post.settled()
    assert len(post.api.to(7)) == 2
    assert post.count("ambiguous") == 1


async def test_a_bad_token_loses_nothing(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """Health is red; with the right token the messages go out. No token in the log."""
    post.subscribe(7)
    right, post.api.token = post.api.token, "1:another"
    accept(post.store, outage(NOW))
    await post.lead()
    await post.until(lambda: post.count("retried") >= 1)
    assert not post.sending.up
    post.api.token = right
    await post.settled()
    assert len(post.api.to(7)) == 1
    assert right not in caplog.text


async def test_what_is_refused_for_good_is_counted_and_blocks_nothing(post: Post) -> None:
    """The next message of the chat goes out."""
    post.subscribe(7)
    await post.lead()
    post.api.fail_next(1, "400")
    accept(post.store, outage(NOW - MINUTE))
    await post.settled()
    accept(post.store, restored(NOW - MINUTE, NOW))
    await post.settled()
    assert (post.count("failed"), len(post.api.to(7))) == (1, 1)


async def test_a_new_leader_repeats_what_was_in_flight_and_counts_it(post: Post) -> None:
    """As after a SIGKILL: what was marked and not settled is in doubt."""
    post.subscribe(7)
    accept(post.store, outage(NOW))
    (delivery,) = post.store.pending_of(7)
    post.store.begin([delivery.id], 0)
    await post.lead()
    await post.settled()
    assert (len(post.api.to(7)), post.count("ambiguous")) == (1, 1)


async def test_a_long_message_goes_on_in_the_next_and_is_not_repeated(post: Post) -> None:
    """The part that was taken before a fault is not sent again."""
    post.subscribe(7)
    for number in range(120):
        accept(post.store, restored(NOW - 2 * number * MINUTE - MINUTE, NOW - 2 * number * MINUTE))
    await post.lead()
    await post.until(lambda: len(post.api.to(7)) == 1)
    post.api.fail_next(1, "429")
    await post.settled()
    texts = post.api.to(7)
    assert len(texts) > 1
    assert len(set(texts)) == len(texts)


async def test_a_muted_chat_is_told_without_a_sound(post: Post) -> None:
    """By the clock of its first home; never dropped."""
    post.subscribe(7, 8)
    muted = post.store.subscriber(8, None)
    assert muted is not None
    post.store.save(_with(muted, mute="13:00-15:00"), NOW)
    accept(post.store, outage(NOW))
    await post.lead()
    await post.settled()
    assert {one.chat_id: one.silent for one in post.api.messages} == {7: False, 8: True}


async def test_who_stopped_meanwhile_is_not_told(post: Post) -> None:
    """What waited for it is dropped."""
    post.subscribe(7)
    accept(post.store, outage(NOW))
    stopped = post.store.subscriber(7, None)
    assert stopped is not None
    post.store.save(_with(stopped, state=State.STOPPED), NOW)
    await post.lead()
    await post.settled()
    assert post.api.to(7) == []


async def test_a_message_that_cannot_be_made_hinders_nobody(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a fault of ours, logged; the others are told."""
    post.subscribe(7, 8)
    for chat, home in ((7, "barn"), (8, "flat")):
        known = post.store.subscriber(chat, None)
        assert known is not None
        post.store.save(_with(known, homes=(home,)), NOW)
    accept(post.store, outage(NOW, "barn"), outage(NOW))
    await post.lead()
    await post.until(lambda: len(post.api.to(8)) == 1)
    await post.until(lambda: "cannot be made" in caplog.text)
    await post.until(lambda: post.store.counts().pending == 1)


async def test_an_alert_for_admins_is_told_to_them(post: Post) -> None:
    """In the relay's own language, whether they subscribe or not."""
    post.api.world.chat(900)
    post.api.world.chat(901)
    accept(post.store, notice(NOW - MINUTE))
    await post.lead()
    await post.settled()
    assert len(post.api.to(900)) == len(post.api.to(901)) == 1
    assert "PowerExporterDown" in post.api.to(900)[0]
