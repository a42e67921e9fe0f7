"""`power-status run`: both services in one process, which share it and nothing else."""

import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.e2e.exporters import file_home, wait_for
from tests.e2e.real_programs import free_port
from tests.e2e.relays import (
    ALERTS,
    PRIVATE,
    Telegram,
    counted,
    environment,
    power_alerting,
    to_bot_api,
)
from tests.e2e.services import Service

QUICK = {"off_after": "0s", "on_after": "0s", "unknown_after": "600ms"}
PENDING = 'power_exporter_outbox_pending{sink="notify"}'
UP = 'power_exporter_sink_up{sink="notify"}'
ALL = 100_000_000  # bytes of a log


class Both(Service):
    """Both services, watching one file; without `notify`, as `make run` has them."""

    def __init__(self, folder: Path, alerting: str = "", *options: str) -> None:
        """`alerting` is the YAML below `alerting:` beside listen; `options` are Python's own."""
        self.relay_port = free_port()
        self.meter = folder / "meter"
        self.meter.write_text("on", encoding="ascii")
        self._options = options
        settings = f"  heartbeat_interval: 200ms\nalerting:\n  listen: {self.relay_listen}\n"
        super().__init__(folder, file_home(self.meter, **QUICK), settings + alerting)
        self._env = environment()

    @property
    def relay_listen(self) -> str:
        """The relay's address."""
        return f"127.0.0.1:{self.relay_port}"

    def _argv(self, port: int) -> list[str]:
        self.write_config(port)
        config = ["--config", "config.yaml"]
        return [sys.executable, *self._options, "-m", "power_status.cli", "run", *config]

    def subscribe(self) -> None:
        """Subscribe somebody, in English."""
        config = self.folder / "config.yaml"
        power_alerting(config, "subscribers", "add", str(PRIVATE.chat_id), "--lang", "en")

    def turn(self, says: str) -> None:
        """Let the power go or come, and wait until it was noticed."""
        self.meter.write_text(says, encoding="ascii")
        self.wait_for_state(says)

    def accepted(self) -> int:
        """Return how many alerts the relay has accepted since the start."""
        return counted(self.relay_metrics(), ALERTS, "accepted")

    def relay_metrics(self) -> str:
        """GET the relay's /metrics as text."""
        answer = requests.get(f"http://{self.relay_listen}/metrics", timeout=10)
        answer.raise_for_status()
        return answer.text

    def relay_answers(self) -> bool:
        """Tell whether the relay is there."""
        try:
            return bool(self.relay_metrics())
        except requests.RequestException:
            return False

    @contextmanager
    def begun_on(self, port: int) -> Iterator[None]:
        """Begin it with a port that it may not get, and end it."""
        self.port = port
        self._launch()
        try:
            yield
        finally:
            self._end()


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    """A Bot API."""
    with Telegram() as telegram:
        yield telegram


@pytest.fixture
def both(tmp_path: Path, telegram: Telegram) -> Iterator[Both]:
    """Both services, one subscriber, and power."""
    with Both(tmp_path, to_bot_api(tmp_path, telegram.url)) as both:
        both.subscribe()
        both.wait_for_state("on")
        yield both


