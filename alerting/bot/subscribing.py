"""Owns /start and /stop, and the buttons that choose a home."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

from alerting.bot.asking import ask_admins
from alerting.bot.desk import Answer, Call, Desk
from alerting.bot.languages import language_of
from alerting.outcomes import Sent
from alerting.subscribers import (
    Homes,
    Mode,
    Started,
    State,
    Subscriber,
    joined,
    starting,
    stopping,
)
from alerting.telegram_updates import Buttons
from alerting.wording import Html

Asking = Callable[[Subscriber | None], Homes]
"""What a chat wants to hear, by what it hears already."""

PRESS = "start"
MOST_BUTTONS = 24
BUTTONS_A_ROW = 2


@dataclass(frozen=True, slots=True)
class _Result:
    before: Subscriber | None
    started: Started
    asked: Homes


async def start(desk: Desk, call: Call) -> Answer:
    """/start [home]: subscribe to all homes, or to one more."""
    named = " ".join(call.args)
    home = _named(call, named) if named else None
    if named and home is None:
        if _is_stranger(call):
            return await _start(desk, call, without_the_unknown)
        text = call.refusal() if _turned_away(call) else None
        return Answer(text or call.words.say("start.unknown_home", name=named))
    return await _start(desk, call, partial(wanted_homes, home=home))


async def pressed(desk: Desk, call: Call, data: str) -> None:
    """Subscribe to the home that a button names; what was said above it is said anew."""
    button = call.update.button
    assert button is not None
    home = next((home for home in call.rules.around.places if short(home) == data), None)
    if home is not None:
        answer = await _start(desk, call, partial(wanted_homes, home=home))
    elif _is_stranger(call):
        answer = await _start(desk, call, without_the_unknown)
    else:
        await desk.wire.answer_button(button.id, call.words.say("sorry.failed"))
        return
    await desk.wire.answer_button(button.id)
    room = call.room
    edited = await desk.wire.edit(room.chat_id, button.message_id, answer.text, answer.buttons)
    if not isinstance(edited, Sent):
        await desk.voice.say(room, answer.text, answer.buttons)
    if answer.then is not None:
        await answer.then()


async def stop(desk: Desk, call: Call) -> Answer:
    """/stop: hear nothing more."""
    change = await asyncio.to_thread(
        desk.store.change,
        call.update.chat_id,
        call.update.topic,
        lambda existing: None if existing is None else stopping(existing),
        call.now,
    )
    before, after = change.before, change.after
    if before is None or after is None or before == after:
        return Answer(call.words.say("stop.not_subscribed"))
    return Answer(call.words.say("stop.done"))


def short(text: str) -> str:
    """Return few letters that stand for a text: a button's data has 64 bytes."""
    return sha256(text.encode()).hexdigest()[:16]


async def _start(desk: Desk, call: Call, asking: Asking) -> Answer:
    result = await _subscribed(desk, call, asking)
    after = result.started.subscriber
    text = _said(call, result)
    if after is None or after.state is not State.ACTIVE:
        buttons: Buttons = ()
    else:
        buttons = home_buttons(call)
    if after is None or not after.question_is_open:
        return Answer(text, buttons)
    again = result.started.asks_admins
    return Answer(text, buttons, lambda: ask_admins(desk, after, again=again))


async def _subscribed(desk: Desk, call: Call, asking: Asking) -> _Result:
    newcomer = await _newcomer(desk, call)
    mode: Mode = "open" if call.by_admin else call.rules.mode
    results: list[_Result] = []

    def rule(existing: Subscriber | None) -> Subscriber | None:
        homes = asking(existing)
        started = starting(existing, homes, mode, newcomer)
        results.append(_Result(existing, started, homes))
        return _renamed(started.subscriber, newcomer)

    await asyncio.to_thread(
        desk.store.change, call.update.chat_id, call.update.topic, rule, call.now
    )
    last = results[-1]  # the rule may be called more than once
    started = replace(last.started, subscriber=_renamed(last.started.subscriber, newcomer))
    return replace(last, started=started)


def wanted_homes(existing: Subscriber | None, home: str | None) -> Homes:
    """Return what a chat wants to hear that asks for a home, or for all.

    One more where it chose homes already; that one alone where it had all, or nothing.
    """
    if home is None:
        return None
    if existing is None or existing.state not in {State.ACTIVE, State.PENDING}:
        return (home,)
    chosen = existing.wanted or existing.homes
    return (home,) if chosen is None else joined(chosen, (home,))


def without_the_unknown(existing: Subscriber | None) -> Homes:
    """Return what a chat asks for that may not learn that it named no home there is.

    What it has asked for already, or else all: whoever answers sees what that is.
    """
    return existing.wanted if existing is not None and existing.question_is_open else None


def home_buttons(call: Call) -> Buttons:
    """Return a button for each home, where there is something to choose."""
    homes = list(call.rules.around.places)
    if not 1 < len(homes) <= MOST_BUTTONS:
        return ()
    buttons = [(call.title(home)[:64], f"{PRESS}:{short(home)}") for home in homes]
    return [buttons[at : at + BUTTONS_A_ROW] for at in range(0, len(buttons), BUTTONS_A_ROW)]


async def _newcomer(desk: Desk, call: Call) -> Subscriber:
    update = call.update
    return Subscriber(
        chat_id=update.chat_id,
        topic=update.topic,
        username="" if call.in_group else update.username,
        name=update.title if call.in_group else update.name,
        language=await language_of(desk, update, call.subscriber, call.rules),
        created=call.now,
        kind=update.kind,
    )


def _renamed(subscriber: Subscriber | None, newcomer: Subscriber) -> Subscriber | None:
    """Keep a subscription's names as they are now."""
    if subscriber is None:
        return None
    name, username = newcomer.name, newcomer.username
    return replace(subscriber, name=name, username=username, kind=newcomer.kind)


def _named(call: Call, named: str) -> str | None:
    """Find a home by its name, or by the title that people know it by."""
    places = call.rules.around.places
    wanted = named.casefold()
    if wanted in places:
        return wanted
    return next((home for home in places if call.title(home).casefold() == wanted), None)


def _is_stranger(call: Call) -> bool:
    """Tell whether a chat may hear only that it waits: not even which homes there are."""
    who = call.subscriber
    if call.by_admin or call.rules.mode != "approval":
        return False
    return who is None or (who.state not in {State.ACTIVE, State.DENIED} and who.approved == ())


def _turned_away(call: Call) -> bool:
    """Tell whether no answer depends on which homes there are."""
    subscriber, rules = call.subscriber, call.rules
    if call.by_admin or (subscriber is not None and subscriber.state is State.ACTIVE):
        return False
    return rules.mode == "closed" or (subscriber is not None and subscriber.state is State.DENIED)


def _said(call: Call, result: _Result) -> Html:
    words, after = call.words, result.started.subscriber
    if after is not None and after.state is State.DENIED:
        return words.say("start.denied")
    if after is not None and after.question_is_open:
        return words.say("start.waiting")
    heard = after is not None and after.state is State.ACTIVE and after.homes == result.asked
    if after is None or not heard:
        return words.say("start.closed")
    before = result.before
    already = before is not None and before.state is State.ACTIVE and before.homes == after.homes
    key = "start.already_" if already else "start."
    if after.homes is None:
        return words.say(f"{key}all")
    return words.say(f"{key}homes", homes=words.listing([call.title(h) for h in after.homes]))
