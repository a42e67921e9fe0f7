"""Owns the command line of `power-status`: its commands, their flags, and what --help says."""

import argparse
import re
from datetime import date
from pathlib import Path
from typing import TypeAlias

from chassis.addresses import check_origin_url
from chassis.config_files import CONFIG_VARIABLE
from chassis.durations import parse_duration
from chassis.instants import from_rfc3339
from chassis.version import own_version
from power_status.secret_files import Owner
from power_status.spans import Point

URL = "http://127.0.0.1:10910"
DAYS = 30
MOST_DAYS = 36_500
WAIT = "3m"
_HOME_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_OWNER = re.compile(r"([a-z0-9][a-z0-9-]{0,62})=(\d{1,9}):(\d{1,9})", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CODES = "Exit codes: 0 fine, 1 a failure while running, 2 a wrong command line or {what}."
_INDICES = (
    "SAIDI is the minutes without power in sustained outages (longer than the home's "
    "sustained_after), SAIFI their number, CAIDI their mean length in minutes, MAIFI the number "
    "of shorter ones, ASAI the part of the time with power; its bounds allow for what nobody "
    "saw. Coverage is the part of the time that was seen. A dash stands where there is nothing "
    "to divide, or where no time was watched. "
)

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  it has no other name


def parser() -> argparse.ArgumentParser:
    """Return the parser; what it reads has `command`, one of the commands' names."""
    whole = argparse.ArgumentParser(
        prog="power-status",
        description="Whether homes have mains power: runs both services, or asks a running "
        "exporter.",
        epilog=_CODES.format(what="config") + " See also: power-status COMMAND --help.",
    )
    whole.add_argument("--version", action="version", version=f"power-status {own_version()}")
    commands = whole.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", required=True
    )
    _add_services(commands)
    _add_questions(commands)
    _add_stack(commands)
    return whole


def _add_services(commands: Commands) -> None:
    config = argparse.ArgumentParser(add_help=False)
    config.add_argument(
        "--config",
        metavar="FILE",
        action="append",
        help="config file; may be given several times, each section in one of them "
        f"(default: ${CONFIG_VARIABLE}, then config.yaml)",
    )
    run = commands.add_parser(
        "run",
        parents=[config],
        help="run the exporter and the relay in one process",
        description="Run the exporter and the relay in one process, until Ctrl-C or SIGTERM.",
        epilog=_CODES.format(what="config"),
    )
    run.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="the least that is logged (default: info)",
    )
    commands.add_parser(
        "check-config",
        parents=[config],
        help="check the config of both services",
        description="Check the config of both services, touch nothing, and exit.",
        epilog=_CODES.format(what="config"),
    )


def _add_questions(commands: Commands) -> None:
    exporter, span = _exporter(), _span()
    codes = _CODES.format(what="a file that cannot be read")
    commands.add_parser(
        "status",
        parents=[exporter],
        help="tell which homes have power",
        description="Tell of every home whether it has power, since when by its own clock, and "
        "what is not certain of it; homes without power first.",
        epilog=codes,
    )
    commands.add_parser(
        "outages",
        parents=[exporter, span],
        help="list the outages of homes",
        description="List the outages that overlap a range, those that run first, then the "
        "newest. Times are those of each home's own clock.",
        epilog=codes,
    )
    commands.add_parser(
        "reliability",
        parents=[exporter, span],
        help="tell how reliable the power of homes was (IEEE 1366)",
        description="Tell how reliable the power of homes was, in the utilities' own terms "
        "(IEEE 1366), and how much of the time was seen.",
        epilog=_INDICES + codes,
    )


def _add_stack(commands: Commands) -> None:
    """Add what docker-compose.yml runs once, at every `docker compose up`."""
    codes = _CODES.format(what="config")
    make = commands.add_parser(
        "make-secrets",
        help="make the secrets of the stack that are missing (docker-compose.yml runs it)",
        description="Make the secrets of the stack that are missing, restore lost copies, and "
        "leave alone what is there. No secret is printed.",
        epilog=codes,
    )
    _add_volumes(make)
    tokens = commands.add_parser(
        "influxdb-tokens",
        help="give Grafana and the exporter tokens of their own (docker-compose.yml runs it)",
        description="Give Grafana a token of InfluxDB that may only read the bucket, and the "
        "exporter one that may only write it. Tokens that work are left alone.",
        epilog=codes,
    )
    _add_database(tokens)


