"""Owns how long an outage was, as exactly as that is known, and how that is said; pure."""

from dataclasses import dataclass

from alerting.incidents import Outage
from alerting.times import MINUTE, duration, duration_at_most
from alerting.wording import Html, Wording

WIDE = MINUTE
"""Bounds this far apart (ms) are told."""


@dataclass(frozen=True, slots=True)
class Length:
    """A duration (ms): the estimate, and what it was at least and at most (None: no one knows)."""

    best: int
    least: int
    most: int | None

    @property
    def exact(self) -> bool:
        """Tell whether the estimate says it all."""
        return self.most is not None and self.most - self.least < WIDE and self.least > 0


def length_of(outage: Outage, ended: int) -> Length:
    """Return how long an outage was that ended at `ended` (wall ms)."""
    best = ended - outage.since
    if outage.cause == "inferred":  # nobody saw it: it may have been a moment
        return Length(best, 0, best)
    least = best if outage.end_earliest is None else outage.end_earliest - outage.since
    if outage.start_earliest is None:
        # Without bounds there is nothing to doubt, but for what was off before anyone looked.
        return Length(best, max(1, least), None if outage.cause == "start" else max(1, best))
    return Length(best, max(1, least), max(1, ended - outage.start_earliest))


def say_length(words: Wording, length: Length) -> Html:
    """Say a length with its bounds, where those are wide."""
    best, least = duration(words, length.best), duration(words, length.least)
    if length.most is None:
        return words.say("length.at_least", least=least)
    most = duration_at_most(words, length.most)
    if length.least == 0:
        return words.say("length.at_most", most=most)
    if length.exact or least == most:
        return best
    return words.say("length.range", best=best, least=least, most=most)


def say_length_shortly(words: Wording, length: Length) -> Html:
    """Say a length in few words; the bounds may stand elsewhere."""
    if length.exact or length.most is None or length.least == 0:
        return say_length(words, length)
    best = duration(words, length.best)
    exact = say_length(words, length) == best
    return best if exact else words.say("length.about", best=best)
