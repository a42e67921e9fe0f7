"""Owns what admins say of chats: /approve, /deny, /subscribers, and the buttons under a request."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from alerting.bot import asking
from alerting.bot.asking import APPROVE, DENY, Question
from alerting.bot.desk import Answer, Call, Desk, Rules
from alerting.bot.voice import Room
from alerting.splitting import plain
from alerting.store import Change
from alerting.subscribers import State, Subscriber
from alerting.telegram_updates import Buttons
from alerting.wording import Html, lines, wording

_ID = re.compile(r"-?\d{1,18}", re.ASCII)
_PRESS = re.compile(r"(-?\d{1,18}):(\d{1,18}):(\w+)", re.ASCII)
_FIRST = (State.PENDING, State.ACTIVE)
LONGEST_NOTE = 200  # characters that an answered button can show


class Approving:
    """Takes one answer at a time, whoever of the admins gives it."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()

    async def approve(self, desk: Desk, call: Call) -> Answer:
        """/approve ID [TOPIC]: let a chat hear what it asked for."""
        return await self._command(desk, call, APPROVE)

    async def deny(self, desk: Desk, call: Call) -> Answer:
        """/deny ID [TOPIC]: let a chat hear nothing."""
        return await self._command(desk, call, DENY)

    async def pressed(self, desk: Desk, call: Call, answer: str, data: str) -> None:
        """Take an admin's press of a button under a request, or say who was first."""
        button, words = call.update.button, call.words
        assert button is not None
        about = _PRESS.fullmatch(data)
        if not call.by_admin or about is None:
            await desk.wire.answer_button(button.id, words.say("sorry.admins"))
            return
        press = _Press(answer, int(about[1]), int(about[2]) or None, about[3])
        note, text = await self._judged(desk, call, press)
        await desk.wire.answer_button(button.id, plain(note)[:LONGEST_NOTE])
        await desk.wire.edit(call.update.chat_id, button.message_id, *text)

    async def _command(self, desk: Desk, call: Call, answer: str) -> Answer:
        words, named = call.words, [arg for arg in call.args if _ID.fullmatch(arg)]
        if not named or len(named) != len(call.args) or len(named) > 2:  # noqa: PLR2004  ID, TOPIC
            return Answer(words.say(f"{answer}.usage"))
        chat_id, topic = int(named[0]), int(named[1]) if len(named) > 1 else None
        async with self._one_at_a_time:
            changes = await self._settle(desk, answer, chat_id, topic, _name_of(call))
        if not changes:
            return Answer(words.say(f"{answer}.unknown", id=chat_id))
        said = [_said(call, answer, change) for change in changes]
        return Answer(lines(said), then=lambda: _tell_all(desk, changes))

    async def _judged(
        self, desk: Desk, call: Call, press: "_Press"
    ) -> tuple[Html, tuple[Html, Buttons]]:
        """Return what the button answers, and what is to stand where it stood."""
        words, rules = call.words, call.rules
        async with self._one_at_a_time:
            who = await asyncio.to_thread(desk.store.subscriber, press.chat_id, press.topic)
            if who is None:
                said = words.say(f"{press.answer}.unknown", id=press.chat_id)
                return said, (said, ())
            question = await asking.question_of(desk, press.chat_id, press.topic)
            if question is not None and question.answer and question.id == press.question:
                text = asking.answered(words, rules, who, question)
                return asking.answer_said(words, question), (text, ())
            if press.question != asking.question_id(who):
                # The chat asks for something else by now: nobody approves what they do not see.
                text = asking.request(words, rules, who, asking.asked_homes(who))
                buttons = asking.buttons(words, who) if who.question_is_open else ()
                return Html(""), (text, buttons)
            topic = press.topic or 0
            changes = await self._settle(desk, press.answer, press.chat_id, topic, _name_of(call))
        await _tell_all(desk, changes)
        said = lines([_said(call, press.answer, change) for change in changes])
        question = await asking.question_of(desk, press.chat_id, press.topic)
        if question is None or not question.answer:
            return said, (said, ())
        return said, (asking.answered(words, rules, who, question), ())

    async def _settle(
        self, desk: Desk, answer: str, chat_id: int, topic: int | None, by: str
    ) -> list[Change]:
        """Change the subscriptions, and remember who answered what."""
        now = desk.clock.now().wall
        change = desk.store.approve if answer == APPROVE else desk.store.deny
        changes = await asyncio.to_thread(change, chat_id, now, topic)
        await remember(desk, answer, changes, by)
        return changes


