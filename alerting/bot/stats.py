"""Owns /stats: how often and how long power was away, per home and over all of them (IEEE 1366)."""

import asyncio
from collections.abc import Iterator, Sequence

from alerting.bot.desk import Answer, Call, Desk
from alerting.bot.history import days_of
from alerting.bot.power import DAY
from alerting.exporter_answers import Reliability
from alerting.exporter_api import Away
from alerting.lengths import WIDE
from alerting.times import MINUTE, decimal, duration, duration_at_most, percent, percent_at_most
from alerting.wording import Html, Wording, lines

MOST_DAYS, USUAL_DAYS = 365, 30
SUSTAINED_AFTER = 5 * MINUTE  # the config's default, for an exporter that does not tell its own
_TOLD = 0.0005  # a part of the time that is worth telling


async def stats(desk: Desk, call: Call) -> Answer:
    """/stats [days]: the indices of each home that the chat hears."""
    if refused := call.refusal():
        return Answer(refused)
    days = days_of(call.args, USUAL_DAYS, MOST_DAYS)
    if days is None:
        return Answer(call.words.say("stats.usage", most=MOST_DAYS))
    homes, start = call.heard, call.now - days * DAY
    if not homes:
        return Answer(call.words.say("homes.none"))
    now = await desk.exporter.homes(homes)
    if isinstance(now, Away):
        return Answer(call.words.say("sorry.exporter_away"))
    after = {home.name: home.sustained_after or SUSTAINED_AFTER for home in now}
    homes = [home for home in homes if home in after]
    found = await asyncio.gather(*(desk.exporter.reliability(home, start) for home in homes))
    known = [one for one in found if not isinstance(one, Away)]
    if not known:
        return Answer(call.words.say("sorry.exporter_away"))
    last = call.words.count("count.days", days)
    blocks = [
        lines(list(_of_home(call.words, call.title(home), last, one, after[home])))
        for home, one in zip(homes, found, strict=True)
        if not isinstance(one, Away)
    ]
    watched = [one for one in known if one.watched]
    if len(watched) > 1:
        blocks.append(lines(list(_of_all(call.words, last, watched))))
    return Answer(Html("\n\n".join(blocks)))


def _of_home(
    words: Wording, title: str, last: Html, one: Reliability, after: int
) -> Iterator[Html]:
    if not one.watched:
        yield words.say("stats.no_data", title=title, days=last)
        return
    yield words.say("stats.title", title=title, days=last)
    yield from _outages(words, one, after)
    if one.asai is not None:
        yield _availability(words, one.asai, one.asai_min, one.asai_max)
    if one.coverage is not None and one.coverage < 1 - _TOLD:
        yield words.say("stats.coverage", coverage=percent(words, one.coverage))


def _outages(words: Wording, one: Reliability, after: int) -> Iterator[Html]:
    counted = one.outages
    if not one.outage and not counted.sustained + counted.momentary:
        yield words.say("stats.none")
        return
    yield words.say(
        "stats.outages",
        sustained=counted.sustained,
        momentary=counted.momentary,
        threshold=duration(words, after),
    )
    total = duration(words, one.outage)
    if one.outage_most - one.outage_least >= WIDE:
        least = duration(words, one.outage_least)
        most = duration_at_most(words, one.outage_most)
        yield words.say("stats.total_range", total=total, least=least, most=most)
    else:
        yield words.say("stats.total", total=total)
    yield words.say("stats.longest", longest=duration(words, one.longest))
    if one.caidi_minutes is not None and counted.sustained > 1:
        yield words.say("stats.mean", mean=duration(words, round(one.caidi_minutes * MINUTE)))


def _availability(words: Wording, best: float, least: float | None, most: float | None) -> Html:
    said = percent(words, best)
    if least is None or most is None or most - least < _TOLD:
        return words.say("stats.availability", availability=said)
    return words.say(
        "stats.availability_range",
        availability=said,
        least=percent(words, least),
        most=percent_at_most(words, most),
    )


def _of_all(words: Wording, last: Html, homes: Sequence[Reliability]) -> Iterator[Html]:
    """Tell the indices of all homes as if each were one customer."""
    count = len(homes)
    saidi = sum(one.saidi_minutes for one in homes) / count
    saifi = sum(one.saifi for one in homes) / count
    on, off = sum(one.on for one in homes), sum(one.outage for one in homes)
    yield words.say("stats.all_title", days=last)
    yield words.say("stats.all_saidi", duration=duration(words, round(saidi * MINUTE)))
    yield words.say("stats.all_saifi", number=decimal(words, saifi))
    if saifi:
        mean = duration(words, round(saidi / saifi * MINUTE))
        yield words.say("stats.all_caidi", duration=mean)
    maifi = sum(one.maifi for one in homes) / count
    yield words.say("stats.all_maifi", number=decimal(words, maifi))
    if on + off:
        yield words.say("stats.all_asai", availability=percent(words, on / (on + off)))
