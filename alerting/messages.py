"""Owns the texts of events: what one chat has to be told becomes one message, in parts; pure."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from alerting.notice_words import happened, tell_notice
from alerting.outage_words import HomeText, tell_home
from alerting.splitting import plain, split
from alerting.times import Local
from alerting.told import Place, Told, ToldNotice
from alerting.wording import Html, Wording, lines, wording

__all__ = ["Place", "Told", "ToldNotice", "compose", "compose_test", "plain"]


def compose(
    items: Sequence[Told | ToldNotice], language: str, now: int, *, zone: str = "UTC"
) -> tuple[str, ...]:
    """Tell it all in one text: HTML parts, each short enough for one message.

    First how each home stands, the newest first, then the rest by home, then other
    alerts. `zone`: the time zone of alerts that name no home.
    """
    words = wording(language)
    blocks = _homes([item for item in items if isinstance(item, Told)], words, now)
    notices = [item for item in items if isinstance(item, ToldNotice)]
    for notice in sorted(notices, key=happened):
        where = zone if notice.place is None else notice.place.timezone
        blocks.append(tell_notice(notice, Local(words, ZoneInfo(where), now)))
    return split("\n\n".join(blocks))


def compose_test(language: str, now: int, *, zone: str) -> str:
    """Return the text of a test message; its time is that of `zone`."""
    words = wording(language)
    return words.say("test.message", time=Local(words, ZoneInfo(zone), now).time(now))


def _homes(items: Sequence[Told], words: Wording, now: int) -> list[Html]:
    by_home: dict[str, list[Told]] = {}
    for item in items:
        by_home.setdefault(item.outage.home, []).append(item)
    texts = [tell_home(told, words, now) for told in by_home.values()]
    texts.sort(key=lambda text: -text.at)
    if len(texts) == 1:
        return [lines([texts[0].head, *texts[0].body])]
    heads = [lines([text.head for text in texts])] if texts else []
    return heads + [_under_title(text, words) for text in texts if text.body]


def _under_title(text: HomeText, words: Wording) -> Html:
    return lines([words.say("outage.title", title=text.title), *text.body])
