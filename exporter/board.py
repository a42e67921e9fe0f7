"""Owns what readers see of every home: published after the commit, for /metrics, API and page."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.books import Books
from exporter.config import HomeConfig
from exporter.outages import Present
from exporter.power import Belief, State
from exporter.probes.protocol import Finding
from exporter.transitions import Transition


@dataclass(slots=True)
class ProbeView:
    """The last word of one probe, and how often it was asked.

    A failure is an attempt that was not answered with on (alive).
    """

    name: str
    kind: str
    role: str
    finding: Finding | None = None
    vote: State | None = None
    detail: str = ""
    at: int | None = None
    duration_seconds: float = 0.0
    attempts: int = 0
    failures: int = 0


@dataclass(slots=True)
class HomeView:
    """One home as published.

    `last` is its latest row, durable or not; `books` are the committed totals;
    `undurable` the rows that the disk has refused so far. While `held`, the clock
    is not believed yet and the home shows as unknown.
    """

    config: HomeConfig
    belief: Belief = field(default_factory=Belief)
    last: Transition | None = None
    books: Books | None = None
    undurable: tuple[Transition, ...] = ()
    probes: dict[str, ProbeView] = field(default_factory=dict)
    held: bool = False
    rounds: int = 0

    @property
    def state(self) -> State:
        """What the home shows: unknown before its first verdict and while the clock is in doubt."""
        return State.UNKNOWN if self.held or self.belief.state is None else self.belief.state

    @property
    def since(self) -> int | None:
        """When the state began that the home shows; None before the first, and while held."""
        return None if self.held or self.last is None else self.last.at

    @property
    def last_known(self) -> State | None:
        """The last state that was on or off; None before the first."""
        if self.last is None:
            return None
        return self.last.previous if self.last.state is State.UNKNOWN else self.last.state

    def present(self, now: int) -> Present:
        """Where the home stands at wall time `now`, for what is worked out from its rows."""
        evidence = self.belief.settled or 0
        return Present(max(now, evidence), evidence)

    def readings(self) -> dict[str, Mapping[str, float]]:
        """The last readings by probe name."""
        return {
            name: view.finding.readings
            for name, view in self.probes.items()
            if view.finding is not None and view.finding.readings
        }


@dataclass(slots=True)
class SinkView:
    """One sink as /metrics shows it; `oldest` is wall ms, None when nothing waits."""

    name: str
    up: bool = False
    pending: int = 0
    oldest: int | None = None
    rejected: int = 0


@dataclass(slots=True)
class Board:
    """All that readers see."""

    version: str = ""
    homes: dict[str, HomeView] = field(default_factory=dict)
    sinks: dict[str, SinkView] = field(default_factory=dict)
    journal_up: bool = True
    reload_successful: bool = True
    schedule_lag_seconds: float = 0.0
    clock_steps: int = 0
    clock_doubt: str | None = None

    def unready(self) -> str | None:
        """Say why the exporter is not ready yet, or None when it is."""
        if self.clock_doubt is not None:
            return self.clock_doubt
        waiting = [name for name, home in self.homes.items() if not home.rounds]
        if waiting:
            return f"no round yet of {', '.join(waiting[:3])}{' …' if waiting[3:] else ''}"
        return None
