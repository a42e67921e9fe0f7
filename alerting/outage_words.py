"""Owns how outages of one home are told: a first line with what holds now, lines with the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from zoneinfo import ZoneInfo

from alerting.incidents import AHEAD, Outage, OutageState
from alerting.lengths import (
    Length,
    end_is_wide,
    length_of,
    on_before,
    say_length,
    say_length_shortly,
    start_is_unknown,
    start_is_wide,
)
from alerting.times import Local
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
    listed = _with_running(told, newest)
    lines = [telling.item(item) for item in listed]
    present = telling.present(newest, told[-1].outage)
    return HomeText(place.title, *present, (*telling.total(listed), *lines))


def is_open(outage: Outage) -> bool:
    """Tell whether it runs, as far as is known."""
    return outage.ended is None and outage.state is OutageState.OPEN


def _newest(told: Sequence[Told]) -> Told:
    """Return what tells how the home stands: the newest, but nothing dated into the future."""
    return max(told, key=lambda item: (not item.outage.ahead, item.outage.since))


def _with_running(told: Sequence[Told], newest: Told) -> Sequence[Told]:
    """Add the outage that runs, where its own events are not told."""
    running = newest.running
    if running is None or any(item.outage.since == running.since for item in told):
        return told
    added = Told(newest.place, running, began=False, ended=False)
    return sorted([*told, added], key=lambda item: item.outage.since)


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
            if (on := on_before(outage, told.on_since, told.before)) is None:
                return self._out(outage)
            return self._out(outage, length=say_length(self.words, on))
        if running is not None:
            return self._and_out(outage, running)
        if outage.ended is None:
            return self._head("lost", self._since(outage))
        ended = self.local.time(outage.ended)
        if told.began:
            return self._head("back", ended)
        length = say_length_shortly(self.words, length_of(outage, outage.ended))
        return self._head("back_after", ended, length=length)

    def present(self, newest: Told, last: Outage) -> tuple[int, Html]:
        """Say how the home stands after all that is told, and since when.

        `last` has the latest `since`; one ahead of the clock may have begun before or after.
        """
        outage = newest.running or newest.outage
        if is_open(outage):
            return outage.since, self._out(outage)
        if outage.ended is None:
            return outage.since, self._head("lost", self._since(outage))
        key = "unclear" if is_open(last) else "back"
        return outage.ended, self._head(key, self.local.time(outage.ended))

    def details(self, told: Told) -> Iterator[Html]:
        """Say what the first line left out."""
        outage = told.outage
        if outage.ended is not None:
            yield self._past(told, outage.ended)
        elif told.running is not None:
            if not start_is_unknown(told.running):
                yield self.words.say("outage.end_lost")
            else:
                yield self.words.say("outage.end_unsure")
        yield from self._bounds(outage)
        if outage.cause == "inferred":
            yield self.words.say("outage.inferred")
        if outage.cause == "start":
            yield self.words.say("outage.started")
        yield from self._clocks(outage)

    def item(self, told: Told) -> Html:
        """Say one outage of several."""
        line = [self._line(told), *self._clocks(told.outage)]
        return self.words.say("outage.item", line=Html(" ".join(line)))

    def total(self, listed: Sequence[Told]) -> Iterator[Html]:
        """Sum up several outages, where all ended, none is uncertain and none overlap."""
        outages = [item.outage for item in listed]
        lengths = [length_of(each, each.ended) for each in outages if each.ended is not None]
        if not len(lengths) == len(outages) >= SUMMED:
            return
        exact = all(length.exact for length in lengths)
        apart = all((one.ended or 0) <= other.since for one, other in pairwise(outages))
        if exact and apart and not any(self._is_misdated(each) for each in outages):
            count = self.words.count("count.outages", len(outages))
            length = say_length_shortly(self.words, _sum(lengths))
            yield self.words.say("outage.total", outages=count, length=length)

    def _line(self, told: Told) -> Html:
        outage = told.outage
        if outage.ended is not None:
            return self._was_off(outage, outage.ended)
        since = self._since(outage)
        if not is_open(outage):
            return self.words.say("outage.lost", time=since)
        if outage.ahead:  # not that it still is off: others of the list may be newer
            return self.words.say("outage.went", time=since)
        if (on := on_before(outage, told.on_since, told.before)) is None:
            return self.words.say("outage.is_off", time=since)
        length = say_length(self.words, on)
        return self.words.say("outage.is_off_after", time=since, length=length)

    def _past(self, told: Told, ended: int) -> Html:
        outage = told.outage
        if told.running is not None:
            return self._was_off(outage, ended, self._since(told.running))
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
        # What was inferred began later than `since`; what was off at the start, nobody knows when.
        started = start_is_wide(outage) and outage.cause not in {"inferred", "start"}
        bounds = (
            ("went", outage.start_earliest, outage.since, started),
            ("came", outage.end_earliest, outage.ended, end_is_wide(outage)),
        )
        for key, earliest, latest, wide in bounds:
            if wide and earliest is not None and latest is not None:
                first, last = self.local.time(earliest), self.local.time(latest)
                yield self.words.say(f"outage.{key}_between", earliest=first, latest=last)

    def _clocks(self, outage: Outage) -> Iterator[Html]:
        """Say that a time cannot be right, and whether it still is to come."""
        last = outage.since if outage.ended is None else outage.ended
        if self._is_misdated(outage):
            yield self.words.say("outage.ahead" if last > self.local.now else "outage.was_ahead")

    def _is_misdated(self, outage: Outage) -> bool:
        return outage.ahead or (outage.ended or 0) > self.local.now + AHEAD

    def _since(self, outage: Outage) -> Html:
        """Say since when it was off, and to which side that is open."""
        if outage.cause == "inferred":  # it was on until then, and the watching ended there
            earliest = outage.start_earliest if start_is_wide(outage) else None
            time = self.local.time(outage.since if earliest is None else earliest)
            return self.words.say("time.later", time=time)
        time = self.local.time(outage.since)
        if start_is_unknown(outage) or start_is_wide(outage):
            return self.words.say("time.earlier", time=time)
        return time

    def _out(self, outage: Outage, **values: Html) -> Html:
        """Say that power is out, and when that was known."""
        inferred = outage.cause == "inferred"
        time = self._since(outage) if inferred else self.local.time(outage.since)
        return self._head("out_after" if values else "out", time, **values)

    def _and_out(self, outage: Outage, running: Outage) -> Html:
        since = self._since(running)
        if outage.ended is not None:
            return self._head("back_and_out", self.local.time(outage.ended), since=since)
        # One that was off when a watching began may be this one: nobody saw power in between.
        key = "lost_and_off" if start_is_unknown(running) else "lost_and_out"
        return self._head(key, self._since(outage), since=since)

    def _head(self, key: str, time: Html, **values: Html) -> Html:
        return self.words.say(f"head.{key}", time=time, title=self.place.title, **values)


def _sum(lengths: Sequence[Length]) -> Length:
    return Length(
        sum(length.best for length in lengths),
        sum(length.least for length in lengths),
        sum(length.most or length.best for length in lengths),
    )
