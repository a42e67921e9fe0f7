"""Owns what the web parts are made from; each is put in by the composition root."""

from dataclasses import dataclass
from typing import Protocol

from chassis.clock import Clock
from chassis.instants import Instant
from exporter.board import Board
from exporter.reading import Reading


class Feed(Protocol):
    """Who knows how far the journal has come; the recorder does."""

    @property
    def last_id(self) -> int:
        """The id of the newest committed row, 0 when there is none."""

    async def wait_beyond(self, id_: int) -> int:
        """Wait until the journal holds a row with a higher id; return the highest."""


class Stopping(Protocol):
    """The service's stop event."""

    async def wait(self) -> object:
        """Wait until the service is to stop."""


class Beats(Protocol):
    """Who takes heartbeats."""

    def accept(self, home: str, probe: str | None, token: str, at: Instant) -> bool:
        """Take a beat that arrived at `at`; tell whether its token is of that home (and probe).

        Takes as long for a home that does not exist as for a wrong token.
        """


@dataclass(frozen=True, slots=True)
class Sources:
    """All that the web parts read, and where they hand heartbeats in."""

    board: Board
    reading: Reading
    clock: Clock
    feed: Feed
    beats: Beats
    stopping: Stopping
