"""Owns what a gap at start means, and whether the clock can be believed to date it; pure.

Durations are milliseconds, wall times milliseconds since the epoch.
"""

from dataclasses import dataclass, replace

from chassis.instants import Instant, elapsed
from exporter.power import Belief, Cause, Change, Rules, State, lose

CLOCK_SETTLES_WITHIN = 2 * 60 * 1000
CLOCK_DOUBTED_FOR = 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Life:
    """A durable sign of life: when, in which boot, and whether it was that of a clean stop."""

    at: Instant
    boot_id: str
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """The moment a home is (again) watched, and the boot of the machine it happens in."""

    now: Instant
    boot_id: str

    @property
    def booted(self) -> int:
        """Wall time at which this boot began."""
        return self.now.wall - self.now.boot


def clock_doubt(start: Start, life: Life | None, *, synchronised: bool) -> str | None:
    """Say why rows cannot be dated yet, or None when the clock is to be believed.

    `life` is the newest sign of life of the exporter before this start.
    """
    if start.now.boot < CLOCK_SETTLES_WITHIN and not synchronised:
        return "the kernel says that its clock is not synchronised"
    if life is None or start.now.boot >= CLOCK_DOUBTED_FOR:
        return None
    if start.now.wall < life.at.wall:
        return "the clock stands before the last sign of life"
    if start.boot_id != life.boot_id and start.booted < life.at.wall:
        return "the clock puts this boot before the last sign of life of another"
    return None


def judge(
    belief: Belief, life: Life, start: Start, rules: Rules, *, host: bool
) -> tuple[Belief, tuple[Change, ...]]:
    """Judge the gap since `life`; return the belief to go on with and what has to be written.

    `belief` is the home's as its last sign of life or row left it; `host` says that
    its voting probe is this machine itself.
    """
    if belief.state is None:
        return Belief(), ()
    same_boot = life.boot_id == start.boot_id
    if host and not same_boot and not life.clean and start.booted > (belief.settled or 0):
        return _own_blackout(belief, start)
    if host and same_boot and belief.state is State.ON:
        return _on_throughout(belief, start), ()
    gap = elapsed(life.at, start.now) if same_boot else start.now.wall - life.at.wall
    if gap < rules.unknown_after:
        return _gone_on(belief, start.now.shifted(-max(gap, 0))), ()
    belief, changes = lose(belief, start.now.wall, Cause.NOT_OBSERVED)
    return replace(belief, last_round=None, last_verdict=None), changes


def _own_blackout(belief: Belief, start: Start) -> tuple[Belief, tuple[Change, ...]]:
    """Write the outage that stopped this machine: at most from the last evidence to the boot."""
    assert belief.settled is not None
    assert belief.since is not None
    changes: list[Change] = []
    state, evidence, since = belief.state, belief.evidence, belief.since
    if state is not State.OFF:
        not_before = since if state is State.UNKNOWN else evidence
        since = evidence = belief.settled + 1
        changes.append(_inferred(State.OFF, state, since, not_before, start))
        state = State.OFF
    on_at = max(start.booted, since + 1)
    changes.append(_inferred(State.ON, state, on_at, evidence, start))
    return (
        Belief(state=State.ON, since=on_at, evidence=on_at, settled=on_at, newest=on_at),
        tuple(changes),
    )


def _inferred(
    state: State, previous: State | None, at: int, not_before: int | None, start: Start
) -> Change:
    return Change(state, previous, at, not_before, max(start.now.wall, at), Cause.INFERRED)


def _on_throughout(belief: Belief, start: Start) -> Belief:
    evidence = max(belief.newest, start.now.wall)
    return replace(
        belief,
        evidence=evidence,
        settled=evidence,
        newest=evidence,
        pending=None,
        last_round=start.now,
        last_verdict=start.now,
    )


def _gone_on(belief: Belief, last_round: Instant) -> Belief:
    """Go on with the state; whether the next round is late counts from the sign of life."""
    last_verdict = None
    if belief.state is not State.UNKNOWN and belief.evidence is not None:
        behind = max(0, last_round.wall - belief.evidence)
        last_verdict = last_round.shifted(-behind)
    return replace(belief, pending=None, last_round=last_round, last_verdict=last_verdict)
