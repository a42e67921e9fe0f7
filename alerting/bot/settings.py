"""Owns /mute, /unmute, /lang, /homes and /help."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from alerting.bot.desk import Answer, Call, Desk, refusal
from alerting.bot.languages import setting_of
from alerting.muting import parse_mute
from alerting.subscribers import State, Subscriber
from alerting.telling import zone_of
from alerting.wording import LANGUAGES, Html, lines, wording


async def mute(desk: Desk, call: Call) -> Answer:
    """/mute HH:MM-HH:MM: messages without a sound at those hours."""
    words, who = call.words, call.subscriber
    if (refused := call.refusal()) or who is None:
        return Answer(refused or words.say("sorry.not_subscribed"))
    span = parse_mute(" ".join(call.args))
    if span is None:
        return Answer(words.say("mute.usage"))
    await _change(desk, call, lambda who: replace(who, mute=span))
    start, _, end = span.partition("-")
    zone = zone_of(who, call.rules.around)
    return Answer(words.say("mute.done", start=start, end=end, zone=zone))


async def unmute(desk: Desk, call: Call) -> Answer:
    """/unmute: messages with sound again."""
    words, who = call.words, call.subscriber
    if (refused := call.refusal()) or who is None:
        return Answer(refused or words.say("sorry.not_subscribed"))
    if not who.mute:
        return Answer(words.say("mute.not_muted"))
    await _change(desk, call, lambda who: replace(who, mute=""))
    return Answer(words.say("mute.unmuted"))


async def lang(desk: Desk, call: Call) -> Answer:
    """/lang uk|en: the language of all that is said to the chat; before it subscribes, too."""
    language = call.args[0].lower() if len(call.args) == 1 else ""
    if language not in LANGUAGES:
        return Answer(call.words.say("lang.usage"))
    if call.subscriber is None:
        await asyncio.to_thread(desk.store.set_setting, setting_of(call.update), language)
    else:
        await _change(desk, call, lambda who: replace(who, language=language))
    return Answer(wording(language).say("lang.done"))


async def homes(_: Desk, call: Call) -> Answer:
    """/homes: what is watched here, and which of it the chat hears."""
    words, who, places = call.words, call.subscriber, call.rules.around.places
    # Where anybody may subscribe, anybody may see to what.
    closed = call.rules.mode != "open" and not call.by_admin
    denied = who is not None and who.state is State.DENIED
    stays_approved = who is not None and who.approved != ()
    if (closed and not stays_approved) or denied:
        refused = refusal(who, call.rules.mode, words)
        if refused is not None:
            return Answer(refused)
    if not places:
        return Answer(words.say("homes.none"))
    heard = set(call.heard)
    told = [
        words.say(
            "homes.subscribed" if home in heard else "homes.line",
            title=call.title(home),
            name=home,
        )
        for home in places
    ]
    return Answer(lines([words.say("homes.title"), *told]))


async def help_(_: Desk, call: Call) -> Answer:
    """/help: the commands, as far as they are the chat's."""
    words = call.words
    active = call.subscriber is not None and call.subscriber.state is State.ACTIVE
    said = [words.say("help.title"), words.say("help.subscriber" if active else "help.visitor")]
    if call.in_group:
        said.append(words.say("help.group"))
    if call.by_admin:
        said.append(words.say("help.admin"))
    return Answer(Html("\n\n".join(said)))


async def _change(desk: Desk, call: Call, how: Callable[[Subscriber], Subscriber]) -> None:
    """Change the chat's subscription, if it still has one."""

    def rule(existing: Subscriber | None) -> Subscriber | None:
        return None if existing is None else how(existing)

    update = call.update
    await asyncio.to_thread(desk.store.change, update.chat_id, update.topic, rule, call.now)
