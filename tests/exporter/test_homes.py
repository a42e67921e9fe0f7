"""The homes of a config, and what a reload does to them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.board import Board
from exporter.config import ExporterConfig, ExporterSettings, HomeConfig
from exporter.homes import Homes
from exporter.journal_reader import JournalReader
from exporter.power import State
from exporter.probes.file import FileSettings
from exporter.probes.protocol import ProbeSettings, Role, Shared
from exporter.recorder import Recorder
from exporter.watch import HELD_ROUNDS
from tests.exporter.clocks import HandClock
from tests.exporter.disks import HangingDisk
from tests.exporter.scripted import home_config


class UnmadeSettings(ProbeSettings):
    """Settings of a kind that is not in the registry."""


class House:
    """Homes that are watched by a file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.board = Board()
        self.disk = HangingDisk(folder / "data")
        self.recorder = Recorder(self.disk, self.clock)
        self.homes = Homes(self.board, self.recorder, self.clock, Shared())
        self.recorder.on_durable.append(self.homes.refresh)

    def home(self, name: str, word: str = "on", **settings: object) -> HomeConfig:
        """Return a home's config, and write what its file says."""
        path = self.folder / name
        path.write_text(word, encoding="ascii")
        probe = FileSettings(kind="file", name="meter", path=path, on="on", off="off")
        config = home_config(name, interval=3_600_000, unknown_after=9_000_000, **settings)
        return config.model_copy(update={"probes": (probe,)})

    async def apply(self, *homes: HomeConfig, references: int = 0) -> None:
        """Take over a config."""
        path = self.folder / "reference"
        reference = FileSettings(kind="file", name="r", path=path, on="on", role=Role.REFERENCE)
        settings = ExporterSettings(references=(reference,) * references)
        await self.homes.apply(ExporterConfig(homes, settings))

    async def round(self, name: str, rounds: int = 1) -> None:
        """Run a round of a home now, or several, a second apart."""
        for _ in range(rounds):
            await self.homes._watched[name].watch.round_once()
            self.clock.pass_time(1_000)

    def rows(self, home: str) -> list[tuple[State, State | None]]:
        """Return a home's committed rows as (state, previous)."""
        reader = JournalReader(self.folder / "data")
        rows = [(row.state, row.previous) for row in reader.after(0, 1000) if row.home == home]
        reader.close()
        return rows


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Two homes that are on."""
    house = House(tmp_path)
    await house.apply(house.home("flat"), house.home("shed"))
    for name in ("flat", "shed"):
        await house.round(name)
    yield house
    house.disk.lets_go.set()
    while not house.recorder.writable:
        await house.recorder.retry_once()
    await house.homes.stop()
    await house.homes.close()
    await house.recorder.close()


async def test_an_unchanged_home_goes_on_untouched(house: House) -> None:
    """Same watch, same task: no round is missed."""
    before = house.homes._watched["flat"]
    await house.apply(house.home("flat"), house.home("shed", title="Shed"))
    assert house.homes._watched["flat"] is before
    assert not before.task.done()


async def test_an_edited_home_keeps_its_state(house: House) -> None:
    """It is on as before, under its new title, and nothing is written."""
    await house.apply(house.home("flat", title="Our flat"), house.home("shed"))
    view = house.board.homes["flat"]
    assert (view.state, view.config.title) == (State.ON, "Our flat")
    await house.round("flat")
    assert house.recorder.last_id == 2


async def test_a_removed_home_is_gone_and_leaves_a_clean_stop(house: House) -> None:
    """Its series end; the journal keeps it, marked as stopped in order."""
    gone = house.homes._watched["shed"]
    await house.apply(house.home("flat"))
    assert list(house.board.homes) == ["flat"]
    assert gone.task.done()
    assert house.recorder.records["shed"].life.clean


async def test_a_home_that_comes_back_starts_from_its_journal(house: House) -> None:
    """After a short absence it is what it was; what has happened meanwhile is measured anew."""
    await house.apply(house.home("flat"))
    house.clock.pass_time(10_000)
    await house.apply(house.home("flat"), house.home("shed", "off"))
    assert house.board.homes["shed"].state is State.ON
    assert house.board.homes["shed"].last == house.recorder.records["shed"].last


async def test_a_new_home_is_watched(house: House) -> None:
    """Unknown at first, without a row."""
    await house.apply(house.home("flat"), house.home("shed"), house.home("barn", "off"))
    assert list(house.board.homes) == ["flat", "shed", "barn"]
    assert house.board.homes["barn"].state is State.UNKNOWN


async def test_new_references_reach_homes_that_go_on(house: House) -> None:
    """Their rounds are not disturbed, and the next silence asks the new ones."""
    before = house.homes._watched["flat"]
    await house.apply(house.home("flat"), house.home("shed"), references=1)
    assert house.homes._watched["flat"] is before
    assert before.watch.references


async def test_the_order_of_homes_is_that_of_the_config(house: House) -> None:
    """Also after a reload that turns it round."""
    await house.apply(house.home("shed"), house.home("flat"))
    assert list(house.board.homes) == ["shed", "flat"]


async def test_a_home_that_comes_back_on_a_full_disk_goes_on_from_what_it_refused(
    house: House,
) -> None:
    """Its state and its rows do not part: no row of the journal follows one of the same state."""
    house.disk.full = True
    await house.apply(house.home("flat", "off"), house.home("shed"))
    await house.round("flat", 10)
    await house.apply(house.home("shed"))
    await house.apply(house.home("flat", "on"), house.home("shed"))
    assert house.board.homes["flat"].state is State.OFF
    await house.round("flat", 10)
    house.disk.full = False
    await house.recorder.retry_once()
    states = [State.ON, State.OFF, State.ON]
    assert house.rows("flat") == list(zip(states, [None, *states], strict=False))
    shown = house.board.homes["flat"]
    assert (shown.state, shown.undurable) == (State.ON, ())


async def test_a_reload_while_the_clock_becomes_right_leaves_no_home_held(tmp_path: Path) -> None:
    """Whichever of the two comes first, the edited home begins."""
    house = House(tmp_path)
    house.board.clock_doubt = "the clock stands before the last sign of life"
    await house.apply(house.home("flat"))
    await house.round("flat", 2)
    house.board.clock_doubt = None
    reload = asyncio.create_task(house.apply(house.home("flat", title="Our flat")))
    await asyncio.sleep(0)
    await house.homes.believe_the_clock()
    await reload
    await house.round("flat", 2)
    view = house.board.homes["flat"]
    assert (view.held, view.state, view.config.title) == (False, State.ON, "Our flat")
    await house.homes.stop()
    await house.recorder.close()


async def test_homes_share_what_may_be_held(house: House) -> None:
    """However many reloads add homes while the clock is in doubt."""
    house.board.clock_doubt = "the clock stands before the last sign of life"
    for count in (1, 2, 5):
        await house.apply(*(house.home(f"home-{n}") for n in range(count)))
    limits = [one.watch.course.held.maxlen for one in house.homes._watched.values()]
    assert limits == [HELD_ROUNDS // 5] * 5


async def test_two_reloads_at_once_watch_each_home_once(house: House) -> None:
    """The second waits for the first."""
    homes = [house.home("flat"), house.home("shed"), house.home("barn")]
    await asyncio.gather(house.apply(*homes), house.apply(*homes))
    tasks = [task for task in asyncio.all_tasks() if task.get_name() == "home barn"]
    assert len(tasks) == 1


async def test_a_reload_that_fails_leaves_every_home_watched(house: House) -> None:
    """A probe that cannot be made: nothing has changed, and the next reload works."""
    broken = house.home("flat").model_copy(update={"probes": (UnmadeSettings(kind="unmade"),)})
    with pytest.raises(KeyError):
        await house.apply(house.home("shed", title="Shed"), broken)
    assert all(not one.task.done() for one in house.homes._watched.values())
    assert house.board.homes["shed"].config.title != "Shed"
    await house.apply(house.home("shed", title="Shed"))
    assert list(house.board.homes) == ["shed"]


async def test_an_edit_keeps_what_is_shown_of_probes_that_it_leaves_alone(house: House) -> None:
    """Its counters do not go back, and its last vote is not forgotten."""
    before = house.board.homes["flat"].probes["meter"]
    await house.apply(house.home("flat", title="Our flat"), house.home("shed"))
    assert house.board.homes["flat"].probes["meter"] is before
    assert (before.attempts > 0, before.vote) == (True, State.ON)


async def test_a_disk_that_hangs_does_not_stop_a_home(house: House) -> None:
    """Neither its rounds nor a reload wait for ever; what is seen is shown."""
    house.recorder._patience = 0.02
    house.disk.lets_go.clear()
    house.home("flat", "off")
    await house.round("flat", 10)
    assert house.board.homes["flat"].state is State.OFF
    await house.apply(house.home("flat", "off", title="Our flat"))
    assert not house.recorder.writable
