"""Owns the border around every probe: whatever a probe does, its round gets an answer in time.

A home whose round never ended would show its last state for ever; a fault of
ours is therefore "could not look", as soon as it is noticed.
"""

import asyncio
from functools import partial

from chassis.instants import Instant
from chassis.loops import Border
from exporter.power import State
from exporter.probes.protocol import Finding, Probe

GRACE = 1.0  # seconds that an attempt may outlast its timeout before it is cut off


class Guarded:
    """A probe that always answers, `timeout` + GRACE seconds after it was asked at the latest."""

    def __init__(self, name: str, probe: Probe) -> None:
        """`name` is for the log."""
        self._probe = probe
        self._border = Border(f"probe {name}")

    async def attempt(self, started: Instant, timeout: float) -> Finding:
        """Ask once; a probe that raises or hangs found nothing."""
        finding = await self._border.run(partial(self._ask, started, timeout))
        if finding is not None:
            return finding
        fault = (self._border.health.fault or "").rpartition(".")[2]
        return Finding(State.UNKNOWN, f"fault in the probe: {fault}", started)

    async def _ask(self, started: Instant, timeout: float) -> Finding:
        async with asyncio.timeout(timeout + GRACE):
            return await self._probe.attempt(started, timeout)

    async def close(self) -> None:
        """Give back what the probe holds."""
        await self._probe.close()
