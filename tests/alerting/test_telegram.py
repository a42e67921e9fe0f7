"""Each thing that Telegram, or the way to it, can do to a call becomes the outcome it means."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from telegram.error import NetworkError, TimedOut

from alerting.outcomes import (
    Ambiguous,
    ChatGone,
    ChatMoved,
    Outcome,
    Refused,
    RetryLater,
    Sent,
    TokenRefused,
)
from alerting.telegram import Telegram
from alerting.telegram_errors import outcome_of
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram_limits import Limits

USER, GROUP, FORUM, CHANNEL = 1001, -1002, -1_000_000_000_003, -1_000_000_000_004


@pytest.fixture
async def api() -> AsyncIterator[FakeTelegram]:
    """A Bot API without limits: those are the pacing's to keep."""
    async with FakeTelegram(limits=Limits(None, None, None)) as fake:
        yield fake


@pytest.fixture
async def telegram(api: FakeTelegram) -> AsyncIterator[Telegram]:
    """A bot of it."""
    bot = Telegram(api.token, api.url)
    yield bot
    await bot.close()


async def test_a_message_arrives_as_it_was_meant(api: FakeTelegram, telegram: Telegram) -> None:
    """Topic, silence, markup and buttons all come through."""
    api.world.chat(FORUM, topics=[7])
    buttons = [[("Approve", "approve:1"), ("Deny", "deny:1")]]
    outcome = await telegram.send(FORUM, "<b>off</b>", topic=7, silent=True, buttons=buttons)
    (taken,) = api.messages
    assert outcome == Sent(taken.message_id)
    assert (taken.chat_id, taken.thread, taken.text, taken.silent) == (FORUM, 7, "off", True)
    assert taken.reply_markup["inline_keyboard"][0][1] == {
        "text": "Deny",
        "callback_data": "deny:1",
    }


async def test_plain_text_is_not_parsed(api: FakeTelegram, telegram: Telegram) -> None:
    """What was refused as markup goes out as it stands."""
    assert await telegram.send(USER, "a < b") == Refused(
        "HTTP 400: Bad Request: can't parse entities", parse=True
    )
    assert isinstance(await telegram.send(USER, "a < b", plain=True), Sent)
    assert api.to(USER) == ["a < b"]


async def test_a_picture_arrives(api: FakeTelegram, telegram: Telegram) -> None:
    """A photo goes as a file, with its caption."""
    assert isinstance(
        await telegram.send_photo(USER, b"\x89PNG" + bytes(5000), "<i>week</i>"), Sent
    )
    assert [(one.text, one.photo) for one in api.messages] == [("week", 5004)]


@pytest.mark.parametrize("topic", [None, 0, 1])
async def test_the_general_topic_is_named_by_no_thread(
    api: FakeTelegram, telegram: Telegram, topic: int | None
) -> None:
    """Telegram does not find a forum's General topic by its id, 1."""
    api.world.chat(FORUM, topics=[7])
    assert isinstance(await telegram.send(FORUM, "off", topic=topic), Sent)
    assert api.messages[0].thread is None


@pytest.mark.parametrize(
    "how,outcome",
    [
        ("reset-before", Ambiguous("ReadError")),
        ("reset-after", Ambiguous("ReadError")),
        ("cut", Ambiguous("ReadError")),
        ("500", Ambiguous("HTTP 500: Internal Server Error: restart")),
        ("502", Ambiguous("HTTP 502: Bad Gateway")),
        ("502-after", Ambiguous("HTTP 502: Bad Gateway")),
        ("504", Ambiguous("HTTP 504: Gateway Timeout")),
        ("page-502", Ambiguous("HTTP 502, not from the Bot API")),
        ("page-200", Ambiguous("HTTP 200, not from the Bot API")),
        ("page-400", RetryLater(0.0, "HTTP 400, not from the Bot API")),
        ("page-403", RetryLater(0.0, "HTTP 403, not from the Bot API")),
        ("page-404", RetryLater(0.0, "HTTP 404, not from the Bot API")),
        ("page-407", RetryLater(0.0, "HTTP 407, not from the Bot API")),
        ("page-302", RetryLater(0.0, "HTTP 302, not from the Bot API")),
        ("401", TokenRefused("HTTP 401: Unauthorized")),
        ("404", TokenRefused("HTTP 404: Not Found")),
        ("409", RetryLater(0.0, "HTTP 409: Conflict")),
    ],
)
async def test_a_fault_on_the_way(
    api: FakeTelegram, telegram: Telegram, how: str, outcome: Outcome
) -> None:
    """Only what certainly did not arrive is called so; no page in between is believed."""
    api.fail_next(1, how)
    assert await telegram.send(USER, "off") == outcome
    assert isinstance(await telegram.send(USER, "on"), Sent)


