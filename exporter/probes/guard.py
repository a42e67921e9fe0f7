"""Owns the border around every probe: whatever a probe does, its round gets an answer in time.

A home whose round never ended would show its last state for ever; a fault of
ours is therefore "could not look", as soon as it is noticed. An attempt runs in a
task of its own, because one that swallows its cancellation cannot be ended: it is
left to itself, and its probe is not asked again while it lives.
"""

import asyncio
from functools import partial
from typing import TypeVar

from chassis.instants import Instant
from chassis.loops import Border
from exporter.probes.faults import unknown
from exporter.probes.protocol import Finding, Probe

GRACE = 1.0  # seconds that an attempt may outlast its timeout or its cancellation, or a close take

R = TypeVar("R")


class Guarded:
    """A probe that always answers, `timeout` + GRACE seconds after it was asked at the latest."""

    def __init__(self, name: str, probe: Probe) -> None:
        """`name` is for the log."""
        self._probe = probe
        self._border = Border(f"probe {name}")
        self._closing = Border(f"closing probe {name}")
        self._attempt: asyncio.Task[Finding] | None = None  # may outlive its answer

    async def attempt(self, started: Instant, timeout: float) -> Finding:
        """Ask once; a probe that raises or hangs found nothing."""
        if self._attempt is not None and not self._attempt.done():
            return unknown("the previous attempt has not ended", started)
        finding = await self._border.run(partial(self._ask, started, timeout))
        if finding is not None:
            return finding
        fault = (self._border.health.fault or "").rpartition(".")[2]
        return unknown(f"fault in the probe: {fault}", started)

    async def _ask(self, started: Instant, timeout: float) -> Finding:
        self._attempt = attempt = asyncio.create_task(self._probe.attempt(started, timeout))
        try:
            return await _within(timeout + GRACE, attempt)
        finally:
            if attempt.done():
                self._attempt = None

    async def close(self) -> None:
        """Give back what the probe holds; one that raises or hangs keeps nobody else from it."""
        await self._closing.run(self._close)

    async def _close(self) -> None:
        await _within(GRACE, asyncio.create_task(self._probe.close()))


async def _within(limit: float, task: asyncio.Task[R]) -> R:
    """Return what a task returns; raises what it raises, and TimeoutError after `limit` seconds.

    A task that is late is cancelled but not waited for, as it may never end. Where
    the asker is cancelled, the task has GRACE seconds to end in.
    """
    try:
        await asyncio.wait((task,), timeout=limit)
    except asyncio.CancelledError:
        _cut_off(task)
        await asyncio.wait((task,), timeout=GRACE)
        raise
    if not task.done():
        _cut_off(task)
        await asyncio.sleep(0)  # most end in this turn
        raise TimeoutError
    if task.cancelled():
        raise RuntimeError("it cancelled itself")  # not the asker, whose own end that would be
    return task.result()


def _cut_off(task: asyncio.Task[R]) -> None:
    task.add_done_callback(_forget)
    task.cancel()


def _forget(task: asyncio.Task[R]) -> None:
    """Fetch what nobody waits for any more, or asyncio would log it."""
    if not task.cancelled():
        task.exception()
