"""Owns the reading of the machine's clocks; decides nothing by them."""

import time
from pathlib import Path
from typing import Protocol

from chassis.instants import Instant

_NS_PER_MS = 1_000_000
_TIME_ERROR = 5  # adjtimex(2): the kernel's clock is not synchronised


class Clock(Protocol):
    """What the program may know of time."""

    @property
    def boot_id(self) -> str:
        """Name of this boot of the machine; another boot has another name."""

    def now(self) -> Instant:
        """Read both clocks."""

    def synchronised(self) -> bool:
        """Tell whether the kernel calls its clock synchronised; a kernel that will not say does."""


class SystemClock:
    """The clocks of the machine that this process runs on (Linux)."""

    def __init__(self, boot_id_file: Path = Path("/proc/sys/kernel/random/boot_id")) -> None:
        self.boot_id = boot_id_file.read_text(encoding="ascii").strip()

    def now(self) -> Instant:
        """Read both clocks, one right after the other."""
        return Instant(
            time.time_ns() // _NS_PER_MS, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _NS_PER_MS
        )

    def synchronised(self) -> bool:
        """Ask adjtimex(2), which needs no privilege to be read."""
        return _adjtimex_state() != _TIME_ERROR


def _adjtimex_state() -> int:
    """Return adjtimex's clock state, or -1 where the kernel will not say."""
    import ctypes  # noqa: PLC0415  only a machine that has just booted asks: 1 MiB less for the rest

    timex_with_room = ctypes.create_string_buffer(512)
    call = getattr(ctypes.CDLL(None), "adjtimex", None)
    return int(call(timex_with_room)) if call is not None else -1
