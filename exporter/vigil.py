"""Owns the exporter's own time: signs of life, doubt about the clock, steps of the clock."""

import logging

from chassis.clock import Clock
from chassis.instants import MS_PER_SECOND
from exporter.blackout import Start, clock_doubt
from exporter.board import Board
from exporter.homes import Homes
from exporter.recorder import Recorder

log = logging.getLogger(__name__)

STEP = 1000  # ms by which wall time must move against the boot clock to be called a step
DOUBT_LOOKED_AT_EVERY = 1.0  # seconds


class Vigil:
    """Writes signs of life, and holds the homes back while the clock cannot be believed."""

    def __init__(
        self, board: Board, homes: Homes, recorder: Recorder, clock: Clock, interval: int
    ) -> None:
        self._board = board
        self._homes = homes
        self._recorder = recorder
        self._clock = clock
        self.interval = interval / MS_PER_SECOND
        self._life_before = recorder.life
        self._offset = self._offset_now()
        board.clock_doubt = self._doubt()
        if board.clock_doubt is not None:
            log.warning("rows are held back: %s", board.clock_doubt)

    def _doubt(self) -> str | None:
        start = Start(self._clock.now(), self._clock.boot_id)
        return clock_doubt(start, self._life_before, synchronised=self._clock.synchronised())

    def _offset_now(self) -> int:
        now = self._clock.now()
        return now.wall - now.boot

    async def life_once(self) -> float:
        """Look at the clock and commit a sign of life; return the seconds until the next."""
        if self._board.clock_doubt is not None:
            await self._doubt_once()
        if self._board.clock_doubt is not None:
            return min(DOUBT_LOOKED_AT_EVERY, self.interval)
        self._notice_step()
        await self._recorder.sign_of_life(self._homes.signs())
        self._homes.refresh()
        self._board.schedule_lag_seconds = self._homes.lag.look()
        return self.interval

    async def _doubt_once(self) -> None:
        self._board.clock_doubt = self._doubt()
        if self._board.clock_doubt is None:
            log.info("the clock is believed")
            self._offset = self._offset_now()
            await self._homes.believe_the_clock()

    def _notice_step(self) -> None:
        step = self._offset_now() - self._offset
        if abs(step) > STEP:
            self._offset += step
            self._board.clock_steps += 1
            log.warning(
                "the clock was set", extra={"fields": {"step_seconds": step / MS_PER_SECOND}}
            )

    async def last_words(self) -> None:
        """Commit that this is an orderly stop; while the clock is in doubt nothing is written."""
        if self._board.clock_doubt is None:
            await self._recorder.sign_of_life(self._homes.signs(), clean=True)
