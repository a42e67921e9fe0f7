"""Owns the question to the admins whether a chat may hear: who was asked, what was answered.

It is kept in the store, so that after a crash nobody is forgotten and a second admin still
learns who answered.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

from alerting.bot.desk import Desk, Rules
from alerting.bot.voice import Room
from alerting.outcomes import ChatGone, Sent
from alerting.subscribers import Homes, Subscriber
from alerting.telegram_updates import Buttons
from alerting.wording import Html, Wording, escaped, wording

log = logging.getLogger(__name__)

APPROVE, DENY = "approve", "deny"
MOST_MESSAGES = 30  # that are mended when the question is answered


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `messages` are those that ask it: pairs of an admin and a message's id.

    `answer` is approve, deny or empty; `by` names who gave it; `told`: the chat has heard it.
    """

    id: str
    homes: Homes
    messages: tuple[tuple[int, int], ...] = ()
    answer: str = ""
    by: str = ""
    told: bool = False

    @property
    def waits_to_be_told(self) -> bool:
        """Whether it was answered, and the chat has not heard."""
        return bool(self.answer) and not self.told


def question_id(subscriber: Subscriber) -> str:
    """Return what tells this question from any other of the chat, in few letters."""
    text = json.dumps([subscriber.created, asked_homes(subscriber)])
    return sha256(text.encode()).hexdigest()[:12]


def asked_homes(subscriber: Subscriber) -> Homes:
    """Return the homes that an approval would be for."""
    return subscriber.homes if subscriber.wanted == () else subscriber.wanted


async def question_of(desk: Desk, chat_id: int, topic: int | None) -> Question | None:
    """Return the last question about a chat."""
    text = await asyncio.to_thread(desk.store.setting, _key(chat_id, topic))
    if not text:
        return None
    kept = json.loads(text)
    kept["homes"] = None if kept["homes"] is None else tuple(kept["homes"])
    kept["messages"] = tuple((admin, message) for admin, message in kept["messages"])
    return Question(**kept)


async def keep(desk: Desk, subscriber: Subscriber, question: Question) -> None:
    """Remember a question."""
    key = _key(subscriber.chat_id, subscriber.topic)
    await asyncio.to_thread(desk.store.set_setting, key, json.dumps(asdict(question)))


async def ask_admins(desk: Desk, subscriber: Subscriber, *, again: bool) -> None:
    """Ask all admins what has not been asked yet.

    Where a question is open, a new message asks only if `again`: what is within the question
    that was asked is shown where that stands.
    """
    rules, id_ = desk.rules(), question_id(subscriber)
    asked = await question_of(desk, subscriber.chat_id, subscriber.topic)
    before = asked if asked is not None and not asked.answer else None
    messages = before.messages if before is not None else ()
    if before is not None and before.id == id_ and (messages or not rules.admins):
        return
    question = Question(id_, asked_homes(subscriber), messages)
    await keep(desk, subscriber, question)
    if messages and not again:
        await _show(desk, rules, subscriber, messages)
    elif rules.admins:
        await _send(desk, rules, subscriber, question)
    else:
        log.warning("a chat waits for approval, and alerting.telegram.admins is empty")


async def _send(desk: Desk, rules: Rules, subscriber: Subscriber, question: Question) -> None:
    sent = await asyncio.gather(*(_ask(desk, rules, admin, subscriber) for admin in rules.admins))
    got = zip(rules.admins, sent, strict=True)
    messages = (*question.messages, *((admin, message) for admin, message in got if message))
    kept = await question_of(desk, subscriber.chat_id, subscriber.topic)
    if kept is None or kept.id != question.id:  # it was asked for something else meanwhile
        return
    kept = replace(kept, messages=messages[-MOST_MESSAGES:])
    await keep(desk, subscriber, kept)
    if kept.answer:  # an admin was faster than this
        await mend(desk, subscriber, kept)


