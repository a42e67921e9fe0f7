"""Real Prometheus, real Alertmanager, exporter, relay and a fake Bot API: told once, and truly."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.alertmanager import (
    VERSIONS,
    Alerting,
    Alertmanager,
    to_relay,
    to_telegram,
    with_receiver,
)
from tests.e2e.exporters import file_home, wait_for
from tests.e2e.plug import Plug, plug_home, tcp_probe
from tests.e2e.real_programs import each
from tests.e2e.relays import ALERTS, THREE, PowerAlerting, Telegram, to_bot_api
from tests.e2e.servers import notify_settings
from tests.e2e.services import Service
from tests.e2e.shipped import HASTY
from tests.fakes.telegram import TOKEN

UP = 'power_exporter_sink_up{sink="notify"}'
QUICK = {"off_after": "0s", "on_after": "0s", "unknown_after": "2s"}
each_version = pytest.mark.parametrize("prometheus,alertmanager", VERSIONS)


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    """A Bot API with a private chat, a group and a channel."""
    with Telegram() as telegram:
        telegram.do("chat", chat_id=THREE[2].chat_id, kind="channel")
        yield telegram


@pytest.fixture
def relay(tmp_path: Path, telegram: Telegram) -> Iterator[PowerAlerting]:
    """A relay that the three have subscribed to."""
    with PowerAlerting(tmp_path, to_bot_api(tmp_path, telegram.url)) as relay:
        relay.subscribe(*THREE)
        yield relay


def wait_until_told(telegram: Telegram, *heads: str) -> None:
    """Wait until each of the three was told these things, in order and nothing else."""
    telegram.wait_for_texts(*((reader, len(heads)) for reader in THREE))
    for reader in THREE:
        texts = telegram.texts(reader.chat_id)
        assert len(texts) == len(heads), texts
        assert all(head in text for head, text in zip(heads, texts, strict=True)), texts


@each_version
def test_the_fast_path_tells_once_and_alertmanagers_copy_is_absorbed(
    tmp_path: Path, telegram: Telegram, relay: PowerAlerting, prometheus: str, alertmanager: str
) -> None:
    """An outage of an unplugged device reaches all three; so does its end."""
    told = to_relay(relay)
    settings = notify_settings(relay.url)
    with (
        Plug() as plug,
        Service(tmp_path, plug_home("flat", tcp_probe(plug)), settings) as exporter,
    ):
        wait_for(lambda: exporter.state() == "on" and exporter.metric(UP) == 1)
        plug.power_off()
        wait_until_told(telegram, "power is out")
        with (
            Alertmanager(alertmanager, tmp_path / "am", told) as second,
            Alerting(prometheus, tmp_path / "prom", exporter, (relay, second)),
        ):
            relay.wait_for_count(ALERTS, "duplicate", 1)
            wait_until_told(telegram, "power is out")
            plug.power_on()
            relay.wait_for_count(ALERTS, "duplicate", 2)
            relay.wait_for_count(ALERTS, "ignored", 1)
            wait_until_told(telegram, "power is out", "power is back")
    assert relay.counted(ALERTS, "accepted") == 2


@each_version
def test_without_the_fast_path_all_comes_through_alertmanager(
    tmp_path: Path, telegram: Telegram, relay: PowerAlerting, prometheus: str, alertmanager: str
) -> None:
    """The rules say the same as the exporter: the same outage, begun and ended."""
    meter = tmp_path / "meter"
    meter.write_text("on", encoding="ascii")
    told = to_relay(relay)
    with (
        Service(tmp_path, file_home(meter, **QUICK)) as exporter,
        Alertmanager(alertmanager, tmp_path / "am", told) as second,
        Alerting(prometheus, tmp_path / "prom", exporter, (relay, second)),
    ):
        exporter.wait_for_state("on")
        meter.write_text("off", encoding="ascii")
        wait_until_told(telegram, "power is out")
        meter.write_text("on", encoding="ascii")
        wait_until_told(telegram, "power is out", "power is back")
        relay.wait_for_count(ALERTS, "ignored", 1)
        wait_until_told(telegram, "power is out", "power is back")


@pytest.mark.parametrize("prometheus,alertmanager", VERSIONS[:1])
def test_a_prometheus_that_dies_in_mid_outage_tells_nothing_false(
    tmp_path: Path, telegram: Telegram, relay: PowerAlerting, prometheus: str, alertmanager: str
) -> None:
    """Alertmanager then says *resolved*, while there is no light."""
    meter = tmp_path / "meter"
    meter.write_text("on", encoding="ascii")
    told = to_relay(relay)
    with (
        Service(tmp_path, file_home(meter, **QUICK)) as exporter,
        Alertmanager(alertmanager, tmp_path / "am", told) as second,
        Alerting(prometheus, tmp_path / "prom", exporter, (relay, second)) as judge,
    ):
        exporter.wait_for_state("on")
        meter.write_text("off", encoding="ascii")
        wait_until_told(telegram, "power is out")
        judge.kill()
        relay.wait_for_count(ALERTS, "ignored", 1)
        wait_until_told(telegram, "power is out")


@pytest.mark.parametrize("prometheus,alertmanager", VERSIONS[1:])
def test_an_exporter_that_dies_in_mid_outage_tells_nothing_false(
    tmp_path: Path, telegram: Telegram, relay: PowerAlerting, prometheus: str, alertmanager: str
) -> None:
    """The outage goes on when it is back, told to nobody again, and its end is told."""
    meter = tmp_path / "meter"
    meter.write_text("on", encoding="ascii")
    told = to_relay(relay)
    settings = notify_settings(relay.url)
    with (
        Service(tmp_path, file_home(meter, **QUICK), settings) as exporter,
        Alertmanager(alertmanager, tmp_path / "am", told) as second,
        Alerting(
            prometheus, tmp_path / "prom", exporter, (relay, second), replace(HASTY, hold="3s")
        ) as judge,
    ):
        wait_for(lambda: exporter.state() == "on" and exporter.metric(UP) == 1)
        meter.write_text("off", encoding="ascii")
        judge.wait_for_firing("PowerOutage")
        relay.wait_for_count(ALERTS, "duplicate", 1)
        exporter.kill()
        relay.wait_for_count(ALERTS, "ignored", 1)
        wait_until_told(telegram, "power is out")
        assert exporter._start_once()  # on the port that is scraped
        relay.wait_for_count(ALERTS, "duplicate", 2)
        wait_until_told(telegram, "power is out")
        meter.write_text("on", encoding="ascii")
        wait_until_told(telegram, "power is out", "power is back")


# ---------------------------------------------------------------- Alertmanager's own words


@pytest.mark.parametrize("name", each("alertmanager-25", "alertmanager-newest"))
def test_alertmanagers_own_client_is_understood_by_the_fake(
    tmp_path: Path, telegram: Telegram, name: str
) -> None:
    """Its Telegram client is none of ours: what it sends, the fake takes and answers rightly."""
    config = with_receiver(to_telegram(telegram.url, TOKEN, THREE[0].chat_id))
    with Alertmanager(name, tmp_path / "am", config) as alertmanager:
        alertmanager.take({"alertname": "Something", "home": "flat"})
        telegram.wait_for_texts((THREE[0], 1))
        assert telegram.calls("sendMessage") == [200]
        (text,) = telegram.texts(THREE[0].chat_id)
        assert "Something" in text
        assert "<b>" not in text
