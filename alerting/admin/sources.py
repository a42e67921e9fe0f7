"""Owns what the pages are made from: the store, the clock, and what holds by the config."""

from collections.abc import Callable
from dataclasses import dataclass

from alerting.store import Change, Store
from alerting.telling import Surroundings
from chassis.clock import Clock


def _nobody_is_told(_change: Change) -> None:
    """Keep it: the chat will notice."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What the pages read and change.

    `around` and `sends` (whether there is a bot) are asked for each page, from any thread.
    `answered` is called on the event loop after an approval, a denial or a removal is
    committed, so that the chat can be told.
    """

    store: Store
    clock: Clock
    around: Callable[[], Surroundings]
    sends: Callable[[], bool] = lambda: True
    answered: Callable[[Change], None] = _nobody_is_told
