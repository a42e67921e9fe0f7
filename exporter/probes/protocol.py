"""Owns what a probe is: its settings, what it is given and what it must give back."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from chassis.clock import Clock
from chassis.instants import Instant
from chassis.yaml_config import StrictModel
from exporter.power import State


class Role(StrEnum):
    """What a probe's answer is evidence of."""

    MAINS = "mains"
    REFERENCE = "reference"


class ProbeSettings(StrictModel):
    """The keys that every kind of probe has; a kind's own settings add theirs."""

    kind: str
    name: str | None = None
    role: Role = Role.MAINS


@dataclass(frozen=True, slots=True)
class Finding:
    """What one attempt found.

    `vote` of something that is alive is ON, of something dead OFF, and of what
    the prober could not do itself UNKNOWN. `at` dates the evidence: the arrival
    of the answer, or the round's start for silence. `silent` says that an OFF is
    the absence of an answer, which a dead network would cause as well: such a
    vote needs a living reference. `readings` are base units by reading name
    (volts, watts, amperes, hertz, energy_wh, battery_charge_ratio,
    battery_runtime_seconds).
    """

    vote: State
    detail: str
    at: Instant
    silent: bool = False
    readings: Mapping[str, float] | None = None


class Probe(Protocol):
    """One thing that is asked once a round."""

    async def attempt(self, started: Instant, timeout: float) -> Finding:
        """Ask once, within `timeout` seconds, and never raise for what the world does.

        `started` is the round's start.
        """

    async def close(self) -> None:
        """Give back what the probe holds."""


T = TypeVar("T")


class Shared:
    """Things that probes have in common, such as one ICMP socket; made when first asked for."""

    def __init__(self) -> None:
        self._things: dict[object, Any] = {}
        self._closers: list[Callable[[], Awaitable[None]]] = []

    def get(self, key: type[T], make: Callable[[], T], close: Callable[[T], Awaitable[None]]) -> T:
        """Return the one `key` of this process; the first to ask makes it."""
        if key not in self._things:
            thing = make()
            self._things[key] = thing
            self._closers.append(lambda: close(thing))
        made: T = self._things[key]
        return made

    async def close(self) -> None:
        """Close all that was made, newest first."""
        while self._closers:
            await self._closers.pop()()
        self._things.clear()


@dataclass(frozen=True, slots=True)
class ProbeContext:
    """The outside world as a probe may see it."""

    home: str
    probe: str
    clock: Clock
    shared: Shared = field(default_factory=Shared)


@dataclass(frozen=True, slots=True)
class Kind:
    """A registry entry: how a kind of probe is configured and made.

    `hindrance` says at the start why no probe of the kind can work here, or None.
    """

    settings: type[ProbeSettings]
    make: Callable[[Any, ProbeContext], Probe]
    hindrance: Callable[[], str | None] = lambda: None
