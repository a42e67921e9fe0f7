"""Owns what `power-exporter` does: its flags, its files, its exit codes."""

import argparse
import asyncio
import contextlib
import io
import logging
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from chassis.clock import SystemClock
from chassis.logs import SecretFilter, configure
from chassis.loops import Stop
from chassis.secrets import secrets_in
from chassis.service import OneAtATime, run
from chassis.yaml_config import ConfigError
from exporter.app import App, own_version
from exporter.config import ExporterConfig, Loaded, load

log = logging.getLogger("exporter")

FINE, FAILED, WRONG = 0, 1, 2
CONFIG_VARIABLE = "POWER_STATUS_CONFIG"


def run_command(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 1 after a failure while running, 2 for a wrong config."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a title may be in any script
    asked = _parser().parse_args(argv)
    files = asked.config or [os.environ.get(CONFIG_VARIABLE) or "config.yaml"]
    try:
        loaded = load(files)
    except ConfigError as wrong:
        print(wrong, file=sys.stdout if asked.check_config else sys.stderr)
        return WRONG
    _say_warnings(loaded)
    if asked.check_config:
        print("\n".join(f"{file}: ok" for file in files))
        return FINE
    secrets = configure(sys.stderr, asked.log_level, secrets_in(loaded.config))
    if asked.command == "backfill":
        return _backfill(loaded)
    return _Service(files, loaded, secrets).run()


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


def _say_warnings(loaded: Loaded) -> None:
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)


class _Service:
    """The exporter as this process's whole work."""

    def __init__(self, files: Sequence[Path | str], loaded: Loaded, secrets: SecretFilter) -> None:
        self._files = files
        self._secrets = secrets
        self._app = App(loaded.config, SystemClock())
        self._reload = OneAtATime(self._reload_once)
        self._serving = False

    def run(self) -> int:
        _raise_descriptor_limit()
        return run(self._body, reload=self._reload_on_hangup, on_stop=self._stop)

    async def _body(self, stop: Stop) -> None:
        await self._app.start(stop, self._reload)
        self._serving = True
        _say_where(self._app.web.url)
        await stop.wait()

    async def _stop(self) -> None:
        await self._reload.end()  # it would make parts while they are ended
        await self._app.stop()

    async def _reload_on_hangup(self) -> None:
        """Reload for a SIGHUP, which can be answered in the log only."""
        if not self._serving:  # the config has only just been read; two at once would watch twice
            log.warning("not reloaded: the start is still under way")
            return
        with contextlib.suppress(ConfigError):  # the log has it already
            await self._reload()

    async def _reload_once(self) -> None:
        await self._app.reload(self._read)

    async def _read(self) -> ExporterConfig:
        loaded = await asyncio.to_thread(load, self._files)
        for warning in loaded.warnings:
            log.warning("%s", warning)
        self._secrets.add(secrets_in(loaded.config))
        return loaded.config


def _say_where(url: str) -> None:
    try:
        print(f"The page is on {url}/", flush=True)
    except OSError:  # nobody reads it, as behind `| head -1`
        sys.stdout = Path(os.devnull).open("w", encoding="ascii")  # noqa: SIM115  it stays open


def _raise_descriptor_limit() -> None:
    """Allow as many descriptors as may be: each kept connection of a probe needs one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _backfill(loaded: Loaded) -> int:
    """Send every row of the journal to InfluxDB, also while the exporter runs.

    The exporter's own place in the journal stays where it is. To run it again is harmless.
    """
    from exporter.backfill_command import backfill_influxdb  # noqa: PLC0415  influxdb-client is 39 MiB

    return asyncio.run(backfill_influxdb(loaded.config))
