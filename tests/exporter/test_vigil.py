"""Signs of life, a clock in doubt and a clock that is set, with the real homes and a hand clock."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.board import Board
from exporter.config import ExporterConfig
from exporter.homes import Homes
from exporter.journal import Journal
from exporter.power import State
from exporter.probes.host import HostSettings
from exporter.probes.protocol import Shared
from exporter.recorder import Recorder
from exporter.vigil import Vigil
from tests.exporter.clocks import HandClock
from tests.exporter.scripted import home_config

HOST = (HostSettings(kind="host", name="host"),)


class Machine:
    """A machine whose exporter watches itself."""

    def __init__(self, folder: Path, clock: HandClock) -> None:
        self.clock = clock
        self.board = Board()
        self.recorder = Recorder(Journal(folder), clock)
        self.homes = Homes(self.board, self.recorder, clock, Shared())
        self.vigil = Vigil(self.board, self.homes, self.recorder, clock, 10_000)

    async def start(self) -> None:
        """Watch one home."""
        home = home_config("home", interval=3_600_000, unknown_after=9_000_000)
        config = home.model_copy(update={"probes": HOST})
        await self.homes.apply(ExporterConfig((config,)))

    async def round(self) -> None:
        """Run a round now."""
        (watched,) = self.homes._watched.values()
        await watched.watch.round_once()

    async def stop(self, *, clean: bool) -> None:
        """Stop, in order or not."""
        await self.homes.stop()
        if clean:
            await self.vigil.last_words()
        await self.homes.close()
        await self.recorder.close()


@pytest.fixture
def clock() -> HandClock:
    """A clock that only the test moves."""
    return HandClock()


@pytest.fixture
async def machine(tmp_path: Path, clock: HandClock) -> AsyncIterator[Machine]:
    """A machine that was on, stopped without a word, and has just booted again."""
    before = Machine(tmp_path, clock)
    await before.start()
    await before.round()
    await before.vigil.life_once()
    await before.stop(clean=False)
    clock.pass_time(600_000)
    clock.boot, clock.boot_id = 20_000, "boot-2"
    clock.is_synchronised = False
    machine = Machine(tmp_path, clock)
    await machine.start()
    yield machine
    await machine.stop(clean=True)


async def test_rows_wait_for_a_synchronised_clock(machine: Machine, clock: HandClock) -> None:
    """Just booted and not synchronised: unknown, not ready, nothing written, not even a life."""
    life = machine.recorder.life
    await machine.round()
    assert await machine.vigil.life_once() <= 1.0
    assert machine.recorder.life == life
    assert machine.recorder.last_id == 1
    assert machine.board.homes["home"].state is State.UNKNOWN
    assert "not synchronised" in (machine.board.unready() or "")


async def test_the_gap_is_judged_when_the_clock_is_synchronised(
    machine: Machine, clock: HandClock
) -> None:
    """Then the blackout is inferred, with the dates of the right clock."""
    await machine.round()
    clock.pass_time(5_000)
    clock.is_synchronised = True
    await machine.vigil.life_once()
    assert machine.board.unready() is None
    assert machine.board.homes["home"].state is State.ON
    assert machine.recorder.last_id == 3
    books = machine.board.homes["home"].books
    assert books is not None
    assert books.ended_at == clock.wall - clock.boot


async def test_after_two_minutes_the_clock_is_believed_anyway(
    machine: Machine, clock: HandClock
) -> None:
    """A machine without a time server must not stay silent."""
    clock.pass_time(99_999)
    await machine.vigil.life_once()
    assert machine.board.clock_doubt is not None
    clock.pass_time(1)
    await machine.vigil.life_once()
    assert machine.board.clock_doubt is None


async def test_counters_are_shown_while_the_clock_is_in_doubt(machine: Machine) -> None:
    """What the journal holds is shown, or Prometheus would see a reset."""
    view = machine.board.homes["home"]
    assert view.held
    assert view.books is not None
    assert view.books.to_on == 1
    assert view.last_known is State.ON


async def test_a_clock_that_is_set_is_counted_once(tmp_path: Path, clock: HandClock) -> None:
    """A step above one second either way is logged and counted; a slow drift is not."""
    machine = Machine(tmp_path, clock)
    await machine.start()
    for step, counted in ((500, 0), (700, 1), (0, 1), (-90_000, 2)):
        clock.step(step)
        clock.pass_time(10_000)
        await machine.vigil.life_once()
        assert machine.board.clock_steps == counted
    await machine.stop(clean=True)


async def test_an_orderly_stop_leaves_its_mark(tmp_path: Path, clock: HandClock) -> None:
    """The next boot then knows that no power cut ended it."""
    machine = Machine(tmp_path, clock)
    await machine.start()
    await machine.round()
    await machine.stop(clean=True)
    assert machine.recorder.life is not None
    assert machine.recorder.life.clean
