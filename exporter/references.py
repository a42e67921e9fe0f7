"""Owns the question whether the network can be trusted: is a battery-backed reference alive?

One attempt at the shared references serves all homes that wait for it.
"""

import asyncio
from collections.abc import Sequence

from chassis.clock import Clock
from chassis.instants import Instant
from exporter.power import State
from exporter.probes.protocol import Probe


class References:
    """The references of `exporter.references`, asked only when a networked probe is dead."""

    def __init__(self, probes: Sequence[Probe], clock: Clock) -> None:
        self._probes = tuple(probes)
        self._clock = clock
        self._begun: Instant | None = None
        self._attempt: asyncio.Task[bool] | None = None

    def __bool__(self) -> bool:
        return bool(self._probes)

    async def alive_since(self, started: Instant, timeout: float) -> bool:
        """Tell whether one was alive in an attempt begun at `started` or later.

        A new attempt may take `timeout` seconds; one that is under way, or was
        begun since, is shared.
        """
        if self._begun is None or self._attempt is None or self._begun.boot < started.boot:
            self._begun = self._clock.now()
            self._attempt = asyncio.create_task(self._ask(self._begun, timeout))
        return await _result(self._attempt)

    async def _ask(self, begun: Instant, timeout: float) -> bool:
        asked = [asyncio.create_task(probe.attempt(begun, timeout)) for probe in self._probes]
        try:
            for answer in asyncio.as_completed(asked):
                if (await answer).vote is State.ON:
                    return True
            return False
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def close(self) -> None:
        """End what is under way."""
        if self._attempt is not None:
            self._attempt.cancel()
            await asyncio.gather(self._attempt, return_exceptions=True)
        for probe in self._probes:
            await probe.close()


async def _result(attempt: asyncio.Task[bool]) -> bool:
    """Wait for a shared attempt; one that was ended has found nobody alive."""
    try:
        return await asyncio.shield(attempt)
    except asyncio.CancelledError:
        asker = asyncio.current_task()
        if attempt.cancelled() and asker is not None and not asker.cancelling():
            return False
        raise
