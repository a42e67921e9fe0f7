"""Owns `power-status run` and `check-config`: the config of both services, and their process."""

import sys
from collections.abc import Callable
from typing import TypeVar

from alerting.config import load as load_relay
from chassis.command_output import warn
from chassis.hosting import Files, Loaded
from chassis.service import run as run_service
from chassis.yaml_config import ConfigError, Fault
from exporter.commands import raise_descriptor_limit
from exporter.config import load as load_exporter
from power_status.both import Both, Configs

FINE, WRONG = 0, 2

Config = TypeVar("Config")


def check_config(files: Files) -> int:
    """Check both sections; print `FILE: ok`, or each fault once, and return the exit code."""
    read = _read_both(files)
    if not isinstance(read, Configs):
        print("\n".join(map(str, read)))
        return WRONG
    print("\n".join(f"{file}: ok" for file in files))
    return FINE


def run(files: Files, log_level: str) -> int:
    """Be both services until the stop; return 0, 1 after a failure, 2 for a wrong config."""
    read = _read_both(files)
    if not isinstance(read, Configs):
        print("\n".join(map(str, read)), file=sys.stderr)
        return WRONG
    raise_descriptor_limit()
    both = Both(files, read, log_level)
    return run_service(both.serve, reload=both.reload, on_stop=both.stop)


def _read_both(files: Files) -> Configs | list[Fault]:
    """Return both configs, or every fault of either once; say warnings, each once."""
    faults: dict[Fault, None] = {}
    warnings: dict[Fault, None] = {}

    def read(load: Callable[[Files], Loaded[Config]]) -> Config | None:
        try:
            loaded = load(files)
        except ConfigError as wrong:
            faults.update(dict.fromkeys(wrong.faults))
            return None
        warnings.update(dict.fromkeys(loaded.warnings))
        return loaded.config

    exporter, relay = read(load_exporter), read(load_relay)
    warn(warnings)
    if exporter is None or relay is None:
        return list(faults)
    return Configs(exporter, relay)
