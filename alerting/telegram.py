"""Owns the wire to the Bot API: what is sent and asked goes out here, and comes back as types.

The only module that knows python-telegram-bot, which costs 28 MiB: import it where there is a
token, never before. No token and no text leaves it in an exception or a log line.
"""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
)
from telegram.constants import ChatMemberStatus, ParseMode
from telegram.error import TelegramError
from telegram.request import HTTPXRequest
from typing_extensions import override

from alerting.outcomes import ChatGone, Outcome, Refused, Sent
from alerting.telegram_errors import Answered, exception_of, outcome_of, read_answer
from alerting.telegram_updates import (
    ALLOWED_UPDATES,
    GENERAL_TOPIC,
    Buttons,
    Update,
    parse_updates,
)
from chassis.logs import SecretFilter
from chassis.secrets import Secret

READ_TIMEOUT = 30.0  # seconds; a shorter one makes sends ambiguous
CONNECTIONS = 16
_CONNECT_TIMEOUT = 10.0
_POOL_TIMEOUT = 10.0
_POLL_GRACE = 10.0  # seconds that an answer to a long poll may take beyond the poll itself
_ADMINS = {ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR}
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_UNCHANGED = "message is not modified"

_Result = TypeVar("_Result")


def quiet_libraries() -> None:
    """Let no library log what it sends: the address holds the token, the body holds texts."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("telegram").setLevel(logging.CRITICAL)


class Telegram:
    """One bot. It connects when it first sends, and keeps no state but its connections."""

    def __init__(
        self,
        token: str,
        api_url: str,
        proxy_url: str | None = None,
        *,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        quiet_libraries()
        self._redact = SecretFilter([Secret(token), Secret(token.partition(":")[2])]).redact
        self._requests = (
            _Request(read_timeout, CONNECTIONS, proxy_url),
            _Request(_POLL_GRACE, CONNECTIONS, proxy_url),
        )
        base = api_url.rstrip("/")
        self._bot = _Bot(
            token,
            base_url=lambda token: f"{base}/bot{token}",
            base_file_url=lambda token: f"{base}/file/bot{token}",
            request=self._requests[0],
            get_updates_request=self._requests[1],
        )

    async def send(
        self,
        chat_id: int,
        text: str,
        *,
        topic: int | None = None,
        silent: bool = False,
        buttons: Buttons = (),
        plain: bool = False,
    ) -> Outcome:
        """Send a text: HTML, or with `plain` no markup at all. `silent`: without a sound."""
        return await self._outcome(
            self._bot.send_message(
                chat_id,
                text,
                parse_mode=None if plain else ParseMode.HTML,
                message_thread_id=_thread(topic),
                disable_notification=silent,
                reply_markup=_keyboard(buttons),
                link_preview_options=_NO_PREVIEW,
            )
        )

    async def send_photo(
        self,
        chat_id: int,
        png: bytes,
        caption: str = "",
        *,
        topic: int | None = None,
        silent: bool = False,
    ) -> Outcome:
        """Send a picture with a caption in HTML of at most 1,024 characters."""
        return await self._outcome(
            self._bot.send_photo(
                chat_id,
                png,
                caption=caption or None,
                parse_mode=ParseMode.HTML,
                message_thread_id=_thread(topic),
                disable_notification=silent,
                filename="chart.png",
            )
        )

    async def edit(
        self, chat_id: int, message_id: int, text: str, buttons: Buttons = ()
    ) -> Outcome:
        """Replace a message's text and buttons; one that says so already is as good as edited."""
        outcome = await self._outcome(
            self._bot.edit_message_text(
                text,
                chat_id,
                message_id,
                parse_mode=ParseMode.HTML,
                reply_markup=_keyboard(buttons),
                link_preview_options=_NO_PREVIEW,
            )
        )
        if isinstance(outcome, Refused) and _UNCHANGED in outcome.reason:
            return Sent(message_id)
        return outcome

    async def answer_button(self, query_id: str, text: str = "") -> Outcome:
        """End the waiting of whoever pressed a button; one that waited too long is Refused."""
        return await self._outcome(self._bot.answer_callback_query(query_id, text or None))

    async def set_commands(
        self,
        commands: Sequence[tuple[str, str]],
        language: str | None = None,
        chat: int | None = None,
    ) -> Outcome:
        """Tell Telegram the (command, description) pairs to offer, for one language or for all.

        With `chat` they are for that chat alone.
        """
        offered = [BotCommand(command, description) for command, description in commands]
        scope = None if chat is None else BotCommandScopeChat(chat)
        return await self._outcome(
            self._bot.set_my_commands(offered, scope=scope, language_code=language)
        )

    async def updates(self, offset: int | None, timeout: int) -> list[Update]:
        """Wait up to `timeout` seconds for updates from `offset` on; older ones are confirmed.

        Raises Unreachable, TokenWrong or Conflict.
        """
        return parse_updates(await self._asked(self._bot.get_raw_updates(offset, timeout)))

    async def forget_webhook(self) -> None:
        """Let updates be asked for, whatever was set up before; none is lost. Raises as updates."""
        await self._asked(self._bot.delete_webhook(drop_pending_updates=False))

    async def is_admin(self, chat_id: int, user_id: int) -> bool:
        """Tell whether a user may speak for a chat. Raises Unreachable, TokenWrong."""
        try:
            member = await self._bot.get_chat_member(chat_id, user_id)
        except TelegramError as error:
            if isinstance(outcome_of(error, self._redact), Refused | ChatGone):
                return False
            fault = exception_of(error, self._redact)
        else:
            return member.status in _ADMINS
        raise fault

    async def whoami(self) -> str:
        """Return the bot's own user name. Raises Unreachable, TokenWrong."""
        return (await self._asked(self._bot.get_me())).username or ""

    async def close(self) -> None:
        """Close the connections; nothing can be sent afterwards."""
        await asyncio.gather(*(request.shutdown() for request in self._requests))

    async def _outcome(self, call: Awaitable[Message | bool]) -> Outcome:
        try:
            done = await call
        except TelegramError as error:
            return outcome_of(error, self._redact)
        return Sent(done.message_id if isinstance(done, Message) else 0)

    async def _asked(self, call: Awaitable[_Result]) -> _Result:
        try:
            return await call
        except TelegramError as error:
            fault = exception_of(error, self._redact)
        raise fault  # out here it drags no exception along that holds the address


