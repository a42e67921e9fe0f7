"""Owns the kind `heartbeat`: a mains-fed device that calls us, until its power goes.

Who is silent while nobody listens is not dead: after a start, and after this
machine was asleep or stopped, silence must have lasted anew before it counts.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from chassis.clock import Clock
from chassis.durations import duration_between, format_duration
from chassis.instants import MS_PER_SECOND, Instant, elapsed
from chassis.secrets import Secret, SecretFile
from exporter.power import State
from exporter.probes.faults import dead, unknown
from exporter.probes.protocol import Finding, Kind, ProbeContext, ProbeSettings, Shared

PATIENCE = 3  # beats that may be missed; as many must be before silence counts
TICK = 1000  # ms between two looks at whether this process runs at all
_DAY = 86_400_000
_NOBODYS = Secret("nobody has this token, and it opens nothing")


class HeartbeatSettings(ProbeSettings):
    """Keys of a heartbeat probe; `every` is how often the device calls, in ms."""

    kind: Literal["heartbeat"]
    token: SecretFile = Field(alias="token_file")
    every: Annotated[int, duration_between(100, _DAY)] = 10_000


@dataclass(eq=False, slots=True)
class Line:
    """One device's calls; outlives the probe that listens when that is replaced on a reload.

    `since` is when we began to listen (again), `last` the last call, `silent_from`
    the start of the latest round that was not alive. `tokens` are those of all that
    listen: of two while one replaces the other.
    """

    since: Instant
    every: int
    tokens: list[Secret] = field(default_factory=list)
    last: Instant | None = None
    silent_from: Instant | None = None
    was_dead: bool = False

    @property
    def heard_or_began(self) -> Instant:
        """From when on silence counts."""
        if self.last is None or self.last.boot < self.since.boot:
            return self.since
        return self.last

    def lasted(self, silence_from: Instant, until: Instant) -> bool:
        """Tell whether silence has lasted long enough to count."""
        return elapsed(silence_from, until) > PATIENCE * self.every


class Beats:
    """All lines, by home and probe; it knows, too, whether anybody listened all the while."""

    def __init__(self) -> None:
        self._homes: dict[str, dict[str, Line]] = {}
        self._looked: Instant | None = None
        self._tick = TICK
        self._ticker: asyncio.TimerHandle | None = None

    def accept(self, home: str, probe: str | None, token: str, at: Instant) -> bool:
        """Take a call that arrived at `at`; tell whether its token is of that home (and probe).

        Compares in constant time, with nobody's token where there is none.
        """
        self.look(at)
        lines = self._homes.get(home, {})
        called = [line for name, line in lines.items() if probe in (None, name)]
        if not called:
            _NOBODYS.matches(token)
        heard = [line for line in called if _right(line, token)]
        for line in heard:
            line.last = at
        return bool(heard)

    def listen(self, home: str, probe: str, settings: HeartbeatSettings, now: Instant) -> Line:
        """Open a line, or join the one that a probe of the same name has open.

        Other settings begin the wait anew: the device may not know of them yet.
        """
        lines = self._homes.setdefault(home, {})
        line = lines.get(probe)
        if line is None:
            line = lines[probe] = Line(now, settings.every)
        elif line.every != settings.every or settings.token not in line.tokens:
            line.since, line.every = now, settings.every
        line.tokens.append(settings.token)
        self._tick = min(self._tick, settings.every)
        return line

    def hang_up(self, home: str, probe: str, settings: HeartbeatSettings) -> None:
        """Stop to listen; the line is gone with the last who did."""
        lines = self._homes[home]
        lines[probe].tokens.remove(settings.token)
        if not lines[probe].tokens:
            del lines[probe]
        if not lines:
            del self._homes[home]
        if not self._homes:
            self._stop_ticking()

    def look(self, now: Instant) -> None:
        """Notice that nobody listened for a while (asleep, stopped): then silence counts from now.

        A gap that is too short for a call to be lost in it changes nothing.
        """
        gap = 0 if self._looked is None else elapsed(self._looked, now)
        self._looked = now
        if gap > self._tick:
            for line in self._all():
                if gap > self._tick + line.every:
                    line.since = now

    def keep_looking(self, clock: Clock) -> None:
        """Look again and again, as rounds and calls may be far apart."""
        if self._ticker is None:
            self._look_on(clock)

    def _look_on(self, clock: Clock) -> None:
        self.look(clock.now())
        loop = asyncio.get_running_loop()
        self._ticker = loop.call_later(self._tick / MS_PER_SECOND, self._look_on, clock)

    def _stop_ticking(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        self._ticker, self._looked, self._tick = None, None, TICK

    def _all(self) -> Iterator[Line]:
        return (line for lines in self._homes.values() for line in lines.values())

    async def close(self) -> None:
        """Stop looking."""
        self._stop_ticking()


def _right(line: Line, offered: str) -> bool:
    """Compare with every token of a line, however soon one matches."""
    return sum(token.matches(offered) for token in line.tokens) > 0


def beats_of(shared: Shared) -> Beats:
    """Return the calls of this process: where the web hands them in and probes look for them."""
    return shared.get(Beats, Beats, Beats.close)


class HeartbeatProbe:
    """Looks once an attempt whether the device has called."""

    def __init__(self, settings: HeartbeatSettings, context: ProbeContext) -> None:
        self._settings = settings
        self._context = context
        self._beats = beats_of(context.shared)
        now = context.clock.now()
        self._line = self._beats.listen(context.home, context.probe, settings, now)
        self._open = True
        self._patience = format_duration(PATIENCE * settings.every)

    async def attempt(self, started: Instant, timeout: float) -> Finding:  # noqa: ARG002  a probe's shape
        """Return what the calls so far say; nothing is waited for."""
        self._beats.keep_looking(self._context.clock)
        self._beats.look(self._context.clock.now())
        line = self._line
        if line.last is not None and not line.lasted(line.last, started):
            line.was_dead = False
            return Finding(State.ON, "called", line.last)
        if not line.lasted(line.heard_or_began, started):
            line.was_dead, line.silent_from = False, started
            return unknown(f"no call yet, in less than {self._patience} of listening", started)
        at = started if line.was_dead else _first_missed(line)
        line.was_dead, line.silent_from = True, started
        return dead(f"no call in {self._patience}", at)

    async def close(self) -> None:
        """Stop to listen."""
        if self._open:
            self._open = False
            self._beats.hang_up(self._context.home, self._context.probe, self._settings)


def _first_missed(line: Line) -> Instant:
    """Return when the first call was missed, but not before an earlier round without one."""
    missed = line.heard_or_began.shifted(line.every)
    if line.silent_from is not None and line.silent_from.boot > missed.boot:
        return line.silent_from
    return missed


KIND = Kind(settings=HeartbeatSettings, make=HeartbeatProbe)
