"""Several relays on one PostgreSQL: any takes alerts, one sends, another when that one is gone."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.instants import from_rfc3339
from tests.alerting.postgres import NEEDED, PostgreSQL, postgresql_server
from tests.alerting.rig import outage, restored
from tests.e2e.exporters import wait_for
from tests.e2e.real_programs import needs
from tests.e2e.relays import ALERTS, PRIVATE, THREE, PowerAlerting, Telegram, to_bot_api

SENDS = re.compile(r'^ts=(\S+) .*msg="this relay sends"', re.MULTILINE)
TAKES_OVER_WITHIN = 5.0  # seconds

pytestmark = needs(*NEEDED)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    """A server with no database of ours yet."""
    with postgresql_server() as server:
        yield server


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    """A Bot API."""
    with Telegram() as telegram:
        yield telegram


@pytest.fixture
def relays(
    tmp_path: Path, postgresql: PostgreSQL, telegram: Telegram
) -> Iterator[tuple[PowerAlerting, PowerAlerting]]:
    """Two relays; the first leads."""
    postgresql.run("DROP DATABASE IF EXISTS relays WITH (FORCE)")
    postgresql.run("CREATE DATABASE relays")
    database = f"  database: {postgresql.database('relays')}\n"
    settings = database + to_bot_api(tmp_path, telegram.url)
    with PowerAlerting(tmp_path, settings, name="first") as first:
        first.subscribe(*THREE)
        wait_for(lambda: sends(first))
        with PowerAlerting(tmp_path, settings, name="second") as second:
            yield first, second


def sends(relay: PowerAlerting) -> bool:
    """Tell whether it has begun to send."""
    return SENDS.search(relay.output()) is not None


def since(minutes_ago: int) -> str:
    """Spell a moment in Unix seconds."""
    return f"{int(time.time()) - 60 * minutes_ago}.000"


def wait_until_told(telegram: Telegram, *heads: str) -> None:
    """Wait until each of the three was told these things, and nothing else."""
    telegram.wait_for_texts(*((reader, len(heads)) for reader in THREE))
    for reader in THREE:
        texts = telegram.texts(reader.chat_id)
        assert len(texts) == len(heads), texts
        assert all(head in text for head, text in zip(heads, texts, strict=True)), texts


def test_any_takes_and_one_sends(
    relays: tuple[PowerAlerting, PowerAlerting], telegram: Telegram
) -> None:
    """The outage comes to the one that does not send, and to both; its end to the other."""
    first, second = relays
    began = since(10)
    assert second.post(outage(since=began)) == 200
    assert first.post(outage(since=began)) == 200
    wait_until_told(telegram, "power is out")
    assert second.post(restored(since=began, ended=since(1))) == 200
    assert first.post(restored(since=began, ended=since(1))) == 200
    wait_until_told(telegram, "power is out", "power is back")
    assert [relay.counted(ALERTS, "accepted") for relay in relays] == [0, 2]
    assert [relay.counted(ALERTS, "duplicate") for relay in relays] == [2, 0]
    assert not sends(second)


def test_another_sends_within_seconds_of_the_leaders_death(
    relays: tuple[PowerAlerting, PowerAlerting],
    telegram: Telegram,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What the dead one had taken is told too, by the one that is left."""
    first, second = relays
    telegram.fail("reset-before", 1000)
    began = since(10)
    assert first.post(outage(since=began)) == 200
    telegram.wait_for_send()
    assert second.post(restored(since=began, ended=since(1))) == 200
    killed = time.time()
    first.kill()
    telegram.heal()
    wait_for(lambda: sends(second), within=60)
    wait_until_told(telegram, "power is back")
    took_over = SENDS.search(second.output())
    assert took_over is not None
    after = from_rfc3339(took_over[1]) / 1000 - killed
    assert after <= TAKES_OVER_WITHIN
    with capsys.disabled():
        print(f"\nanother relay sends {after:.1f} s after the leader's death")  # noqa: T201  worth a look


def test_a_relay_that_stops_gives_way_at_once(
    relays: tuple[PowerAlerting, PowerAlerting], telegram: Telegram
) -> None:
    """And comes back as the one that waits."""
    first, second = relays
    assert first.stop() == 0
    wait_for(lambda: sends(second))
    first.start_again()
    assert first.post(outage(since=since(10))) == 200
    telegram.wait_for_texts((PRIVATE, 1))
    assert not sends(first)


def test_a_database_that_was_away_costs_nothing(
    relays: tuple[PowerAlerting, PowerAlerting], telegram: Telegram, postgresql: PostgreSQL
) -> None:
    """Meanwhile nothing is accepted: whoever brings alerts keeps them, and brings them again."""
    first, second = relays
    began = since(10)
    assert first.post(outage(since=began)) == 200
    wait_until_told(telegram, "power is out")
    postgresql.stop()
    over = restored(since=began, ended=since(1))
    assert {relay.post(over) for relay in relays} == {503}
    assert {relay.ask("GET", "/-/healthy").status_code for relay in relays} == {200}
    wait_for(lambda: all(r.ask("GET", "/-/ready").status_code == 503 for r in relays))
    postgresql.restart()
    wait_for(lambda: second.post(over) == 200)
    wait_until_told(telegram, "power is out", "power is back")
