"""Owns the questions to a running exporter: what each asks, and what is printed of the answers."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from chassis.command_output import spelled
from chassis.secrets import exposure
from power_status.answers import Home, Homes, Outages, Reliability
from power_status.asking import Exporter, Json
from power_status.flags import DAYS
from power_status.spans import Span
from power_status.words import outages_table, reliability_table, status_table

Question = Callable[[argparse.Namespace, Exporter, int], str]


def ask(asked: argparse.Namespace, now: int) -> str:
    """Ask, and return what is to be printed. Raises NotAskable, NotAnswered."""
    with Exporter(asked.url, asked.basic_auth_file, asked.ca_file) as exporter:
        _warn_of_exposed(asked.basic_auth_file)
        return _QUESTIONS[asked.command](asked, exporter, now)


def _status(asked: argparse.Namespace, exporter: Exporter, now: int) -> str:
    document = exporter.homes()
    if asked.json:
        return spelled(document)
    return status_table(exporter.read(Homes, document).homes, now)


def _outages(asked: argparse.Namespace, exporter: Exporter, now: int) -> str:
    span = _span(asked)
    found = [
        (home, exporter.outages(home.name, span.params(home.zone, now)))
        for home in _homes(asked, exporter)
    ]
    if asked.json:
        return _by_home(found)
    return outages_table(
        ((home, exporter.read(Outages, document).outages) for home, document in found), now
    )


def _reliability(asked: argparse.Namespace, exporter: Exporter, now: int) -> str:
    span = _span(asked)
    found = [
        (home, exporter.reliability(home.name, span.params(home.zone, now)))
        for home in _homes(asked, exporter)
    ]
    if asked.json:
        return _by_home(found)
    return reliability_table(
        [(home, exporter.read(Reliability, document)) for home, document in found], now
    )


_QUESTIONS: dict[str, Question] = {
    "status": _status,
    "outages": _outages,
    "reliability": _reliability,
}


def _span(asked: argparse.Namespace) -> Span:
    return Span(asked.start, asked.end, asked.days or DAYS)


def _homes(asked: argparse.Namespace, exporter: Exporter) -> Iterator[Home]:
    """Yield the homes that are named, each once, or all."""
    if not asked.homes:
        yield from exporter.read(Homes, exporter.homes()).homes
    for name in dict.fromkeys(asked.homes):
        yield exporter.read(Home, exporter.home(name))


def _by_home(found: Sequence[tuple[Home, Json]]) -> str:
    return spelled({home.name: document for home, document in found})


def _warn_of_exposed(path: Path | None) -> None:
    if path is not None and (exposed := exposure(path)):
        print(f"power-status: warning: {exposed}", file=sys.stderr)
