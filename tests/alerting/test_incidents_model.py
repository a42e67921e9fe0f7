"""Incidents against a truth that they only hear of: two paths, any order, any number of times."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any, Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alerting.alerts import Ignored, PowerOutage, PowerRestored, parse_webhook
from alerting.incidents import AHEAD, TOO_OLD, EventKind, OutageState
from chassis.instants import to_rfc3339
from exporter.sinks.alerts import unix_seconds
from tests.alerting.memory_incidents import Incidents

EPOCH = 1_790_000_000_000
MINUTE, HOUR = 60_000, 3_600_000
RESTORED_FIRES_FOR = 30 * MINUTE
WHILE = st.one_of(
    st.integers(1, 20_000), st.integers(1, 20 * MINUTE), st.sampled_from([HOUR, 9 * HOUR, TOO_OLD])
)
SKEW = st.sampled_from(
    [0, 0, AHEAD, -AHEAD - 1, -3 * AHEAD, -HOUR, 7 * HOUR, -9 * HOUR, 2 * TOO_OLD]
)
HOME = st.sampled_from(["flat", "dacha"])
Kind = Literal["PowerOutage", "PowerRestored"]
Key = tuple[str, int]
KINDS: tuple[Kind, Kind] = ("PowerOutage", "PowerRestored")


@dataclass(frozen=True)
class Truth:
    """An outage as it really was; power was last seen on, and off, `seen` ms before it changed."""

    home: str
    start: int
    seen: int
    end: int | None = None

    @property
    def key(self) -> Key:
        return self.home, self.start

    @property
    def last_off(self) -> int | None:
        """When power was last seen off."""
        return None if self.end is None else max(self.start, self.end - self.seen)


def alert_of(truth: Truth, kind: Kind, *, exact: bool, status: str = "firing") -> dict[str, Any]:
    """Spell one alert; only the exporter's own copy is exact: it has bounds and a cause."""
    annotations = {"summary": "s", "description": "d"}
    if kind == "PowerRestored":
        assert truth.end is not None
        annotations["ended"] = unix_seconds(truth.end)
        if exact and truth.last_off is not None:
            annotations["end_earliest"] = unix_seconds(truth.last_off)
    if exact:
        annotations |= {
            "cause": "measured",
            "start_earliest": unix_seconds(truth.start - truth.seen),
        }
    since = unix_seconds(truth.start)
    return {
        "status": status,
        "labels": {
            "alertname": kind, "audience": "subscribers", "home": truth.home, "since": since,
        },
        "annotations": annotations,
        "startsAt": to_rfc3339(truth.start),
    }  # fmt: skip


@dataclass
class Heard:
    """What has reached the relay, and what must have followed: told by rules, without states."""

    believed: set[Key] = field(default_factory=set)  # not ahead of the clock when first heard of
    heard: set[Key] = field(default_factory=set)
    over: set[Key] = field(default_factory=set)
    exact: set[Key] = field(default_factory=set)
    exact_end: set[Key] = field(default_factory=set)
    began: set[Key] = field(default_factory=set)
    ended: set[Key] = field(default_factory=set)

    def newer_than(self, key: Key) -> bool:
        """Tell whether a newer outage of the home is known."""
        return any(home == key[0] and since > key[1] for home, since in self.believed)

    def hear(self, alert: PowerOutage | PowerRestored, now: int) -> EventKind | None:
        """Take evidence in; return what must be told because of it."""
        key = alert.home, alert.since
        event: EventKind | None = None
        if isinstance(alert, PowerRestored):
            if key not in self.ended and alert.ended >= now - TOO_OLD:
                self.ended.add(key)
                event = EventKind.ENDED
            self.over.add(key)
        elif key not in self.heard and not self.newer_than(key):
            self.began.add(key)
            event = EventKind.BEGAN
        if key not in self.heard and alert.since <= now + AHEAD:
            self.believed.add(key)
        self.heard.add(key)
        if alert.start_earliest is not None:
            self.exact.add(key)
        if isinstance(alert, PowerRestored) and alert.end_earliest is not None:
            self.exact_end.add(key)
        return event


