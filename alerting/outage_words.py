"""Owns how outages of one home are told: a first line with what holds now, lines with the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from alerting.incidents import Outage, OutageState
from alerting.lengths import WIDE, length_of, say_length, say_length_shortly
from alerting.times import Local, duration
from alerting.told import Place, Told
from alerting.wording import Html, Wording

SUMMED = 3
"""So many outages told together are also told as a sum."""


@dataclass(frozen=True, slots=True)
class HomeText:
    """What there is to tell of one home; `at` is when the newest of it happened (wall ms)."""

    title: str
    at: int
    head: Html
    body: tuple[Html, ...]


def tell_home(told: Sequence[Told], words: Wording, now: int) -> HomeText:
    """Tell the outages of one home: one with all that is known of it, several as a list."""
    told = sorted(told, key=lambda item: item.outage.since)
    newest = _newest(told)
    place = replace(newest.place, title=" ".join(newest.place.title.split()))
    telling = _Telling(words, place, Local(words, ZoneInfo(place.timezone), now))
    if len(told) == 1:
        body = tuple(telling.details(newest))
        return HomeText(place.title, telling.at(newest), telling.head(newest), body)
    items = [*telling.total(told), *(telling.item(item) for item in told)]
    if newest.running is not None and newest.running.since > told[-1].outage.since:
        items.append(telling.item(Told(place, newest.running, began=False, ended=False)))
    return HomeText(place.title, *telling.present(newest), tuple(items))


def is_open(outage: Outage) -> bool:
    """Tell whether it runs, as far as is known."""
    return outage.ended is None and outage.state is OutageState.OPEN


def _newest(told: Sequence[Told]) -> Told:
    """Return what tells how the home stands: the newest, but nothing dated into the future."""
    return max(told, key=lambda item: (not item.outage.ahead, item.outage.since))


@dataclass(frozen=True, slots=True)
class _Telling:
    words: Wording
    place: Place
    local: Local

    def at(self, told: Told) -> int:
        """Return when the newest of what is told happened (wall ms)."""
        return told.outage.since if told.outage.ended is None else told.outage.ended

    def head(self, told: Told) -> Html:
        """Say one outage in a line: the time and the fact first."""
        outage, running = told.outage, told.running
        if is_open(outage):
            if (on_for := _on_for(told)) is None:
                return self._head("out", outage.since)
            return self._head("out_after", outage.since, duration=duration(self.words, on_for))
        key = "lost" if outage.ended is None else "back"
        if running is not None:
            since = self.local.time(running.since)
            return self._head(f"{key}_and_out", self.at(told), since=since)
        if outage.ended is None or told.began:
            return self._head(key, self.at(told))
        length = say_length_shortly(self.words, length_of(outage, outage.ended))
        return self._head("back_after", outage.ended, length=length)

    def present(self, newest: Told) -> tuple[int, Html]:
        """Say how the home stands after all that is told, and since when."""
        outage = newest.running or newest.outage
        if is_open(outage):
            return outage.since, self._head("out", outage.since)
        if outage.ended is None:
            return outage.since, self._head("lost", outage.since)
        return outage.ended, self._head("back", outage.ended)

    def details(self, told: Told) -> Iterator[Html]:
        """Say what the first line left out."""
        outage = told.outage
        if outage.ended is not None:
            yield self._past(told, outage.ended)
        elif told.running is not None:
            yield self.words.say("outage.end_lost")
        yield from self._bounds(outage)
        if outage.cause == "inferred":
            yield self.words.say("outage.inferred")
        if outage.cause == "start":
            yield self.words.say("outage.started")
        if outage.ahead:
            yield self.words.say("outage.ahead")

    def item(self, told: Told) -> Html:
        """Say one outage of several."""
        return self.words.say("outage.item", line=self._line(told))

    def total(self, told: Sequence[Told]) -> Iterator[Html]:
        """Sum up several outages, where all ended and none is uncertain."""
        ended = ((item.outage, item.outage.ended) for item in told)
        lengths = [length_of(outage, end) for outage, end in ended if end is not None]
        if len(lengths) == len(told) >= SUMMED and all(length.exact for length in lengths):
            outages = self.words.count("count.outages", len(told))
            total = duration(self.words, sum(length.best for length in lengths))
            yield self.words.say("outage.total", outages=outages, duration=total)

    def _line(self, told: Told) -> Html:
        outage = told.outage
        if outage.ended is not None:
            return self._was_off(outage, outage.ended)
        time = self.local.time(outage.since)
        if not is_open(outage):
            return self.words.say("outage.lost", time=time)
        if (on_for := _on_for(told)) is None:
            return self.words.say("outage.is_off", time=time)
        on = duration(self.words, on_for)
        return self.words.say("outage.is_off_after", time=time, duration=on)

    def _past(self, told: Told, ended: int) -> Html:
        outage = told.outage
        if told.running is not None:
            since = self.local.time(told.running.since)
            return self._was_off(outage, ended, since)
        length = length_of(outage, ended)
        if told.began or say_length(self.words, length) != say_length_shortly(self.words, length):
            return self._was_off(outage, ended)
        return self.words.say("outage.span", span=self.local.span(outage.since, ended))

    def _was_off(self, outage: Outage, ended: int, again: Html | None = None) -> Html:
        span = self.local.span(outage.since, ended)
        length = say_length(self.words, length_of(outage, ended))
        if again is None:
            return self.words.say("outage.was_off", span=span, length=length)
        return self.words.say("outage.was_off_again", span=span, length=length, since=again)

    def _bounds(self, outage: Outage) -> Iterator[Html]:
        for key, earliest, latest in (
            ("went", outage.start_earliest, outage.since),
            ("came", outage.end_earliest, outage.ended),
        ):
            if earliest is not None and latest is not None and latest - earliest >= WIDE:
                first, last = self.local.time(earliest), self.local.time(latest)
                yield self.words.say(f"outage.{key}_between", earliest=first, latest=last)

    def _head(self, key: str, wall: int, **values: Html) -> Html:
        time = self.local.time(wall)
        return self.words.say(f"head.{key}", time=time, title=self.place.title, **values)


def _on_for(told: Told) -> int | None:
    """Return how long power had been on before an outage (ms), None where that is not known."""
    since = told.outage.since
    return None if told.on_since is None or told.on_since >= since else since - told.on_since
