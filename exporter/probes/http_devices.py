"""Owns where the readings of well-known devices are, and their factors to base units.

Sources: shelly-api-docs.shelly.cloud (gen1 /status; gen2 Switch.GetStatus, PM1, EM1 and
Shelly.GetStatus), tasmota.github.io/docs (Status 8, Energy).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from exporter.probes.json_values import path_of


class Device(StrEnum):
    """Devices whose readings are known."""

    SHELLY_GEN1 = "shelly-gen1"
    SHELLY_GEN2 = "shelly-gen2"
    TASMOTA = "tasmota"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reading may be, and what it is multiplied by."""

    path: tuple[str, ...]
    factor: float = 1.0


Places = Mapping[str, tuple[Place, ...]]
"""By reading, the places where it may be; the first that holds a number counts."""


def _places(*pointers: str, factor: float = 1.0) -> tuple[Place, ...]:
    return tuple(Place(path_of(pointer), factor) for pointer in pointers)


_WATT_MINUTES = 1 / 60
_KILOWATT_HOURS = 1000.0


def _gen2(key: str) -> tuple[Place, ...]:
    """A switch's or a meter's own status, or the status of the whole device."""
    return _places(f"/{key}", f"/switch:0/{key}", f"/pm1:0/{key}", f"/em1:0/{key}")


DEVICES: Mapping[Device, Places] = {
    Device.SHELLY_GEN1: {
        "volts": _places("/emeters/0/voltage", "/voltage"),
        "watts": _places("/emeters/0/power", "/meters/0/power"),
        "amperes": _places("/emeters/0/current"),
        "energy_wh": (
            *_places("/emeters/0/total"),
            *_places("/meters/0/total", factor=_WATT_MINUTES),
        ),
    },
    Device.SHELLY_GEN2: {
        "volts": _gen2("voltage"),
        "watts": _gen2("apower") + _gen2("act_power"),
        "amperes": _gen2("current"),
        "hertz": _gen2("freq"),
        "energy_wh": _gen2("aenergy/total"),
    },
    Device.TASMOTA: {
        "volts": _places("/StatusSNS/ENERGY/Voltage"),
        "watts": _places("/StatusSNS/ENERGY/Power"),
        "amperes": _places("/StatusSNS/ENERGY/Current"),
        "hertz": _places("/StatusSNS/ENERGY/Frequency"),
        "energy_wh": _places("/StatusSNS/ENERGY/Total", factor=_KILOWATT_HOURS),
    },
}
