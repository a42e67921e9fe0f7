"""The command `power-exporter` as a user types it: its arguments, its answer, its exit code."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

POWER_EXPORTER = [sys.executable, "-m", "exporter.cli"]


def power_exporter(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself, for at most a minute."""
    return subprocess.run(
        [*POWER_EXPORTER, *arguments],
        cwd=cwd,
        env=_environment(env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@contextmanager
def power_exporter_begun(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """Begin a command with both streams on pipes; end it if it has not ended by then."""
    process = subprocess.Popen(
        [*POWER_EXPORTER, *arguments],
        cwd=cwd,
        env=_environment({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def ended(process: subprocess.Popen[str], within: float = 20.0) -> tuple[int, str, str]:
    """Wait for the end; return the exit code and what was printed on both streams."""
    try:
        out, err = process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"it had not ended after {within:g} s: {process.communicate()}")
    return process.returncode, out, err


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if k != "POWER_STATUS_CONFIG"}
    return {**inherited, "PYTHONUNBUFFERED": "", **more}
