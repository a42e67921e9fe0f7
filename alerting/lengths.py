"""Owns how long an outage was, as exactly as that is known, and how that is said; pure."""

from dataclasses import dataclass

from alerting.incidents import Outage
from alerting.times import MINUTE, SECOND, duration, duration_at_most
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
    longest = best if outage.start_earliest is None else ended - outage.start_earliest
    if outage.cause == "inferred":  # nobody saw it: it may have been a moment
        return Length(best, 0, longest)
    least = best if outage.end_earliest is None else outage.end_earliest - outage.since
    # Without bounds there is nothing to doubt, but for what may have been off before anyone looked.
    return Length(best, max(1, least), None if start_is_unknown(outage) else max(1, longest))


def start_is_unknown(outage: Outage) -> bool:
    """Tell whether who watches never saw power before it; a cause comes with the bound, if any."""
    return outage.cause == "start" or (outage.cause == "measured" and outage.start_earliest is None)


def start_is_wide(outage: Outage) -> bool:
    """Tell whether it may have begun so long before `since` that people are told."""
    return outage.start_earliest is not None and outage.since - outage.start_earliest >= WIDE


def end_is_wide(outage: Outage) -> bool:
    """Tell whether it may have ended so long before `ended` that people are told."""
    if outage.ended is None or outage.end_earliest is None:
        return False
    return outage.ended - outage.end_earliest >= WIDE


def on_before(outage: Outage, on_since: int | None, last: Outage | None) -> Length | None:
    """Return how long power had been on before an outage, None where that is not known.

    It had come back at `on_since` (wall ms) at the latest; `last`: the outage that ended
    then, where it is known. What is not exact is only known at least.
    """
    by_wrong_clock = outage.ahead or (last is not None and last.ahead)
    if on_since is None or by_wrong_clock or start_is_unknown(outage):
        return None
    best = outage.since - on_since
    doubtful = outage.cause == "inferred" or start_is_wide(outage)
    if last is not None:
        doubtful = doubtful or last.cause == "inferred" or end_is_wide(last)
    # A change that nobody saw is dated 1 ms after the last evidence, as by duration_at_most.
    earliest = outage.since if outage.start_earliest is None else outage.start_earliest + 1
    least = min(best, earliest - on_since)
    if best <= 0 or (doubtful and least < SECOND):
        return None
    return Length(best, least, None) if doubtful else Length(best, best, best)


def say_length(words: Wording, length: Length) -> Html:
    """Say a length with its bounds, where those are wide."""
    best, least = duration(words, length.best), duration(words, length.least)
    if length.most is None:
        return words.say("length.at_least", least=least)
    most = duration_at_most(words, length.most)
    if length.exact or least == most:
        return best
    if length.least < SECOND:
        return words.say("length.at_most", most=most)
    return words.say("length.range", best=best, least=least, most=most)


def say_length_shortly(words: Wording, length: Length) -> Html:
    """Say a length in few words; the bounds may stand elsewhere."""
    if length.exact or length.most is None or length.least < SECOND:
        return say_length(words, length)
    best = duration(words, length.best)
    exact = say_length(words, length) == best
    return best if exact else words.say("length.about", best=best)
