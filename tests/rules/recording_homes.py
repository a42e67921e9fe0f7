"""Homes whose past is known to the second, and how their exporters were scraped, for 430 days.

What differs from home to home is what a recording rule must stand: outages and
unknown spells, gaps, a young home, a fresh Prometheus, a renamed instance, an
exporter that takes over from another.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from chassis.instants import from_rfc3339
from tests.history.scrapes import Exporter, Scraped, regularly
from tests.history.story import DAY, HOUR, MINUTE, SECOND, Piece, Seen, Story

END = from_rfc3339("2026-06-30T00:00:00Z")
WEEKS, YEAR = 45, 430  # days of data
OFTEN, SELDOM = 5 * MINUTE, 2 * HOUR
CLOSELY = 32 * HOUR  # before the end, and before the windows that end there: scraped often
ON_NEW_HOST = ("new-host:10910", "power")


@dataclass(frozen=True, slots=True)
class Home:
    """A home, its exporters, and the windows (days) without values at the end.

    `story` is the truth that counts at the end: the journal that tells of it then.
    """

    story: Story
    exporters: tuple[Exporter, ...]
    without: frozenset[int]


def before(days: float) -> int:
    """Return the moment so many days before the end."""
    return END - round(days * DAY)


def off(days: float, lasts: int) -> Piece:
    """Return an outage that began so many days before the end."""
    return Piece(before(days), before(days) + lasts, Seen.OFF)


def blind(days: float, lasts: int) -> Piece:
    """Return an unknown spell that began so many days before the end."""
    return Piece(before(days), before(days) + lasts, Seen.BLIND)


def at_random(seed: int, begins: int, until: int, mean_gap: int) -> tuple[Piece, ...]:
    """Return outages of a minute to hours, unknown spells, and outages that end in such."""
    return tuple(_at_random(Random(seed), begins, until, mean_gap))


def _at_random(random: Random, begins: int, until: int, mean_gap: int) -> Iterator[Piece]:
    at = begins + mean_gap
    while at < until:
        for seen in random.choice(((Seen.OFF,), (Seen.OFF,), (Seen.BLIND,), _HIDDEN, _VEILED)):
            short = seen is Seen.OFF and random.random() < 0.4
            least = 1 if seen is Seen.OFF else 95
            lasts = random.randint(61, 240) if short else 60 * random.randint(6 + least, 500)
            yield Piece(at, at + lasts * SECOND, seen)
            at += lasts * SECOND
        at += round(random.uniform(0.3, 1.7) * mean_gap / SECOND) * SECOND


_HIDDEN = (Seen.OFF, Seen.BLIND, Seen.OFF)
_VEILED = (Seen.OFF, Seen.BLIND)


def moments(story: Story) -> list[int]:
    """Return when a home is scraped: seldom, but often where a rule looks."""
    read = [before(days) for days in (0, 7, 30, 365)]
    often = [at for end in read for at in regularly(end - CLOSELY, end + OFTEN, OFTEN)]
    all_ = {*often, *regularly(story.begins, END, SELDOM)}
    return sorted(at for at in all_ if story.begins <= at <= END)


def exporter(story: Story, *spans: Scraped) -> Exporter:
    """Return the exporter of one home."""
    return Exporter((story,), spans, moments(story))


def plain(
    name: str, days: float, pieces: Iterable[Piece] = (), without: tuple[int, ...] = ()
) -> Home:
    """Return a home that is scraped from its first moment on."""
    return scraped(name, days, pieces, [Scraped(before(days), END)], without)


def scraped(
    name: str,
    days: float,
    pieces: Iterable[Piece],
    spans: Iterable[Scraped],
    without: tuple[int, ...] = (),
) -> Home:
    """Return a home of one exporter that is scraped in these spans alone."""
    story = Story(name, before(days), tuple(pieces))
    return Home(story, (exporter(story, *spans),), frozenset(without))


def in_turn(name: str, *watched: tuple[Story, Scraped]) -> Home:
    """Return a home that exporters with journals of their own tell of; the last one's counts."""
    exporters = tuple(exporter(story, span) for story, span in watched)
    return Home(watched[-1][0], exporters, frozenset())


def homes() -> tuple[Home, ...]:
    """Return all of them."""
    return (*_usual(), *_at_the_edges(), *_badly_scraped(), *_of_two_journals(), *_for_years())


def _usual() -> Iterator[Home]:
    yield plain("steady", WEEKS)
    for seed in (1, 2, 3):
        pieces = at_random(seed, before(WEEKS), END - 8 * HOUR, 30 * HOUR)
        yield plain(f"flaky-{seed}", WEEKS, pieces)
    yield plain("often-unseen", WEEKS, [blind(40, DAY), off(20, HOUR), blind(3, DAY)])
    yield plain("never-seen", WEEKS, [blind(WEEKS, WEEKS * DAY + DAY)], (365,))
    young = at_random(4, before(12), END - 8 * HOUR, 20 * HOUR)
    yield plain("young", 12, young)
    yield plain("two-days-old", 2, [off(1, 3 * HOUR)])


