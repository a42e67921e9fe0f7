"""Owns the kind `host`: power is on while this machine runs.

Its outages cannot be seen while they last; they are inferred at the next start.
"""

from typing import Literal

from chassis.instants import Instant
from exporter.power import State
from exporter.probes.protocol import Finding, Kind, ProbeContext, ProbeSettings


class HostSettings(ProbeSettings):
    """Keys of a host probe: none of its own."""

    kind: Literal["host"]


class HostProbe:
    """Asks nobody: that this line runs is the evidence."""

    def __init__(self, settings: HostSettings, context: ProbeContext) -> None:  # noqa: ARG002  a kind's shape
        self._clock = context.clock

    async def attempt(self, started: Instant, timeout: float) -> Finding:  # noqa: ARG002  a probe's shape
        """Return on, now."""
        return Finding(State.ON, "this machine runs", self._clock.now())

    async def close(self) -> None:
        """Nothing is held."""


KIND = Kind(settings=HostSettings, make=HostProbe)
