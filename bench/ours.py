"""Owns our side: an exporter of many homes as a process, scraped as Prometheus scrapes it."""

import gzip
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from bench.blackbox import SCRAPE_HEADERS
from bench.processes import cpu_seconds
from tests.e2e.exporters import Exporter

_COUNTED = re.compile(
    rb"^power_probe_(attempts|failures)_total\{[^}]*\} (\d+)(?:\.0)?$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What an exporter had done at a moment: attempts, and the processor time they took (s)."""

    attempts: int
    cpu: float
    at: float

    def since(self, before: "Sample") -> "Spent":
        """Return what was spent since an earlier sample."""
        return Spent(self.attempts - before.attempts, self.cpu - before.cpu, self.at - before.at)


@dataclass(frozen=True, slots=True)
class Spent:
    """Attempts, and the seconds of the processor and of the wall clock that they took."""

    attempts: int
    cpu: float
    wall: float

    @property
    def us_per_probe(self) -> float:
        """Microseconds of the processor for each probe, with all that belongs to it."""
        return self.cpu / self.attempts * 1e6

    @property
    def percent(self) -> float:
        """How much of one core it took."""
        return 100 * self.cpu / self.wall


class Scraper:
    """One kept connection to /metrics, with Prometheus' headers."""

    def __init__(self, exporter: Exporter) -> None:
        self._connection = HTTPConnection("127.0.0.1", exporter.port, timeout=60)
        self._pid = exporter.pid

    def page(self) -> bytes:
        """Return the page as it is when it has been spelled and packed."""
        self._connection.request("GET", "/metrics", headers=SCRAPE_HEADERS)
        answer = self._connection.getresponse()
        assert answer.status == 200, answer.status  # noqa: PLR2004  HTTP's own number
        return gzip.decompress(answer.read())

    def sample(self) -> Sample:
        """Scrape; return what was done by now. Raises AssertionError if probes have failed."""
        page = self.page()
        cpu, at = cpu_seconds(self._pid), monotonic()
        counted = {b"attempts": 0, b"failures": 0}
        for what, number in _COUNTED.findall(page):
            counted[what] += int(number)
        assert counted[b"failures"] == 0, "every target answers, and yet probes have failed"
        return Sample(counted[b"attempts"], cpu, at)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextmanager
def watching(homes: str, settings: str = "") -> Iterator[tuple[Exporter, Scraper]]:
    """Run an exporter with a data folder of its own, ready, from here to the end of `with`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        exporter = stack.enter_context(Exporter(folder, homes, settings))
        scraper = Scraper(exporter)
        stack.callback(scraper.close)
        yield exporter, scraper


def homes_of(probes: Sequence[str], **keys: str) -> str:
    """Return the YAML of one home for each probe (flow style), all with the same keys."""
    lines = []
    for number, probe in enumerate(probes):
        lines.append(f"  - name: home-{number:04d}")
        lines.extend(f"    {key}: {value}" for key, value in keys.items())
        lines.append(f"    probes: [{probe}]")
    return "\n".join(lines)


def probe_of(kind: str, address: str, port: int) -> str:
    """Return the YAML (flow style) of a probe of a target."""
    if kind == "tcp":
        return f"{{kind: tcp, address: {address}, port: {port}}}"
    if kind == "http":
        return f'{{kind: http, url: "http://{address}:{port}/"}}'
    return f"{{kind: icmp, address: {address}}}"
