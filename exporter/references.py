"""Owns the question whether the network can be trusted: is a battery-backed reference alive?

However many homes ask, at most one attempt at the shared references is under way,
and one more waits for its end, for all whom the first came too early for.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.clock import Clock
from chassis.instants import Instant
from exporter.power import State
from exporter.probes.protocol import Probe


@dataclass(slots=True, eq=False)
class _Attempt:
    """An attempt at all references: under way, over, or (not `begun`) waiting for its turn.

    `timeout` is in seconds, the longest of those who were there before it began.
    """

    timeout: float
    begun: Instant | None = None

    def serves(self, started: Instant) -> bool:
        """Tell whether it begins, or was begun, at `started` or later."""
        return self.begun is None or self.begun.boot >= started.boot


class References:
    """The references of `exporter.references`, asked only when a networked probe is dead."""

    def __init__(self, probes: Sequence[Probe], clock: Clock) -> None:
        self._probes = tuple(probes)
        self._clock = clock
        self._latest: tuple[_Attempt, asyncio.Task[bool]] | None = None
        self._unended: set[asyncio.Task[bool]] = set()
        self._closed = False

    def __bool__(self) -> bool:
        return bool(self._probes)

    async def alive_since(self, started: Instant, timeout: float) -> bool:
        """Tell whether one was alive in an attempt begun at `started` or later.

        An attempt that serves is shared, be it under way, over or still to come. Who
        has no answer after `timeout` seconds has found nobody alive.
        """
        if self._closed:
            return False
        answer = self._shared(started, timeout)
        await asyncio.wait((answer,), timeout=timeout)
        return answer.done() and not answer.cancelled() and answer.result()

    def _shared(self, started: Instant, timeout: float) -> asyncio.Task[bool]:
        before = None
        if self._latest is not None:
            attempt, before = self._latest
            if attempt.serves(started):
                attempt.timeout = max(attempt.timeout, timeout)
                return before
        attempt = _Attempt(timeout)
        answer = asyncio.create_task(self._ask_after(before, attempt))
        self._unended.add(answer)
        answer.add_done_callback(self._unended.discard)
        self._latest = attempt, answer
        return answer

    async def _ask_after(self, before: asyncio.Task[bool] | None, attempt: _Attempt) -> bool:
        if before is not None:
            await asyncio.wait((before,))
        attempt.begun = self._clock.now()
        return await self._ask(attempt.begun, attempt.timeout)

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
        """End what is under way or waits: it has found nobody alive."""
        self._closed = True
        for answer in self._unended:
            answer.cancel()
        await asyncio.gather(*self._unended, return_exceptions=True)
        await asyncio.gather(*(probe.close() for probe in self._probes))
