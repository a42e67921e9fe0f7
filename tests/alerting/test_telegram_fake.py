"""The fake Bot API is one to python-telegram-bot's own typed client, and to a plain one."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import telegram
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter

from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram_html import Unparsable, parse_html
from tests.fakes.telegram_limits import Flood, Limits

USER, GROUP, FORUM, CHANNEL = 1001, -1002, -1_000_000_000_003, -1_000_000_000_004


@pytest.fixture
async def api() -> AsyncIterator[FakeTelegram]:
    """A Bot API with Telegram's limits."""
    async with FakeTelegram() as fake:
        yield fake


@pytest.fixture
async def bot(api: FakeTelegram) -> AsyncIterator[telegram.Bot]:
    """The library's own client, as it comes."""
    async with telegram.Bot(api.token, f"{api.url}/bot") as bot:
        yield bot


async def test_the_library_reads_messages(api: FakeTelegram, bot: telegram.Bot) -> None:
    """A message comes back with its chat, entities and thread."""
    api.world.chat(FORUM, topics=[7])
    sent = await bot.send_message(FORUM, "<b>Off</b> &amp; on", "HTML", message_thread_id=7)
    assert (sent.text, sent.chat.type, sent.message_thread_id) == ("Off & on", "supergroup", 7)
    assert sent.is_topic_message
    assert [(each.type, each.offset, each.length) for each in sent.entities] == [("bold", 0, 3)]
    photo = await bot.send_photo(USER, b"png", caption="week")
    assert (photo.caption, len(photo.photo)) == ("week", 1)
    assert bot.username == "power_test_bot"


async def test_the_library_reads_updates(api: FakeTelegram, bot: telegram.Bot) -> None:
    """Each kind of update that the fake makes passes the library's types."""
    api.world.chat(CHANNEL, kind="channel", username="news")
    await bot.send_message(USER, "new", reply_markup=None)
    api.world.say(USER, "/start")
    api.world.say_anonymously(GROUP, "/start")
    api.world.say(CHANNEL, "/start")
    api.world.press(USER, "data", USER)
    api.world.membership(GROUP, "administrator", "left")
    api.world.membership(USER, "kicked", "member")
    api.world.migrate(GROUP, FORUM)
    updates = await bot.get_updates(timeout=0)
    assert [update.effective_chat.id for update in updates if update.effective_chat] == [
        USER, GROUP, CHANNEL, USER, GROUP, USER, GROUP,
    ]  # fmt: skip
    assert updates[3].callback_query is not None
    assert updates[6].message is not None
    assert updates[6].message.migrate_to_chat_id == FORUM


@pytest.mark.parametrize("status", ["creator", "administrator", "member", "left", "kicked"])
async def test_the_library_reads_members(api: FakeTelegram, bot: telegram.Bot, status: str) -> None:
    """Whatever somebody is in a group."""
    api.world.chat(GROUP, members={5: status})
    assert (await bot.get_chat_member(GROUP, 5)).status == status


async def test_the_library_names_the_faults(api: FakeTelegram, bot: telegram.Bot) -> None:
    """The library's own judgement of the fake's answers."""
    api.world.chat(USER, state="blocked")
    api.world.migrate(GROUP, FORUM)
    for chat, kind in ((USER, Forbidden), (GROUP, ChatMigrated)):
        with pytest.raises(kind):
            await bot.send_message(chat, "off")
    with pytest.raises(BadRequest, match="Can't parse entities"):
        await bot.send_message(5, "<x>", "HTML")
    api.webhook = "https://example.org"
    with pytest.raises(Conflict):
        await bot.get_updates(timeout=0)
    wrong = telegram.Bot("1:wrong", f"{api.url}/bot")
    with pytest.raises(InvalidToken):
        await wrong.initialize()
    await wrong.shutdown()


@pytest.mark.filterwarnings("ignore:.*retry_after:DeprecationWarning")  # int or timedelta, it warns
async def test_one_message_per_second_to_a_private_chat(
    api: FakeTelegram, bot: telegram.Bot
) -> None:
    """The second within a second is refused with its pause."""
    await bot.send_message(USER, "1")
    with pytest.raises(RetryAfter, match=r"Flood control exceeded\. Retry in 1 seconds"):
        await bot.send_message(USER, "2")
    await bot.send_message(USER + 1, "3")
    assert api.to(USER) == ["1"]


def test_limits_are_sliding() -> None:
    """30 in any second, 20 in any minute to a group, one a second to a user."""
    flood = Flood(Limits())
    assert [flood.retry_after(chat, 0.0) for chat in range(1, 32)] == [None] * 30 + [1]
    flood = Flood(Limits())
    assert [flood.retry_after(GROUP, at / 10) for at in range(21)] == [None] * 20 + [58]
    assert flood.retry_after(GROUP, 59.9) == 1
    assert flood.retry_after(GROUP, 60.0) is None
    flood = Flood(Limits(burst=2))
    assert [flood.retry_after(USER, 0.0) for _ in range(4)] == [None] * 3 + [1]
    assert [flood.retry_after(USER, at) for at in (0.9, 1.0, 1.9, 2.1)] == [1, None, 1, 1]


