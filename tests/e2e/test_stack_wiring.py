"""The shipped files fit together: what an outage does in the compose file's stack, without Docker.

tests/stack does the same on a Docker engine; here every service is a process on loopback.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.alertmanager import VERSIONS
from tests.e2e.exporters import wait_for
from tests.e2e.plug import Plug, tcp_probe
from tests.e2e.relays import ALERTS, PRIVATE
from tests.e2e.shipped import placed
from tests.e2e.stack import JOBS, Stack
from tests.e2e.stack_files import ADMIN

OUT, BACK = "Our flat: power is out", "Our flat: power is back"
PENDING = 'power_exporter_outbox_pending{{sink="{sink}"}}'
HOMES = """\
homes:
  - name: flat
    title: Our flat
    timezone: Etc/UTC
    interval: 200ms
    timeout: 300ms
    off_after: 400ms
    on_after: 400ms
    probes:
      - {probe}
"""


@pytest.fixture
def plug() -> Iterator[Plug]:
    """A device that has power."""
    with Plug() as plug:
        yield plug


@pytest.mark.parametrize("prometheus,alertmanager", VERSIONS)
def test_an_outage_is_told_once_whatever_restarts(
    tmp_path: Path, plug: Plug, prometheus: str, alertmanager: str
) -> None:
    """By both paths, through the restart of each service in turn, and of all at once."""
    homes = HOMES.format(probe=tcp_probe(plug))
    with Stack(tmp_path, homes, (prometheus, alertmanager)) as stack:
        stack.relay.subscribe(PRIVATE)
        stack.wait_until_seen("Watchdog")
        assert {series["job"] for series, _ in stack.prometheus.query("up == 1")} == {*JOBS}

        plug.power_off()
        wait_until_told(stack, OUT)
        both_paths_arrived(stack)

        for name in ("exporter", "prometheus", "alertmanager", "influxdb", "alerting"):
            stack.kill_and_start(name)
            stack.wait_until_seen("PowerOutage", "Watchdog")
            wait_until_told(stack, OUT)

        plug.power_on()
        wait_until_told(stack, OUT, BACK)
        both_paths_arrived(stack)
        check_history(stack, "on", "off", "on")

        plug.power_off()
        wait_until_told(stack, OUT, BACK, OUT)
        stack.down()
        stack.up()
        stack.wait_until_seen("PowerOutage", "PowerRestored", "Watchdog")
        wait_until_told(stack, OUT, BACK, OUT)
        plug.power_on()
        wait_until_told(stack, OUT, BACK, OUT, BACK)
        both_paths_arrived(stack)
        check_history(stack, "on", "off", "on", "off", "on")
        stack.telegram.do("say", chat_id=PRIVATE.chat_id, text="/status")
        wait_until_told(stack, OUT, BACK, OUT, BACK, "Our flat: power is on")


def wait_until_told(stack: Stack, *heads: str) -> None:
    """Wait until the subscriber was told so much; it was these things and nothing else."""
    stack.telegram.wait_for_texts((PRIVATE, len(heads)))
    texts = stack.telegram.texts(PRIVATE.chat_id)
    assert len(texts) == len(heads), texts
    assert all(head in text for head, text in zip(heads, texts, strict=True)), texts
    assert stack.telegram.texts(ADMIN) == [], "nothing was ever wrong for long"


def both_paths_arrived(stack: Stack) -> None:
    """Wait until the relay has heard the newest from both: one was news, the other was known."""
    wait_for(lambda: stack.exporter.metric(PENDING.format(sink="notify")) == 0)
    stack.relay.wait_for_count(ALERTS, "duplicate")
    assert stack.relay.counted(ALERTS, "accepted") == 1


def check_history(stack: Stack, *states: str) -> None:
    """InfluxDB has every change of state, and of each outage that is over how long it was."""
    wait_for(lambda: len(stack.influxdb.points("power_transition")) >= len(states))
    wait_for(lambda: stack.exporter.metric(PENDING.format(sink="influxdb")) == 0)
    points = stack.influxdb.points("power_transition", home="flat")
    assert [point["fields"]["state"] for point in points] == [*states]
    outages = stack.influxdb.points("power_outage", home="flat")
    assert len(outages) == states.count("off")
    assert all(point["fields"]["duration_s"] > 0 for point in outages)


# ---------------------------------------------------------------- what substituting refuses


@pytest.mark.parametrize(
    "slip",
    [
        "targets: ['exporter:10901']",
        "targets: ['exportr:10910']",
        "url: http://alerting/alerts",
        "url: https://alerting.example.org/alerts",
        "credentials_file: /run/secrets/webhook_tokn",
        "listen: 0.0.0.0:10912",
    ],
)
def test_a_slip_in_an_address_is_found(slip: str) -> None:
    """What no container has is not passed on."""
    places = {"exporter:10910": "", "alerting:10911": "", "/run/secrets/webhook_token": ""}
    with pytest.raises(LookupError):
        placed(f"one:\n  {slip}\n", places)


def test_addresses_and_paths_are_substituted_and_comments_are_not_read() -> None:
    """In a URL, in a list, and as a path; what only looks like one stays."""
    text = (
        "a: http://relay:1091/alerts # of http://other:1\n#b: c:80\nd: [relay:1091, x]\ne: /run/f\n"
    )
    places = {"relay:1091": "127.0.0.1:7", "/run/f": "/tmp/f"}
    found = "a: http://127.0.0.1:7/alerts \n\nd: [127.0.0.1:7, x]\ne: /tmp/f\n"
    assert placed(text, places) == found
