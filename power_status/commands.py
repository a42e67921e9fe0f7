"""Owns what `power-status` does: what each command asks and prints, and its exit code."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from chassis.command_output import NotWritten, announce, any_script, written
from chassis.config_files import config_files
from power_status.flags import parser
from power_status.spans import NotAskable

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
        case "make-secrets":
            return _make_secrets(asked)
        case "influxdb-tokens":
            return _influxdb_tokens(asked)
        case _:
            return _ask(asked, now())


# ---------------------------------------------------------------- both services


def _run(asked: argparse.Namespace) -> int:
    from power_status.run_command import run  # noqa: PLC0415  two services that no question needs

    return run(_files(asked), asked.log_level)


def _check_config(asked: argparse.Namespace) -> int:
    from power_status.run_command import check_config  # noqa: PLC0415  as above

    return check_config(_files(asked))


def _files(asked: argparse.Namespace) -> list[str]:
    return config_files(asked.config or ())


# ---------------------------------------------------------------- once, at a start of the stack


def _make_secrets(asked: argparse.Namespace) -> int:
    from power_status.secret_files import NotKept  # noqa: PLC0415  what no question needs
    from power_status.secrets_command import make_secrets  # noqa: PLC0415  as above

    return _do(make_secrets(asked), NotKept)


def _influxdb_tokens(asked: argparse.Namespace) -> int:
    from power_status.influxdb_tokens_command import (  # noqa: PLC0415  requests, which no service needs
        NoTokens,
        influxdb_tokens,
    )

    return _do(influxdb_tokens(asked), NoTokens)


def _do(told: Iterator[str], wrong: type[Exception]) -> int:
    """Print what is told while it is done; return the exit code."""
    try:
        for line in told:
            announce(line)
    except wrong as fault:
        return _complain(str(fault), FAILED)
    return FINE


# ---------------------------------------------------------------- questions to an exporter


def _ask(asked: argparse.Namespace, now: int) -> int:
    """Ask, and print the answer or why there is none."""
    from power_status.asking import NotAnswered  # noqa: PLC0415  requests, which no service needs
    from power_status.questions_command import ask  # noqa: PLC0415  as above

    try:
        return _written(ask(asked, now))
    except NotAskable as wrong:
        return _complain(str(wrong), WRONG)
    except NotAnswered as failed:
        return _complain(str(failed), FAILED)


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
