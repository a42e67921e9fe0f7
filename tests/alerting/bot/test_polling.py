"""The bot asks, handles and confirms, whatever Telegram, people and their words do to it."""

import asyncio
import logging
from contextlib import suppress

import pytest

from alerting.bot import menu
from alerting.bot.commands import Typed, parse
from alerting.bot.lanes import MOST_WAITING
from alerting.bot.ledger import NEAR, Ledger
from alerting.bot.voice import Room, Voice
from alerting.outcomes import Sent
from alerting.pacing import Pace
from alerting.sending import Sending
from alerting.subscribers import State
from alerting.wording import Html
from chassis.loops import Stop
from tests.alerting.bot.rig import ADMIN, CHANNEL, GROUP, OTHER, SECOND_ADMIN, USER, Talk
from tests.fakes.telegram import TOKEN

SECRET = TOKEN.partition(":")[2]


async def test_plain_text_is_answered_in_private_only(talk: Talk) -> None:
    """An unknown command likewise."""
    assert "commands only" in await talk.told(USER, "is there power?")
    assert "do not know this command" in await talk.told(USER, "/bogus")
    assert "do not know this command" in await talk.told(USER, "/старт")
    for text in ("hello", "/bogus", "/bogus@power_test_bot", "/"):
        assert await talk.say(GROUP, text, USER) == []
        assert await talk.say(CHANNEL, text) == []


async def test_what_is_said_to_another_bot_is_not_answered(talk: Talk) -> None:
    """In private, too."""
    for chat in (USER, GROUP):
        assert await talk.say(chat, "/status@other_bot", USER) == []
        assert len(await talk.say(chat, "/status@POWER_test_bot", USER)) == 1


async def test_what_has_no_words_is_not_answered(talk: Talk) -> None:
    """A picture, a pinned message, an update that makes no sense."""
    assert await talk.say(USER, "") == []
    talk.api.world.push(message={"message_id": 1})
    talk.api.world.push(poll={"id": "1"})
    await talk.heard()
    assert not talk.api.world.updates


@pytest.mark.parametrize(
    "text,typed",
    [
        ("/start", Typed("start")),
        (" /START@Bot  flat  x\n", Typed("start", ("flat", "x"))),
        ("/start\nflat", Typed("start", ("flat",))),
        ("/start@other", Typed("start", elsewhere=True)),
        ("/start@", Typed()),
        ("start", Typed()),
        ("//start", Typed()),
        ("", Typed()),
    ],
)
def test_how_commands_are_read(text: str, typed: Typed) -> None:
    """As Telegram's own clients write them."""
    assert parse(text, "bot") == typed


async def test_a_webhook_is_put_away(talk: Talk) -> None:
    """Else nothing would ever be heard."""
    talk.api.webhook = "https://example.org/hook"
    assert len(await talk.say(USER, "/help")) == 1
    assert talk.api.webhook == ""


async def test_updates_are_confirmed_once_they_are_handled(talk: Talk) -> None:
    """A crash before that lets them come again, one after that does not."""
    talk.api.latency = 0.05
    talk.api.world.say(USER, "/start")
    await talk.bot.poll_once()
    assert len(talk.api.world.updates) == 1  # handled, written down, not confirmed
    talk.bot = talk.another_bot()
    await talk.heard()
    assert not talk.api.world.updates
    assert len(talk.api.to(USER)) == 1


async def test_what_was_not_handled_comes_again(talk: Talk) -> None:
    """Nobody's command is lost in a crash."""
    talk.api.fail_next(1, "hang")
    talk.api.world.say(USER, "/start")
    await talk.bot.poll_once()
    await talk.bot._lanes.close()
    talk.bot = talk.another_bot()
    await talk.heard()
    assert "already" in talk.api.to(USER)[-1]
    assert not talk.api.world.updates


async def test_one_chat_that_is_slow_holds_up_no_other(talk: Talk) -> None:
    """Others are answered meanwhile; it is answered in the order of its commands."""
    talk.api.fail_chat(USER, 1, "slow", seconds=1.5)
    talk.api.world.say(USER, "/start")
    talk.api.world.say(USER, "/stop")
    await talk.bot.poll_once()
    talk.api.world.say(OTHER, "/help")
    await talk.bot.poll_once()
    assert len(talk.api.to(OTHER)) == 1
    assert talk.api.to(USER) == []
    await talk.heard()
    assert [text[:7] for text in talk.api.to(USER)] == ["You are", "I will "]
    assert talk.subscriber(USER).state is State.STOPPED
    assert not talk.api.world.updates


async def test_a_flood_is_answered_once(talk: Talk) -> None:
    """What does not fit is left out; whoever else writes is answered."""
    talk.api.latency = 0.02
    for _ in range(60):
        talk.api.world.say(USER, "/help")
    talk.api.world.say(OTHER, "/help")
    await talk.heard()
    told = talk.api.to(USER)
    assert len(talk.api.to(OTHER)) == 1
    assert len([text for text in told if "Too many" in text]) == 1
    assert MOST_WAITING <= len(told) <= 2 * MOST_WAITING
    assert not talk.api.world.updates


