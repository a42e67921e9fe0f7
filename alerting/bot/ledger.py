"""Owns which updates are to be confirmed to Telegram: those that have been handled; pure.

Ids grow, but after a quiet week Telegram begins anew anywhere: an offset is asked with only while
there is something to confirm by it, and an old id is known only by being near.
"""

from dataclasses import dataclass

NEAR = 1_000  # ids before the last that was handled that may come again after a crash


@dataclass(slots=True)
class _Taken:
    since: float
    done: bool = False


class Ledger:
    """The updates that were taken and are not confirmed. Moments are monotonic seconds."""

    def __init__(self, handled: int | None = None, patience: float = 20.0) -> None:
        """`handled`: all ids before it were handled by whoever came before.

        One update may hold up the confirming of others for `patience` seconds.
        """
        self._before = handled
        self._patience = patience
        self._taken: dict[int, _Taken] = {}
        self._began = False
        self.handled = handled

    def take(self, id_: int, now: float) -> bool:
        """Note an update that came; return whether it is to be handled."""
        self._began = True
        if id_ in self._taken:
            return False
        known = self._before is not None and self._before - NEAR <= id_ < self._before
        self._taken[id_] = _Taken(now, known)
        return not known

    def done(self, id_: int) -> None:
        """Note that an update has been handled."""
        if id_ in self._taken:
            self._taken[id_].done = True

    @property
    def began(self) -> bool:
        """Tell whether any update has been taken yet."""
        return self._began

    @property
    def busy(self) -> bool:
        """Tell whether any is being handled."""
        return any(not taken.done for taken in self._taken.values())

    def offset(self, now: float) -> int | None:
        """Return what to ask with next: all before it is confirmed; None to confirm nothing."""
        if not self._taken:
            return None
        held = (
            id_
            for id_, taken in self._taken.items()
            if not taken.done and now - taken.since < self._patience
        )
        offset = min(held, default=max(self._taken) + 1)
        if offset <= min(self._taken):
            return None
        self.handled = offset
        return offset

    def confirmed(self, offset: int | None) -> None:
        """Forget what Telegram has forgotten."""
        if offset is not None:
            self._taken = {id_: taken for id_, taken in self._taken.items() if id_ >= offset}
