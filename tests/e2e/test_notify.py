"""The fast path to the relay: outages in order, once, and in the relay's own words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chassis.instants import from_rfc3339
from tests.e2e.exporters import file_home, wait_for
from tests.e2e.servers import RELAY_TOKEN, Relay, notify_settings, secret
from tests.e2e.services import Service

PENDING = 'power_exporter_outbox_pending{sink="notify"}'
REJECTED = 'power_exporter_rejected_total{sink="notify"}'
UP = 'power_exporter_sink_up{sink="notify"}'
QUICK = {"off_after": "0s", "on_after": "0s", "unknown_after": "600ms"}
HOMES = ("flat", "shed")
Row = dict[str, Any]


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A fake relay."""
    with Relay() as relay:
        yield relay


@pytest.fixture
def exporter(tmp_path: Path, relay: Relay) -> Iterator[Service]:
    """An exporter of two homes that have power, whose relay is there."""
    secret(tmp_path / "relay_token", RELAY_TOKEN)
    for home in HOMES:
        (tmp_path / home).write_text("on", encoding="ascii")
    homes = "\n".join(file_home(tmp_path / home, home, **QUICK) for home in HOMES)
    settings = f"  heartbeat_interval: 200ms\n{notify_settings(relay.url)}"
    with Service(tmp_path, homes, settings) as exporter:
        wait_for(lambda: len(exporter.rows()) == 2 and exporter.metric(UP) == 1)
        yield exporter


def turn(exporter: Service, home: str, says: str, state: str | None = None) -> Row:
    """Let a meter say something; return the row that follows from it."""
    before = len(exporter.rows())
    (exporter.folder / home).write_text(says, encoding="ascii")
    wait_for(lambda: len(exporter.rows()) > before)
    row: Row = exporter.rows()[-1]
    assert (row["home"], row["state"]) == (home, state or says)
    return row


def seconds(row: Row, key: str = "at") -> str:
    """Spell one of a row's moments as the alerts do."""
    ms = from_rfc3339(row[key])
    return f"{ms // 1000}.{ms % 1000:03d}"


def idle(exporter: Service) -> bool:
    """Tell whether nothing waits for the relay."""
    return exporter.metric(PENDING) == 0


def wait_until_told(exporter: Service, relay: Relay, count: int) -> None:
    """Wait for so many alerts, and for the exporter to know that they were taken."""
    wait_for(lambda: len(relay.alerts()) >= count and idle(exporter), within=60)


def test_an_outage_is_told_when_it_begins_and_when_it_ends(exporter: Service, relay: Relay) -> None:
    """Two alerts, in the shape of the contract; both fire, none is resolved."""
    off = turn(exporter, "flat", "off")
    wait_for(lambda: len(relay.alerts()) == 1)
    on = turn(exporter, "flat", "on")
    wait_for(lambda: len(relay.alerts()) == 2)
    for payload in relay.payloads():
        assert (payload["version"], payload["status"]) == ("4", "firing")
        assert {alert["status"] for alert in payload["alerts"]} == {"firing"}
    outage, restored = relay.alerts()
    own = {"home": "flat", "since": seconds(off), "audience": "subscribers"}
    assert outage["labels"].items() >= {**own, "alertname": "PowerOutage"}.items()
    assert restored["labels"].items() >= {**own, "alertname": "PowerRestored"}.items()
    told = {"start_earliest": seconds(off, "not_before"), "cause": "measured"}
    assert outage["annotations"].items() >= told.items()
    told |= {"ended": seconds(on), "end_earliest": seconds(on, "not_before")}
    assert restored["annotations"].items() >= told.items()
    for alert, row in ((outage, off), (restored, on)):
        assert from_rfc3339(alert["startsAt"]) == from_rfc3339(row["at"])
        assert alert["labels"]["severity"] in ("critical", "warning", "info")
        assert {"summary", "description"} <= alert["annotations"].keys()


def test_other_rows_only_move_the_cursor(exporter: Service, relay: Relay) -> None:
    """Neither the first row nor unknown is told; an outage through unknown is one outage."""
    turn(exporter, "flat", "garbage", "unknown")
    turn(exporter, "flat", "on")
    turn(exporter, "flat", "off")
    turn(exporter, "flat", "garbage", "unknown")
    turn(exporter, "flat", "off")
    turn(exporter, "flat", "on")
    wait_until_told(exporter, relay, 2)
    assert relay.told() == [("PowerOutage", "flat"), ("PowerRestored", "flat")]


