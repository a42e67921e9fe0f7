"""Owns the way into the journal: commits in groups, and keeps what the disk refuses.

Nothing learns of a change before `record` has returned; what the disk refuses is
returned as not durable and committed, unchanged and in order, when that is possible.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from chassis.clock import Clock
from exporter.blackout import Life
from exporter.journal import Journal, Unfit, Unwritable
from exporter.records import Record, Sign
from exporter.transitions import Transition, transition_of

log = logging.getLogger(__name__)

RETRY_EVERY = 1.0  # seconds between two tries of a disk that refuses

Result = TypeVar("Result")
Undurable = Callable[[Sequence[Transition]], None]


class Recorder:
    """The asynchronous face of the journal. All calls come from one event loop."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._waiting: list[tuple[Sign, asyncio.Future[tuple[Transition, ...]]]] = []
        self._refused: list[Sign] = []
        self._undurable: dict[str, tuple[Transition, ...]] = {}
        self._flushing: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._committed = asyncio.Condition()
        self.writable = True
        self.last_id = journal.last_id
        self.on_undurable: list[Undurable] = []
        self.on_durable: list[Callable[[], None]] = []
        self.on_writable: list[Callable[[bool], None]] = []

    @property
    def records(self) -> dict[str, Record]:
        """Every home as last committed, removed ones too."""
        return self._journal.records

    @property
    def life(self) -> Life | None:
        """The last durable sign of life of the exporter."""
        return self._journal.life

    async def record(self, sign: Sign) -> tuple[Transition, ...]:
        """Commit one home's changes; return them as rows, durable or (id None) not.

        Changes that arrive while the disk is busy are committed together.
        """
        done: asyncio.Future[tuple[Transition, ...]] = asyncio.get_running_loop().create_future()
        self._waiting.append((sign, done))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        return await asyncio.shield(done)

    async def sign_of_life(self, signs: Sequence[Sign], *, clean: bool = False) -> None:
        """Commit that the homes and the exporter live, or that they stop in an orderly way."""
        await self._commit(list(signs), clean=clean)

    async def _flush(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            try:
                rows = await self._commit([sign for sign, _ in taken])
            except Exception as fault:  # noqa: BLE001  whoever waits must hear of it, and tries again
                for _, done in taken:
                    if not done.done():
                        done.set_exception(fault)
                continue
            for sign, done in taken:
                mine = tuple(rows[: len(sign.changes)])
                rows = rows[len(sign.changes) :]
                if not done.done():
                    done.set_result(mine)

    async def _commit(self, signs: list[Sign], *, clean: bool = False) -> list[Transition]:
        """Commit what was refused before and then these; return the rows of these."""
        async with self._one_at_a_time:
            before = sum(len(sign.changes) for sign in self._refused)
            life = Life(self._clock.now(), self._clock.boot_id, clean)
            try:
                rows = await self._run(self._write, [*self._refused, *signs], life)
            except Unwritable as fault:
                return self._refuse(signs, str(fault))
            await self._accepted(rows, caught_up=before)
            return rows[before:]

    def _write(self, signs: list[Sign], life: Life) -> list[Transition]:
        if not self.writable:
            self._journal.retry_open()
        try:
            return self._journal.commit(signs, life)
        except Unfit:
            return [row for sign in signs for row in self._write_fit(sign, life)]

    def _write_fit(self, sign: Sign, life: Life) -> list[Transition]:
        """Commit one sign; what the tables will never take must not block the others."""
        try:
            return self._journal.commit([sign], life)
        except Unfit as fault:
            log.critical("a change of home %s makes no sense (%s): %s", sign.home, fault, sign)
            return [transition_of(sign.home, change) for change in sign.changes]

    def _refuse(self, signs: list[Sign], reason: str) -> list[Transition]:
        if self.writable:
            log.error("the journal cannot be written, going on without it: %s", reason)
        self._set_writable(yes=False)
        rows: list[Transition] = []
        for sign in signs:
            if sign.changes:
                new = tuple(transition_of(sign.home, change) for change in sign.changes)
                self._refused.append(sign)
                self._undurable[sign.home] = (*self.undurable(sign.home), *new)
                rows.extend(new)
        if rows:
            for tell in self.on_undurable:
                tell(rows)
        return rows

    async def _accepted(self, rows: list[Transition], *, caught_up: int) -> None:
        if not self.writable:
            log.info("the journal can be written again, %d rows were caught up", caught_up)
        self._refused, self._undurable = [], {}
        self._set_writable(yes=True)
        if caught_up:
            for tell in self.on_durable:
                tell()
        if rows:
            self.last_id = self._journal.last_id
            async with self._committed:
                self._committed.notify_all()

    def _set_writable(self, *, yes: bool) -> None:
        if yes is not self.writable:
            self.writable = yes
            for tell in self.on_writable:
                tell(yes)

    def undurable(self, home: str) -> tuple[Transition, ...]:
        """Return the home's rows that the disk has refused so far, in order."""
        return self._undurable.get(home, ())

    def all_undurable(self) -> list[Transition]:
        """Return all rows that the disk has refused so far, in order."""
        return [
            transition_of(sign.home, change) for sign in self._refused for change in sign.changes
        ]

    async def retry_once(self) -> float:
        """Try again what the disk refused, if anything; return the seconds until the next look."""
        if not self.writable:
            await self._commit([])
        return RETRY_EVERY

    async def wait_beyond(self, id_: int) -> int:
        """Wait until the journal holds a row with a higher id; return the highest."""
        async with self._committed:
            await self._committed.wait_for(lambda: self.last_id > id_)
        return self.last_id

    async def cursor(self, sink: str) -> int:
        """Return the id up to which a sink has all; a new sink starts at the journal's end."""
        return await self._run(self._journal.cursor, sink)

    async def advance(self, sink: str, id_: int) -> None:
        """Remember that a sink has all up to `id_`. Raises Unwritable."""
        await self._run(self._journal.advance, sink, id_)

    async def forget_cursor(self, sink: str) -> None:
        """Let a sink that is turned on again start at the journal's end. Raises Unwritable."""
        await self._run(self._journal.forget_cursor, sink)

    async def park(self, sink: str, id_: int, reason: str) -> None:
        """Remember that a sink refused a row for good, and why. Raises Unwritable."""
        await self._run(self._journal.park, sink, id_, reason)

    async def _run(self, call: Callable[..., Result], *args: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)

    async def close(self) -> None:
        """Finish what is under way and give the journal back."""
        if self._flushing is not None and not self._flushing.done():
            await asyncio.wait([self._flushing])
        await self._run(self._journal.close)
        self._thread.shutdown()
