"""`power-status reliability`: the indices of IEEE 1366, with how much of the time was seen."""

import pytest

from exporter.power import State
from tests.exporter.boards import home_config
from tests.exporter.web.rig import DAY, HOUR, MINUTE, START, Rig
from tests.power_status.asks import ask

ON, OFF, UNKNOWN = State.ON, State.OFF, State.UNKNOWN
DASH = "\N{EN DASH}"
Caught = pytest.CaptureFixture[str]


async def lived(rig: Rig) -> None:
    """Ten days: 90 min and 1 min without power, and a day that nobody saw."""
    await rig.change(ON, START - 10 * DAY)
    for start, minutes in ((START - 5 * DAY, 90), (START - 4 * DAY, 1)):
        await rig.change(OFF, start, seen=start)
        end = start + minutes * MINUTE
        await rig.change(ON, end, seen=end)
    await rig.change(UNKNOWN, START - 2 * DAY, seen=START - 2 * DAY)
    await rig.change(ON, START - DAY)


def cells(line: str) -> list[str]:
    """Take a line apart, as no cell holds two spaces."""
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


async def test_the_indices_of_a_home(capsys: Caught, rig: Rig) -> None:
    """Numbers in minutes, parts in percent, durations in words, and the period asked for."""
    await lived(rig)
    said = await ask(capsys, rig, "reliability")
    titles, line = said.out.splitlines()
    assert said.code == 0
    assert dict(zip(cells(titles), cells(line), strict=True)) == {
        "Home": "flat (Our flat)",
        "SAIDI (min)": "90.0",
        "SAIFI": "1",
        "CAIDI (min)": "90.0",
        "MAIFI": "1",
        "ASAI": "99.29 %",
        "ASAI bounds": "89.36 % to 99.37 %",
        "Coverage": "90 %",
        "Off for": "1 h 31 min",
        "Longest outage": "1 h 30 min",
        "Watched for": "10 d",
        "Period": "25 Oct 12:00:00 EET to 12:00:00 EET",
    }


async def test_what_cannot_be_worked_out_is_a_dash(capsys: Caught, rig: Rig) -> None:
    """CAIDI without an outage; everything where no time was watched."""
    rig.add(home_config("mill", title="mill"))
    await rig.change(ON, START - HOUR)
    _, flat, mill = (await ask(capsys, rig, "reliability")).out.splitlines()
    assert cells(flat)[1:6] == ["0.0", "0", DASH, "0", "100 %"]
    assert cells(mill)[:-1] == ["mill", *[DASH] * 10]


async def test_the_range_is_as_for_outages(capsys: Caught, rig: Rig) -> None:
    """A month by the home's own days."""
    await lived(rig)
    flags = ("--from", "2026-11-01", "--to", "2026-12-01")
    said = await ask(capsys, rig, "reliability", "--json", *flags)
    assert said.document["flat"]["from"] == "2026-10-31T22:00:00.000Z"
    assert said.document["flat"]["to"] == "2026-11-30T22:00:00.000Z"


async def test_json_is_an_object_by_home(capsys: Caught, rig: Rig) -> None:
    """Under each name what the API says of that home; null stays null."""
    await lived(rig)
    rig.add(home_config("mill"))
    said = await ask(capsys, rig, "reliability", "--json", "mill", "flat")
    params = {"from": "2026-10-25T10:00:00Z"}
    assert said.document == {
        home: await rig.get(f"/api/v1/homes/{home}/reliability", **params)
        for home in ("mill", "flat")
    }
    assert said.document["mill"]["coverage"] is None