class _Request(HTTPXRequest):
    """Judges answers itself: the library forgets the status, and logs what it cannot parse."""

    def __init__(self, read_timeout: float, connections: int, proxy_url: str | None) -> None:
        super().__init__(
            connection_pool_size=connections,
            read_timeout=read_timeout,
            write_timeout=read_timeout,
            connect_timeout=_CONNECT_TIMEOUT,
            pool_timeout=_POOL_TIMEOUT,
            media_write_timeout=read_timeout,
            http_version="1.1",
            proxy=proxy_url,
        )

    @override
    async def do_request(self, *args: Any, **more: Any) -> tuple[int, bytes]:
        status, payload = await super().do_request(*args, **more)
        answer = read_answer(status, payload)
        if answer is not None:
            raise Answered(answer)
        return status, payload


class _Bot(Bot):
    """Hands out updates as they came: one that the library cannot read would block the rest."""

    __slots__ = ()

    async def get_raw_updates(self, offset: int | None, timeout: int) -> object:
        """Return the result of getUpdates."""
        asked = {"offset": offset, "timeout": timeout, "allowed_updates": list(ALLOWED_UPDATES)}
        result: object = await self._post("getUpdates", asked, read_timeout=timeout + _POLL_GRACE)
        return result


def _thread(topic: int | None) -> int | None:
    """Return the thread to name: Telegram does not find a forum's General topic by its id."""
    return topic if topic and topic != GENERAL_TOPIC else None


def _keyboard(buttons: Buttons) -> InlineKeyboardMarkup | None:
    rows = [
        [InlineKeyboardButton(label, callback_data=data) for label, data in row] for row in buttons
    ]
    return InlineKeyboardMarkup(rows) if rows else None
