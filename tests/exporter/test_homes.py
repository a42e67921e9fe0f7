"""The homes of a config, and what a reload does to them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.board import Board
from exporter.config import ExporterConfig, ExporterSettings, HomeConfig
from exporter.homes import Homes
from exporter.journal import Journal
from exporter.power import State
from exporter.probes.file import FileSettings
from exporter.probes.protocol import Role, Shared
from exporter.recorder import Recorder
from tests.exporter.clocks import HandClock
from tests.exporter.scripted import home_config


class House:
    """Homes that are watched by a file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.board = Board()
        self.recorder = Recorder(Journal(folder / "data"), self.clock)
        self.homes = Homes(self.board, self.recorder, self.clock, Shared())

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

    async def round(self, name: str) -> None:
        """Run one round of a home now."""
        await self.homes._watched[name].watch.round_once()
        self.clock.pass_time(1_000)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Two homes that are on."""
    house = House(tmp_path)
    await house.apply(house.home("flat"), house.home("shed"))
    for name in ("flat", "shed"):
        await house.round(name)
    yield house
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
