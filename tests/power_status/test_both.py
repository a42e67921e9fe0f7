"""Exporter and relay in this process, when one of them cannot start."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from alerting.config import load as load_relay
from chassis.loops import Stop
from exporter.config import load as load_exporter
from exporter.sinks.outcomes import Unavailable
from power_status.both import Both, Configs
from tests.alerting.rig import outage, payload
from tests.fakes.telegram import FakeTelegram

CONFIG = """
homes: []
exporter: {{listen: 127.0.0.1:{exporter}, data_dir: exporter}}
alerting:
  listen: 127.0.0.1:{relay}
  data_dir: relay
  telegram: {{token_file: token, api_url: "{api}", admins: [900]}}
"""


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Take back what a service does to the process's logging."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def taken() -> Iterator[int]:
    """Listen on a port that a service wants."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def configs_of(file: Path) -> Configs:
    """Read both sections of a config."""
    return Configs(load_exporter([file]).config, load_relay([file]).config)


@asynccontextmanager
async def running(folder: Path, api: FakeTelegram, **ports: int) -> AsyncIterator[Both]:
    """Run both."""
    token = folder / "token"
    token.write_text(api.token, encoding="ascii")
    token.chmod(0o600)
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(**{"exporter": 0, "relay": 0, **ports}, api=api.url), "utf-8")
    both, stop = Both([config], configs_of(config), "info"), Stop()
    serving = asyncio.create_task(both.serve(stop))
    try:
        yield both
    finally:
        stop.set()
        await serving
        await both.stop()


async def failed(both: Both, name: str) -> None:
    """Wait until a half could not start, and was ended."""
    async with asyncio.timeout(20):
        while not both._halves[name].failed:
            await asyncio.sleep(0.01)
    await asyncio.sleep(1.5)  # what would go on would be seen by then


async def test_of_a_relay_without_its_port_nothing_goes_on(
    tmp_path: Path, taken: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not send, and a SIGHUP says what is the matter; what it was to have is kept."""
    async with FakeTelegram() as api, running(tmp_path, api, relay=taken) as both:
        await failed(both, "alerting")
        assert api.calls == []
        await both.reload()
        assert "alerting is not reloaded: it could not start" in caplog.text
        assert "still under way" not in caplog.text
        assert caplog.text.count("the config was reloaded") == 1
        assert await both._post(payload(outage())) == Unavailable("the relay could not start")


async def test_of_an_exporter_without_its_port_nothing_goes_on(
    tmp_path: Path, taken: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The relay does, and is reloaded."""
    async with FakeTelegram() as api, running(tmp_path, api, exporter=taken) as both:
        await failed(both, "exporter")
        assert "getme" in {call.method.lower() for call in api.calls}
        await both.reload()
        assert "exporter is not reloaded: it could not start" in caplog.text
        assert caplog.text.count("the config was reloaded") == 1
