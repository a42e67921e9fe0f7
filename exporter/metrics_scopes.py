"""Owns what metrics have samples of (homes, probes, sinks) and the labels that name them.

Scopes of homes differ in what they trust: COMMITTED are the totals that the
journal holds, and counters never show more; DECIDED are the same with the rows
that the disk has refused so far, which timestamps of outages show.
"""

from collections.abc import Iterable, Mapping

from exporter.board import Board, HomeView, ProbeView, SinkView
from exporter.books import Books, post
from exporter.metrics_text import Scope
from exporter.power import State

NO_ROW_YET = Books(first_at=0, until=0, state=State.UNKNOWN)
NO_READINGS: Mapping[str, float] = {}

Labels = Iterable[tuple[str, ...]]


def _homes(board: Board) -> list[HomeView]:
    return list(board.homes.values())


def _committed(board: Board) -> list[Books]:
    return [home.books or NO_ROW_YET for home in board.homes.values()]


def _decided(board: Board) -> list[Books]:
    return [_with_undurable(home) for home in board.homes.values()]


def _with_undurable(home: HomeView) -> Books:
    books = home.books
    for row in home.undurable:
        books = post(books, row, home.config.sustained_after)
    return books or NO_ROW_YET


def _probes(board: Board) -> list[ProbeView]:
    return [probe for home in board.homes.values() for probe in home.probes.values()]


def _readings(board: Board) -> list[Mapping[str, float]]:
    findings = [probe.finding for probe in _probes(board)]
    return [(finding and finding.readings) or NO_READINGS for finding in findings]


def _home_labels(board: Board) -> Labels:
    return ((home.config.name,) for home in board.homes.values())


def _info_labels(board: Board) -> Labels:
    configs = (home.config for home in board.homes.values())
    return ((home.name, home.title, home.timezone, home.group or "") for home in configs)


def _probe_labels(board: Board) -> Labels:
    return (
        (home.config.name, probe.name, probe.kind)
        for home in board.homes.values()
        for probe in home.probes.values()
    )


def _reading_labels(board: Board) -> Labels:
    return ((home, probe) for home, probe, _ in _probe_labels(board))


def _configs(board: Board) -> list[object]:
    return [home.config for home in board.homes.values()]


def _configs_and_probes(board: Board) -> list[object]:
    return [(home.config, tuple(home.probes)) for home in board.homes.values()]


def _sinks(board: Board) -> list[SinkView]:
    return list(board.sinks.values())


def _sink_labels(board: Board) -> Labels:
    return ((sink.name,) for sink in board.sinks.values())


HOMES = Scope(("home",), _homes, _home_labels, _configs)
COMMITTED = Scope(("home",), _committed, _home_labels, _configs)
DECIDED = Scope(("home",), _decided, _home_labels, _configs)
TITLED = Scope(("home", "title", "timezone", "group"), _homes, _info_labels, _configs)
PROBES = Scope(("home", "probe", "kind"), _probes, _probe_labels, _configs_and_probes)
READINGS = Scope(("home", "probe"), _readings, _reading_labels, _configs_and_probes)
SINKS = Scope(("sink",), _sinks, _sink_labels, lambda board: list(board.sinks))
EXPORTER = Scope((), lambda board: [board], lambda _: [()], lambda _: "this process")
VERSIONED = Scope(
    ("version",),
    lambda board: [board],
    lambda board: [(board.version,)],
    lambda board: board.version,
)
