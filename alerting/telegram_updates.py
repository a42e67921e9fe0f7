"""Owns what the bot hears, and how it reads that from the Bot API's JSON; pure, and never fails.

An update that makes no sense still has its id, so that it can be confirmed: it is told with the
chat 0. Fields: https://core.telegram.org/bots/api#update.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Buttons = Sequence[Sequence[tuple[str, str]]]  # rows of (label, data of at most 64 bytes)

ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member", "channel_post")
GENERAL_TOPIC = 1  # a forum's first topic: messages in it carry no thread, and must not
_GONE = ("left", "kicked")


@dataclass(frozen=True, slots=True)
class Button:
    """A press of an inline button: the query to answer, its data, the message it stands under."""

    id: str
    data: str
    message_id: int


@dataclass(frozen=True, slots=True)
class Update:
    """One thing that happened in a chat.

    `kind` is private | group | supergroup | channel. `title` is the chat's name, `username` and
    `name` are the user's, or, where nobody is named, the chat's. `anonymous_admin`: written in
    the chat's own name, which only its administrators can. `moved_to`: the chat's new id.
    `joined` and `left` are the bot's own coming and going (a block and its end, in private).
    """

    id: int
    chat_id: int = 0
    topic: int | None = None
    kind: str = ""
    title: str = ""
    user_id: int | None = None
    username: str = ""
    name: str = ""
    text: str = ""
    button: Button | None = None
    anonymous_admin: bool = False
    moved_to: int | None = None
    joined: bool = False
    left: bool = False


def parse_updates(raw: object) -> list[Update]:
    """Read the result of getUpdates; what has no id is left out."""
    items = raw if isinstance(raw, list) else []
    return [parse_update(item) for item in items if _whole(_child({"": item}, ""), "update_id")]


def parse_update(raw: object) -> Update:
    """Read one update."""
    update = _child({"": raw}, "")
    id_ = _whole(update, "update_id") or 0
    if member := _child(update, "my_chat_member"):
        return _membership(id_, member)
    if query := _child(update, "callback_query"):
        return _press(id_, query)
    return _message(id_, _child(update, "message") or _child(update, "channel_post"))


def _message(id_: int, message: Mapping[str, object]) -> Update:
    chat = _child(message, "chat")
    chat_id = _whole(chat, "id") or 0
    named = _child(message, "from") or chat
    return Update(
        id=id_,
        chat_id=chat_id,
        topic=_topic(message),
        kind=_text(chat, "type"),
        title=_name(chat),
        user_id=_whole(_child(message, "from"), "id"),
        username=_text(named, "username"),
        name=_name(named),
        text=_text(message, "text"),
        anonymous_admin=_whole(_child(message, "sender_chat"), "id") == chat_id != 0,
        moved_to=_whole(message, "migrate_to_chat_id"),
    )


def _press(id_: int, query: Mapping[str, object]) -> Update:
    message = _child(query, "message")
    chat, user = _child(message, "chat"), _child(query, "from")
    return Update(
        id=id_,
        chat_id=_whole(chat, "id") or 0,
        topic=_topic(message),
        kind=_text(chat, "type"),
        title=_name(chat),
        user_id=_whole(user, "id"),
        username=_text(user, "username"),
        name=_name(user),
        button=Button(_text(query, "id"), _text(query, "data"), _whole(message, "message_id") or 0),
    )


def _membership(id_: int, change: Mapping[str, object]) -> Update:
    chat, user = _child(change, "chat"), _child(change, "from")
    was_in = _is_in(_child(change, "old_chat_member"))
    is_in = _is_in(_child(change, "new_chat_member"))
    return Update(
        id=id_,
        chat_id=_whole(chat, "id") or 0,
        kind=_text(chat, "type"),
        title=_name(chat),
        user_id=_whole(user, "id"),
        username=_text(user, "username"),
        name=_name(user),
        joined=is_in and not was_in,
        left=not is_in,
    )


def _is_in(member: Mapping[str, object]) -> bool:
    status = _text(member, "status")
    return status not in _GONE and not (status == "restricted" and not member.get("is_member"))


def _topic(message: Mapping[str, object]) -> int | None:
    """Return the forum topic: a reply in a plain group has a thread id too, but no topic."""
    if message.get("is_topic_message") is not True:
        return None
    topic = _whole(message, "message_thread_id")
    return None if topic == GENERAL_TOPIC else topic


def _name(who: Mapping[str, object]) -> str:
    names = (_text(who, key) for key in ("title", "first_name", "last_name"))
    return " ".join(name for name in names if name)


def _child(parent: Mapping[str, object], key: str) -> Mapping[str, object]:
    child = parent.get(key)
    return child if isinstance(child, dict) else {}


def _text(parent: Mapping[str, object], key: str) -> str:
    text = parent.get(key)
    return text if isinstance(text, str) else ""


def _whole(parent: Mapping[str, object], key: str) -> int | None:
    number = parent.get(key)
    return number if isinstance(number, int) and not isinstance(number, bool) else None
