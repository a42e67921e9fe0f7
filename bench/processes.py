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
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None, "every process but the kernel's own has memory"
    return int(found[1]) / _KIB_PER_MIB
