"""What the fake Bot API knows: chats and who is in them, messages taken, updates not yet asked for.

Chats need not be made: a positive id is somebody who wrote to the bot, one below -10**12 a
supergroup, another negative one a group.
"""

import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

BOT_ID = 4_242
ANONYMOUS_ADMIN = {"id": 1_087_968_824, "is_bot": True, "first_name": "Group"}
_SUPERGROUPS_BELOW = -(10**12)
_RIGHTS = (
    "can_be_edited",
    "can_change_info",
    "can_delete_messages",
    "can_delete_stories",
    "can_edit_stories",
    "can_invite_users",
    "can_manage_chat",
    "can_manage_video_chats",
    "can_post_stories",
    "can_promote_members",
    "can_restrict_members",
    "is_anonymous",
)
# How the server words it when a bot may not write; {kind} is group, supergroup or channel.
WORDS = {
    "blocked": (403, "Forbidden: bot was blocked by the user"),
    "deactivated": (403, "Forbidden: user is deactivated"),
    "kicked": (403, "Forbidden: bot was kicked from the {kind} chat"),
    "not-member": (403, "Forbidden: bot is not a member of the {kind} chat"),
    "deleted": (403, "Forbidden: the group chat was deleted"),
    "not-found": (400, "Bad Request: chat not found"),
    "muted": (400, "Bad Request: not enough rights to send text messages to the chat"),
}


