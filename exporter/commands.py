"""Owns what `power-exporter` does: its flags, its files, its exit codes."""

import argparse
import asyncio
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from chassis.clock import SystemClock
from chassis.command_output import announce, any_script, warn
from chassis.config_files import CONFIG_VARIABLE, config_files
from chassis.hosting import host, rereading
from chassis.logs import SecretFilter, configure
from chassis.secrets import secrets_in
from chassis.version import own_version
from chassis.yaml_config import ConfigError
from exporter.app import App
from exporter.config import Loaded, load

FINE, FAILED, WRONG = 0, 1, 2


def run_command(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 1 after a failure while running, 2 for a wrong config."""
    any_script()
    asked = _parser().parse_args(argv)
    files = config_files(asked.config or ())
    try:
        loaded = load(files)
    except ConfigError as wrong:
        print(wrong, file=sys.stdout if asked.check_config else sys.stderr)
        return WRONG
    warn(loaded.warnings)
    if asked.check_config:
        print("\n".join(f"{file}: ok" for file in files))
        return FINE
    secrets = configure(sys.stderr, asked.log_level, secrets_in(loaded.config))
    if asked.command == "backfill":
        return _backfill(loaded)
    return _serve(files, loaded, secrets)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="power-exporter",
        description="Watches whether homes have mains power: page, API, /metrics, InfluxDB.",
        epilog="Signals: SIGHUP reloads the config; SIGTERM and Ctrl-C stop cleanly. "
        "Exit codes: 0 fine, 1 a failure while running, 2 a wrong command line or config.",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        action="append",
        help="config file; may be given several times, each section in one of them "
        f"(default: ${CONFIG_VARIABLE}, then config.yaml)",
    )
    parser.add_argument(
        "--check-config", action="store_true", help="check the config, touch nothing, and exit"
    )
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="the least that is logged (default: info)",
    )
    parser.add_argument("--version", action="version", version=f"power-exporter {own_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    backfill = commands.add_parser(
        "backfill", help="send the whole journal to a sink", description=_backfill.__doc__
    )
    backfill.add_argument("sink", choices=("influxdb",), help="where to send it")
    return parser


def _serve(files: Sequence[Path | str], loaded: Loaded, secrets: SecretFilter) -> int:
    """Be the exporter until the stop."""
    raise_descriptor_limit()
    app = App(loaded.config, SystemClock())
    return host(app, rereading(load, files, secrets), lambda: say_where(app.web.url))


def say_where(url: str) -> None:
    """Print where the page is."""
    announce(f"The page is on {url}/")


def raise_descriptor_limit() -> None:
    """Allow as many descriptors as may be: each kept connection of a probe needs one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _backfill(loaded: Loaded) -> int:
    """Send every row of the journal to InfluxDB, also while the exporter runs.

    The exporter's own place in the journal stays where it is. To run it again is harmless.
    """
    from exporter.backfill_command import backfill_influxdb  # noqa: PLC0415  influxdb-client is 39 MiB

    return asyncio.run(backfill_influxdb(loaded.config))
