"""The fake Bot API's limits: how many messages it takes, and for how long it refuses more."""

import math
from collections import deque
from dataclasses import dataclass


@dataclass
class Limits:
    """Messages taken per second in all, per private chat and second, per group and minute.

    None is no limit. `burst`: what a private chat may be sent at once beyond its one.
    """

    overall: int | None = 30
    private: float | None = 1.0
    group: int | None = 20
    burst: int = 0


class Flood:
    """Counts what was taken. Whoever is over a limit stays banned for as long as it was told."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._taken: deque[float] = deque()
        self._allowance: dict[int, tuple[float, float]] = {}  # chat -> allowance, as of when
        self._in_group: dict[int, deque[float]] = {}
        self._bans: dict[int | None, float] = {}  # None: everybody

    def ban(self, chat: int | None, until: float) -> None:
        """Refuse a chat, or with None every chat, until then."""
        self._bans[chat] = max(until, self._bans.get(chat, until))

    def lift(self) -> None:
        """Forget all bans and all counts."""
        self._taken.clear()
        self._allowance.clear()
        self._in_group.clear()
        self._bans.clear()

    def retry_after(self, chat: int, now: float) -> int | None:
        """Count a message if it may be taken, else return the seconds to wait (at least 1)."""
        banned = max(self._bans.get(None, 0.0), self._bans.get(chat, 0.0)) - now
        if banned > 0:
            return math.ceil(banned)
        for culprit, seconds in (
            (None, self._over_all(now)),
            (chat, self._over_group(chat, now) if chat < 0 else self._over_private(chat, now)),
        ):
            if seconds > 0:
                self.ban(culprit, now + math.ceil(seconds))
                return math.ceil(seconds)
        self._count(chat, now)
        return None

    def _over_all(self, now: float) -> float:
        while self._taken and self._taken[0] <= now - 1:
            self._taken.popleft()
        full = self.limits.overall is not None and len(self._taken) >= self.limits.overall
        return self._taken[0] + 1 - now if full else 0.0

    def _over_private(self, chat: int, now: float) -> float:
        if self.limits.private is None:
            return 0.0
        missing = 1.0 - self._allowance_of(chat, now)
        return missing / self.limits.private if missing > 0 else 0.0

    def _allowance_of(self, chat: int, now: float) -> float:
        most = 1.0 + self.limits.burst
        left, since = self._allowance.get(chat, (most, now))
        return min(most, left + (now - since) * (self.limits.private or 0.0))

    def _over_group(self, chat: int, now: float) -> float:
        taken = self._in_group.setdefault(chat, deque())
        while taken and taken[0] <= now - 60:
            taken.popleft()
        full = self.limits.group is not None and len(taken) >= self.limits.group
        return taken[0] + 60 - now if full else 0.0

    def _count(self, chat: int, now: float) -> None:
        self._taken.append(now)
        if chat < 0:
            self._in_group.setdefault(chat, deque()).append(now)
        else:
            self._allowance[chat] = (self._allowance_of(chat, now) - 1.0, now)
