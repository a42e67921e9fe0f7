"""Owns the telling of the past: the whole journal to a sink, whose cursor stays where it is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from chassis.loops import Backoff
from exporter.entries import Entry
from exporter.poison import Search, Step
from exporter.pump import BATCH, FIRST_PAUSE, LONGEST_PAUSE, Sink
from exporter.sinks.outcomes import Accepted, Blocked, Broken, NothingToSay, Refused, Unavailable

_BACKOFF = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
PATIENCE = 8  # successive failures, which are about a minute, before it gives up


class History(Protocol):
    """What is told."""

    async def entries_after(self, id_: int, limit: int) -> list[Entry]:
        """Return at most `limit` committed entries after an id, in order."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: all rows up to `id` were told, but for `refused` ones."""

    id: int = 0
    told: int = 0
    refused: int = 0
    last_reason: str | None = None


class BackfillFailed(Exception):
    """It ended early; the text says why. To run it again is harmless."""


async def backfill(
    history: History,
    sink: Sink,
    tell: Callable[[Progress], None] = lambda _: None,
    *,
    batch: int = BATCH,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Progress:
    """Send every row from the first to the newest; `tell` hears of each batch.

    Rows that the sink refuses are counted, not parked: such as those that are
    older than the bucket's retention. Raises BackfillFailed.
    """
    progress, search, failures = Progress(), Search(), 0
    while entries := await history.entries_after(progress.id, search.size(batch)):
        outcome = await sink.send(entries)
        match outcome:
            case Accepted() | NothingToSay():
                failures = 0
                search.passed()
                progress = _passed(progress, entries, told=len(entries))
                tell(progress)
            case Refused(reason) | Broken(reason) if _given_up(search, outcome, len(entries)):
                search.passed()
                progress = replace(_passed(progress, entries, refused=1), last_reason=reason)
                tell(progress)
            case Unavailable() | Broken():
                failures += 1
                await sleep(_pause(outcome, failures))
            case Blocked(reason):
                raise BackfillFailed(reason)
    return progress


def _pause(outcome: Unavailable | Broken, failures: int) -> float:
    """Return how long to wait in seconds; raises BackfillFailed when patience is at an end."""
    if isinstance(outcome, Broken):
        return _BACKOFF.after(failures)
    if failures >= PATIENCE:
        raise BackfillFailed(outcome.reason)
    return max(_BACKOFF.after(failures), min(outcome.retry_after or 0.0, LONGEST_PAUSE))


def _passed(progress: Progress, entries: list[Entry], told: int = 0, refused: int = 0) -> Progress:
    return replace(
        progress,
        id=entries[-1].transition.id or 0,
        told=progress.told + told,
        refused=progress.refused + refused,
    )


def _given_up(search: Search, outcome: Refused | Broken, count: int) -> bool:
    """Tell whether a single entry is to be left out; somebody watches, so no witness is asked."""
    if isinstance(outcome, Refused):
        return search.refused(count) is Step.PARK
    step = search.broke(count)
    if search.wants_witness:
        search.witnessed(count, accepted=True)
    return step is Step.PARK
