"""Owns how the relay says times, durations and parts to people; pure.

Times are wall milliseconds since the epoch, durations milliseconds.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from math import ceil, floor

from alerting.wording import Html, Wording

SECOND, MINUTE = 1_000, 60_000
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def duration(words: Wording, ms: int) -> Html:
    """Say a duration in its two largest units, rounded down."""
    left = max(0, ms // 1000)
    for place, (unit, size) in enumerate(_UNITS):
        if left >= size:
            said = words.say(f"duration.{unit}", n=left // size)
            smaller, smaller_size = _UNITS[min(place + 1, len(_UNITS) - 1)]
            rest = left % size // smaller_size
            return Html(f"{said} {words.say(f'duration.{smaller}', n=rest)}") if rest else said
    return words.say("duration.moment")


def duration_at_most(words: Wording, ms: int) -> Html:
    """Say an upper bound: as `duration`, but rounded up to what that shows.

    A change that nobody saw is dated 1 ms after the last evidence: that is no second more.
    """
    seconds = max(1, ceil((ms - 1) / 1000))
    shown = 3_600 if seconds >= 86_400 else 60 if seconds >= 3_600 else 1  # noqa: PLR2004
    return duration(words, ceil(seconds / shown) * shown * 1000)


def percent(words: Wording, part: float) -> Html:
    """Say a part rounded down to 0.01 %, so that 100 % is never said of less."""
    return _percent(words, floor(_ten_thousandths(part)))


def percent_at_most(words: Wording, part: float) -> Html:
    """Say an upper bound of a part."""
    return _percent(words, ceil(_ten_thousandths(part)))


def decimal(words: Wording, value: float) -> Html:
    """Say a number with at most two decimals, in the language's way."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return Html(text.replace(".", words.say("number.decimal")))


def _ten_thousandths(part: float) -> float:
    return round(part * 10_000, 6)  # 0.9999 * 10000 is not quite 9999


def _percent(words: Wording, ten_thousandths: int) -> Html:
    return words.say("number.percent", number=decimal(words, ten_thousandths / 100))


@dataclass(frozen=True, slots=True)
class Local:
    """How a language tells times in a zone, at the moment `now`."""

    words: Wording
    zone: tzinfo
    now: int

    def time(self, wall: int) -> Html:
        """Say when something was: the time, and the date unless that is today's."""
        return self._dated(wall, self._clock(wall))

    def day(self, wall: int) -> Html:
        """Say a date, or that it is today."""
        if self._moment(wall).date() == self._moment(self.now).date():
            return self.words.say("time.today")
        return self._date(wall)

    def span(self, start: int, end: int) -> Html:
        """Say from when to when: "14:02-17:22", with seconds within one minute."""
        first, last = self._moment(start), self._moment(end)
        seconds = start // MINUTE == end // MINUTE
        clocks = self._clock(start, seconds=seconds), self._clock(end, seconds=seconds)
        if first.date() == last.date():
            span = self.words.say("time.span", start=clocks[0], end=clocks[1])
            return self._dated(start, span)
        # Both dates, today's too: one would leave open which day the other time is of.
        dated = [
            self.words.say("time.dated", date=self._date(wall), clock=clock)
            for wall, clock in zip((start, end), clocks, strict=True)
        ]
        return self.words.say("time.days", start=dated[0], end=dated[1])

    def _moment(self, wall: int) -> datetime:
        return (_EPOCH + timedelta(milliseconds=wall)).astimezone(self.zone)

    def _dated(self, wall: int, clock: Html) -> Html:
        if self._moment(wall).date() == self._moment(self.now).date():
            return clock
        return self.words.say("time.dated", date=self._date(wall), clock=clock)

    def _date(self, wall: int) -> Html:
        then, today = self._moment(wall), self._moment(self.now)
        month = self.words.say(f"month.{then.month}")
        if then.year == today.year:
            return self.words.say("time.date", day=then.day, month=month)
        return self.words.say("time.year", day=then.day, month=month, year=then.year)

    def _clock(self, wall: int, *, seconds: bool = False) -> Html:
        then = self._moment(wall)
        clock = f"{then:%H:%M:%S}" if seconds else f"{then:%H:%M}"
        if then.replace(fold=0).utcoffset() == then.replace(fold=1).utcoffset():
            return Html(clock)
        return Html(f"{clock} {_zone_name(then)}")  # this hour comes twice tonight


def _zone_name(moment: datetime) -> str:
    """Return what tells an hour from the other one that the same clock shows."""
    name = moment.tzname() or "UTC"
    if name == moment.replace(fold=1 - moment.fold).tzname():
        name = moment.isoformat()[-6:]  # Moscow's clocks were MSK before and after 2014's change
    return f"UTC{name}" if name[0] in "+-" else name
