"""`power-alerting test`: who gets the message, what is printed of each chat, the exit code."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from alerting.subscribers import State, Subscriber
from tests.alerting.commands.administrator import Place, Printed, Said
from tests.e2e.real_programs import free_port
from tests.fakes.telegram import TOKEN, FakeTelegram

ANNA, BORYS, GROUP, FORUM = 1001, 1002, -1002, -1_001_234_567_890
ACTIVE = Subscriber(ANNA, None, state=State.ACTIVE, language="en")

Give = Callable[..., Awaitable[Printed]]


@pytest.fixture
async def api(place: Place) -> AsyncIterator[FakeTelegram]:
    """A Bot API, whose bot the config knows."""
    async with FakeTelegram() as fake:
        place.know_a_bot(fake.url)
        yield fake


@pytest.fixture
def give(say: Said) -> Give:
    """Give the command while the fake answers; no token is ever printed."""

    async def give(*arguments: str) -> Printed:
        said = await asyncio.to_thread(say, "test", *arguments)
        assert TOKEN not in said.out + said.err
        assert TOKEN.partition(":")[2] not in said.out + said.err
        return said

    return give


# ---------------------------------------------------------------- who


async def test_all_active_subscribers_get_it(place: Place, api: FakeTelegram, give: Give) -> None:
    """Each in its language, and each topic for itself; one line for each."""
    api.world.chat(FORUM, topics=[7])
    place.save(
        ACTIVE,
        replace(ACTIVE, chat_id=BORYS, state=State.PENDING),
        replace(ACTIVE, chat_id=GROUP, state=State.STOPPED),
        replace(ACTIVE, chat_id=FORUM, created=1, language="uk"),
        replace(ACTIVE, chat_id=FORUM, created=2, topic=7),
    )
    said = await give()
    assert (said.code, said.err) == (0, "")
    assert said.lines == [
        f"{ANNA}: delivered",
        f"{FORUM}: delivered",
        f"{FORUM}, topic 7: delivered",
    ]
    assert "This is a test" in api.to(ANNA)[0]
    assert sorted("Це перевірка" in text for text in api.to(FORUM)) == [False, True]
    assert len(api.to(FORUM, 7)) == 1
    assert api.to(BORYS) == api.to(GROUP) == []
    assert "getupdates" not in {call.method for call in api.calls}


@pytest.mark.parametrize("known", [None, State.DENIED, State.ACTIVE])
async def test_one_chat_gets_it_subscribed_or_not(
    place: Place, api: FakeTelegram, give: Give, known: State | None
) -> None:
    """And nobody else; its subscription stays as it is."""
    place.save(replace(ACTIVE, chat_id=BORYS))
    if known is not None:
        place.save(replace(ACTIVE, chat_id=GROUP, state=known))
    before = place.saved()
    said = await give(str(GROUP))
    assert (said.code, said.lines) == (0, [f"{GROUP}: delivered"])
    assert [taken.chat_id for taken in api.messages] == [GROUP]
    assert place.saved() == before


async def test_nobody_is_no_failure(api: FakeTelegram, give: Give) -> None:
    """But it is said."""
    said = await give()
    assert (said.code, said.out) == (0, "")
    assert said.err.startswith("power-alerting: nobody is subscribed")
    assert api.calls == []


@pytest.mark.parametrize("lines", [[], ["telegram: {}"]])
def test_without_a_token_it_is_1_and_says_what_to_do(
    say: Said, place: Place, lines: list[str]
) -> None:
    """Nobody can be sent to."""
    place.configure(*lines)
    said = say("test")
    assert (said.code, said.out) == (1, "")
    for word in ("@BotFather", "alerting.telegram.token_file"):
        assert word in said.err


# ---------------------------------------------------------------- what became of it


@pytest.mark.parametrize(
    "state,words",
    [
        (
            "blocked",
            "blocked the bot, or is gone: HTTP 403: Forbidden: bot was blocked by the user",
        ),
        ("not-found", "is gone: HTTP 400: Bad Request: chat not found"),
        ("muted", "Telegram refused the message: HTTP 400: Bad Request: not enough rights"),
    ],
)
async def test_one_failure_is_1_and_the_others_get_it(
    place: Place, api: FakeTelegram, give: Give, state: str, words: str
) -> None:
    """It says why; the subscription stays."""
    place.save(ACTIVE, replace(ACTIVE, chat_id=BORYS, created=1))
    api.world.chat(ANNA, state=state)
    said = await give()
    assert (said.code, said.err) == (1, "")
    assert said.lines[0].startswith(f"{ANNA}: ")
    assert words in said.lines[0]
    assert said.lines[1] == f"{BORYS}: delivered"
    assert {one.state for one in place.saved()} == {State.ACTIVE}


async def test_a_topic_that_is_gone_is_said(place: Place, api: FakeTelegram, give: Give) -> None:
    """The chat itself is not gone."""
    place.save(replace(ACTIVE, chat_id=FORUM, topic=9))
    said = await give()
    assert said.code == 1
    assert said.lines == [
        f"{FORUM}, topic 9: the topic is gone: HTTP 400: Bad Request: message thread not found"
    ]


async def test_a_429_is_waited_for_once(place: Place, api: FakeTelegram, give: Give) -> None:
    """Within reason: whoever typed it waits."""
    place.save(ACTIVE)
    api.fail_chat(ANNA, 1, "429", retry_after="1")
    assert (await give()).lines == [f"{ANNA}: delivered"]
    api.heal()
    api.fail_chat(ANNA, 2, "429", retry_after="1")
    said = await give()
    assert said.code == 1
    assert "not delivered: Telegram asks to wait 1 s: HTTP 429" in said.out
    api.heal()
    calls = len(api.calls)
    api.fail_chat(ANNA, how="429", retry_after="3600")
    said = await give()
    assert (said.code, len(api.calls)) == (1, calls + 1)
    assert "asks to wait 3600 s" in said.out


async def test_a_group_that_moved_gets_it_where_it_is(
    place: Place, api: FakeTelegram, give: Give
) -> None:
    """The store knows its new id from then on."""
    place.save(replace(ACTIVE, chat_id=GROUP))
    api.world.migrate(GROUP, FORUM)
    said = await give()
    assert (said.code, said.lines) == (0, [f"{GROUP}: delivered; the group is {FORUM} now"])
    assert len(api.to(FORUM)) == 1
    assert [one.chat_id for one in place.saved()] == [FORUM]


@pytest.mark.parametrize(
    "how,words",
    [
        ("502-after", "nobody knows whether it arrived: HTTP 502"),
        ("cut", "nobody knows whether it arrived: "),
    ],
)
async def test_what_may_have_arrived_is_not_repeated(
    place: Place, api: FakeTelegram, give: Give, how: str, words: str
) -> None:
    """It is no success either."""
    place.save(ACTIVE)
    api.fail_chat(ANNA, 1, how)
    said = await give()
    assert said.code == 1
    assert said.out.startswith(f"{ANNA}: {words}")
    assert len(api.to(ANNA)) == 1


async def test_a_wrong_token_is_asked_about_once_for_all(
    place: Place, api: FakeTelegram, give: Give
) -> None:
    """Each chat has its line, but a thousand calls would tell no more."""
    place.know_a_bot(api.url, "4242:wrong")
    place.save(*(replace(ACTIVE, chat_id=chat, created=chat) for chat in range(1, 101)))
    said = await give()
    assert (said.code, len(said.lines)) == (1, 100)
    assert set(said.lines) == {
        f"{chat}: Telegram does not know the token: HTTP 401: Unauthorized"
        for chat in range(1, 101)
    }
    assert len(api.calls) < 40
    assert "4242:wrong" not in said.out + said.err


async def test_telegram_that_is_away_ends_it_soon(place: Place, give: Give) -> None:
    """However many chats there are."""
    place.know_a_bot(f"http://127.0.0.1:{free_port()}")
    place.save(*(replace(ACTIVE, chat_id=chat, created=chat) for chat in range(1, 101)))
    async with asyncio.timeout(20):
        said = await give()
    assert (said.code, len(said.lines)) == (1, 100)
    for line in said.lines:
        assert "not delivered: Telegram takes no messages: ConnectError" in line


async def test_limits_hold(place: Place, api: FakeTelegram, give: Give) -> None:
    """Of many chats, and of one chat with many topics: nobody is asked to wait."""
    api.latency = 0.02
    topics = range(2, 5)
    api.world.chat(FORUM, topics=list(topics))
    chats = [replace(ACTIVE, chat_id=chat, created=chat) for chat in range(1, 61)]
    threads = [replace(ACTIVE, chat_id=FORUM, topic=topic, created=topic) for topic in topics]
    place.save(*chats, *threads)
    said = await give()
    assert (said.code, len(said.lines)) == (0, 63)
    assert {call.status for call in api.calls} == {200}
    assert api.overlaps == 0
