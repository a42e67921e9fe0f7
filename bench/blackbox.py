"""Owns the peer: Debian's blackbox_exporter, and whoever asks it as Prometheus would."""

import gzip
from collections.abc import Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from tests.e2e.real_programs import Running, program

NAME = "blackbox_exporter"
# What Prometheus sends with every scrape.
SCRAPE_HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.3",
    "Accept-Encoding": "gzip",
    "X-Prometheus-Scrape-Timeout-Seconds": "10",
}
_CONFIG = """\
modules:
  tcp: {prober: tcp, timeout: 2s}
  http: {prober: http, timeout: 2s, http: {preferred_ip_protocol: ip4}}
  icmp: {prober: icmp, timeout: 2s, icmp: {preferred_ip_protocol: ip4}}
"""


class Blackbox(Running):
    """One blackbox_exporter with a module for each kind of probe."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "blackbox.yml"
        self._file.write_text(_CONFIG, encoding="ascii")
        super().__init__(self.argv, ready="/-/healthy")

    def argv(self, port: int) -> list[str]:
        """Return how to start it on a port."""
        return [
            *program("blackbox-exporter"),
            f"--config.file={self._file}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]


class Asker:
    """One kept connection to it."""

    def __init__(self, port: int, module: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=10)
        self._module = module

    def ask(self, target: str) -> None:
        """Let it probe a target; raises AssertionError if it finds nobody there."""
        query = urlencode({"target": target, "module": self._module})
        self._connection.request("GET", f"/probe?{query}", headers=SCRAPE_HEADERS)
        answer = self._connection.getresponse()
        page = answer.read()
        if answer.headers.get("Content-Encoding") == "gzip":
            page = gzip.decompress(page)
        assert b"\nprobe_success 1\n" in page, f"{NAME} does not reach {target}: {page!r}"

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Driver:
    """Asks it for all targets over and over, from several threads.

    `rate` is probes per second, spread evenly; without one it is asked as fast as it answers.
    """

    def __init__(
        self, port: int, module: str, targets: Sequence[str], *, rate: float | None, threads: int
    ) -> None:
        self.asked = 0
        self._port = port
        self._module = module
        self._pause = 0.0 if rate is None else 1 / rate
        self._targets = cycle(targets)
        self._due = 0.0
        self._one_at_a_time = Lock()
        self._over = Event()
        self._fault: Exception | None = None
        self._threads = [Thread(target=self._keep_asking) for _ in range(threads)]

    def __enter__(self) -> Self:
        self._due = monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self._fault is not None and error is None:
            raise self._fault

    def _keep_asking(self) -> None:
        asker = Asker(self._port, self._module)
        with ExitStack() as stack:
            stack.callback(asker.close)
            while not self._over.wait(self._until_due()):
                with self._one_at_a_time:
                    target = next(self._targets)
                try:
                    asker.ask(target)
                except Exception as fault:  # noqa: BLE001  raised at the end of `with`
                    self._fault = fault
                    return
                with self._one_at_a_time:
                    self.asked += 1

    def _until_due(self) -> float:
        """Take the next place in the row; return the seconds until it is due."""
        with self._one_at_a_time:
            self._due = max(self._due + self._pause, monotonic() - 1)
            return self._due - monotonic()