async def test_a_flood_tells_how_long_to_wait(api: FakeTelegram, telegram: Telegram) -> None:
    """A 429 was not taken, and names its pause."""
    api.fail_next(1, "429", retry_after="17")
    reason = "HTTP 429: Too Many Requests: retry after 17"
    assert await telegram.send(USER, "off") == RetryLater(17.0, reason, flood=True)
    assert api.messages == []


@pytest.mark.parametrize(
    "chat_id,state,reason",
    [
        (USER, "blocked", "HTTP 403: Forbidden: bot was blocked by the user"),
        (USER, "deactivated", "HTTP 403: Forbidden: user is deactivated"),
        (USER, "not-found", "HTTP 400: Bad Request: chat not found"),
        (GROUP, "kicked", "HTTP 403: Forbidden: bot was kicked from the group chat"),
        (GROUP, "deleted", "HTTP 403: Forbidden: the group chat was deleted"),
        (CHANNEL, "not-member", "HTTP 403: Forbidden: bot is not a member of the channel chat"),
    ],
)
async def test_a_chat_that_is_gone(
    api: FakeTelegram, telegram: Telegram, chat_id: int, state: str, reason: str
) -> None:
    """Whoever blocked, kicked or never met the bot is gone, whole."""
    api.world.chat(CHANNEL, kind="channel")
    api.world.chat(chat_id, state=state)
    assert await telegram.send(chat_id, "off") == ChatGone(reason)


async def test_a_topic_that_is_gone(api: FakeTelegram, telegram: Telegram) -> None:
    """The topic is gone; the chat is not."""
    api.world.chat(FORUM, topics=[7])
    reason = "HTTP 400: Bad Request: message thread not found"
    assert await telegram.send(FORUM, "off", topic=8) == ChatGone(reason, topic_only=True)


async def test_a_chat_that_moved(api: FakeTelegram, telegram: Telegram) -> None:
    """A group that became a supergroup tells its new id."""
    api.world.migrate(GROUP, FORUM)
    assert await telegram.send(GROUP, "off") == ChatMoved(FORUM)


@pytest.mark.parametrize(
    "text,reason",
    [
        ("x" * 4097, "HTTP 400: Bad Request: message is too long"),
        (" ", "HTTP 400: Bad Request: message text is empty"),
    ],
)
async def test_a_message_that_is_never_taken(telegram: Telegram, text: str, reason: str) -> None:
    """Another try would be refused again."""
    assert await telegram.send(USER, text) == Refused(reason)


async def test_a_chat_where_the_bot_may_not_write_is_not_gone(
    api: FakeTelegram, telegram: Telegram
) -> None:
    """Rights come back without anybody subscribing again."""
    api.world.chat(GROUP, state="muted")
    assert isinstance(await telegram.send(GROUP, "off"), Refused)


async def test_the_quoted_text_of_a_message_is_in_no_reason(telegram: Telegram) -> None:
    """Telegram quotes what it cannot parse; a reason goes to the log."""
    outcome = await telegram.send(USER, "<kitchen>secret</kitchen>")
    assert isinstance(outcome, Refused)
    assert "kitchen" not in outcome.reason


async def test_nobody_listens(api: FakeTelegram, telegram: Telegram) -> None:
    """A refused connection was not sent."""
    await api.go_down()
    outcome = await telegram.send(USER, "off")
    assert isinstance(outcome, RetryLater)
    assert outcome.reason.startswith("ConnectError")
    await api.come_back()
    assert isinstance(await telegram.send(USER, "off"), Sent)


