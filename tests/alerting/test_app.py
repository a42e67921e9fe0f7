"""The relay put together, in this process: its start, its reload, its stop."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest

from alerting.alerts import Malformed
from alerting.app import App
from alerting.config import AlertingConfig, AlertingSettings, Home, TelegramSettings
from alerting.incidents import OutageState
from alerting.subscribers import State, Subscriber
from chassis.clock import SystemClock
from chassis.logs import SecretFilter
from chassis.loops import Stop
from chassis.secrets import Secret
from chassis.service import StartFailed
from chassis.yaml_config import ConfigError, Fault
from tests.alerting.rig import outage, payload, restored
from tests.fakes.telegram import FakeTelegram


class Running:
    """A relay that runs; `async with` it."""

    def __init__(self, folder: Path, api: FakeTelegram | None = None, **settings: Any) -> None:  # noqa: ANN401  any key
        telegram = None
        if api is not None:
            token = Secret(api.token)
            telegram = TelegramSettings(token_file=token, api_url=api.url, admins=(900,))
        given = {"listen": "127.0.0.1:0", "data_dir": folder, "language": "en", **settings}
        self.config = AlertingConfig(
            (Home(name="flat", title="Our flat", timezone="Europe/Kyiv"),),
            AlertingSettings(telegram=telegram, **given),
        )
        self.secrets = SecretFilter()
        self.app = App(self.config, SystemClock(), self.secrets)
        self.stop = Stop()

    async def __aenter__(self) -> Self:
        await self.app.start(self.stop, self._never)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        await self.app.stop()

    async def _never(self) -> None:
        raise AssertionError

    async def reload(self, config: AlertingConfig) -> None:
        """Go on with another config."""

        async def read() -> AlertingConfig:
            return config

        await self.app.reload(read)


@pytest.fixture
async def api() -> AsyncIterator[FakeTelegram]:
    """A Bot API that knows one chat."""
    async with FakeTelegram() as api:
        api.world.chat(7)
        yield api


async def told(api: FakeTelegram, chat: int, count: int) -> list[str]:
    """Wait until a chat has been told so often."""
    async with asyncio.timeout(20):
        while len(api.to(chat)) < count:
            await asyncio.sleep(0.01)
    return api.to(chat)


async def test_what_is_handed_over_in_the_process_is_told(
    tmp_path: Path, api: FakeTelegram
) -> None:
    """By the same way as what is posted."""
    async with Running(tmp_path, api) as running:
        running.app.store.save(Subscriber(7, None, language="en", state=State.ACTIVE), 1)
        await running.app.take(payload(outage()))
        (first,) = await told(api, 7, 1)
        assert "Our flat: power is out" in first
        await running.app.take(payload(restored(ended="1795514399")))
        assert "Our flat: power is back" in (await told(api, 7, 2))[1]
        with pytest.raises(Malformed):
            await running.app.take({"version": "3"})


async def test_secrets_are_made_once_and_hidden(tmp_path: Path) -> None:
    """Only their owner can read them, and no log line shows them."""
    async with Running(tmp_path) as running:
        made = [tmp_path / name for name in ("webhook_token", "admin_password")]
        texts = [path.read_text().strip() for path in made]
        assert {path.stat().st_mode & 0o777 for path in made} == {0o600}
        assert running.secrets.redact(" ".join(texts)) == "*** ***"
        headers = {"Authorization": f"Bearer {texts[0]}"}
        url = f"{running.app.web.url}/alerts"
        async with aiohttp.ClientSession(headers=headers) as client:
            async with client.post(url, json=payload(outage())) as answer:
                assert answer.status == 200
            async with client.get(f"{running.app.web.url}/admin/") as answer:
                assert answer.status == 401
    async with Running(tmp_path):
        assert [path.read_text().strip() for path in made] == texts


async def test_it_is_ready_once_the_database_answers(tmp_path: Path) -> None:
    """And not while it is down."""
    where = tmp_path / "there" / "relay.db"
    where.parent.write_text("no folder", "ascii")
    async with (
        Running(tmp_path, database=f"sqlite:///{where}") as running,
        aiohttp.ClientSession(running.app.web.url) as client,
    ):
        async with asyncio.timeout(20):
            while "down" not in await ready(client):
                await asyncio.sleep(0.01)
        where.parent.unlink()
        await running.app.take(payload(outage()))
        async with asyncio.timeout(20):
            while await ready(client) != "ready\n":
                await asyncio.sleep(0.05)


async def ready(client: aiohttp.ClientSession) -> str:
    """Return what /-/ready says."""
    async with client.get("/-/ready") as answer:
        return await answer.text()


async def test_a_folder_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    """In words, without a traceback."""
    folder = tmp_path / "file"
    folder.write_text("no folder", "ascii")
    running = Running(folder)
    with pytest.raises(StartFailed, match="cannot make"):
        await running.app.start(running.stop, running._never)
    await running.app.stop()


async def test_without_a_token_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Incidents are kept."""
    async with Running(tmp_path) as running:
        await running.app.take(payload(outage()))
        assert len(running.app.store.incidents(10).outages) == 1
        assert running.app.store.waiting() == []
    assert caplog.text.count("no Telegram token") == 1


