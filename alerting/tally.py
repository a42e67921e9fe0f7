"""Owns the shape of what the store can count; counts nothing itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

STATES = ("active", "pending", "stopped", "blocked", "denied")


def _nobody() -> dict[str, int]:
    return dict.fromkeys(STATES, 0)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many deliveries wait, since when (wall ms, None for none), and subscribers by state."""

    pending: int = 0
    oldest: int | None = None
    subscribers: Mapping[str, int] = field(default_factory=_nobody)
