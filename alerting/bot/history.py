"""Owns /history: the outages of the last days, and their picture where pictures can be drawn."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

from alerting import charts
from alerting.bot.desk import Answer, Call, Desk
from alerting.bot.power import DAY, length_of
from alerting.exporter_answers import HomeNow, SeenOutage
from alerting.exporter_api import Away
from alerting.lengths import say_length
from alerting.times import duration
from alerting.wording import Html, lines
from chassis.instants import MS_PER_SECOND

log = logging.getLogger(__name__)

MOST_DAYS, USUAL_DAYS = 90, 7
MOST_PICTURES = 3  # homes


async def history(
    desk: Desk, call: Call, can_draw: Callable[[], bool] = charts.available
) -> Answer:
    """/history [days]: what happened, day by day, the newest first."""
    if refused := call.refusal():
        return Answer(refused)
    days = days_of(call.args, USUAL_DAYS, MOST_DAYS)
    if days is None:
        return Answer(call.words.say("history.usage", most=MOST_DAYS))
    homes, start = call.heard, call.now - days * DAY
    if not homes:
        return Answer(call.words.say("homes.none"))
    found = await asyncio.gather(*(desk.exporter.outages(home, start) for home in homes))
    told = {
        home: outages
        for home, outages in zip(homes, found, strict=True)
        if not isinstance(outages, Away)
    }
    if not told:
        return Answer(call.words.say("sorry.exporter_away"))
    text = Html("\n\n".join(lines(list(_told(call, *each, days))) for each in told.items()))
    if not can_draw():
        return Answer(text)
    return Answer(text, then=partial(_show, desk, call, list(told)[:MOST_PICTURES], days))


def days_of(args: Sequence[str], usual: int, most: int) -> int | None:
    """Read a number of days; None where it is none, or too many."""
    if not args:
        return usual
    number = args[0]
    if len(args) > 1 or not (number.isascii() and number.isdigit()) or len(number) > len(str(most)):
        return None
    return int(number) if 1 <= int(number) <= most else None


def _told(call: Call, home: str, outages: Sequence[SeenOutage], days: int) -> Iterator[Html]:
    words, title = call.words, call.title(home)
    last = words.count("count.days", days)
    if not outages:
        yield words.say("history.none", title=title, days=last)
        return
    yield words.say("history.title", title=title, days=last)
    local = call.local(home)
    newest_first = sorted(outages, key=lambda outage: -outage.start)
    for day, found in groupby(newest_first, key=lambda outage: local.day(outage.start)):
        of_day = list(found)[::-1]
        total = duration(words, sum(outage.length for outage in of_day))
        count = words.count("count.outages", len(of_day))
        yield words.say("history.day", day=day, outages=count, total=total)
        yield from (_line(call, home, outage) for outage in of_day)


def _line(call: Call, home: str, outage: SeenOutage) -> Html:
    words, local = call.words, call.local(home)
    if outage.end is None:
        lasts = duration(words, call.now - outage.start)
        return words.say("history.running", time=local.time(outage.start), duration=lasts)
    span = local.span(outage.start, outage.end)
    return words.say("history.outage", span=span, length=say_length(words, length_of(outage)))


async def _show(desk: Desk, call: Call, homes: Sequence[str], days: int) -> None:
    """Send the pictures; one that cannot be had is left out, the text has said it all."""
    now = await desk.exporter.homes(homes)
    states = {} if isinstance(now, Away) else {home.name: home for home in now}
    for home in homes:
        png = await _picture(desk, call, home, states.get(home), days)
        if png is not None:
            last = call.words.count("count.days", days)
            caption = call.words.say("history.title", title=call.title(home), days=last)
            await desk.voice.show(call.room, png, caption)


async def _picture(
    desk: Desk, call: Call, home: str, state: HomeNow | None, days: int
) -> bytes | None:
    start, zone = call.now - days * DAY, ZoneInfo(call.rules.around.place(home).timezone)
    rows = await desk.exporter.transitions(home, start)
    if isinstance(rows, Away) or state is None:
        return None
    always = state.state if state.since is not None else None
    spells = charts.spells(rows, always, start, call.now)
    drawn = charts.days(spells, start, call.now, zone)
    local = call.local(home)
    labels = [str(local.day(_noon(day.day, zone))) for day in drawn]
    try:
        return await asyncio.to_thread(charts.draw, drawn, labels)
    except ImportError as fault:
        log.warning("no picture can be drawn: %s", fault)
        return None


def _noon(day: date, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, time(12), zone).timestamp()) * MS_PER_SECOND
