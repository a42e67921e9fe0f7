"""The running exporter as one: what a reload does that goes well, that is refused, that fails."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.clock import SystemClock
from chassis.loops import Stop
from chassis.yaml_config import ConfigError, Fault
from exporter.app import App
from exporter.config import ExporterConfig, ExporterSettings, HomeConfig
from exporter.probes.file import FileSettings
from exporter.probes.protocol import ProbeSettings
from tests.exporter.boards import home_config


class UnmadeSettings(ProbeSettings):
    """Settings of a kind that is not in the registry."""


class Running:
    """An exporter, and configs for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "meter").write_text("on", encoding="ascii")
        self.config = self.of(self.home("flat"))
        self.app = App(self.config, SystemClock())
        self.stop = Stop()

    def of(self, *homes: HomeConfig) -> ExporterConfig:
        """Return a config of these homes."""
        settings = ExporterSettings(listen="127.0.0.1:0", data_dir=self.folder / "data")
        return ExporterConfig(homes, settings)

    def home(self, name: str, *more: ProbeSettings) -> HomeConfig:
        """Return a home that is watched by a file, ten times a second."""
        meter = self.folder / "meter"
        probe = FileSettings(kind="file", name="meter", path=meter, on="on", off="off")
        return home_config(name).model_copy(update={"interval": 100, "probes": (probe, *more)})

    async def reload(self) -> None:
        """What POST /-/reload would ask for; it is not asked here."""

    async def reload_to(self, config: ExporterConfig) -> None:
        """Reload with a config that is read at once."""

        async def read() -> ExporterConfig:
            return config

        await self.app.reload(read)

    async def round_of(self, home: str) -> None:
        """Wait for one more round of a home."""
        view = self.app.board.homes[home]
        seen = view.rounds
        async with asyncio.timeout(20):
            while view.rounds == seen:
                await asyncio.sleep(0.01)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """An exporter of one home."""
    running = Running(tmp_path)
    await running.app.start(running.stop, running.reload)
    yield running
    running.stop.set()
    await running.app.stop()


async def test_a_reload_under_way_is_neither_good_nor_bad_yet(running: Running) -> None:
    """The board keeps telling of the one before until the outcome is known."""
    board = running.app.board
    for before, outcome in ((True, None), (True, "faulty"), (False, None)):
        begun, go = asyncio.Event(), asyncio.Event()

        async def read(
            begun: asyncio.Event = begun, go: asyncio.Event = go, outcome: str | None = outcome
        ) -> ExporterConfig:
            begun.set()
            await go.wait()
            if outcome is not None:
                raise ConfigError([Fault("config.yaml", 1, "", outcome)])
            return running.config

        reloading = asyncio.create_task(running.app.reload(read))
        await begun.wait()
        assert board.reload_successful is before
        go.set()
        await asyncio.wait([reloading])
        assert board.reload_successful is (outcome is None)
        assert isinstance(reloading.exception(), ConfigError) is (outcome is not None)


async def test_a_reload_that_fails_half_way_leaves_every_home_watched(running: Running) -> None:
    """It counts as failed, whoever asked hears of it, and the next one goes well."""
    broken = UnmadeSettings(kind="unmade", name="unmade")
    wanted = running.home("flat"), running.home("shed")
    with pytest.raises(KeyError, match="unmade"):
        await running.reload_to(running.of(running.home("flat", broken), wanted[1]))
    assert running.app.board.reload_successful is False
    assert list(running.app.board.homes) == ["flat"]
    await running.round_of("flat")
    await running.reload_to(running.of(*wanted))
    assert running.app.board.reload_successful is True
    await running.round_of("shed")
