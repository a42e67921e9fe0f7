"""Owns the kind `simulated`: made-up outages, the same at every start, for the demo and benchmarks.

A pure function of seed and wall time. Time is cut into equal slots, as many a day
as there are to be outages; each holds one, of random length at a random place.
"""

import math
from dataclasses import dataclass
from random import Random
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chassis.durations import duration_between
from chassis.instants import Instant
from exporter.power import State
from exporter.probes.protocol import Finding, Kind, ProbeContext, ProbeSettings

_DAY = 86_400_000
_MOST_OF_A_SLOT = 0.9


class SimulatedSettings(ProbeSettings):
    """Keys of a simulated probe; `seed` is by default the home's and the probe's name."""

    kind: Literal["simulated"]
    seed: int | str | None = None
    outages_per_day: Annotated[float, Field(ge=0, le=1440)] = 2.0
    mean_outage: Annotated[int, duration_between(1000, _DAY)] = 30 * 60_000

    @model_validator(mode="after")
    def _outages_fit_into_the_day(self) -> Self:
        if self.outages_per_day * self.mean_outage > _DAY / 2:
            raise ValueError("outages_per_day × mean_outage must be at most 12h")  # noqa: RUF001
        return self


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of time, [start, end), with power off in [off, on); wall ms."""

    start: int
    end: int
    off: int
    on: int

    def holds(self, at: int) -> bool:
        """Tell whether a moment is in this slot."""
        return self.start <= at < self.end


def slot_at(seed: str, outages_per_day: float, mean_outage: int, at: int) -> Slot:
    """Return the slot that holds a moment (wall ms)."""
    if outages_per_day == 0:
        return Slot(at - at % _DAY, at - at % _DAY + _DAY, 0, 0)
    length = max(1, round(_DAY / outages_per_day))
    number = at // length
    start = number * length
    chance = Random(f"{seed}/{number}")
    # Exponential, but it must fit into the slot.
    lasts = min(-math.log(1 - chance.random()) * mean_outage, _MOST_OF_A_SLOT * length)
    off = start + int(chance.random() * (length - lasts))
    return Slot(start, start + length, off, off + int(lasts))


class SimulatedProbe:
    """Says what the made-up mains are doing."""

    def __init__(self, settings: SimulatedSettings, context: ProbeContext) -> None:
        seed = settings.seed
        self._seed = f"{context.home}/{context.probe}" if seed is None else str(seed)
        self._settings = settings
        self._clock = context.clock
        self._slot = Slot(0, 0, 0, 0)

    async def attempt(self, started: Instant, timeout: float) -> Finding:  # noqa: ARG002  a probe's shape
        """Look at the clock."""
        if not self._slot.holds(started.wall):
            settings = self._settings
            self._slot = slot_at(
                self._seed, settings.outages_per_day, settings.mean_outage, started.wall
            )
        if self._slot.off <= started.wall < self._slot.on:
            return Finding(State.OFF, "simulated", started)
        return Finding(State.ON, "simulated", started)

    async def close(self) -> None:
        """Nothing is held."""


KIND = Kind(settings=SimulatedSettings, make=SimulatedProbe)