@contextmanager
def taken_port() -> Iterator[int]:
    """Listen on a port that another program wants."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_an_outage_is_told_without_any_http_between_the_two(both: Both, telegram: Telegram) -> None:
    """Its beginning and its end, once each."""
    both.turn("off")
    telegram.wait_for_texts((PRIVATE, 1))
    both.turn("on")
    telegram.wait_for_texts((PRIVATE, 2))
    out, back = telegram.texts(PRIVATE.chat_id)
    assert "flat: power is out" in out
    assert "flat: power is back" in back
    assert both.accepted() == 2
    assert 'power_alerting_webhooks_total{code="200"} 0.0' in both.relay_metrics()


def test_what_the_relay_has_accepted_outlives_a_kill(both: Both, telegram: Telegram) -> None:
    """While Telegram is away it waits in the database, and is told once."""
    telegram.kill()
    both.turn("off")
    wait_for(lambda: both.accepted() == 1)
    both.kill()
    telegram.start_again()
    both.start()
    telegram.wait_for_texts((PRIVATE, 1))
    both.turn("on")
    telegram.wait_for_texts((PRIVATE, 2))
    assert ["is out" in text for text in telegram.texts(PRIVATE.chat_id)] == [True, False]


def test_what_the_relay_could_not_take_outlives_a_kill(tmp_path: Path, telegram: Telegram) -> None:
    """The exporter hands it over until it is taken, also by the next process."""
    in_the_way = tmp_path / "database"
    in_the_way.touch()
    settings = f"  database: sqlite:///database/alerting.db\n{to_bot_api(tmp_path, telegram.url)}"
    with Both(tmp_path, settings) as both:
        both.wait_for_state("on")
        both.turn("off")
        wait_for(lambda: both.metric(PENDING) == 1 and both.metric(UP) == 0)
        both.kill()
        in_the_way.unlink()
        both.subscribe()
        both.start()
        telegram.wait_for_texts((PRIVATE, 1))
        wait_for(lambda: both.metric(PENDING) == 0 and both.metric(UP) == 1)
        (text,) = telegram.texts(PRIVATE.chat_id)
        assert "power is out" in text


def test_ctrl_c_ends_both_within_three_seconds(both: Both, telegram: Telegram) -> None:
    """Also while Telegram does not answer a send."""
    telegram.fail("hang", 100)
    both.turn("off")
    telegram.wait_for_send()
    os.kill(both.pid, signal.SIGINT)
    assert both._started.wait(3) == 0
    assert "Traceback" not in both.output()


def test_without_its_port_the_relay_leaves_the_exporter_running(tmp_path: Path) -> None:
    """The log says which half is missing, and why."""
    with taken_port() as port:
        both = Both(tmp_path)
        both.settings = both.settings.replace(str(both.relay_port), str(port))
        with both:
            both.wait_for_state("on")
            both.turn("off")
            wait_for(lambda: "alerting cannot start, the other goes on" in both.output())
            assert str(port) in both.output()
            os.kill(both.pid, signal.SIGINT)
            assert both._started.wait(3) == 0


def test_without_its_port_the_exporter_leaves_the_relay_running(tmp_path: Path) -> None:
    """The relay takes alerts of others."""
    both = Both(tmp_path)
    with taken_port() as port, both.begun_on(port):
        wait_for(both.relay_answers)
        wait_for(lambda: "exporter cannot start, the other goes on" in both.output())
        assert both.relay_answers()
        os.kill(both.pid, signal.SIGINT)
        assert both._started.wait(3) == 0


def test_without_both_ports_it_ends_with_a_failure(tmp_path: Path) -> None:
    """There is nothing left to run for."""
    both = Both(tmp_path)
    with taken_port() as port, taken_port() as other:
        both.settings = both.settings.replace(str(both.relay_port), str(other))
        with both.begun_on(port):
            assert both._started.wait(20) == 1


def test_what_is_not_used_is_not_loaded(tmp_path: Path) -> None:
    """Without a bot and a database of points their clients stay on the disk, also in an outage."""
    with Both(tmp_path, "", "-X", "importtime") as both:
        both.wait_for_state("on")
        both.turn("off")
        wait_for(lambda: both.accepted() == 1)
        assert loaded(both) & {"telegram", "httpx", "influxdb_client", "psycopg"} == set()


def test_a_bot_is_loaded_where_there_is_a_token(tmp_path: Path, telegram: Telegram) -> None:
    """What the test above looks for can be seen."""
    settings = to_bot_api(tmp_path, telegram.url)
    with Both(tmp_path, settings, "-X", "importtime") as both:
        wait_for(lambda: "telegram" in loaded(both))


def loaded(both: Both) -> set[str]:
    """Return the packages that it has imported so far."""
    found = re.findall(r"^import time:[ \d]+\|[ \d]+\| +(\w+)", both.output(ALL), re.MULTILINE)
    assert "alerting" in found
    return set(found)
