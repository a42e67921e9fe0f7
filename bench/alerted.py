"""Measures an outage's way to Telegram: by the fast path, and through Prometheus and Alertmanager.

One exporter tells both: a relay by itself, as the shipped services.yml says, and Prometheus when
it is scraped, whose Alertmanager tells another relay: these by the shipped prometheus.yml, rules
and alertmanager.yml, addresses aside, at their own pace. The other relay has no fast path. So both
tell the same outages, counted from the same moments.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import sleep

from bench.figures import Goal, Line
from bench.ours import homes_of
from bench.telling import Told, telling
from chassis.instants import MS_PER_SECOND, from_rfc3339
from tests.e2e.alertmanager import Alerting, Alertmanager, to_relay
from tests.e2e.exporters import Exporter, wait_for
from tests.e2e.relays import Reader
from tests.e2e.servers import RELAY_TOKEN, notify_settings, secret
from tests.e2e.shipped import AS_SHIPPED

PEER = "Prometheus and Alertmanager"
# Seconds: each time another home goes dark. Homes do not wait for each other, neither for a scrape
# (one page has all) nor in Alertmanager (a group is one home's), so that many outages take no
# longer on their way than one. And as 5 s are no multiple of it, 100 outages meet the clocks of
# Prometheus and Alertmanager at 100 moments 50 ms apart: the worst of all moments is among them.
EVERY = 2.05
TOLD_WITHIN = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Town:
    """Homes that each have a file and a chat of their own, and both ways of telling."""

    files: Mapping[str, Path]
    exporter: Exporter
    fast: Told
    slow: Told


def telegram(*, outages: int) -> Iterator[Line]:
    """Measure from an outage's confirmation to the arrival of the request that tells it."""
    with _town(outages) as town:
        for file in town.files.values():
            file.write_text("off", encoding="ascii")
            sleep(EVERY)
        for side in (town.fast, town.slow):
            wait_for(partial(_all_told, side, outages), TOLD_WITHIN)
        ours, peers = _delays(town, town.fast), _delays(town, town.slow)
    row = f"confirmed outage to the request at Telegram, {outages} outages"
    yield Line(f"{row}, p50", "ms", median(ours), median(peers), PEER)
    yield Line(f"{row}, p99", "ms", _p99(ours), _p99(peers), PEER, Goal(at_most=50))
    yield Line(f"{row}, through Alertmanager, worst", "ms", max(peers), goal=Goal(at_most=9_000))


def _all_told(side: Told, outages: int) -> bool:
    return len(side.messages()) >= outages


def _p99(delays: list[float]) -> float:
    return quantiles(delays, n=100)[98]


def _delays(town: Town, side: Told) -> list[float]:
    """Return the ms from each home's confirmed outage to the one message that tells it."""
    confirmed = {
        row["home"]: from_rfc3339(row["confirmed_at"])
        for row in town.exporter.rows()
        if row["state"] == "off"
    }
    arrived = {message["chat_id"]: message["time"] for message in side.messages()}
    assert len(arrived) == len(side.messages()) == len(confirmed), "each is told once"
    return [
        arrived[chat] * MS_PER_SECOND - confirmed[home]
        for chat, home in enumerate(town.files, start=1)
    ]


@contextmanager
def _town(count: int) -> Iterator[Town]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        files = {f"home-{number:04d}": folder / f"mains-{number}" for number in range(count)}
        for file in files.values():
            file.write_text("on", encoding="ascii")
        readers = [Reader(chat, (home,)) for chat, home in enumerate(files, start=1)]
        fast, slow = (
            stack.enter_context(telling(folder / name, tuple(files), readers))
            for name in ("fast", "slow")
        )
        exporter = stack.enter_context(_exporter(folder, files, fast))
        stack.enter_context(_prometheus(folder, exporter, slow))
        yield Town(files, exporter, fast, slow)


def _exporter(folder: Path, files: Mapping[str, Path], fast: Told) -> Exporter:
    secret(folder / "relay_token", RELAY_TOKEN)
    probes = [f"{{kind: file, path: {file}, on: 'on', off: 'off'}}" for file in files.values()]
    homes = homes_of(probes, interval="1s", off_after="0s", on_after="0s")
    return Exporter(folder, homes, notify_settings(fast.relay.url))


@contextmanager
def _prometheus(folder: Path, exporter: Exporter, slow: Told) -> Iterator[None]:
    """Run Prometheus and Alertmanager, which has seen all homes when this begins."""
    config = to_relay(slow.relay, AS_SHIPPED)
    with (
        Alertmanager("alertmanager-newest", folder / "alertmanager", config) as alertmanager,
        Alerting(
            "prometheus-3",
            folder / "prometheus",
            exporter,
            (slow.relay, alertmanager),
            AS_SHIPPED,
        ) as prometheus,
    ):
        homes = len(exporter.rows())
        wait_for(lambda: len(prometheus.query("power_on")) == homes, within=60)
        yield
