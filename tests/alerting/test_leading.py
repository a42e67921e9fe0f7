"""What a relay does only while it leads: it sends, it polls, and it knows how Telegram fares."""

import asyncio
import fcntl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alerting.subscribers import State, Subscriber
from tests.alerting.test_app import Running, told
from tests.fakes.telegram import FakeTelegram

UP = "power_alerting_telegram_up"
SOMEBODY = Subscriber(7, None, language="en", wanted=None)


@pytest.fixture
async def api() -> AsyncIterator[FakeTelegram]:
    """A Bot API that knows one chat."""
    async with FakeTelegram() as api:
        api.world.chat(7)
        yield api


async def shows(running: Running, up: float, within: float = 10) -> None:
    """Wait until the gauge says whether Telegram is up."""
    async with asyncio.timeout(within):
        while running.app._registry.get_sample_value(UP) != up:
            await asyncio.sleep(0.01)


async def test_an_idle_relay_knows_that_telegram_is_there(
    tmp_path: Path, api: FakeTelegram
) -> None:
    """Nothing was sent: it polls."""
    async with Running(tmp_path, api) as running:
        await shows(running, 1)
        assert api.messages == []


async def test_a_token_that_is_revoked_while_nothing_is_sent_is_noticed(
    tmp_path: Path, api: FakeTelegram
) -> None:
    """By the next poll; and so is its return."""
    async with Running(tmp_path, api) as running:
        await shows(running, 1)
        token, api.token = api.token, "2:another"
        api.world.membership(7, "left", "member", 7)  # it ends the poll that waits
        await shows(running, 0)
        api.token = token
        await shows(running, 1)


async def test_whoever_does_not_lead_any_more_knows_nothing_of_telegram(
    tmp_path: Path, api: FakeTelegram
) -> None:
    """The gauge is the leader's."""
    async with Running(tmp_path, api) as running:
        await shows(running, 1)
        lock = tmp_path / "alerting.db.leader"
        lock.unlink()
        with lock.open("w") as others:
            fcntl.flock(others, fcntl.LOCK_EX)
            await shows(running, 0)


async def test_an_answer_on_a_page_is_told_at_once(tmp_path: Path, api: FakeTelegram) -> None:
    """By the relay that leads."""
    async with Running(tmp_path, api) as running:
        await shows(running, 1)
        running.app.store.save(SOMEBODY, 1)
        (change,) = running.app.store.approve(7, 2)
        running.app._answered(change)
        async with asyncio.timeout(3):
            (text,) = await told(api, 7, 1)
        assert "been approved" in text


async def test_an_answer_on_a_page_of_another_relay_is_told_by_the_leader(
    tmp_path: Path, api: FakeTelegram
) -> None:
    """Two that send would not keep to one pace."""
    async with Running(tmp_path, api) as leader, FakeTelegram() as unused:
        await shows(leader, 1)
        async with Running(tmp_path, unused) as follower:
            store = follower.app.store
            store.save(SOMEBODY, 1)
            (change,) = store.deny(7, 2)
            follower.app._answered(change)
            (text,) = await told(api, 7, 1)
            assert "have not approved" in text
            assert unused.calls == []
            assert store.subscribers()[0].state is State.DENIED
            await shows(follower, 0)
