"""Owns the way into the journal: commits in groups, and keeps what the disk refuses.

Nothing learns of a change before `record` has returned. What the disk refuses, or
does not take within PATIENCE, is returned as not durable and committed, unchanged
and in order, when that is possible.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from chassis.clock import Clock
from chassis.together import Together
from exporter.blackout import Life
from exporter.journal import Journal, Unfit, Unwritable
from exporter.records import Record, Sign
from exporter.refused import Refused, rows_of
from exporter.transitions import Transition

log = logging.getLogger(__name__)

RETRY_EVERY = 1.0  # seconds between two tries of a disk that refuses
PATIENCE = 5.0  # seconds that the disk may take before it counts as one that refuses

Result = TypeVar("Result")
Undurable = Callable[[Sequence[Transition]], None]


class _NoAnswer(Unwritable):
    """The disk takes too long: what it was asked to do, if it was, may yet be done."""

    def __init__(self, patience: float, asked: "asyncio.Future[Any] | None" = None) -> None:
        super().__init__(f"the disk has not answered for {patience:g} s")
        self.asked = asked


class _Late(NamedTuple):
    """A commit without an answer yet, and how many of the refused signs are in it."""

    writing: "asyncio.Future[Any]"
    signs: int


class Recorder:
    """The asynchronous face of the journal. All calls come from one event loop."""

    def __init__(self, journal: Journal, clock: Clock, *, patience: float = PATIENCE) -> None:
        """`patience` is in seconds."""
        self._journal = journal
        self._clock = clock
        self._patience = patience
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._hanging: asyncio.Future[Any] | None = None  # what the thread was last seen to hang in
        self._late: _Late | None = None
        self._record = Together(self._record_together)
        self._refused = Refused()
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

    def latest(self, home: str) -> Record | None:
        """Return a home as its latest rows leave it, whether the disk has taken them or not."""
        return self._refused.after(home, self._journal.records.get(home))

    @property
    def life(self) -> Life | None:
        """The last durable sign of life of the exporter."""
        return self._journal.life

    async def record(self, sign: Sign) -> tuple[Transition, ...]:
        """Commit one home's changes; return them as rows, durable or (id None) not.

        Changes that arrive while the disk is busy are committed together.
        """
        return await self._record(sign)

    async def sign_of_life(self, signs: Sequence[Sign], *, clean: bool = False) -> None:
        """Commit that the homes and the exporter live, or that they stop in an orderly way."""
        await self._commit(list(signs), clean=clean)

    async def _record_together(self, signs: list[Sign]) -> list[tuple[Transition, ...]]:
        rows = iter(await self._commit(signs))
        return [tuple(islice(rows, len(sign.changes))) for sign in signs]

    async def _commit(self, signs: list[Sign], *, clean: bool = False) -> list[Transition]:
        """Commit what was refused before and then these; return the rows of these.

        Once begun it goes on, whoever stops waiting for it: what the journal holds
        and what is kept here must not part.
        """
        return await asyncio.shield(asyncio.ensure_future(self._commit_all(signs, clean=clean)))

    async def _commit_all(self, signs: list[Sign], *, clean: bool) -> list[Transition]:
        async with self._one_at_a_time:
            await self._hear_of_late()
            life = Life(self._clock.now(), self._clock.boot_id, clean)
            if self._late is not None:
                return self._refuse(signs, life, str(_NoAnswer(self._patience)))
            before = list(self._refused.signs)
            try:
                rows = await self._run(self._write, [*before, *signs], life)
            except Unwritable as fault:
                new = self._refuse(signs, life, str(fault))
                if isinstance(fault, _NoAnswer) and fault.asked is not None:
                    self._late = _Late(fault.asked, len(self._refused.signs))
                return new
            caught_up = self._refused.committed(len(before))
            await self._accepted(rows, caught_up)
            return rows[caught_up:]

    async def _hear_of_late(self) -> None:
        """Learn how a commit ended that the disk had not answered in time, if it has ended."""
        if self._late is None or not self._late.writing.done():
            return
        late, self._late = self._late, None
        if late.writing.exception() is None:
            await self._tell_durable(self._refused.committed(late.signs))

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
            return rows_of(sign)

    def _refuse(self, signs: list[Sign], life: Life, reason: str) -> list[Transition]:
        if self.writable:
            log.error("the journal cannot be written, going on without it: %s", reason)
        self._set_writable(yes=False)
        rows = self._refused.add(signs, life)
        if rows:
            for tell in self.on_undurable:
                tell(rows)
        return rows

    async def _accepted(self, rows: list[Transition], caught_up: int) -> None:
        if not self.writable:
            log.info("the journal can be written again, %d rows were caught up", caught_up)
        self._set_writable(yes=True)
        if rows:
            await self._tell_durable(caught_up)

    async def _tell_durable(self, caught_up: int) -> None:
        """Tell of new rows in the journal, of which so many had been refused before."""
        if caught_up:
            for forget in self.on_durable:
                forget()
            if still := self._refused.all():
                for tell in self.on_undurable:
                    tell(still)
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
        return self._refused.of(home)

    def all_undurable(self) -> list[Transition]:
        """Return all rows that the disk has refused so far, in order."""
        return self._refused.all()

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
        """Run a call in the journal's thread. Raises Unwritable, too, where there is no answer."""
        if self._hanging is not None and not self._hanging.done():
            raise _NoAnswer(self._patience)
        asked = asyncio.get_running_loop().run_in_executor(self._thread, call, *args)
        await asyncio.wait((asked,), timeout=self._patience)
        if not asked.done():
            self._hanging = asked
            raise _NoAnswer(self._patience, asked)
        return asked.result()

    async def close(self) -> None:
        """Finish what is under way and give the journal back; a disk that hangs keeps it."""
        await self._record.finish()
        try:
            await self._run(self._journal.close)
        except _NoAnswer as fault:
            log.error("the journal was not closed: %s", fault)
        self._thread.shutdown(wait=self._hanging is None or self._hanging.done())
