"""alertmanager.yml is what amtool of both versions accepts, and tells the right ones in time."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.alertmanager import Alertmanager
from tests.e2e.exporters import wait_for
from tests.e2e.real_programs import each, free_port, program
from tests.e2e.shipped import ALERTMANAGER, RULES, alertmanager_config, with_choices

CONFIG = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))
NOBODY = "null"
each_amtool = pytest.mark.parametrize("amtool", each("amtool-25", "amtool-newest"))
each_alertmanager = pytest.mark.parametrize("name", each("alertmanager-25", "alertmanager-newest"))


def shipped_alerts() -> Iterator[dict[str, str]]:
    """Yield the labels of every alert that is shipped, with those that it has from its series."""
    for file in RULES.glob("*.yml"):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    own = {k: v for k, v in rule.get("labels", {}).items() if "{{" not in v}
                    of_series = {"home": "flat", "job": "a-job", "instance": "an-instance"}
                    yield {**of_series, **own, "alertname": rule["alert"]}


def everything_taken_in(folder: Path) -> Path:
    """Return the configuration with all that is commented out as something to choose."""
    config = folder / "alertmanager.yml"
    config.write_text(with_choices(ALERTMANAGER.read_text(encoding="utf-8")), encoding="utf-8")
    return config


def run(amtool: str, *arguments: str) -> None:
    """Run a command of amtool's that must succeed."""
    done = subprocess.run(
        [*program(amtool), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def verify_receivers(amtool: str, config: Path, alert: dict[str, str], receiver: str) -> None:
    """Fail where an alert goes to anybody else."""
    labels = [f"{name}={value}" for name, value in alert.items()]
    where = ("--config.file", str(config), f"--verify.receivers={receiver}")
    run(amtool, "config", "routes", "test", *where, *labels)


# ---------------------------------------------------------------- who is told


@each_amtool
def test_amtool_finds_no_fault(amtool: str, tmp_path: Path) -> None:
    """As it is shipped, and with all that is commented out."""
    run(amtool, "check-config", str(ALERTMANAGER))
    run(amtool, "check-config", str(everything_taken_in(tmp_path)))


@each_amtool
def test_every_alert_goes_to_the_relay_but_the_watchdog(amtool: str) -> None:
    """Once: no route goes on to another."""
    alerts = list(shipped_alerts())
    assert {"PowerOutage", "PowerRestored", "Watchdog"} <= {one["alertname"] for one in alerts}
    for alert in alerts:
        receiver = NOBODY if alert["alertname"] == "Watchdog" else "relay"
        verify_receivers(amtool, ALERTMANAGER, alert, receiver)


@each_amtool
def test_what_the_relay_cannot_tell_can_be_given_another_way(amtool: str, tmp_path: Path) -> None:
    """With the receiver that is commented out, of these alerts and of no other."""
    config = everything_taken_in(tmp_path)
    alerts = {alert["alertname"]: alert for alert in shipped_alerts()}
    named = {"PowerAlertingDown", "PowerWebhookRefused"}
    assert named < alerts.keys()
    for alertname, alert in alerts.items():
        of_relay = alertname in named or alertname.startswith("Telegram")
        receiver = "without-the-relay" if of_relay else "relay"
        verify_receivers(amtool, config, alert, NOBODY if alertname == "Watchdog" else receiver)


def test_an_outage_waits_for_nothing() -> None:
    """These times are the budget of the slower path."""
    route = CONFIG["route"]
    own = {key: route[key] for key in route if key not in ("receiver", "routes")}
    assert own == {
        "group_by": ["alertname", "home"],
        "group_wait": "0s",
        "group_interval": "5s",
        "repeat_interval": "4h",
    }
    (to_relay,) = (one["webhook_configs"] for one in CONFIG["receivers"] if one["name"] == "relay")
    assert [(one["send_resolved"], one["max_alerts"]) for one in to_relay] == [(True, 0)]


# ---------------------------------------------------------------- what is held back


@each_alertmanager
def test_no_alert_is_ever_held_back(name: str, tmp_path: Path) -> None:
    """With all alerts firing at once, of one home, one job and one instance."""
    alerts = list(shipped_alerts())
    (tmp_path / "token").write_text("a-token", encoding="ascii")
    nowhere = {
        "alerting:10911": f"127.0.0.1:{free_port()}",
        "/run/secrets/webhook_token": str(tmp_path / "token"),
    }
    with Alertmanager(name, tmp_path / "am", alertmanager_config(nowhere)) as alertmanager:
        alertmanager.take(*alerts)
        states = wait_for(lambda: judged(alertmanager, len(alerts)))
    held_back = [alertname for alertname, state in states.items() if state != "active"]
    assert held_back == []


def judged(alertmanager: Alertmanager, count: int) -> dict[str, str]:
    """Return the state of each alert, once so many alerts have one."""
    found = {
        one["labels"]["alertname"]: one["status"]["state"]
        for one in alertmanager.alerts()
        if one["status"]["state"] != "unprocessed"
    }
    return found if len(found) == count else {}
