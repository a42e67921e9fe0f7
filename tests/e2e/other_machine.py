"""Runs a module as if on a machine whose clocks and boot are those that a file says.

`python -m tests.e2e.other_machine FILE MODULE ARGUMENT...`. No kernel lets a test set its
clocks, so what Python asks of the kernel is answered here, outside of the program under test: wall
time (time.time_ns), CLOCK_BOOTTIME and the boot's id. What adjtimex says stays the kernel's word.
"""

import io
import json
import os
import runpy
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

BOOT_ID = "/proc/sys/kernel/random/boot_id"
MS = 1_000_000  # ns


@dataclass(frozen=True)
class Clocks:
    """How far wall time and the boot clock are from the real ones (ms), and the boot's name."""

    wall: int = 0
    boot: int = 0
    boot_id: str = "the-first-boot"

    def write(self, file: Path) -> None:
        """Make it so, at one moment."""
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self)), encoding="ascii")
        fresh.replace(file)


def read(file: Path) -> Clocks:
    """Return what a file says."""
    return Clocks(**json.loads(file.read_text(encoding="ascii")))


def answer_for_the_kernel(file: Path) -> None:
    """Answer for the kernel from now on."""
    real_wall, real_clock = time.time_ns, time.clock_gettime_ns
    real_open: Callable[..., IO[Any]] = io.open

    def clock(which: int) -> int:
        shift = read(file).boot * MS if which == time.CLOCK_BOOTTIME else 0
        return real_clock(which) + shift

    def opened(path: Any, *args: Any, **more: Any) -> IO[Any]:  # noqa: ANN401  as open() has it
        if isinstance(path, str | Path) and os.fspath(path) == BOOT_ID:
            return io.StringIO(read(file).boot_id + "\n")
        return real_open(path, *args, **more)

    time.time_ns = lambda: real_wall() + read(file).wall * MS
    time.clock_gettime_ns = clock
    io.open = opened  # type: ignore[assignment]


def main(file: str, module: str, *arguments: str) -> None:
    """Become the module."""
    sys.argv = [module, *arguments]
    answer_for_the_kernel(Path(file))
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