async def _show(
    desk: Desk, rules: Rules, subscriber: Subscriber, messages: Sequence[tuple[int, int]]
) -> None:
    for admin, message in messages:
        words = await words_of_admin(desk, rules, admin)
        text = request(words, rules, subscriber, asked_homes(subscriber))
        await desk.wire.edit(admin, message, text, buttons(words, subscriber))


async def _ask(desk: Desk, rules: Rules, admin: int, subscriber: Subscriber) -> int:
    """Return the id of the message that an admin got, 0 for none."""
    words = await words_of_admin(desk, rules, admin)
    text = request(words, rules, subscriber, asked_homes(subscriber))
    outcome = await desk.voice.say(Room(admin, "private"), text, buttons(words, subscriber))
    if isinstance(outcome, Sent):
        return outcome.message_id
    if isinstance(outcome, ChatGone):
        log.warning("an administrator cannot be written to: start the bot from that account")
    else:
        log.warning("an administrator could not be asked: %s", type(outcome).__name__)
    return 0


async def mend(desk: Desk, subscriber: Subscriber, question: Question) -> None:
    """Let all messages that ask say what was answered, and offer no answer any more."""
    rules = desk.rules()
    for admin, message in question.messages:
        words = await words_of_admin(desk, rules, admin)
        text = answered(words, rules, subscriber, question)
        await desk.wire.edit(admin, message, text)


async def words_of_admin(desk: Desk, rules: Rules, admin: int) -> Wording:
    """Return the words of an admin's language."""
    subscriber = await asyncio.to_thread(desk.store.subscriber, admin, None)
    return wording(rules.around.language if subscriber is None else subscriber.language)


def request(words: Wording, rules: Rules, subscriber: Subscriber, homes: Homes) -> Html:
    """Say who asks for what."""
    who, id_ = who_is(words, subscriber), id_said(words, subscriber)
    key = (
        f"request.{'' if subscriber.chat_id > 0 else 'group_'}{'all' if homes is None else 'homes'}"
    )
    if homes is None:
        return words.say(key, who=who, id=id_)
    return words.say(key, who=who, id=id_, homes=titles(words, rules, homes))


def answered(words: Wording, rules: Rules, subscriber: Subscriber, question: Question) -> Html:
    """Say who asked for what, and who answered."""
    asked = request(words, rules, subscriber, question.homes)
    return Html(f"{asked}\n{answer_said(words, question)}")


def answer_said(words: Wording, question: Question) -> Html:
    """Say who answered, and how."""
    key = "request.approved" if question.answer == APPROVE else "request.denied"
    return words.say(key, by=question.by or words.say("subscribers.nameless"))


def buttons(words: Wording, subscriber: Subscriber) -> Buttons:
    """Return the two answers; a press names the question, as a chat may ask anew."""
    about = f"{subscriber.chat_id}:{subscriber.topic or 0}:{question_id(subscriber)}"
    return [[(words.say(f"request.{answer}"), f"{answer}:{about}") for answer in (APPROVE, DENY)]]


def titles(words: Wording, rules: Rules, homes: Sequence[str]) -> Html:
    """List homes as people call them."""
    return words.listing([" ".join(rules.around.place(home).title.split()) for home in homes])


def who_is(words: Wording, subscriber: Subscriber) -> Html:
    """Say a chat's name, and its user name."""
    username = f"@{subscriber.username}" if subscriber.username else ""
    said = " ".join([*subscriber.name.split(), *username.split()])
    return escaped(said) if said else words.say("subscribers.nameless")


def id_said(words: Wording, subscriber: Subscriber) -> Html:
    """Say a chat's id, and the topic's if it is one."""
    if subscriber.topic is None:
        return Html(str(subscriber.chat_id))
    return words.say("subscribers.topic", id=subscriber.chat_id, topic=subscriber.topic)


def _key(chat_id: int, topic: int | None) -> str:
    return f"bot.question.{chat_id}.{topic or 0}"
