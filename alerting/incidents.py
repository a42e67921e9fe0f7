"""Owns what an alert means: from what is known and one alert to what is known and told; pure.

Evidence of one outage comes over two paths, in any order and any number of times. It
is one outage by its home and `since`, and each of its two events is told once. Times
are wall milliseconds since the epoch, `now` by the relay's clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, NamedTuple

from alerting.alerts import Notice, PowerOutage, PowerRestored

AHEAD = 300_000
"""A `since` this much (ms) ahead of the relay's clock is still believed."""

TOO_OLD = 86_400_000
"""An end is news for this long (ms)."""

Outcome = Literal["accepted", "duplicate", "stored"]


class OutageState(StrEnum):
    """How an outage stands."""

    OPEN = "open"
    CLOSED = "closed"
    """Its end is known."""
    SUPERSEDED = "superseded"
    """A newer one began; its own end is unknown."""
    STORED = "stored"
    """Never opened: when first heard of, a newer one was known."""


class EventKind(StrEnum):
    """What there is to tell."""

    BEGAN = "began"
    ENDED = "ended"
    FIRED = "fired"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Outage:
    """What is known of one outage, and which of its events exist.

    `ahead`: when first heard of, it began too far ahead of the relay's clock to be
    believed. It stays so for good: it is never the newest known and closes nothing, and
    only its own end, or a newer outage that is not ahead, ends it.
    """

    home: str
    since: int
    state: OutageState
    ended: int | None = None
    start_earliest: int | None = None
    end_earliest: int | None = None
    cause: str | None = None
    ahead: bool = False
    began_told: bool = False
    ended_told: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from an alert of an outage.

    `outages` are those that changed, the alert's own first; `kind` is the event that
    its own outage now has, if any.
    """

    outcome: Outcome
    outages: tuple[Outage, ...] = ()
    kind: EventKind | None = None


@dataclass(frozen=True, slots=True)
class NoticeState:
    """What is known of a notice: its newest firing; `ends_at` is None while it fires."""

    key: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    firing: bool
    starts_at: int
    ends_at: int | None = None

    @property
    def last_known(self) -> int:
        """The newest moment that is known of it: its end, or else its start."""
        return self.starts_at if self.ends_at is None else self.ends_at


class NoticeDecision(NamedTuple):
    """What follows from a notice; `state` is None where nothing changed."""

    outcome: Outcome
    state: NoticeState | None = None
    kind: EventKind | None = None


def decide_outage(
    alert: PowerOutage | PowerRestored, known: Outage | None, of_home: Sequence[Outage], now: int
) -> Decision:
    """Decide on evidence of an outage, of which `known` is what is known so far.

    `of_home` are the home's open outages and the newest that is not `ahead`.
    """
    before = _first_heard(alert, of_home, now) if known is None else _learned(known, alert)
    if isinstance(alert, PowerRestored):
        outcome, after, kind = _end(before, alert, now)
    elif known is not None:
        outcome, after, kind = "duplicate", before, None
    elif before.state is OutageState.STORED:
        outcome, after, kind = "stored", before, None
    else:
        outcome, after, kind = "accepted", replace(before, began_told=True), EventKind.BEGAN
    changed = () if after == known else (after,)
    return Decision(outcome, (*changed, *_superseded_by(after, of_home)), kind)


def _first_heard(alert: PowerOutage | PowerRestored, of_home: Sequence[Outage], now: int) -> Outage:
    newest = max((outage.since for outage in of_home if not outage.ahead), default=alert.since)
    return Outage(
        home=alert.home,
        since=alert.since,
        state=OutageState.STORED if alert.since < newest else OutageState.OPEN,
        start_earliest=alert.start_earliest,
        cause=alert.cause,
        ahead=_is_ahead(alert.since, now),
    )


def _learned(known: Outage, alert: PowerOutage | PowerRestored) -> Outage:
    """Add what only this alert tells: one path knows bounds and a cause, the other does not."""
    # Not that it is no longer ahead: its time stays as wrong when the clock has caught up.
    return replace(
        known,
        start_earliest=_either(known.start_earliest, alert.start_earliest),
        cause=known.cause or alert.cause,
    )


def _end(
    before: Outage, alert: PowerRestored, now: int
) -> tuple[Outcome, Outage, EventKind | None]:
    """Close an outage; what was told of its end stays, and what is too old is not told."""
    ended = alert.ended if before.ended is None else before.ended
    tell = not before.ended_told and not _is_too_old(ended, now)
    after = replace(
        before,
        state=OutageState.CLOSED,
        ended=ended,
        end_earliest=_either(before.end_earliest, _at_most(alert.end_earliest, ended)),
        ended_told=before.ended_told or tell,
    )
    if tell:
        return "accepted", after, EventKind.ENDED
    return "duplicate" if before.state is OutageState.CLOSED else "stored", after, None


def _superseded_by(outage: Outage, of_home: Sequence[Outage]) -> tuple[Outage, ...]:
    """Return the older outages that cannot be running any more, now that this one is known."""
    if outage.ahead:
        return ()
    return tuple(
        replace(other, state=OutageState.SUPERSEDED)
        for other in of_home
        if other.state is OutageState.OPEN and other.since < outage.since
    )


def _is_ahead(since: int, now: int) -> bool:
    return since > now + AHEAD


def _is_too_old(end: int, now: int) -> bool:
    return end < now - TOO_OLD


def _either(first: int | None, second: int | None) -> int | None:
    return second if first is None else first


def _at_most(moment: int | None, bound: int) -> int | None:
    return None if moment is None or moment > bound else moment


def decide_notice(alert: Notice, known: NoticeState | None, now: int) -> NoticeDecision:
    """Decide on a notice, of whose key `known` is what is known so far."""
    said = NoticeState(
        key=alert.key,
        labels=alert.labels,
        annotations=alert.annotations,
        firing=alert.firing,
        starts_at=alert.starts_at,
        ends_at=alert.ends_at,
    )
    return _fire(said, known) if alert.firing else _resolve(said, known, now)


def _fire(said: NoticeState, known: NoticeState | None) -> NoticeDecision:
    if known is None:
        return NoticeDecision("accepted", said, EventKind.FIRED)
    if said.starts_at <= known.last_known:
        return NoticeDecision("duplicate")
    if known.firing:
        # Its end was missed; kept, so that the end, should it still come, ends nothing.
        return NoticeDecision("duplicate", said)
    return NoticeDecision("accepted", said, EventKind.FIRED)


def _resolve(said: NoticeState, known: NoticeState | None, now: int) -> NoticeDecision:
    if known is None:
        # Nobody was told that it fired. Kept, so that the firing, should it still come, is none.
        return NoticeDecision("stored", said)
    if known.firing:
        if _ended_before(said, known):
            return NoticeDecision("duplicate")
        if said.ends_at is not None and _is_too_old(said.ends_at, now):
            return NoticeDecision("stored", said)
        return NoticeDecision("accepted", said, EventKind.RESOLVED)
    if said.last_known <= known.last_known:
        return NoticeDecision("duplicate")
    return NoticeDecision("duplicate" if said.starts_at <= known.last_known else "stored", said)


def _ended_before(said: NoticeState, known: NoticeState) -> bool:
    """Tell whether a resolved is of an earlier firing than the one that is known."""
    if said.ends_at is None:
        return said.starts_at < known.starts_at
    return (said.ends_at, said.starts_at) < (known.starts_at, known.starts_at)
