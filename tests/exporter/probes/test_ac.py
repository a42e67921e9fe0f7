"""The kind ac against a made-up /sys/class/power_supply."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from exporter.power import State
from exporter.probes.ac import AcProbe, AcSettings
from exporter.probes.protocol import Finding
from tests.exporter.probes.promises import Case, fixed
from tests.exporter.probes.rig import settings_of, world

PROMISES = Case(fixed(), sure=False)  # the machine may be unplugged


async def ask(folder: Path, supply: str | None = None) -> Finding:
    """Ask a probe whose machine has the supplies of a folder."""
    async with world() as w:
        settings = AcSettings(kind="ac", supply=supply)
        return await w.find(AcProbe(settings, w.context(), folder))


def plug_in(folder: Path, name: str, kind: str, online: str) -> None:
    """Add a supply."""
    (folder / name).mkdir()
    (folder / name / "type").write_text(kind + "\n")
    (folder / name / "online").write_text(online + "\n")


@pytest.mark.parametrize(
    "online, vote", [("1", State.ON), ("0", State.OFF), ("2", State.UNKNOWN), ("", State.UNKNOWN)]
)
async def test_what_online_says(tmp_path: Path, online: str, vote: State) -> None:
    """1 is on, 0 is off; a programmable charger's 2 is neither."""
    plug_in(tmp_path, "AC", "Mains", online)
    assert (await ask(tmp_path)).vote is vote


async def test_the_first_of_type_mains_is_asked(tmp_path: Path) -> None:
    """Batteries and USB chargers are passed over; the order is that of names."""
    plug_in(tmp_path, "BAT0", "Battery", "1")
    plug_in(tmp_path, "ADP2", "Mains", "1")
    plug_in(tmp_path, "ADP1", "Mains", "0")
    plug_in(tmp_path, "AAA", "USB", "1")
    assert (await ask(tmp_path)).vote is State.OFF


async def test_a_named_supply_is_asked(tmp_path: Path) -> None:
    """Of several, the config may choose one, whatever its type."""
    plug_in(tmp_path, "ADP1", "Mains", "0")
    plug_in(tmp_path, "usb", "USB", "1")
    assert (await ask(tmp_path, "usb")).vote is State.ON


@pytest.mark.parametrize("supply", [None, "ADP9"])
async def test_a_machine_without_the_supply_does_not_know(
    tmp_path: Path, supply: str | None
) -> None:
    """No adapter is not an adapter without power."""
    plug_in(tmp_path, "BAT0", "Battery", "1")
    finding = await ask(tmp_path, supply)
    assert finding.vote is State.UNKNOWN
    assert "no power supply" in finding.detail


async def test_a_machine_without_the_folder_does_not_know(tmp_path: Path) -> None:
    """A kernel without the class has no supplies."""
    assert (await ask(tmp_path / "nothing")).vote is State.UNKNOWN


async def test_a_supply_that_does_not_say_is_unknown(tmp_path: Path) -> None:
    """An adapter without `online` cannot be read."""
    plug_in(tmp_path, "AC", "Mains", "1")
    (tmp_path / "AC" / "online").unlink()
    assert (await ask(tmp_path)).vote is State.UNKNOWN


@pytest.mark.parametrize("supply", ["", "../net", "a b"])
def test_a_supply_is_a_name(supply: str) -> None:
    """A path is none."""
    with pytest.raises(ValidationError):
        settings_of("ac", supply=supply)
