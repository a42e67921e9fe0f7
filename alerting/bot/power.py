"""Owns /status: how each home stands, as the exporter sees it, or as this relay last heard."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from alerting.bot.desk import Answer, Call, Desk
from alerting.exporter_answers import HomeNow, SeenOutage
from alerting.exporter_api import Away
from alerting.incidents import Outage, OutageState
from alerting.lengths import Length, say_length
from alerting.times import duration
from alerting.wording import Html, lines

DAY = 86_400_000  # ms
RECENTLY = 30 * DAY
DETAILED = 10  # homes; of more the last outages are not asked for
REMEMBERED = 5_000  # outages looked through for the last of each home


async def status(desk: Desk, call: Call) -> Answer:
    """/status: is there power now."""
    if refused := call.refusal():
        return Answer(refused)
    homes = call.heard
    if not homes:
        return Answer(call.words.say("homes.none"))
    found = await desk.exporter.homes(homes)
    known = {} if isinstance(found, Away) else {home.name: home for home in found}
    seen = [home for home in homes if home in known and known[home].since is not None]
    last = await _last_outages(desk, call, seen)
    heard = {} if known.keys() >= set(homes) else await _heard_of(desk)
    said = [call.words.say("status.away")] if isinstance(found, Away) else []
    for home in homes:
        if home in known:
            said.append(lines([*_now(call, home, known[home]), *last.get(home, ())]))
        else:
            said.append(_remembered(call, home, heard.get(home)))
    return Answer(Html("\n\n".join(said)))


def length_of(outage: SeenOutage) -> Length:
    """Return how long an outage was, as exactly as the exporter knows."""
    # A blackout of the watching device itself was seen by nobody: it may have been a moment.
    least = 0 if outage.cause == "inferred" else max(1, outage.least)
    most = None if outage.most is None else max(1, outage.most)
    return Length(outage.length, least, most)


def _now(call: Call, home: str, state: HomeNow) -> Iterator[Html]:
    words, title, local = call.words, call.title(home), call.local(home)
    since = state.since
    if state.state == "off" and state.outage is not None:
        since = state.outage.start
    if since is None:
        key = "status.on_always" if state.state == "on" else "status.unknown_always"
        yield words.say(key, title=title)
        return
    said, lasts = local.time(since), duration(words, call.now - since)
    if state.state == "on":
        yield words.say("status.on", title=title, since=said, duration=lasts)
    elif state.state == "off":
        yield words.say("status.off", title=title, since=said, duration=lasts)
    else:
        yield words.say("status.unknown", title=title, since=said)
        if state.outage is not None:
            yield words.say("outage.lost", time=local.time(state.outage.start))


async def _last_outages(
    desk: Desk, call: Call, homes: Sequence[str]
) -> Mapping[str, Sequence[Html]]:
    """Say of each home which outage was its last that is over; nothing where it is many homes."""
    if len(homes) > DETAILED:
        return {}
    said = await asyncio.gather(*(_last_outage(desk, call, home) for home in homes))
    return dict(zip(homes, said, strict=True))


async def _last_outage(desk: Desk, call: Call, home: str) -> Sequence[Html]:
    found: Sequence[SeenOutage] = ()
    for start in (call.now - RECENTLY, 0):
        answer = await desk.exporter.outages(home, start)
        if isinstance(answer, Away):
            return ()
        found = answer
        if ended := [outage for outage in found if outage.end is not None]:
            return (_last(call, home, ended[-1]),)
    return () if found else (call.words.say("status.last_none"),)


def _last(call: Call, home: str, outage: SeenOutage) -> Html:
    assert outage.end is not None
    span = call.local(home).span(outage.start, outage.end)
    return call.words.say(
        "status.last", span=span, length=say_length(call.words, length_of(outage))
    )


async def _heard_of(desk: Desk) -> Mapping[str, Outage]:
    """Return the newest outage of each home that this relay has heard of."""
    known = await asyncio.to_thread(desk.store.incidents, REMEMBERED)
    newest: dict[str, Outage] = {}
    for outage in known.outages:  # newest first
        if not outage.ahead:
            newest.setdefault(outage.home, outage)
    return newest


def _remembered(call: Call, home: str, outage: Outage | None) -> Html:
    words, title, local = call.words, call.title(home), call.local(home)
    if outage is not None and outage.ended is not None:
        return words.say("status.heard_on", title=title, time=local.time(outage.ended))
    if outage is not None and outage.state is OutageState.OPEN:
        return words.say("status.heard_off", title=title, time=local.time(outage.since))
    return words.say("status.heard_nothing", title=title)
