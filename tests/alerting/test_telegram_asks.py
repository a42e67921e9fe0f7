"""What the bot asks of Telegram: updates, names, rights; and no secret gets out on the way."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator

import pytest

from alerting.outcomes import Conflict, Sent, TokenRefused, TokenWrong, Unreachable
from alerting.telegram import Telegram
from tests.fakes.telegram import TOKEN, FakeTelegram

USER, GROUP = 1001, -1002
SECRET = TOKEN.partition(":")[2]


@pytest.fixture
async def api() -> AsyncIterator[FakeTelegram]:
    """A Bot API."""
    async with FakeTelegram() as fake:
        yield fake


@pytest.fixture
async def telegram(api: FakeTelegram) -> AsyncIterator[Telegram]:
    """A bot of it."""
    bot = Telegram(api.token, api.url)
    yield bot
    await bot.close()


async def test_commands_are_offered_by_language(api: FakeTelegram, telegram: Telegram) -> None:
    """One list for all, one for those who speak a language."""
    assert await telegram.set_commands([("start", "Subscribe")]) == Sent(0)
    assert await telegram.set_commands([("start", "Підписатися")], "uk") == Sent(0)
    assert api.world.commands["uk"] == [{"command": "start", "description": "Підписатися"}]
    assert set(api.world.commands) == {"", "uk"}


async def test_who_speaks_for_a_group(api: FakeTelegram, telegram: Telegram) -> None:
    """Its creator and its administrators do; whoever is not known does not."""
    members = {1: "creator", 2: "administrator", 3: "member", 4: "left", 5: "unknown"}
    api.world.chat(GROUP, members=members)
    assert [await telegram.is_admin(GROUP, user) for user in members] == [True, True] + [False] * 3
    api.fail_next(1, "502", "getChatMember")
    with pytest.raises(Unreachable):
        await telegram.is_admin(GROUP, 1)


async def test_the_bot_knows_its_name(telegram: Telegram) -> None:
    """Commands in groups carry it."""
    assert await telegram.whoami() == "power_test_bot"


async def test_updates_are_confirmed_by_the_next_question(
    api: FakeTelegram, telegram: Telegram
) -> None:
    """What was not confirmed comes again."""
    first = api.world.say(USER, "/start")
    assert [update.id for update in await telegram.updates(None, 0)] == [first]
    second = api.world.say(USER, "/stop")
    assert [update.id for update in await telegram.updates(None, 0)] == [first, second]
    assert [update.text for update in await telegram.updates(second, 0)] == ["/stop"]
    assert await telegram.updates(second + 1, 0) == []


async def test_a_long_poll_answers_when_something_happens(
    api: FakeTelegram, telegram: Telegram
) -> None:
    """It does not wait for its end."""
    poll = asyncio.ensure_future(telegram.updates(None, 30))
    await asyncio.sleep(0.1)
    api.world.say(USER, "/start")
    async with asyncio.timeout(5):
        assert len(await poll) == 1


@pytest.mark.parametrize(
    "how,kind",
    [
        ("401", TokenWrong),
        ("404", TokenWrong),
        ("409", Conflict),
        ("502", Unreachable),
        ("403", Unreachable),
        ("429", Unreachable),
        ("page-404", Unreachable),
        ("reset-before", Unreachable),
    ],
)
async def test_updates_that_cannot_be_had(
    api: FakeTelegram, telegram: Telegram, how: str, kind: type[Exception]
) -> None:
    """Three things can be wrong: the token, another poller, the way there."""
    api.fail_next(1, how, "getUpdates", retry_after="3")
    with pytest.raises(kind) as fault:
        await telegram.updates(None, 0)
    assert getattr(fault.value, "after", 0.0) == (3.0 if how == "429" else 0.0)


async def test_a_webhook_stands_in_the_way_until_it_is_forgotten(
    api: FakeTelegram, telegram: Telegram
) -> None:
    """What waits meanwhile is not lost."""
    api.world.say(USER, "/start")
    api.webhook = "https://example.org/bot"
    with pytest.raises(Conflict):
        await telegram.updates(None, 0)
    await telegram.forget_webhook()
    assert len(await telegram.updates(None, 0)) == 1


@pytest.mark.parametrize(
    "how", ["401", "403", "404", "429", "502", "page-403", "page-200", "reset-before", "cut"]
)
async def test_the_token_is_in_no_exception_and_no_log(
    api: FakeTelegram, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """Not with every logger open, whatever goes wrong, nor in a traceback."""
    bot = Telegram(api.token, api.url)
    caplog.set_level(logging.DEBUG)
    for method in ("sendMessage", "getUpdates", "getMe"):
        api.fail_next(1, how, method)
    said = [repr(await bot.send(USER, "kitchen"))]
    for call in (bot.updates(None, 0), bot.whoami()):
        with pytest.raises((Unreachable, TokenWrong)) as fault:
            await call
        assert fault.value.__context__ is None
        said += [repr(fault.value), *traceback.format_exception(fault.value)]
    await bot.close()
    everything = "\n".join([*said, caplog.text])
    assert SECRET not in everything
    assert "kitchen" not in everything


async def test_what_is_heard_is_in_no_log(
    api: FakeTelegram, telegram: Telegram, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor what cannot be read, which the library would log whole."""
    caplog.set_level(logging.DEBUG)
    api.world.say(USER, "kitchen")
    api.world.push(message={"text": "kitchen"})
    assert len(await telegram.updates(None, 0)) == 2
    assert "kitchen" not in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("token", ["110:wrong", "wrong", "1:a\nb", "1:a/../b", "1:ü", "1:a b"])
async def test_a_wrong_token(api: FakeTelegram, token: str) -> None:
    """Whatever was pasted, it is the token that is wrong."""
    bot = Telegram(token, api.url)
    assert isinstance(await bot.send(USER, "off"), TokenRefused)
    with pytest.raises(TokenWrong):
        await bot.updates(None, 0)
    await bot.close()