async def remember(desk: Desk, answer: str, changes: Sequence[Change], by: str) -> None:
    """Keep who answered what; nobody has been told yet."""
    for one in changes:
        before, after = one.before, one.after
        if before is None or after is None:
            continue
        question = await asking.question_of(desk, after.chat_id, after.topic)
        if question is None and before == after:
            continue
        known = question or Question(asking.question_id(before), asking.asked_homes(before))
        if before != after or not known.answer:
            given = replace(known, answer=answer, by=by, told=False)
            await asking.keep(desk, after, given)


@dataclass(frozen=True, slots=True)
class _Press:
    answer: str
    chat_id: int
    topic: int | None
    question: str


async def subscribers(desk: Desk, call: Call) -> Answer:
    """/subscribers: who hears, who waits; those that wait first."""
    found = await asyncio.to_thread(desk.store.subscribers)
    words = call.words
    if not found:
        return Answer(words.say("subscribers.none"))
    found.sort(key=lambda one: _FIRST.index(one.state) if one.state in _FIRST else len(_FIRST))
    count = words.count("count.subscribers", len(found))
    title = words.say("subscribers.title", subscribers=count)
    return Answer(lines([title, *(_line(call, one) for one in found)]))


def _line(call: Call, who: Subscriber) -> Html:
    words, homes = call.words, asking.asked_homes(who)
    return words.say(
        "subscribers.line",
        who=asking.who_is(words, who),
        id=asking.id_said(words, who),
        state=words.say(f"state.{who.state.value}"),
        homes=(
            words.say("subscribers.all_homes")
            if homes is None
            else asking.titles(words, call.rules, homes)
        ),
    )


async def _tell_all(desk: Desk, changes: Sequence[Change]) -> None:
    for change in changes:
        if change.after is not None:
            await tell(desk, change.after)


async def tell(desk: Desk, who: Subscriber) -> None:
    """Tell a chat what was answered, and each admin who answered, if they have not heard."""
    question = await asking.question_of(desk, who.chat_id, who.topic)
    if question is None or not question.waits_to_be_told:
        return
    text = _news(desk.rules(), who)
    if text is not None:
        await desk.voice.say(Room(who.chat_id, who.kind or _kind(who), who.topic), text)
    await asking.mend(desk, who, question)
    await asking.keep(desk, who, replace(question, told=True))


def _news(rules: Rules, after: Subscriber) -> Html | None:
    """Say what an answer means for a chat; None for one that does not want to hear."""
    words = wording(after.language)
    if after.state is State.DENIED:
        return words.say("start.denied")
    if after.state is not State.ACTIVE:
        return None
    if after.homes is None:
        return words.say("start.approved_all")
    return words.say("start.approved_homes", homes=asking.titles(words, rules, after.homes))


def _said(call: Call, answer: str, change: Change) -> Html:
    words, who = call.words, change.after
    assert who is not None
    key = f"{answer}.already" if change.before == who else f"{answer}.done"
    return words.say(key, who=asking.who_is(words, who), id=asking.id_said(words, who))


def _name_of(call: Call) -> str:
    name = call.update.name or call.update.username
    return " ".join(name.split())


def _kind(subscriber: Subscriber) -> str:
    return "private" if subscriber.chat_id > 0 else "supergroup"