def test_while_the_relay_is_down_an_ended_outage_becomes_its_end_alone(
    exporter: Service, relay: Relay
) -> None:
    """What waits comes in one request, oldest first; nobody is told of what is over already."""
    relay.kill()
    ended = turn(exporter, "flat", "off")
    turn(exporter, "flat", "on")
    turn(exporter, "shed", "off")
    running = turn(exporter, "flat", "off")
    wait_for(lambda: exporter.metric(UP) == 0 and exporter.metric(PENDING) == 4)
    relay.start_again()
    wait_until_told(exporter, relay, 3)
    assert len(relay.payloads()) == 1
    assert relay.told() == [
        ("PowerRestored", "flat"),
        ("PowerOutage", "shed"),
        ("PowerOutage", "flat"),
    ]
    restored, _, again = relay.alerts()
    assert restored["labels"]["since"] == seconds(ended)
    assert again["labels"]["since"] == seconds(running)
    assert exporter.metric(UP) == 1


def test_a_restart_tells_nothing_twice(exporter: Service, relay: Relay) -> None:
    """The place in the journal is durable, over a clean stop and over a kill."""
    turn(exporter, "flat", "off")
    wait_until_told(exporter, relay, 1)
    exporter.stop()
    exporter.start()
    turn(exporter, "flat", "on")
    wait_until_told(exporter, relay, 2)
    exporter.kill()
    exporter.start()
    turn(exporter, "shed", "off")
    wait_until_told(exporter, relay, 3)
    assert relay.told() == [
        ("PowerOutage", "flat"),
        ("PowerRestored", "flat"),
        ("PowerOutage", "shed"),
    ]


@pytest.mark.parametrize("how", ["503", "500", "429", "401", "400", "reset-before"])
def test_a_fault_of_the_relay_delays_and_loses_nothing(
    exporter: Service, relay: Relay, how: str
) -> None:
    """Whatever it answers once, but for a 400, which is parked and counted."""
    relay.fail(how, 1)
    parked = how == "400"
    turn(exporter, "flat", "off")
    wait_for(lambda: exporter.metric(REJECTED) == parked)
    wait_until_told(exporter, relay, 1 - parked)
    turn(exporter, "flat", "on")
    wait_until_told(exporter, relay, 2 - parked)
    expected = ["PowerOutage", "PowerRestored"][parked:]
    assert [name for name, _ in relay.told()] == expected
    assert exporter.metric(REJECTED) == parked


def test_a_token_file_may_be_made_later(tmp_path: Path, relay: Relay) -> None:
    """Its absence is a warning; until it is there the sink is down and all waits."""
    (tmp_path / "flat").write_text("on", encoding="ascii")
    settings = notify_settings(relay.url)
    with Service(tmp_path, file_home(tmp_path / "flat", **QUICK), settings) as exporter:
        wait_for(lambda: len(exporter.rows()) == 1)
        assert "relay_token" in exporter.output()
        turn(exporter, "flat", "off")
        wait_for(lambda: exporter.metric(PENDING) and exporter.metric(UP) == 0)
        secret(tmp_path / "relay_token", RELAY_TOKEN)
        wait_for(lambda: relay.told() == [("PowerOutage", "flat")])
        assert RELAY_TOKEN not in exporter.output()


def test_a_full_disk_does_not_keep_the_relay_waiting(exporter: Service, relay: Relay) -> None:
    """An undurable row is told at once, and once more when it is durable, as the same outage."""
    exporter.fill_disk()
    wait_for(lambda: exporter.metric("power_exporter_journal_up") == 0)
    (exporter.folder / "flat").write_text("off", encoding="ascii")
    wait_for(lambda: relay.told() == [("PowerOutage", "flat")])
    exporter.free_disk()
    wait_for(lambda: len(exporter.rows()) == 3 and idle(exporter))
    wait_for(lambda: len(relay.alerts()) == 2)
    first, again = relay.alerts()
    assert first["labels"] == again["labels"]
    assert first["startsAt"] == again["startsAt"]
