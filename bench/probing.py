"""Measures what probes cost: paced as a site of 1,000 homes, and as fast as they go.

Ours and the peer probe the same targets at the same rate at the same time, so that
what the machine does meanwhile hits both.
"""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, sleep, thread_time

from bench import blackbox
from bench.blackbox import Blackbox, Driver
from bench.figures import Goal, Line
from bench.ours import Sample, Scraper, Spent, homes_of, probe_of, watching
from bench.processes import cpu_seconds, rss_mib
from bench.targets import COUNT, Targets, addresses
from tests.e2e.exporters import Exporter

INTERVAL = 10.0  # seconds
RATE = COUNT / INTERVAL  # probes per second
SCRAPED_EVERY = 15.0  # seconds
SCRAPES = 2  # in one window
FLAT_OUT_THREADS = 8
GOALS = {
    "tcp": Goal(at_most=200, times_less=6),
    "http": Goal(at_most=350, times_less=4),
    "icmp": Goal(at_most=120),
}


@dataclass(frozen=True, slots=True)
class Rig:
    """Both sides over the same targets."""

    kind: str
    exporter: Exporter
    scraper: Scraper
    peer: Blackbox
    port: int

    def targets(self) -> list[str]:
        """Return the targets as the peer is told of them."""
        spelled: dict[str, Callable[[str], str]] = {
            "tcp": lambda address: f"{address}:{self.port}",
            "http": lambda address: f"http://{address}:{self.port}/",
            "icmp": str,
        }
        return [spelled[self.kind](address) for address in addresses()]

    def driver(self, *, rate: float | None, threads: int) -> Driver:
        """Return who makes the peer probe them."""
        return Driver(self.peer.port, self.kind, self.targets(), rate=rate, threads=threads)


@contextmanager
def rig(kind: str, interval: str) -> Iterator[Rig]:
    """Start the targets, an exporter that watches each as a home, and the peer."""
    with ExitStack() as stack:
        targets = stack.enter_context(Targets("http" if kind == "http" else "tcp"))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        peer = stack.enter_context(Blackbox(folder))
        probes = [probe_of(kind, address, targets.port) for address in addresses()]
        homes = homes_of(probes, interval=interval)
        exporter, scraper = stack.enter_context(watching(homes))
        yield Rig(kind, exporter, scraper, peer, targets.port)


# ---------------------------------------------------------------- paced


def paced(kind: str, *, windows: int) -> Iterator[Line]:
    """Measure 1,000 homes every 10 s, with signs of life and scrapes, in windows of 30 s."""
    measured = _in_turn if kind == "icmp" else _together
    with rig(kind, f"{INTERVAL:g}s") as both:
        spent = measured(both, windows)
        ours, peers = zip(*spent, strict=True)
        yield Line(
            f"{kind}: CPU per probe, 100 probes/s",
            "µs",
            median(one.us_per_probe for one in ours),
            median(one.us_per_probe for one in peers),
            blackbox.NAME,
            GOALS[kind],
        )
        if kind == "tcp":
            yield _core(ours, peers)
            yield _memory(both)


def _core(ours: tuple[Spent, ...], peers: tuple[Spent, ...]) -> Line:
    mine, its = (median(one.percent for one in side) for side in (ours, peers))
    row = "1,000 homes every 10 s: part of a core"
    return Line(row, "%", mine, its, blackbox.NAME, Goal(at_most=2.5))


def _memory(both: Rig) -> Line:
    row = "1,000 homes every 10 s: memory (RSS)"
    mine, its = rss_mib(both.exporter.pid), rss_mib(both.peer.pid)
    return Line(row, "MiB", mine, its, blackbox.NAME, Goal(at_most=75))


def _together(both: Rig, windows: int) -> list[tuple[Spent, Spent]]:
    with both.driver(rate=RATE, threads=2) as driver:
        sleep(INTERVAL)  # the first round is behind us, the peer is warm
        return [_window(both, driver) for _ in range(windows)]


def _in_turn(both: Rig, windows: int) -> list[tuple[Spent, Spent]]:
    """Measure one after the other: a raw ICMP socket is also woken by every answer to others."""
    spent = []
    for _ in range(windows):
        idle = both.driver(rate=RATE, threads=0)
        sleep(INTERVAL)
        ours, _ = _window(both, idle)
        with both.driver(rate=RATE, threads=2) as driver:
            sleep(1)
            _, peers = _window(both, driver)
        spent.append((ours, peers))
    return spent


def _window(both: Rig, driver: Driver) -> tuple[Spent, Spent]:
    """Let time pass as it does at a site; return what ours and the peer spent."""
    before, peer_before = both.scraper.sample(), _peer_sample(both, driver)
    for number in range(1, SCRAPES):
        sleep(before.at + number * SCRAPED_EVERY - monotonic())
        both.scraper.page()
    sleep(before.at + SCRAPES * SCRAPED_EVERY - monotonic())
    after, peer_after = both.scraper.sample(), _peer_sample(both, driver)
    return after.since(before), peer_after.since(peer_before)


def _peer_sample(both: Rig, driver: Driver) -> Sample:
    return Sample(driver.asked, cpu_seconds(both.peer.pid), monotonic())


# ---------------------------------------------------------------- flat out


def flat_out(*, windows: int) -> Iterator[Line]:
    """Measure 1,000 homes every 100 ms, which is more than one core can do; in turn with the peer.

    Ours is stopped (SIGSTOP) while the others have the machine.
    """
    ours, peers, floors = [], [], []
    with rig("tcp", "100ms") as both:
        for _ in range(windows):
            ours.append(_ours_flat_out(both))
            with _stopped(both.exporter.pid):
                peers.append(_peer_flat_out(both))
                floors.append(_floor(both.port))
    yield Line(
        "tcp: CPU per probe, saturated",
        "µs",
        median(one.us_per_probe for one in ours),
        median(one.us_per_probe for one in peers),
        blackbox.NAME,
        Goal(at_most=100),
    )
    yield Line(
        "tcp: CPU per probe, saturated, above the floor",
        "µs",
        median(one.us_per_probe for one in ours),
        median(floors),
        "a blocking socket",
    )
    yield Line(
        "tcp: wall time per probe, saturated",
        "µs",
        median(one.wall / one.attempts * 1e6 for one in ours),
        median(one.wall / one.attempts * 1e6 for one in peers),
        blackbox.NAME,
    )


def _ours_flat_out(both: Rig) -> Spent:
    sleep(1)
    before = both.scraper.sample()
    sleep(4)
    return both.scraper.sample().since(before)


def _peer_flat_out(both: Rig) -> Spent:
    with both.driver(rate=None, threads=FLAT_OUT_THREADS) as driver:
        sleep(1)
        before = _peer_sample(both, driver)
        sleep(4)
        return _peer_sample(both, driver).since(before)


def _floor(port: int) -> float:
    """Return the µs of processor that a blocking socket, connect and close take here."""
    targets = addresses()
    began = thread_time()
    for address in targets:
        with socket.socket() as connecting:
            connecting.connect((address, port))
    return (thread_time() - began) / len(targets) * 1e6


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