def _at_the_edges() -> Iterator[Home]:
    yield plain("dark-now", WEEKS, [off(3, HOUR), off(2 / 24, 3 * HOUR)])
    yield plain("dark-just-now", WEEKS, [Piece(END - 2 * MINUTE, END + HOUR, Seen.OFF)])
    yield plain("dark-7-days-ago", WEEKS, [off(7.1, 6 * HOUR)])
    yield plain("dark-30-days-ago", WEEKS, [off(30.1, 6 * HOUR)])
    yield plain("unseen-30-days-ago", WEEKS, [blind(30.1, 6 * HOUR)])
    yield plain("dark-then-unseen-now", WEEKS, [off(1, HOUR), blind(1 - 1 / 24, 2 * DAY)])
    yield plain("born-dark", 6, [off(6, HOUR)])


def _badly_scraped() -> Iterator[Home]:
    outages = [off(31, 2 * HOUR), off(30.2, 3 * HOUR), off(13, 7 * HOUR), off(1, HOUR)]
    start = before(WEEKS)
    gap = [Scraped(start, before(31.5)), Scraped(before(29), END)]
    yield scraped("gap-at-the-start", WEEKS, outages, gap, (30,))
    short = [Scraped(start, before(30) - HOUR), Scraped(before(30) + HOUR, END)]
    yield scraped("hour-at-the-start", WEEKS, outages, short, (30,))
    inside = [Scraped(start, before(13.5)), Scraped(before(11), END)]
    yield scraped("gap-inside", WEEKS, outages, inside)
    away = [off(20, HOUR), Piece(before(13.5), before(11), Seen.AWAY), off(5, HOUR)]
    yield scraped("exporter-away", WEEKS, away, inside)
    gone = [Scraped(start, END - HOUR)]
    yield scraped("gone", WEEKS, outages, gone, (7, 30, 365))
    fresh = [Scraped(before(20), END)]
    yield scraped("fresh-prometheus", 400, outages, fresh, (30, 365))
    late = [Scraped(before(2), END)]
    yield scraped("young-before-prometheus", 20, outages[2:], late, (7,))
    renamed = [Scraped(start, before(10)), Scraped(before(10) + 5 * MINUTE, END, *ON_NEW_HOST)]
    yield scraped("renamed", WEEKS, outages, renamed)
    twice = [Scraped(start, END), Scraped(before(32), before(4), *ON_NEW_HOST)]
    yield scraped("scraped-twice", WEEKS, outages, twice)
    both = [Scraped(start, before(29)), Scraped(before(31), END, *ON_NEW_HOST)]
    yield scraped("moved-30-days-ago", WEEKS, outages, both)


def _of_two_journals() -> Iterator[Home]:
    """Two journals of one home cannot be compared: that which is older counts while it is told."""
    many = at_random(5, before(WEEKS), END - 8 * HOUR, 9 * HOUR)
    few = (off(3, HOUR), off(1, 2 * MINUTE))
    name = "lost-journal"
    old, new = Story(name, before(WEEKS), many), Story(name, before(10), few)
    lost = (old, Scraped(old.begins, before(10))), (new, Scraped(new.begins, END))
    yield in_turn(name, *lost)
    name = "new-exporter"  # beside the old one for three days, 30 days ago
    old, new = Story(name, before(WEEKS), many), Story(name, before(31), (off(20, HOUR), *few))
    span = Scraped(new.begins, END, *ON_NEW_HOST)
    yield in_turn(name, (old, Scraped(old.begins, before(28))), (new, span))
    name = "exporter-on-trial"  # a new one beside the old one until three days ago
    new, old = Story(name, before(8), many[-30:]), Story(name, before(WEEKS), many)
    trial = (new, Scraped(new.begins, before(3), *ON_NEW_HOST))
    yield in_turn(name, trial, (old, Scraped(old.begins, END)))
    name = "second-exporter"  # both to this day; the older one sees less
    new, old = Story(name, before(20), many), Story(name, before(WEEKS), few)
    trial = (new, Scraped(new.begins, END, *ON_NEW_HOST))
    yield in_turn(name, trial, (old, Scraped(old.begins, END)))


def _for_years() -> Iterator[Home]:
    start = before(YEAR)
    whole = [Scraped(start, END)]
    for seed in (6, 7):
        pieces = at_random(seed, start, END - 8 * HOUR, 150 * HOUR)
        yield scraped(f"years-{seed}", YEAR, pieces, whole)
    renamed = [Scraped(start, before(200)), Scraped(before(200) + OFTEN, END, *ON_NEW_HOST)]
    pieces = at_random(8, start, END - 8 * HOUR, 150 * HOUR)
    yield scraped("renamed-in-the-year", YEAR, pieces, renamed)
    gap = [Scraped(start, before(366)), Scraped(before(364), END)]
    yield scraped("gap-a-year-ago", YEAR, pieces, gap, (365,))
    dark = [off(365.5, DAY), *at_random(9, before(300), END - 8 * HOUR, 200 * HOUR)]
    yield scraped("dark-a-year-ago", YEAR, dark, whole)
    young = at_random(10, before(200), END - 8 * HOUR, 150 * HOUR)
    yield scraped("half-a-year", 200, young, [Scraped(before(200), END)])
