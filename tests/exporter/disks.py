"""Journals on disks that fill up, or stop to answer, when a test says so."""

import threading
from collections.abc import Sequence
from pathlib import Path

from exporter.blackout import Life
from exporter.journal import Journal, Unwritable
from exporter.records import Sign
from exporter.transitions import Transition


class FillingDisk(Journal):
    """A journal on a disk that can be told to be full."""

    full = False
    full_after: int | None = None  # commits until then

    def commit(self, signs: Sequence[Sign], life: Life) -> list[Transition]:
        """Commit, or refuse as a full disk does."""
        if self.full:
            raise Unwritable("database or disk is full")
        if self.full_after is not None:
            self.full_after -= 1
            self.full = self.full_after <= 0
        return super().commit(signs, life)

    def retry_open(self) -> None:
        """Open again, or refuse as a full disk does."""
        if self.full:
            raise Unwritable("database or disk is full")
        super().retry_open()


class HangingDisk(FillingDisk):
    """A journal on a disk that can be told not to answer until it is let go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.lets_go = threading.Event()
        self.lets_go.set()

    def commit(self, signs: Sequence[Sign], life: Life) -> list[Transition]:
        """Commit, as soon as the disk answers."""
        self.lets_go.wait()
        return super().commit(signs, life)
