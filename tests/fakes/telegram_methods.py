"""What each method of the fake Bot API does and refuses, in the words of tdlib/telegram-bot-api."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.fakes.telegram_html import Unparsable, parse_html, utf16
from tests.fakes.telegram_limits import Flood
from tests.fakes.telegram_world import WORDS, Chat, Taken, World

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LONGEST_DATA = 64  # bytes
OLD_QUERY = "query is too old and response timeout expired or query ID is invalid"
UNCHANGED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


@dataclass(frozen=True)
class Asked:
    """One call: its parameters, from wherever they came, and the sizes of its files."""

    parameters: Mapping[str, Any]
    files: Mapping[str, int]

    def text(self, name: str) -> str:
        """Return a parameter as text, empty for none."""
        value = self.parameters.get(name)
        return "" if value is None else str(value)

    def whole(self, name: str) -> int | None:
        """Return a parameter as a number."""
        text = self.text(name)
        return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None

    def true(self, name: str) -> bool:
        """Return a parameter as a yes or no."""
        return self.text(name).lower() in ("true", "yes", "1")

    def tree(self, name: str) -> Any:  # noqa: ANN401  JSON
        """Return a parameter that is JSON, whole or spelled as text."""
        value = self.parameters.get(name)
        if not isinstance(value, str) or not value:
            return value or None
        try:
            return json.loads(value)
        except ValueError:
            raise Refusal(400, f"Bad Request: can't parse {name} JSON object") from None


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters

    def to_json(self) -> dict[str, Any]:
        """Spell it as the API does."""
        said = {"ok": False, "error_code": self.status, "description": self.description}
        return said | ({"parameters": self.parameters} if self.parameters else {})


class Methods:
    """All but getUpdates, which waits."""

    def __init__(self, world: World, flood: Flood) -> None:
        self._world = world
        self._flood = flood
        self.webhook = ""
        self._by_name: dict[str, Callable[[Asked], Any]] = {
            "getme": lambda _: world.me,
            "sendmessage": self._send_message,
            "sendphoto": self._send_photo,
            "editmessagetext": self._edit,
            "answercallbackquery": self._answer_query,
            "setmycommands": self._set_commands,
            "getchatmember": self._get_member,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
        }

    def call(self, method: str, asked: Asked) -> Any:  # noqa: ANN401  any JSON is a result
        """Return the result; raises Refusal. The names of methods have no case."""
        known = self._by_name.get(method.lower())
        if known is None:
            raise Refusal(404, "Not Found")
        return known(asked)

    def _send_message(self, asked: Asked) -> dict[str, Any]:
        text, entities = _text(asked, "text", LONGEST_TEXT)
        if not text.strip():
            raise Refusal(400, "Bad Request: message text is empty")
        return self._world.shown(self._take(asked, text, asked.text("text")), entities)

    def _send_photo(self, asked: Asked) -> dict[str, Any]:
        text, _ = _text(asked, "caption", LONGEST_CAPTION)
        size = asked.files.get("photo", 0) or max(asked.files.values(), default=0)
        if not size:
            raise Refusal(400, "Bad Request: there is no photo in the request")
        return self._world.shown(self._take(asked, text, asked.text("caption"), size))

    def _take(self, asked: Asked, text: str, source: str, photo: int | None = None) -> Taken:
        markup = _keyboard(asked)
        chat = self._open_chat(asked)
        thread = asked.whole("message_thread_id")
        if thread is not None and (thread == 1 or thread not in (chat.topics or ())):
            raise Refusal(400, "Bad Request: message thread not found")
        seconds = self._flood.retry_after(chat.id, time.monotonic())
        if seconds is not None:
            raise too_many(seconds)
        silent = asked.true("disable_notification")
        id_ = self._world.new_id()
        return self._world.take(
            Taken(id_, chat.id, thread, text, source, silent, markup, time.time(), photo)
        )

    def _edit(self, asked: Asked) -> dict[str, Any]:
        text, entities = _text(asked, "text", LONGEST_TEXT)
        markup, chat = _keyboard(asked), self._open_chat(asked)
        old = self._world.find(chat.id, asked.whole("message_id"))
        if old is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        if (old.text, old.reply_markup) == (text, markup):
            raise Refusal(400, f"Bad Request: {UNCHANGED}")
        new = replace(old, text=text, source=asked.text("text"), reply_markup=markup)
        self._world.replace(old, new)
        return self._world.shown(new, entities)

    def _answer_query(self, asked: Asked) -> bool:
        query = asked.text("callback_query_id")
        if query not in self._world.queries:
            raise Refusal(400, f"Bad Request: {OLD_QUERY}")
        self._world.queries.remove(query)
        self._world.answers[query] = asked.text("text")
        return True

    def _set_commands(self, asked: Asked) -> bool:
        commands = asked.tree("commands") or []
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
                raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        scope = asked.tree("scope") or {}
        if scope.get("type") != "chat":
            self._world.commands[asked.text("language_code")] = commands
            return True
        chat_id = int(scope["chat_id"])
        if chat_id not in self._world.chats:
            raise Refusal(400, "Bad Request: chat not found")
        self._world.commands[f"{chat_id}:{asked.text('language_code')}"] = commands
        return True

    def _get_member(self, asked: Asked) -> dict[str, Any]:
        chat, user_id = self._open_chat(asked), asked.whole("user_id")
        if user_id is None:
            raise Refusal(400, "Bad Request: invalid user_id specified")
        if chat.members.get(user_id) == "unknown":
            raise Refusal(400, "Bad Request: member not found")
        return self._world.member(chat.id, user_id)

    def _set_webhook(self, asked: Asked) -> bool:
        self.webhook = asked.text("url")
        return True

    def _delete_webhook(self, asked: Asked) -> bool:
        self.webhook = ""
        if asked.true("drop_pending_updates"):
            self._world.updates.clear()
        return True

    def _open_chat(self, asked: Asked) -> Chat:
        """Return the chat that a call is about; raises Refusal if the bot may not go there."""
        name = asked.text("chat_id")
        if not name:
            raise Refusal(400, "Bad Request: chat_id is empty")
        chat_id = asked.whole("chat_id") or self._world.id_of(name)
        if chat_id is None:
            raise Refusal(*WORDS["not-found"])
        chat = self._world.chat(chat_id)
        if chat.moved_to is not None:
            said = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refusal(400, said, migrate_to_chat_id=chat.moved_to)
        if chat.state != "ok":
            status, said = WORDS[chat.state]
            raise Refusal(status, said.format(kind=chat.kind))
        return chat


def too_many(seconds: int) -> Refusal:
    """Return a 429 that asks for a pause."""
    return Refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def _text(asked: Asked, name: str, longest: int) -> tuple[str, list[dict[str, Any]]]:
    source, entities = asked.text(name), list[dict[str, Any]]()
    text = source
    if asked.text("parse_mode").lower() == "html":
        try:
            text, entities = parse_html(source)
        except Unparsable as fault:
            raise Refusal(400, f"Bad Request: can't parse entities: {fault}") from None
    if utf16(text) > longest:
        raise Refusal(
            400, f"Bad Request: message {'caption ' if name == 'caption' else ''}is too long"
        )
    return text, entities


def _keyboard(asked: Asked) -> Any:  # noqa: ANN401  JSON
    markup = asked.tree("reply_markup")
    for row in (markup or {}).get("inline_keyboard", []):
        for button in row:
            if not button.get("text"):
                raise Refusal(400, "Bad Request: inline keyboard button text is empty")
            if len(button.get("callback_data", "").encode()) > LONGEST_DATA:
                raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    return markup
