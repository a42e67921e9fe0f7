"""Owns what is known of a process from outside: its processor time, its memory."""

import re
import time
from pathlib import Path

_SCHEDULER_CLOCK = 2  # of a process, all its threads: clock_getcpuclockid(3)
_KIB_PER_MIB = 1024


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, its threads included, to the µs."""
    return time.clock_gettime((~pid << 3) | _SCHEDULER_CLOCK)


def rss_mib(pid: int) -> float:
    """Return the resident memory of a process in MiB, shared pages included."""
    return _sum_mib(Path(f"/proc/{pid}/status"), r"VmRSS")


def private_mib(pid: int) -> float:
    """Return the same without the pages that another process has mapped as well."""
    return _sum_mib(Path(f"/proc/{pid}/smaps_rollup"), r"Private_(?:Clean|Dirty)")


def _sum_mib(file: Path, names: str) -> float:
    lines = re.findall(rf"^{names}:\s+(\d+) kB$", file.read_text(encoding="ascii"), re.MULTILINE)
    assert lines, "every process but the kernel's own has memory"
    return sum(map(int, lines)) / _KIB_PER_MIB
