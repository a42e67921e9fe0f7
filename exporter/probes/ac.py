"""Owns the kind `ac`: does the kernel say that this machine's mains adapter is fed?"""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints

from chassis.instants import Instant
from exporter.power import State
from exporter.probes.faults import seconds, unknown, worded
from exporter.probes.file import read_start
from exporter.probes.protocol import Finding, Kind, ProbeContext, ProbeSettings
from exporter.probes.threads import OneCall

SUPPLIES = Path("/sys/class/power_supply")


class AcSettings(ProbeSettings):
    """Keys of an ac probe; `supply` is by default the first of type Mains by name."""

    kind: Literal["ac"]
    supply: Annotated[str, StringConstraints(pattern=r"^[^/\s]+$", max_length=255)] | None = None


class NoSuchSupply(Exception):
    """The machine has no such power supply; the message says which."""


class AcProbe:
    """Reads `online` once an attempt; firmware answers that, and may take its time."""

    def __init__(
        self, settings: AcSettings, context: ProbeContext, supplies: Path = SUPPLIES
    ) -> None:
        self._look = partial(read_online, supplies, settings.supply)
        self._clock = context.clock
        self._read: OneCall[str] = OneCall()

    async def attempt(self, started: Instant, timeout: float) -> Finding:
        """Read and understand."""
        try:
            online = await self._read.ask(self._look, timeout)
        except NoSuchSupply as fault:
            return unknown(str(fault), started)
        except TimeoutError:
            return unknown(f"not read in {seconds(timeout)}", started)
        except (OSError, UnicodeDecodeError) as error:
            why = worded(error) if isinstance(error, OSError) else "not text"
            return unknown(f"cannot be read: {why}", started)
        if online == "1":
            return Finding(State.ON, "online", self._clock.now())
        if online == "0":
            return Finding(State.OFF, "offline", started)
        return unknown(f"online says {online[:20]!r}", started)

    async def close(self) -> None:
        """Nothing is held."""


def read_online(supplies: Path, supply: str | None) -> str:
    """Return what `online` of a supply says; raises NoSuchSupply and OSError."""
    if supply is None:
        supply = first_mains(supplies)
    if supply in (".", "..") or not (supplies / supply).is_dir():
        raise NoSuchSupply(f"this machine has no power supply {supply}")
    return read_start(supplies / supply / "online").strip()


def first_mains(supplies: Path) -> str:
    """Return the first supply of type Mains in the order of names; raises NoSuchSupply."""
    for supply in sorted(supplies.iterdir()) if supplies.is_dir() else []:
        try:
            if read_start(supply / "type").strip() == "Mains":
                return supply.name
        except (OSError, UnicodeDecodeError):
            continue  # it was unplugged just now
    raise NoSuchSupply("this machine has no power supply of type Mains")


KIND = Kind(settings=AcSettings, make=AcProbe)