async def test_a_second_poller_ends_the_first(api: FakeTelegram, bot: telegram.Bot) -> None:
    """The one that waits is told so."""
    first = asyncio.ensure_future(bot.get_updates(timeout=20))
    await asyncio.sleep(0.1)
    async with telegram.Bot(api.token, f"{api.url}/bot") as other:
        assert await other.get_updates(timeout=0) == ()
    with pytest.raises(Conflict, match="terminated by other getUpdates request"):
        await first


@pytest.mark.parametrize("way", ["query", "form", "json"])
async def test_parameters_come_in_any_way(api: FakeTelegram, way: str) -> None:
    """As the Bot API takes them, the method's name in any case."""
    asked = {"chat_id": str(USER), "text": "off"}
    body: dict[str, Any] = {"query": {"params": asked}, "form": {"data": asked}}.get(
        way, {"json": {"chat_id": USER, "text": "off", "disable_notification": True}}
    )
    async with aiohttp.ClientSession() as client:
        answer = await client.post(f"{api.url}/bot{api.token}/SENDMESSAGE", **body)
        said = await answer.json()
    assert said["ok"]
    assert said["result"]["chat"] == {"id": USER, "type": "private", "first_name": "Chat 1001"}
    assert api.messages[0].silent == (way == "json")


@pytest.mark.parametrize(
    "path,status,description",
    [
        ("bot1:wrong/getMe", 401, "Unauthorized"),
        ("botwrong/getMe", 404, "Not Found"),
        ("nothing", 404, "Not Found"),
        ("bot{token}/noSuchMethod", 404, "Not Found"),
        ("bot{token}/sendMessage?text=x", 400, "Bad Request: chat_id is empty"),
        ("bot{token}/sendMessage?chat_id=@none&text=x", 400, "Bad Request: chat not found"),
    ],
)
async def test_refusals_read_as_the_real_ones(
    api: FakeTelegram, path: str, status: int, description: str
) -> None:
    """Status, code and words."""
    async with aiohttp.ClientSession() as client:
        answer = await client.get(f"{api.url}/{path.format(token=api.token)}")
        said = await answer.json()
    assert (answer.status, said["error_code"], said["ok"]) == (status, status, False)
    assert said["description"] == description


@pytest.mark.parametrize(
    "source,fault",
    [
        ("a < b", "Unclosed start tag at byte offset 2"),
        ("<b>є</i>", 'Unmatched end tag at byte offset 5, expected "</b>", found "</i>"'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<p>x</p>", 'Unsupported start tag "p" at byte offset 0'),
    ],
)
def test_markup_that_is_refused(source: str, fault: str) -> None:
    """In the words of td's parser."""
    with pytest.raises(Unparsable) as refused:
        parse_html(source)
    assert str(refused.value) == fault


def test_markup_that_is_taken() -> None:
    """Offsets count UTF-16 units, names that HTML knows and Telegram does not stay as they are."""
    text, entities = parse_html('🔌 <b>a<i>b</i></b> &lt;&nbsp;&#65; <a href="http://x">y</a> & z')
    assert text == "🔌 ab <&nbsp;A y & z"
    assert entities == [
        {"type": "bold", "offset": 3, "length": 2},
        {"type": "italic", "offset": 4, "length": 1},
        {"type": "text_link", "offset": 15, "length": 1, "url": "http://x"},
    ]


async def test_an_outage_ends_by_itself(api: FakeTelegram) -> None:
    """Meanwhile nobody listens, and old connections are cut."""
    async with aiohttp.ClientSession() as client:
        url = f"{api.url}/bot{api.token}/getMe"
        await client.get(url)
        began = time.monotonic()
        await api.outage(0.5)
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get(url)
        while True:
            try:
                assert (await client.get(url)).status == 200
                break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
        assert 0.4 < time.monotonic() - began < 5
        await api.outage(0.2, "503")
        assert (await client.get(url)).status == 503


async def test_it_runs_as_a_program(tmp_path: Path) -> None:
    """It prints its address, writes what it takes, and does what it is told."""
    out = tmp_path / "taken.jsonl"
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.telegram", "--out", str(out), "--no-limits",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert program.stdout is not None
    url = (await program.stdout.readline()).decode().strip()

    async def control(what: str, **asked: object) -> object:
        return (await (await client.post(f"{url}/_control/{what}", json=asked)).json())["result"]

    async with aiohttp.ClientSession() as client, telegram.Bot(TOKEN, f"{url}/bot") as bot:
        await control("chat", chat_id=USER, title="Ann")
        await control("fail", how="403", count=1)
        with pytest.raises(Forbidden):
            await bot.send_message(USER, "off")
        await bot.send_message(USER, "on")
        assert isinstance(await control("say", chat_id=USER, text="/start"), int)
        assert len(await bot.get_updates(timeout=0)) == 1
        shown = await (await client.get(f"{url}/_control/messages")).json()
        state = await (await client.get(f"{url}/_control/state")).json()
    program.terminate()
    await program.wait()
    assert shown == [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [one["text"] for one in shown] == ["on"]
    assert state["messages"] == 1
