"""Measures /metrics: our text beside prometheus_client's own Gauge, over the same samples.

Before every repeat each home has had a round and a sign of life, so that all that
can change has changed; both then spell the page in turn, and the medians are told.
Ours includes reading the board; the peer's gauges are set beforehand, which is not
counted.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import compress
from random import Random
from statistics import median
from time import perf_counter

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from bench.figures import Line
from chassis.exposition import compress as gzipped
from chassis.instants import Instant
from exporter.board import Board, HomeView, ProbeView, SinkView
from exporter.books import Books, pass_time
from exporter.config import HomeConfig
from exporter.metrics import FAMILIES
from exporter.metrics_text import Exposition, Reading
from exporter.power import Belief, Cause, State
from exporter.probes.protocol import Finding
from exporter.transitions import Transition

PEER_EVERY = 3  # repeats
SERIES_PER_HOME = 27
EPOCH = 1_795_514_523_120
SUSTAINED_AFTER = 300_000


def config_of(name: str) -> HomeConfig:
    """Return a home's config; its probes are told to the board directly."""
    return HomeConfig.model_construct(
        name=name, title=f"Home {name}", timezone="Europe/Kyiv", group="feeder-12"
    )


def board_of(series: int) -> Board:
    """Make a board of about so many series: homes with one metered probe each."""
    board = Board(version="0.1.0", sinks={name: SinkView(name) for name in ("influxdb", "notify")})
    for index in range(series // SERIES_PER_HOME):
        config = config_of(f"home-{index:05d}")
        row = Transition(
            index + 1, config.name, State.ON, None, EPOCH + index, None, EPOCH, Cause.START
        )
        board.homes[config.name] = HomeView(
            config,
            belief=Belief(State.ON, row.at, evidence=row.at),
            last=row,
            books=Books(row.at, row.at, State.ON, State.ON, to_on=1),
            probes={"plug": ProbeView("plug", "http", "mains")},
        )
    return board


def let_a_round_pass(board: Board, random: Random) -> None:
    """Change all that a round and a sign of life change."""
    for home in board.homes.values():
        assert home.belief.evidence is not None
        assert home.books is not None
        now = home.belief.evidence + random.randrange(4_500, 5_500)
        home.belief = replace(home.belief, evidence=now)
        home.books = pass_time(home.books, now, SUSTAINED_AFTER)
        probe = home.probes["plug"]
        volts, watts = random.randrange(2200, 2400) / 10, random.randrange(9999) / 10
        readings = {"volts": volts, "watts": watts}
        probe.finding = Finding(State.ON, "answered", Instant(now, now), readings=readings)
        probe.vote = State.ON
        probe.attempts += 1
        probe.duration_seconds = random.uniform(0.001, 0.1)


class Peer:
    """The same samples as labelled gauges of prometheus_client."""

    def __init__(self, board: Board, readings: list[Reading]) -> None:
        self.registry = CollectorRegistry()
        self._children = []
        for family, reading in zip(FAMILIES, readings, strict=True):
            gauge = Gauge(family.name, family.help, family.label_names, registry=self.registry)
            more = [(value,) for value in family.read] if isinstance(family.read, Mapping) else [()]
            labels = [(*label, *rest) for label in family.scope.labels(board) for rest in more]
            present = compress(labels, (value is not None for value in reading.values))
            self._children.append([gauge.labels(*label) if label else gauge for label in present])

    def set(self, readings: list[Reading]) -> None:
        """Give every gauge its value in base units."""
        for family, children, reading in zip(FAMILIES, self._children, readings, strict=True):
            values = (value for value in reading.values if value is not None)
            for child, value in zip(children, values, strict=True):
                child.set(value / family.spelling.per_unit)


def scrape(exposition: Exposition, board: Board) -> bytes:
    """Do what a scrape does: read the board, spell the page."""
    return exposition.write(exposition.read(board), openmetrics=False)


def timed(call: Callable[[], bytes], times: list[float]) -> bytes:
    """Note what a call took in milliseconds."""
    began = perf_counter()
    page = call()
    times.append((perf_counter() - began) * 1000)
    return page


def samples(page: bytes) -> int:
    """Count the samples of a page."""
    return sum(not line.startswith(b"#") for line in page.splitlines())


def measure(size: int, repeats: int) -> tuple[int, dict[str, float]]:
    """Measure both at one size, in turn; return the number of samples and medians in ms."""
    random = Random(size)
    board = board_of(size)
    let_a_round_pass(board, random)
    exposition = Exposition(FAMILIES)
    ours = partial(scrape, exposition, board)
    peer = Peer(board, exposition.read(board))
    times: dict[str, list[float]] = defaultdict(list)
    page = b""
    for repeat in range(repeats):
        let_a_round_pass(board, random)
        page = timed(ours, times["all changed"])
        timed(ours, times["nothing changed"])
        timed(partial(scrape, Exposition(FAMILIES), board), times["first after a reload"])
        timed(partial(gzipped, page), times["gzip"])
        if repeat % PEER_EVERY == 0:
            peer.set(exposition.read(board))
            peers_page = timed(partial(generate_latest, peer.registry), times["peer"])
            assert samples(page) == samples(peers_page)
    return samples(page), {name: median(each) for name, each in times.items()}


def metrics(*, sizes: Sequence[int], repeats: int) -> Iterator[Line]:
    """Measure the page at each size; at the largest, also what else there is to it."""
    for size in sizes:
        count, medians = measure(size, repeats)
        peer = medians.pop("peer")
        told = medians if size == max(sizes) else ("all changed",)
        for what in told:
            row = f"/metrics, {count:,} series, {what}"
            if what == "gzip":
                yield Line(row, "ms", medians[what])
            else:
                yield Line(row, "ms", medians[what], peer, "prometheus_client")