def _add_volumes(make: argparse.ArgumentParser) -> None:
    make.add_argument(
        "--folder",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="holds secrets/CONSUMER and data/CONSUMER, a volume each",
    )
    make.add_argument(
        "--owner",
        type=_owner,
        action="append",
        required=True,
        metavar="CONSUMER=UID:GID",
        help="whose a consumer's volumes are; several times",
    )
    make.add_argument(
        "--telegram-token-file",
        type=Path,
        metavar="FILE",
        help="the bot's token: the relay gets a copy, even an empty",
    )
    make.add_argument(
        "--home-secrets",
        type=Path,
        metavar="FOLDER",
        help="what config.yaml calls secrets/: the exporter gets copies",
    )


def _add_database(tokens: argparse.ArgumentParser) -> None:
    tokens.add_argument("--url", type=_url, required=True, help="InfluxDB's address")
    tokens.add_argument("--org", required=True, metavar="NAME", help="its organisation")
    tokens.add_argument("--bucket", required=True, metavar="NAME", help="its bucket")
    for flag, means in (
        ("--operator-token-file", "the token that may make others"),
        ("--read-token-file", "where the one for Grafana goes"),
        ("--write-token-file", "where the one for the exporter goes"),
    ):
        tokens.add_argument(flag, type=Path, required=True, metavar="FILE", help=means)
    tokens.add_argument(
        "--wait",
        type=_wait,
        default=_wait(WAIT),
        metavar="DURATION",
        help=f"for InfluxDB to come up, if somebody has no token yet (default: {WAIT})",
    )


def _exporter() -> argparse.ArgumentParser:
    """Return the flags of every question."""
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument("--url", type=_url, default=URL, help=f"the exporter (default: {URL})")
    flags.add_argument(
        "--json", action="store_true", help="print one JSON document, as the API gives it"
    )
    flags.add_argument(
        "--basic-auth-file",
        type=Path,
        metavar="FILE",
        help="who asks: a file that holds user:password",
    )
    flags.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="whom to trust for https: certificates (PEM)"
    )
    return flags


def _span() -> argparse.ArgumentParser:
    """Return the flags of questions about the past of homes."""
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument(
        "homes", nargs="*", type=_home, metavar="HOME", help="a home's name (default: all homes)"
    )
    start = flags.add_mutually_exclusive_group()
    start.add_argument(
        "--days",
        type=_days,
        metavar="N",
        help=f"from N days before the end of the range (default: {DAYS})",
    )
    start.add_argument(
        "--from",
        dest="start",
        type=_point,
        metavar="TIME",
        help="the beginning: a day such as 2026-11-24, as its first moment by the home's clock, "
        "or a time such as 2026-11-24T10:00:00+02:00 (RFC 3339)",
    )
    flags.add_argument(
        "--to",
        dest="end",
        type=_point,
        metavar="TIME",
        help="the end, which is not in the range any more (default: now)",
    )
    return flags


def _url(text: str) -> str:
    try:
        return check_origin_url(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from fault  # not the text: it may hold secrets


def _owner(text: str) -> tuple[str, Owner]:
    found = _OWNER.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not CONSUMER=UID:GID")
    return found[1], Owner(int(found[2]), int(found[3]))


def _wait(text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from fault


def _home(text: str) -> str:
    if _HOME_NAME.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a home")
    return text


def _days(text: str) -> int:
    if re.fullmatch(r"\d{1,5}", text, re.ASCII) is None or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST_DAYS}")
    return int(text)


def _point(text: str) -> Point:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else from_rfc3339(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a day such as 2026-11-24 nor a time such as "
            "2026-11-24T10:00:00+02:00"
        ) from fault
