"""Measures the exporter of one home: what it keeps in memory, how soon it knows something."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from bench import blackbox
from bench.blackbox import Asker, Blackbox
from bench.figures import Goal, Line
from bench.ours import homes_of, probe_of
from bench.processes import rss_mib
from bench.targets import Targets
from tests.e2e.real_programs import ROOT, Running, free_port

SETTLED_AFTER = 12.0  # seconds: a sign of life and a few rounds
LOOKED_AT_EVERY = 0.002  # seconds
GIVEN_UP_AFTER = 60.0  # seconds
SHIPPED = ROOT / "config.yaml"
_INFLUXDB = """\
  influxdb:
    url: {url}
    org: home
    bucket: power
    token_file: token
"""


# ---------------------------------------------------------------- memory


def memory() -> Iterator[Line]:
    """Measure the shipped config.yaml, without and with InfluxDB, beside an idle peer."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        influxdb = stack.enter_context(
            Running(lambda port: [*_python("tests.fakes.influxdb"), "--port", str(port)], "/health")
        )
        settings = {"alone": "", "with-influxdb": _INFLUXDB.format(url=influxdb.url)}
        ours = [
            stack.enter_context(_shipped(folder / name, more)) for name, more in settings.items()
        ]
        peer = stack.enter_context(Blackbox(folder))
        sleep(SETTLED_AFTER)
        alone, with_influxdb, peers = [rss_mib(running.pid) for running in (*ours, peer)]
    yield Line("idle memory (RSS)", "MiB", alone, peers, blackbox.NAME, Goal(at_most=55))
    yield Line("idle memory (RSS), with InfluxDB", "MiB", with_influxdb)


def _shipped(folder: Path, settings: str) -> Running:
    """Return an exporter of the shipped config.yaml, with settings in a file of their own."""
    folder.mkdir()
    (folder / "token").write_text("influx-token", encoding="ascii")
    (folder / "token").chmod(0o600)
    own = folder / "exporter.yaml"

    def command(port: int) -> list[str]:
        own.write_text(
            f"exporter:\n  listen: 127.0.0.1:{port}\n  data_dir: data\n{settings}", encoding="ascii"
        )
        return [*_python("exporter.cli"), "--config", str(SHIPPED), "--config", str(own)]

    return Running(command, "/-/ready", cwd=ROOT)


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]


# ---------------------------------------------------------------- from nothing to a verdict


def start(*, starts: int) -> Iterator[Line]:
    """Measure from the start of the process to the first verdict on /metrics, in turn."""
    ours, peers = [], []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        targets = stack.enter_context(Targets("tcp"))
        for number in range(starts + 1):
            own = folder / str(number)
            own.mkdir()
            ours.append(_ours_starts(own, targets.port))
            peers.append(_peer_starts(own, targets.port))
    yield Line(
        "start to the first verdict",
        "s",
        median(ours[1:]),  # the first has filled the caches
        median(peers[1:]),
        blackbox.NAME,
        Goal(at_most=0.6),
    )


def _ours_starts(folder: Path, target: int) -> float:
    port = free_port()
    config = folder / "config.yaml"
    homes = homes_of([probe_of("tcp", "127.1.0.1", target)])
    config.write_text(f"homes:\n{homes}\nexporter:\n  listen: 127.0.0.1:{port}\n", encoding="ascii")

    def verdict() -> bool:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/metrics")
        page = connection.getresponse().read()
        connection.close()
        return b'\npower_on{home="home-0000"} 1\n' in page

    return _time_to(verdict, [*_python("exporter.cli"), "--config", str(config)])


def _peer_starts(folder: Path, target: int) -> float:
    port = free_port()

    def verdict() -> bool:
        asker = Asker(port, "tcp")
        asker.ask(f"127.1.0.1:{target}")
        asker.close()
        return True

    return _time_to(verdict, Blackbox(folder).argv(port))


def _time_to(verdict: Callable[[], bool], command: list[str]) -> float:
    """Return the seconds from the start of a process to its first verdict; then end it."""
    began = monotonic()
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while not _tried(verdict):
                assert process.poll() is None, f"it has ended: {command}"
                assert monotonic() < began + GIVEN_UP_AFTER, f"no verdict: {command}"
                sleep(LOOKED_AT_EVERY)
            return monotonic() - began
        finally:
            process.terminate()


def _tried(verdict: Callable[[], bool]) -> bool:
    try:
        return verdict()
    except (OSError, HTTPException):
        return False