async def test_a_home_that_is_gone_ends_its_incident_without_a_message(tmp_path: Path) -> None:
    """And texts are made by the homes of the moment."""
    async with Running(tmp_path) as running:
        await running.app.take(payload(outage()))
        await running.reload(replace(running.config, homes=()))
        (known,) = running.app.store.incidents(10).outages
        assert known.state is OutageState.SUPERSEDED
        assert running.app._around().place("flat").title == "flat"


async def test_a_home_that_went_while_the_relay_was_down_ends_too(tmp_path: Path) -> None:
    """What others tell of homes that were never in the config goes on."""
    async with Running(tmp_path) as running:
        await running.app.take(payload(outage(), outage("barn")))
        await settled(running, "flat")
    later = Running(tmp_path)
    later.app = App(replace(later.config, homes=()), SystemClock(), later.secrets)
    async with later:
        await settled(later)
        known = {one.home: one.state for one in later.app.store.incidents(10).outages}
        assert known == {"flat": OutageState.SUPERSEDED, "barn": OutageState.OPEN}


async def test_a_home_that_goes_while_the_database_is_down_ends_once_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The reload goes on meanwhile."""
    where, aside = tmp_path / "there", tmp_path / "aside"
    async with Running(tmp_path, database=f"sqlite:///{where / 'relay.db'}") as running:
        await running.app.take(payload(outage()))
        await settled(running, "flat")
        running.app.store.close()
        where.rename(aside)
        where.touch()
        await running.reload(replace(running.config, homes=()))
        assert "homes that are gone end later" in caplog.text
        where.unlink()
        aside.rename(where)
        await settled(running)
        (known,) = running.app.store.incidents(10).outages
        assert known.state is OutageState.SUPERSEDED


async def settled(running: Running, *homes: str) -> None:
    """Wait until the relay has written down which homes there are."""
    async with asyncio.timeout(20):
        while running.app.store.setting("homes") != json.dumps(homes):
            await asyncio.sleep(0.05)


async def test_a_relay_that_cannot_listen_does_not_send(tmp_path: Path, api: FakeTelegram) -> None:
    """Another may lead, and send what waits."""
    async with Running(tmp_path) as first:
        second = Running(tmp_path, api, listen=first.app.web.url.removeprefix("http://"))
        with pytest.raises(StartFailed):
            await second.app.start(second.stop, second._never)
        await asyncio.sleep(1)
        assert api.calls == []
        await second.app.stop()


async def test_a_faulty_config_keeps_the_old_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its faults are logged."""

    async def read() -> AlertingConfig:
        raise ConfigError([Fault("config.yaml", 3, "alerting.language", "must be uk or en")])

    async with Running(tmp_path) as running:
        with pytest.raises(ConfigError):
            await running.app.reload(read)
        assert running.app._around().place("flat").title == "Our flat"
    assert "config.yaml:3: alerting.language: must be uk or en" in caplog.text


async def test_what_takes_a_restart_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Against what it was started with."""
    async with Running(tmp_path) as running:
        update = {"database": "sqlite:///x", "telegram": TelegramSettings(token_file=Secret("1:x"))}
        changed = running.config.alerting.model_copy(update=update)
        await running.reload(replace(running.config, alerting=changed))
    assert "alerting.database takes effect at the next start" in caplog.text
    assert "alerting.telegram" in caplog.text


async def test_an_operator_without_admins_is_warned(
    tmp_path: Path, api: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    """Else nobody would ever hear that something broke."""
    running = Running(tmp_path, api)
    telegram = running.config.alerting.telegram
    assert telegram is not None
    alone = telegram.model_copy(update={"admins": ()})
    settings = running.config.alerting.model_copy(update={"telegram": alone})
    running.app = App(AlertingConfig((), settings), SystemClock(), running.secrets)
    async with running:
        assert "admins is empty" in caplog.text


async def test_a_stop_lets_another_relay_lead_at_once(tmp_path: Path, api: FakeTelegram) -> None:
    """Two of one database: the second tells what the first did not."""
    async with Running(tmp_path, api) as first:
        first.app.store.save(Subscriber(7, None, language="en", state=State.ACTIVE), 1)
        await first.app.take(payload(outage()))
        await told(api, 7, 1)
        async with Running(tmp_path, api) as second:
            await second.app.take(payload(restored(ended="1795514399")))
            await told(api, 7, 2)  # by the first, which looks for what others took
            first.stop.set()
            await first.app.stop()
            await second.app.take(payload(outage(since="1795514400")))
            await told(api, 7, 3)
