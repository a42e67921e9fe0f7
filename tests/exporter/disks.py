"""A journal on a disk that fills up when a test says so."""

from collections.abc import Sequence

from exporter.blackout import Life
from exporter.journal import Journal, Unwritable
from exporter.records import Sign
from exporter.transitions import Transition


class FillingDisk(Journal):
    """A journal on a disk that can be told to be full."""

    full = False

    def commit(self, signs: Sequence[Sign], life: Life) -> list[Transition]:
        """Commit, or refuse as a full disk does."""
        if self.full:
            raise Unwritable("database or disk is full")
        return super().commit(signs, life)

    def retry_open(self) -> None:
        """Open again, or refuse as a full disk does."""
        if self.full:
            raise Unwritable("database or disk is full")
        super().retry_open()
