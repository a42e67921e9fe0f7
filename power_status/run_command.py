"""Owns `power-status run` and `check-config`: the config of both services, and their process."""

import sys

from alerting.config import load as load_relay
from chassis.service import run as run_service
from chassis.yaml_config import ConfigError, Fault
from exporter.commands import raise_descriptor_limit
from exporter.config import load as load_exporter
from power_status.both import Both, Files

FINE, WRONG = 0, 2


def check_config(files: Files) -> int:
    """Check both sections; print `FILE: ok`, or each fault once, and return the exit code."""
    faults, warnings = _read_both(files)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if faults:
        print("\n".join(map(str, faults)))
        return WRONG
    print("\n".join(f"{file}: ok" for file in files))
    return FINE


def _read_both(files: Files) -> tuple[list[Fault], list[Fault]]:
    faults: dict[Fault, None] = {}
    warnings: dict[Fault, None] = {}
    for load in (load_exporter, load_relay):
        try:
            warnings.update(dict.fromkeys(load(files).warnings))
        except ConfigError as wrong:
            faults.update(dict.fromkeys(wrong.faults))
    return list(faults), list(warnings)


def run(files: Files, log_level: str) -> int:
    """Be both services until the stop; return 0, 1 after a failure, 2 for a wrong config."""
    faults, warnings = _read_both(files)
    if faults:
        print("\n".join(map(str, faults)), file=sys.stderr)
        return WRONG
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    raise_descriptor_limit()
    both = Both(files, log_level)
    return run_service(both.serve, reload=both.reload, on_stop=both.stop)
