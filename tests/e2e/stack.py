"""The compose file's services as processes on loopback, with the files that are shipped.

InfluxDB and the Bot API are fakes; all else is the real program.
"""

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import time
from types import TracebackType
from typing import Self

from chassis.instants import MS_PER_SECOND, from_rfc3339
from tests.e2e.alertmanager import Alertmanager
from tests.e2e.exporters import Exporter, wait_for
from tests.e2e.prometheus import Server
from tests.e2e.real_programs import Running
from tests.e2e.relays import PowerAlerting, Telegram, power_alerting
from tests.e2e.servers import Influx
from tests.e2e.shipped import HASTY, Pace
from tests.e2e.stack_files import (
    LISTEN,
    for_alertmanager,
    for_prometheus,
    lasting_ports,
    write_configs,
    write_secrets,
)

JOBS = ("power-exporter", "power-alerting", "prometheus", "alertmanager")
_CONFIGS = ("--config", "config.yaml", "--config", "services.yml")


class _Exporter(Exporter):
    """The container `exporter`."""

    def _argv(self, port: int) -> list[str]:  # noqa: ARG002  services.yml names it
        return [sys.executable, "-m", "exporter.cli", *_CONFIGS]


class _Relay(PowerAlerting):
    """The container `alerting`."""

    def _argv(self, port: int) -> list[str]:  # noqa: ARG002  services.yml names it
        return [sys.executable, "-m", "alerting.cli", *_CONFIGS]

    def command(self, *words: str, given: str = "") -> str:
        """Run one of its commands; return what it printed."""
        second = ("--config", str(self.folder / "services.yml"))
        return power_alerting(self.folder / "config.yaml", *second, *words, given=given)


class Stack:
    """All of them, from readiness to the end of `with`; each has its port to itself throughout."""

    def __init__(
        self, folder: Path, homes: str, versions: tuple[str, str], pace: Pace = HASTY
    ) -> None:
        """`homes` is config.yaml; `versions` names a Prometheus and an Alertmanager."""
        for name in LISTEN:
            (folder / name).mkdir(parents=True)
        self._ports = lasting_ports()
        self._folder, self._homes = folder, homes
        self._exits = ExitStack()
        self.telegram = Telegram()
        self.influxdb = Influx(folder / "influxdb")
        self.exporter = _Exporter(folder / "exporter", homes)
        self.relay = _Relay(folder / "alerting", "")
        told = for_alertmanager(folder, self._ports, pace)
        self.alertmanager = Alertmanager(versions[1], folder / "alertmanager", told)
        watched = for_prometheus(folder, self._ports, pace)
        own = folder / "prometheus"
        self.prometheus = Server(versions[0], own, lambda _: watched, *pace.flags)
        self.services: Mapping[str, Running] = {
            "exporter": self.exporter,
            "alerting": self.relay,
            "prometheus": self.prometheus,
            "alertmanager": self.alertmanager,
            "influxdb": self.influxdb,
        }

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            exits.enter_context(self.telegram)
            write_secrets(self._folder)
            write_configs(self._folder, self._ports, self._homes, self.telegram.url)
            for name, service in self.services.items():
                service.port = self._ports[name]
                exits.push(service)
            self.up()
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exits.__exit__(kind, error, trace)

    def up(self) -> None:
        """Start all, side by side."""
        with ThreadPoolExecutor() as pool:
            assert all(pool.map(_came_up, self.services.values())), "another has a port of these"

    def down(self) -> None:
        """Ask all to end, side by side."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Running.stop, self.services.values()))

    def kill_and_start(self, name: str) -> None:
        """End one of them without warning, and start it."""
        service = self.services[name]
        service.kill()
        assert _came_up(service), "another program took its port meanwhile"

    def wait_until_seen(self, *firing: str) -> None:
        """Wait until all that was so before this call has gone the whole way.

        Every job has been scraped since, and Alertmanager told since that these alerts fire.
        """
        now = time()
        scraped = f"count(timestamp(up == 1) > {now:.3f})"
        wait_for(lambda: self.prometheus.value(scraped) == len(JOBS), within=60)
        wait_for(lambda: {*firing} <= self._told_since(now), within=60)

    def _told_since(self, moment: float) -> set[str]:
        return {
            one["labels"]["alertname"]
            for one in self.alertmanager.alerts()
            if from_rfc3339(one["updatedAt"]) > moment * MS_PER_SECOND
        }


def _came_up(service: Running) -> bool:
    return service._start_once()