@dataclass
class Chat:
    """`state` is ok or a key of WORDS. `topics` None: no forum. `members`: user id -> status."""

    id: int
    kind: str
    title: str = ""
    username: str = ""
    state: str = "ok"
    moved_to: int | None = None
    topics: set[int] | None = None
    members: dict[int, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Spell it as the API does."""
        name = "first_name" if self.kind == "private" else "title"
        spelled: dict[str, Any] = {"id": self.id, "type": self.kind, name: self.title}
        if self.username:
            spelled["username"] = self.username
        return spelled | ({"is_forum": True} if self.topics is not None else {})


@dataclass(frozen=True)
class Taken:
    """One message that was taken. `text` is without markup; `time` is Unix seconds."""

    message_id: int
    chat_id: int
    thread: int | None
    text: str
    source: str
    silent: bool
    reply_markup: Any
    time: float
    photo: int | None = None  # bytes

    def to_json(self) -> dict[str, Any]:
        """Spell it for a file or /_control/messages."""
        return asdict(self)


class World:
    """Chats, messages and updates of one bot."""

    def __init__(self, username: str, file: Path | None = None) -> None:
        """With `file`, each message taken is appended to it as one line of JSON."""
        self.me = {"id": BOT_ID, "is_bot": True, "first_name": "Power", "username": username}
        self.chats: dict[int, Chat] = {}
        self.messages: list[Taken] = []
        self.edits: list[Taken] = []
        self.queries: set[str] = set()  # presses that nobody has answered
        self.answers: dict[str, str] = {}  # press -> what was answered
        self.commands: dict[str, list[Any]] = {}  # language -> what is offered
        self.updates: deque[dict[str, Any]] = deque()
        self._ids = 0
        self._update_ids = 1_000
        self._file = file

    def chat(self, chat_id: int, **more: Any) -> Chat:  # noqa: ANN401  fields of Chat
        """Return a chat, made if need be, with those fields changed."""
        if chat_id not in self.chats:
            supergroup = "supergroup" if chat_id < _SUPERGROUPS_BELOW else "group"
            kind = "private" if chat_id > 0 else supergroup
            self.chats[chat_id] = Chat(chat_id, kind, f"Chat {chat_id}")
        chat = self.chats[chat_id]
        for name, value in more.items():
            setattr(chat, name, set(value) if name == "topics" and value is not None else value)
        return chat

    def id_of(self, username: str) -> int | None:
        """Return the id of the public chat @username."""
        named = (chat.id for chat in self.chats.values() if f"@{chat.username}" == username)
        return next(named, None)

    def take(self, taken: Taken) -> Taken:
        """Keep a message for good."""
        self.messages.append(taken)
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(taken.to_json(), ensure_ascii=False) + "\n")
        return taken

    def find(self, chat_id: int, message_id: int | None) -> Taken | None:
        """Return a message of the bot's."""
        named = (one for one in self.messages if one.message_id == message_id)
        return next((one for one in named if one.chat_id == chat_id), None)

    def replace(self, old: Taken, new: Taken) -> None:
        """Let an edit stand in a message's place."""
        self.messages[self.messages.index(old)] = new
        self.edits.append(new)

    def new_id(self) -> int:
        """Return the next message's id."""
        self._ids += 1
        return self._ids

    def member(self, chat_id: int, user_id: int) -> dict[str, Any]:
        """Spell a chat member; whoever is not known is a member of a group."""
        return _member(self.chat(chat_id).members.get(user_id, "member"), _user(user_id))

    def shown(self, taken: Taken, entities: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
        """Spell a message of the bot's own."""
        message = self._message(taken.chat_id, taken.thread, taken.message_id) | {"from": self.me}
        if taken.photo is not None:
            size = {"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}
            message |= {"photo": [size], "caption": taken.text}
        else:
            message |= {"text": taken.text, "entities": list(entities)}
        return message | ({"reply_markup": taken.reply_markup} if taken.reply_markup else {})

    def push(self, **update: Any) -> int:  # noqa: ANN401  one field of Update
        """Queue an update as it stands; return its id."""
        self._update_ids += 1
        self.updates.append({"update_id": self._update_ids, **update})
        return self._update_ids

    def say(
        self,
        chat_id: int,
        text: str,
        user_id: int | None = None,
        topic: int | None = None,
        **more: Any,  # noqa: ANN401  fields of Message
    ) -> int:
        """A user writes. `user_id` is the chat's own in private; `more` are fields of Message."""
        message = self._message(chat_id, topic) | {"text": text} | more
        if self.chat(chat_id).kind == "channel":
            return self.push(channel_post=message | {"sender_chat": self.chat(chat_id).to_json()})
        sender = _user(user_id or chat_id, self.chat(chat_id).username)
        return self.push(message={"from": sender} | message)

    def say_anonymously(self, chat_id: int, text: str, topic: int | None = None) -> int:
        """An administrator writes in the name of the group."""
        group = self.chat(chat_id).to_json()
        more = {"from": ANONYMOUS_ADMIN, "sender_chat": group}
        return self.push(message=self._message(chat_id, topic) | {"text": text} | more)

    def press(self, chat_id: int, data: str, user_id: int, message_id: int | None = None) -> int:
        """A user presses a button under the chat's last message, or under a named one."""
        under = [taken for taken in self.messages if taken.chat_id == chat_id]
        taken = next((one for one in under if one.message_id == message_id), under[-1])
        query = f"query-{self._update_ids + 1}"
        self.queries.add(query)
        pressed = {"id": query, "from": _user(user_id), "chat_instance": "1", "data": data}
        return self.push(callback_query=pressed | {"message": self.shown(taken)})

    def membership(self, chat_id: int, status: str, was: str, user_id: int = 1) -> int:
        """The bot is added, promoted, removed, blocked."""
        old, new = _member(was, self.me), _member(status, self.me)
        change = {"chat": self.chat(chat_id).to_json(), "from": _user(user_id), "date": _now()}
        return self.push(my_chat_member=change | {"old_chat_member": old, "new_chat_member": new})

    def migrate(self, chat_id: int, new_id: int) -> int:
        """A group becomes a supergroup."""
        self.chat(new_id, title=self.chat(chat_id).title, kind="supergroup")
        self.chat(chat_id, moved_to=new_id)
        moved = self._message(chat_id, None) | {"migrate_to_chat_id": new_id}
        return self.push(message=moved | {"from": _user(1)})

    def _message(self, chat_id: int, topic: int | None, id_: int | None = None) -> dict[str, Any]:
        message: dict[str, Any] = {
            "message_id": id_ or self.new_id(),
            "date": _now(),
            "chat": self.chat(chat_id).to_json(),
        }
        if topic is not None:
            message |= {"message_thread_id": topic, "is_topic_message": True}
        return message


def _member(status: str, user: dict[str, Any]) -> dict[str, Any]:
    more: dict[str, dict[str, Any]] = {
        "administrator": dict.fromkeys(_RIGHTS, True),
        "creator": {"is_anonymous": False},
        "kicked": {"until_date": 0},
    }
    return {"status": status, "user": user} | more.get(status, {})


def _user(user_id: int, username: str = "") -> dict[str, Any]:
    user: dict[str, Any] = {"id": user_id, "is_bot": False, "first_name": f"User {user_id}"}
    return user | {"username": username or f"user{user_id}"}


def _now() -> int:
    return int(time.time())
