"""Owns the decision: votes become a verdict, verdicts a belief, a changed belief a change.

Pure: it reads no clock and does no I/O. Times are wall milliseconds since the
epoch, durations milliseconds. A reading travels
`Round` -> `verdict_of` -> `decide` -> `Change`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from chassis.instants import Instant, elapsed


class State(StrEnum):
    """What a probe, a round or a home says of the mains."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why a change was written."""

    START = "start"
    MEASURED = "measured"
    INFERRED = "inferred"
    NOT_OBSERVED = "not_observed"


@dataclass(frozen=True, slots=True)
class Vote:
    """One probe's say in one round; `at` dates its evidence."""

    probe: str
    vote: State
    detail: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a home's voting probes, from its start to the end of the slowest."""

    started: Instant
    ended: Instant
    votes: tuple[Vote, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What one home's config says about believing; milliseconds, but for the quorum."""

    interval: int
    timeout: int
    off_after: int
    on_after: int
    unknown_after: int
    quorum: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one round says, dated to the latest of the votes that decided it."""

    state: State
    at: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A contrary verdict that has not held long enough yet.

    `at` and `votes` are those of its first round; `held` is how long it has been
    seen to hold (ms); `latest` is the start of its latest round.
    """

    to: State
    at: int
    votes: tuple[Vote, ...]
    held: int
    latest: Instant


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of one home, and what that belief stands on.

    `state` and `since` (the date of the last change) are None before the first
    verdict. `evidence` is the last evidence of the state, and while unknown that
    of the state before it. No later change can be dated before `settled`;
    `newest` is the newest date that any evidence was given.
    """

    state: State | None = None
    since: int | None = None
    evidence: int | None = None
    settled: int | None = None
    newest: int = 0
    in_outage: bool = False
    pending: Pending | None = None
    last_round: Instant | None = None
    last_verdict: Instant | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state as decided; the journal gives it its id.

    `not_before` is the last evidence of the previous state (None for the first).
    """

    state: State
    previous: State | None
    at: int
    not_before: int | None
    confirmed_at: int
    cause: Cause
    votes: tuple[Vote, ...] = ()


def verdict_of(votes: Iterable[Vote], quorum: int) -> Verdict | None:
    """Return what the votes say together, or None where they give no verdict."""
    on = off = 0
    newest_on = newest_off = 0
    for vote in votes:
        if vote.vote is State.ON:
            on += 1
            newest_on = max(newest_on, vote.at.wall)
        elif vote.vote is State.OFF:
            off += 1
            newest_off = max(newest_off, vote.at.wall)
    if on:
        return Verdict(State.ON, newest_on)
    if off >= quorum:
        return Verdict(State.OFF, newest_off)
    return None


def decide(belief: Belief, rules: Rules, round_: Round) -> tuple[Belief, tuple[Change, ...]]:
    """Take one round into account; return the new belief and what changed, oldest first."""
    changes: tuple[Change, ...] = ()
    verdict = verdict_of(round_.votes, rules.quorum)
    if reason := _why_lost(belief, rules, round_, verdict):
        belief, changes = lose(belief, round_.ended.wall, reason)
    if verdict is not None and verdict.state is belief.state:
        return _support(belief, verdict.at, round_.started), changes
    belief = replace(belief, last_round=round_.started)
    if verdict is None:
        return _settle(belief, round_.started.wall), changes
    belief, change = _believe(belief, rules, round_, verdict)
    return belief, changes if change is None else (*changes, change)


def _support(belief: Belief, at: int, started: Instant) -> Belief:
    """Take a verdict that supports the state, as nearly every round does: spelled for speed."""
    at = max(at, belief.newest)
    return Belief(belief.state, belief.since, at, at, at, belief.in_outage, None, started, started)


def _why_lost(belief: Belief, rules: Rules, round_: Round, verdict: Verdict | None) -> Cause | None:
    """Say why the state can no longer be called known, or None while it can."""
    if (
        belief.last_round is not None
        and elapsed(belief.last_round, round_.started) > rules.unknown_after
    ):
        return Cause.NOT_OBSERVED
    if (
        verdict is None
        and belief.last_verdict is not None
        and elapsed(belief.last_verdict, round_.started) >= rules.unknown_after
    ):
        return Cause.MEASURED
    return None


def lose(belief: Belief, confirmed_at: int, cause: Cause) -> tuple[Belief, tuple[Change, ...]]:
    """Drop pending evidence, and the state with it, 1 ms after the last evidence of that state."""
    if belief.state in (None, State.UNKNOWN):
        return replace(belief, pending=None), ()
    assert belief.evidence is not None
    at = belief.evidence + 1
    change = Change(State.UNKNOWN, belief.state, at, belief.evidence, max(confirmed_at, at), cause)
    return (
        replace(
            belief,
            state=State.UNKNOWN,
            since=at,
            settled=at,
            newest=max(belief.newest, at),
            pending=None,
        ),
        (change,),
    )


def _settle(belief: Belief, started: int) -> Belief:
    """Move `settled` after a round without a verdict: while unknown, time passes as unknown."""
    if belief.state is State.UNKNOWN and belief.pending is None:
        settled = max(belief.settled or 0, started)
        return replace(belief, settled=settled, newest=max(belief.newest, settled))
    return belief


def _believe(
    belief: Belief, rules: Rules, round_: Round, verdict: Verdict
) -> tuple[Belief, Change | None]:
    """Take a contrary verdict: it begins, continues or confirms a change."""
    at = max(verdict.at, belief.newest)
    belief = replace(belief, newest=at, last_verdict=round_.started)
    pending = _held(belief, rules, round_, Verdict(verdict.state, at))
    if pending.held < _needed(belief, rules, verdict.state):
        settled = pending.at if belief.state is State.UNKNOWN else belief.settled
        return replace(belief, pending=pending, settled=settled), None
    return _confirm(belief, pending, at, round_.ended.wall)


def _held(belief: Belief, rules: Rules, round_: Round, verdict: Verdict) -> Pending:
    """Begin a pending change, or add the time since its latest round to it, capped."""
    pending = belief.pending
    if pending is None or pending.to is not verdict.state:
        return Pending(verdict.state, verdict.at, round_.votes, 0, round_.started)
    step = min(round_.started.boot - pending.latest.boot, rules.interval + rules.timeout)
    return replace(pending, held=pending.held + step, latest=round_.started)


def _needed(belief: Belief, rules: Rules, to: State) -> int:
    """Return how long a change to `to` must hold before it is believed (ms)."""
    if to is State.OFF:
        return rules.off_after
    if belief.state is State.OFF or belief.in_outage:
        return rules.on_after
    return 0


def _confirm(belief: Belief, pending: Pending, evidence: int, ended: int) -> tuple[Belief, Change]:
    """Turn what has held long enough into a change, dated to its first evidence."""
    first = belief.since is None
    at = pending.at if belief.since is None else max(pending.at, belief.since + 1)
    change = Change(
        state=pending.to,
        previous=belief.state,
        at=at,
        not_before=belief.since if belief.state is State.UNKNOWN else belief.evidence,
        confirmed_at=max(ended, at),
        cause=Cause.START if first else Cause.MEASURED,
        votes=pending.votes,
    )
    evidence = max(evidence, at)
    return (
        replace(
            belief,
            state=pending.to,
            since=at,
            evidence=evidence,
            settled=evidence,
            newest=max(belief.newest, evidence),
            in_outage=pending.to is State.OFF,
            pending=None,
        ),
        change,
    )