class IncidentsMachine(RuleBasedStateMachine):
    """Power goes and comes; what is told of it is true, and told once."""

    now: int
    error: int  # how far the relay's clock is from the truth
    truths: dict[Key, Truth]
    running: dict[str, Key]
    waiting: list[Key]  # rows that the exporter has not brought to the relay yet
    in_flight: list[dict[str, Any]]
    posted: list[list[dict[str, Any]]]
    incidents: Incidents
    oracle: Heard
    events: Counter[tuple[EventKind, Key]]

    @initialize(error=SKEW)
    def begin(self, error: int) -> None:
        """Power is on, and the relay knows nothing."""
        self.now, self.error = EPOCH, error
        self.truths, self.running = {}, {}
        self.waiting, self.in_flight, self.posted = [], [], []
        self.incidents, self.oracle = Incidents(), Heard()
        self.events = Counter()

    @rule(ms=WHILE)
    def time_passes(self, ms: int) -> None:
        """Nothing happens."""
        self.now += ms

    @rule(error=SKEW)
    def the_relays_clock_is_set(self, error: int) -> None:
        """Right or wrong."""
        self.error = error

    @rule(home=HOME, wait=WHILE, seen=st.integers(0, 60_000))
    def power_flips(self, home: str, wait: int, seen: int) -> None:
        """Power goes, or comes back."""
        self.now += wait
        key = self.running.pop(home, None)
        if key is None:
            truth = Truth(home, self.now, min(seen, wait))
            self.running[home] = truth.key
        else:
            before = self.truths[key]
            truth = Truth(home, before.start, before.seen, self.now)
        self.truths[truth.key] = truth
        self.waiting.append(truth.key)

    @precondition(lambda self: self.waiting)
    @rule(answered=st.booleans())
    def the_exporter_posts(self, answered: bool) -> None:  # noqa: FBT001  hypothesis passes by name
        """All that waits; after a lost answer or a restart, the same once more."""
        over = {key for key in self.waiting if self.truths[key].end is not None}
        alerts = [
            alert_of(
                self.truths[key], "PowerRestored" if key in over else "PowerOutage", exact=True
            )
            for key in dict.fromkeys(self.waiting)
        ]
        if answered:
            self.waiting = []
        self.deliver(alerts)

    @rule()
    def prometheus_evaluates(self) -> None:
        """Alerts that fire are on their way to the relay, for as long as it takes."""
        for truth in self.truths.values():
            if truth.end is None:
                self.in_flight.append(alert_of(truth, "PowerOutage", exact=False))
            elif truth.end > self.now - RESTORED_FIRES_FOR:
                self.in_flight.append(alert_of(truth, "PowerRestored", exact=False))

    @rule(kind=st.sampled_from(KINDS))
    def prometheus_dies(self, kind: Kind) -> None:
        """Alertmanager says resolved of all that there ever was."""
        dead = [
            alert_of(truth, kind, exact=False, status="resolved")
            for truth in self.truths.values()
            if truth.end is not None or kind == "PowerOutage"
        ]
        told = self.events.copy()
        self.deliver(dead)
        assert self.events == told

    @precondition(lambda self: self.in_flight)
    @rule(random=st.randoms(use_true_random=False), peers=st.integers(0, 2))
    def alertmanager_posts(self, random: Random, peers: int) -> None:
        """Some of what is on its way arrives: lost, once, or from two peers."""
        picked = [self.in_flight.pop(random.randrange(len(self.in_flight)))]
        while self.in_flight and random.random() < 0.5:
            picked.append(self.in_flight.pop(random.randrange(len(self.in_flight))))
        for _ in range(peers):
            self.deliver(picked)

    @precondition(lambda self: self.posted)
    @rule(random=st.randoms(use_true_random=False))
    def an_old_post_comes_again(self, random: Random) -> None:
        """However old it is."""
        self.deliver(random.choice(self.posted))

    @precondition(lambda self: self.truths)
    @rule(random=st.randoms(use_true_random=False))
    def some_evidence_arrives(self, random: Random) -> None:
        """Delayed, overtaken, the rest lost."""
        alerts = self.all_evidence(random)
        self.deliver(alerts[: random.randint(1, 3)])

    @precondition(lambda self: self.truths)
    @rule(random=st.randoms(use_true_random=False))
    def all_evidence_arrives(self, random: Random) -> None:
        """In any order; then every end is told, once, but for those too old."""
        self.deliver(self.all_evidence(random))
        for key, truth in self.truths.items():
            if truth.end is not None and truth.end >= self.now + self.error - TOO_OLD:
                assert self.events[EventKind.ENDED, key] == 1

    def all_evidence(self, random: Random) -> list[dict[str, Any]]:
        """All that can be said of all outages, in any order, by either path."""
        alerts = [
            alert_of(truth, kind, exact=random.random() < 0.5)
            for truth in self.truths.values()
            for kind in KINDS
            if kind == "PowerOutage" or truth.end is not None
        ]
        random.shuffle(alerts)
        return alerts

    def deliver(self, alerts: list[dict[str, Any]]) -> None:
        """Bring alerts to the relay, which tells what it must and nothing else."""
        self.posted.append(alerts)
        now = self.now + self.error
        for alert in parse_webhook({"version": "4", "alerts": alerts}).alerts:
            if isinstance(alert, Ignored):
                continue
            assert isinstance(alert, PowerOutage | PowerRestored)
            decision = self.incidents.take(alert, now)
            assert decision.kind is self.oracle.hear(alert, now)
            assert (decision.outcome == "accepted") is (decision.kind is not None)
            if decision.kind is not None:
                self.events[decision.kind, (alert.home, alert.since)] += 1

    @invariant()
    def each_event_is_told_once(self) -> None:
        """Whatever comes, however often."""
        assert all(count == 1 for count in self.events.values())

    @invariant()
    def rows_say_what_was_told(self) -> None:
        """`began_told` and `ended_told` are the events that exist."""
        for key, outage in self.incidents.outages.items():
            assert outage.began_told is (key in self.oracle.began)
            assert outage.ended_told is (key in self.oracle.ended)
        assert self.incidents.outages.keys() == self.oracle.heard

    @invariant()
    def what_is_known_is_true(self) -> None:
        """Every row is an outage that there was, with its own end and its own bounds."""
        for key, outage in self.incidents.outages.items():
            truth = self.truths[key]
            assert outage.ended == (truth.end if key in self.oracle.over else None)
            assert (outage.start_earliest is None) is (key not in self.oracle.exact)
            assert outage.start_earliest in {None, truth.start - truth.seen}
            assert (outage.end_earliest is None) is (key not in self.oracle.exact_end)
            assert outage.end_earliest in {None, truth.last_off}
            assert (outage.cause is None) is (outage.start_earliest is None)
            assert outage.ahead is (key not in self.oracle.believed)

    @invariant()
    def an_outage_stands_as_the_evidence_says(self) -> None:
        """Closed by its own end, else no longer open once a newer one is known."""
        for key, outage in self.incidents.outages.items():
            if key in self.oracle.over:
                assert outage.state is OutageState.CLOSED
            elif not self.oracle.newer_than(key):
                assert outage.state is OutageState.OPEN
            elif key in self.oracle.began:
                assert outage.state is OutageState.SUPERSEDED
            else:
                assert outage.state is OutageState.STORED

    @invariant()
    def one_outage_runs_in_a_home(self) -> None:
        """Those ahead of the clock aside."""
        open_ = sorted(
            outage.home
            for outage in self.incidents.outages.values()
            if outage.state is OutageState.OPEN and not outage.ahead
        )
        assert all(one != other for one, other in pairwise(open_))


IncidentsMachine.TestCase.settings = settings(
    max_examples=800, stateful_step_count=30, deadline=None
)
TestIncidents = IncidentsMachine.TestCase
