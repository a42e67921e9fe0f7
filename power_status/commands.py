"""Owns what `power-status` does: what each command asks and prints, and its exit code."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from chassis.command_output import NotWritten, any_script, spelled, written
from chassis.secrets import exposure
from power_status.answers import Home, Homes, Outages, Reliability
from power_status.asking import Exporter, Json, NotAnswered, NotAskable, Span
from power_status.flags import CONFIG_VARIABLE, DAYS, parser
from power_status.words import outages_table, reliability_table, status_table

FINE, FAILED, WRONG = 0, 1, 2
Now = Callable[[], int]  # wall time in ms


def _wall_clock() -> int:
    return time.time_ns() // 1_000_000


def run_command(argv: Sequence[str] | None = None, now: Now = _wall_clock) -> int:
    """Run the command; return 0, 1 after a failure while running, 2 for a wrong command line."""
    any_script()
    try:
        asked = parser().parse_args(argv)
    except SystemExit as ended:  # --help, --version, or a wrong command line
        return _written("") or int(ended.code or FINE)
    match asked.command:
        case "run":
            return _run(asked)
        case "check-config":
            return _check_config(asked)
        case question:
            return _ask(_QUESTIONS[question], asked, now())


# ---------------------------------------------------------------- both services


def _run(asked: argparse.Namespace) -> int:
    from power_status.run_command import run  # noqa: PLC0415  two services that no question needs

    return run(_files(asked), asked.log_level)


def _check_config(asked: argparse.Namespace) -> int:
    from power_status.run_command import check_config  # noqa: PLC0415  as above

    return check_config(_files(asked))


def _files(asked: argparse.Namespace) -> list[str]:
    given: list[str] | None = asked.config
    return given or [os.environ.get(CONFIG_VARIABLE) or "config.yaml"]


# ---------------------------------------------------------------- questions to an exporter

Question = Callable[[argparse.Namespace, Exporter, int], str]


def _ask(question: Question, asked: argparse.Namespace, now: int) -> int:
    """Ask, and print the answer or why there is none."""
    try:
        with Exporter(asked.url, asked.basic_auth_file, asked.ca_file) as exporter:
            _warn_of_exposed(asked.basic_auth_file)
            text = question(asked, exporter, now)
    except NotAskable as wrong:
        return _complain(str(wrong), WRONG)
    except NotAnswered as failed:
        return _complain(str(failed), FAILED)
    return _written(text)


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


# ---------------------------------------------------------------- what is printed


def _written(text: str) -> int:
    try:
        written(text)
    except NotWritten as fault:
        return _complain(str(fault), FAILED)
    return FINE


def _complain(what: str, code: int) -> int:
    print(f"power-status: {what}", file=sys.stderr)
    return code


def _warn_of_exposed(path: Path | None) -> None:
    if path is not None and (exposed := exposure(path)):
        print(f"power-status: warning: {exposed}", file=sys.stderr)