async def test_a_name_that_is_not_resolved() -> None:
    """No address, nothing sent."""
    bot = Telegram(TOKEN, "http://telegram.invalid")
    assert isinstance(await bot.send(USER, "off"), RetryLater)
    await bot.close()


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_is_away(api: FakeTelegram, scheme: str) -> None:
    """A proxy that refuses the connection is an outage, and nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    bot = Telegram(TOKEN, api.url, f"{scheme}://127.0.0.1:{port}")
    assert isinstance(await bot.send(USER, "off"), RetryLater)
    await bot.close()


@pytest.mark.parametrize(
    "said", [b"\x05\xff", b"\x05\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", b""]
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # httpcore leaves that socket to the gc
async def test_a_socks_proxy_that_refuses(api: FakeTelegram, said: bytes) -> None:
    """It asks for a password, forbids the way on, or hangs up: nothing was sent."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(3)
        writer.write(said[:2])
        await writer.drain()
        if len(said) > 2:
            await reader.read(64)
            writer.write(said[2:])
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        bot = Telegram(TOKEN, api.url, f"socks5://127.0.0.1:{port}")
        assert isinstance(await bot.send(USER, "off"), RetryLater)
        await bot.close()
        del bot
        gc.collect()


async def test_a_proxy_that_forbids_the_way_on() -> None:
    """It said no to CONNECT: Telegram has not heard of the message."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        bot = Telegram(TOKEN, "https://api.telegram.invalid", f"http://127.0.0.1:{port}")
        assert await bot.send(USER, "off") == RetryLater(0.0, "ProxyError: 403 Forbidden")
        await bot.close()


@pytest.mark.parametrize(
    "cause,sent",
    [
        (httpx.ConnectTimeout, False),
        (httpx.PoolTimeout, False),
        (httpx.ConnectError, False),
        (httpx.ProxyError, False),
        (httpx.UnsupportedProtocol, False),
        (httpx.ReadTimeout, True),
        (httpx.WriteTimeout, True),
        (httpx.ReadError, True),
        (httpx.WriteError, True),
        (httpx.CloseError, True),
        (httpx.RemoteProtocolError, True),
        (httpx.LocalProtocolError, True),
        (httpx.DecodingError, True),
    ],
)
def test_each_cause_is_judged(cause: type[httpx.HTTPError], sent: bool) -> None:  # noqa: FBT001
    """Not sent for sure, or perhaps sent; the wrapper around it tells neither."""
    for wrapper in (TimedOut(), NetworkError(f"httpx at /bot{TOKEN}/sendMessage")):
        wrapper.__cause__ = cause(f"at /bot{TOKEN}/sendMessage")
        outcome = outcome_of(wrapper, lambda text: text.replace(TOKEN, "***"))
        assert isinstance(outcome, Ambiguous if sent else RetryLater)
        assert TOKEN not in repr(outcome)


async def test_an_answer_that_does_not_come_is_ambiguous(api: FakeTelegram) -> None:
    """Nobody knows what became of a message whose answer was waited for in vain."""
    bot = Telegram(TOKEN, api.url, read_timeout=0.1)
    api.fail_next(1, "hang")
    assert await bot.send(USER, "off") == Ambiguous("ReadTimeout")
    await bot.close()


async def test_a_cancelled_send_leaves_no_connection_behind(
    api: FakeTelegram, telegram: Telegram
) -> None:
    """More of them than there are connections, and the next message still goes out."""
    api.fail_next(40, "hang")
    sends = [asyncio.ensure_future(telegram.send(USER, "off")) for _ in range(40)]
    await asyncio.sleep(0.3)
    for send in sends:
        send.cancel()
    await asyncio.gather(*sends, return_exceptions=True)
    api.heal()
    assert isinstance(await telegram.send(USER, "on"), Sent)


async def test_an_edit_that_changes_nothing_is_done(api: FakeTelegram, telegram: Telegram) -> None:
    """The message says what it should."""
    await telegram.send(USER, "waits", buttons=[[("Approve", "a")]])
    id_ = api.messages[0].message_id
    assert await telegram.edit(USER, id_, "approved") == Sent(id_)
    assert await telegram.edit(USER, id_, "approved") == Sent(id_)
    assert api.to(USER) == ["approved"]
    assert isinstance(await telegram.edit(USER, id_ + 1, "approved"), Refused)


async def test_a_button_is_answered_once(api: FakeTelegram, telegram: Telegram) -> None:
    """Telegram takes one answer to a press; a late one is refused."""
    await telegram.send(USER, "new", buttons=[[("Approve", "a")]])
    api.world.press(USER, "a", USER)
    (update,) = await telegram.updates(None, 0)
    assert update.button is not None
    assert await telegram.answer_button(update.button.id, "done") == Sent(0)
    assert api.world.answers == {update.button.id: "done"}
    assert isinstance(await telegram.answer_button(update.button.id), Refused)
