"""Owns the known truth of a made-up home: when power was off, and when nobody could see; pure.

Nothing in here knows the exporter: what it adds up is what the exporter, and the
rules behind it, are held against. Times are wall milliseconds since the epoch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Seen(Enum):
    """What a prober finds: power, none, that it cannot tell, or nothing, as it does not run."""

    ON = "on"
    OFF = "off"
    BLIND = "blind"
    AWAY = "away"


KNOWN = (Seen.ON, Seen.OFF)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch [start, end) of one kind."""

    start: int
    end: int
    seen: Seen

    def overlap(self, start: int, end: int) -> int:
        """Return how much of [start, end) lies within (ms)."""
        return max(0, min(end, self.end) - max(start, self.start))


@dataclass(frozen=True, slots=True)
class Story:
    """One home from `begins` on; between its pieces, which follow each other, power is on."""

    home: str
    begins: int
    pieces: tuple[Piece, ...] = ()
    sustained_after: int = 5 * MINUTE

    def whole(self, until: int) -> Iterator[Piece]:
        """Yield all pieces up to a moment, those with power included."""
        at = self.begins
        for piece in self.pieces:
            yield Piece(at, piece.start, Seen.ON)
            yield piece
            at = piece.end
        yield Piece(at, until, Seen.ON)

    def cut(self, until: int) -> tuple[Piece, ...]:
        """Return what of the pieces came to pass before a moment."""
        pieces = (Piece(p.start, min(p.end, until), p.seen) for p in self.whole(until))
        return tuple(piece for piece in pieces if piece.start < piece.end)

    def first_known(self) -> int | None:
        """Return when it was first known whether power is on; None where it never was."""
        known = (p.start for p in self.whole(self.begins + 10_000 * DAY) if _lasts_known(p))
        return next(known, None)


def _lasts_known(piece: Piece) -> bool:
    return piece.seen in KNOWN and piece.start < piece.end


def outages(story: Story, until: int) -> list[Piece]:
    """Return the outages as known at a moment: each goes on until power is seen again."""
    found: list[Piece] = []
    running = False
    for piece in story.cut(until):
        if piece.seen is Seen.OFF and not running:
            found.append(piece)
            running = True
        elif piece.seen is Seen.ON:
            running = False
        elif running:
            found[-1] = Piece(found[-1].start, piece.end, Seen.OFF)
    return found


@dataclass(frozen=True, slots=True)
class Truth:
    """What was true of one home in a window; seconds, and outages by when they count.

    `outage_seconds` are of all outages, `sustained_seconds` of those longer than
    the threshold. An outage counts as sustained when it passes the threshold, as
    momentary when it ends.
    """

    outage_seconds: float
    sustained_seconds: float
    observed_seconds: float
    unknown_seconds: float
    momentary: int
    sustained: int


def truth(story: Story, start: int, end: int) -> Truth:
    """Add up what was true in [start, end); the time before the first observation is outside."""
    start = max(start, story.first_known() or end)
    dark = outages(story, end)
    long = [outage for outage in dark if _sustained(outage, story)]
    outage = sum(piece.overlap(start, end) for piece in dark)
    on = sum(p.overlap(start, end) for p in story.cut(end) if p.seen is Seen.ON)
    return Truth(
        outage_seconds=outage / SECOND,
        sustained_seconds=sum(piece.overlap(start, end) for piece in long) / SECOND,
        observed_seconds=(on + outage) / SECOND,
        unknown_seconds=(max(0, end - start) - on - outage) / SECOND,
        momentary=sum(1 for at in counted(story, end, sustained=False) if start < at <= end),
        sustained=sum(1 for at in counted(story, end, sustained=True) if start < at <= end),
    )


def counted(story: Story, until: int, *, sustained: bool) -> list[int]:
    """Return when each outage of a class counted, up to a moment."""
    dark = outages(story, until)
    if sustained:
        return [o.start + story.sustained_after for o in dark if _sustained(o, story)]
    return [o.end for o in dark if o.end < until and not _sustained(o, story)]


def _sustained(outage: Piece, story: Story) -> bool:
    return outage.end - outage.start > story.sustained_after