async def test_an_update_that_raises_is_passed(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the kind of fault alone; whoever wrote learns that something is wrong."""
    talk.lose_store()
    with caplog.at_level(logging.DEBUG):
        assert "went wrong" in await talk.told(USER, "/status my secret words")
        assert "went wrong" in await talk.told(USER, "/help")
    said = caplog.text
    assert "an update was not handled: alerting.store.engine.StoreDown" in said
    for secret in ("secret words", "User 1001", "user1001", SECRET):
        assert secret not in said


@pytest.mark.parametrize(
    "how,said",
    [
        ("502", "Telegram cannot be asked"),
        ("reset-before", "Telegram cannot be asked"),
        ("401", "does not know the bot's token"),
        ("404", "does not know the bot's token"),
        ("409", "somebody else asks"),
        ("429", "Telegram cannot be asked"),
    ],
)
async def test_a_fault_of_asking_is_logged_once(
    talk: Talk, caplog: pytest.LogCaptureFixture, how: str, said: str
) -> None:
    """It asks again after a pause, and says when it works."""
    await talk.say(USER, "/start")
    talk.api.fail_next(3, how, "getUpdates", retry_after="2")
    with caplog.at_level(logging.INFO):
        pauses = [await talk.bot.poll_once() for _ in range(4)]
    assert all(pause > 0 for pause in pauses[:3])
    assert pauses[3] == 0
    if how == "429":
        assert pauses[0] >= 2
    lines = [record.getMessage() for record in caplog.records if "alerting.bot" in record.name]
    assert len(lines) == 2
    assert said in lines[0]
    assert "again" in lines[1]
    assert len(await talk.say(USER, "/help")) == 1


async def test_it_starts_while_telegram_is_down(talk: Talk) -> None:
    """And never raises out of its loop; a stop, or a cancel, ends it."""
    await talk.api.go_down()
    stop = Stop()
    polling = asyncio.create_task(talk.bot.poll(stop))
    await asyncio.sleep(0.1)
    await talk.api.come_back()
    talk.api.world.say(USER, "/help")
    await talk.api.taken(1)
    stop.set()
    await asyncio.wait_for(polling, 5)
    again = asyncio.create_task(talk.bot.poll(Stop()))
    talk.api.world.say(USER, "/help")
    await talk.api.taken(2)
    again.cancel()
    with suppress(asyncio.CancelledError):
        await again
    assert again.cancelled()


async def test_menus_are_offered_in_each_language(talk: Talk) -> None:
    """And in the config's to everybody else; a fault is tried again."""
    talk.api.fail_next(1, "502", "setMyCommands")
    await talk.heard()
    await talk.heard()
    offered = talk.api.world.commands
    assert set(offered) == {"", "uk", "en"}
    assert offered[""] == offered["en"]
    assert [one["command"] for one in offered["uk"]] == list(menu.COMMANDS)
    calls = len([call for call in talk.api.calls if call.method == "setmycommands"])
    await talk.heard()
    assert len([call for call in talk.api.calls if call.method == "setmycommands"]) == calls


async def test_admins_are_offered_their_commands_too(talk: Talk) -> None:
    """In their own chat alone; one who never wrote to the bot has none yet."""
    talk.ask_admins("approval", ADMIN, SECOND_ADMIN)
    talk.api.world.chat(ADMIN)
    await talk.heard()
    offered = talk.api.world.commands
    assert set(offered) == {"", "uk", "en", f"{ADMIN}:", f"{ADMIN}:uk", f"{ADMIN}:en"}
    names = [one["command"] for one in offered[f"{ADMIN}:uk"]]
    assert names == [*menu.COMMANDS, *menu.FOR_ADMINS]


async def test_answers_keep_the_pace(talk: Talk) -> None:
    """With the real sending: a chat gets one message a second, and all of them."""
    sending = Sending(talk.telegram, Pace(28))
    voice = Voice(sending, talk.store)
    talk.api.flood_limits.private = 1.0
    answers = [voice.say(Room(USER, "private"), Html(f"<b>{number}</b>")) for number in range(3)]
    outcomes = await asyncio.gather(*answers)
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert sorted(talk.api.to(USER)) == ["0", "1", "2"]
    assert [call.status for call in talk.api.calls] == [200, 200, 200]


def test_the_ledger_confirms_what_is_handled_and_waits_for_the_rest() -> None:
    """For each update as long as its patience lasts."""
    ledger = Ledger(patience=20)
    assert ledger.offset(0) is None
    assert all(ledger.take(id_, 0) for id_ in (5, 6, 7))
    assert not ledger.take(6, 0)
    ledger.done(5)
    ledger.done(7)
    assert ledger.offset(10) == 6
    ledger.confirmed(6)
    assert ledger.busy
    assert ledger.offset(10) is None
    assert ledger.offset(20) == 8
    ledger.confirmed(8)
    ledger.done(6)
    assert (ledger.offset(30), ledger.handled, ledger.busy) == (None, 8, False)


def test_the_ledger_knows_what_was_handled_before_it() -> None:
    """But an id that is far away is of another time, or of another bot."""
    ledger = Ledger(handled=5_000)
    assert not ledger.take(4_999, 0)
    assert ledger.offset(0) == 5_000
    assert ledger.take(5_000 - NEAR - 1, 0)
    assert ledger.take(5_000, 0)


async def test_whoever_composes_it_learns_of_its_health(talk: Talk) -> None:
    """Each time: others may have heard else of it meanwhile."""
    told: list[bool] = []
    talk.bot._on_health = told.append
    talk.api.fail_next(2, "401", "getUpdates")
    for _ in range(4):
        await talk.bot.poll_once()
    assert told == [False, False, True, True]
