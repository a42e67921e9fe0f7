"""`power-status outages`: which, when, for how long, and how sure that is."""

from pathlib import Path

import pytest

from exporter.power import Cause, State
from tests.exporter.boards import home_config
from tests.exporter.web.rig import DAY, HOUR, MINUTE, SECOND, START, Rig
from tests.power_status.asks import ask

ON, OFF, UNKNOWN = State.ON, State.OFF, State.UNKNOWN
MIDNIGHT = START - 12 * HOUR  # 2026-11-24T00:00:00 in Kyiv
Caught = pytest.CaptureFixture[str]


async def dark(rig: Rig, start: int, end: int | None = None, home: str = "flat") -> None:
    """A home loses power at `start` and gets it back at `end`, both seen to the millisecond."""
    await rig.change(OFF, start, home=home, seen=start)
    if end is not None:
        await rig.change(ON, end, home=home, seen=end)


@pytest.fixture
async def two(tmp_path: Path) -> Rig:
    """Two homes that were on ten days ago, not served yet."""
    rig = Rig(tmp_path, "flat")
    rig.add(home_config("cottage", title="cottage", timezone="Asia/Tashkent"))
    for home in ("flat", "cottage"):
        await rig.change(ON, START - 10 * DAY, home=home)
    return rig


async def test_running_outages_come_first_then_the_newest(capsys: Caught, two: Rig) -> None:
    """Of all homes in one table, each by its own clock."""
    async with two as rig:
        await dark(rig, START - 2 * DAY, START - 2 * DAY + 3 * HOUR + 20 * MINUTE)
        await dark(rig, START - HOUR, START - HOUR + MINUTE)
        await dark(rig, START - 5 * HOUR, home="cottage")
        said = await ask(capsys, rig, "outages")
    rows = said.rows
    assert said.code == 0
    assert [row["Home"] for row in rows] == ["cottage", "flat (Our flat)", "flat (Our flat)"]
    assert [row["Off from"] for row in rows] == [
        "10:00:00 UTC+05",
        "11:00:00 EET",
        "22 Nov 12:00:00 EET",
    ]
    assert [row["Until"] for row in rows] == ["still off", "11:01:00 EET", "22 Nov 15:20:00 EET"]
    assert [row["Lasted"] for row in rows] == ["5 h so far", "1 min", "3 h 20 min"]
    assert [row["Class"] for row in rows] == ["sustained", "momentary", "sustained"]


async def test_what_is_not_certain_is_said(capsys: Caught, rig: Rig) -> None:
    """Bounds, an unseen spell, and a cause that is not a measurement."""
    await rig.change(ON, START - DAY)
    await rig.change(
        OFF, START - 2 * HOUR, seen=START - 2 * HOUR - 5 * MINUTE, cause=Cause.INFERRED
    )
    await rig.change(UNKNOWN, START - HOUR, seen=START - HOUR)
    await rig.change(ON, START - 30 * MINUTE)
    (row,) = (await ask(capsys, rig, "outages")).rows
    assert row["Lasted"] == "1 h 30 min"
    assert row["Bounds"] == "1 h to 1 h 35 min"
    assert row["Remarks"] == (
        "inferred: the machine that watches lost power itself; began not before 09:55:00; "
        "unknown for 30 min of it"
    )


async def test_an_outage_that_nobody_sees_any_more_ends_unknown(capsys: Caught, rig: Rig) -> None:
    """It runs, but "still off" would say too much."""
    await rig.change(ON, START - DAY)
    await rig.change(OFF, START - 2 * HOUR)
    await rig.change(UNKNOWN, START - HOUR)
    (row,) = (await ask(capsys, rig, "outages")).rows
    assert (row["Until"], row["Lasted"]) == ("unknown", "2 h so far")


async def test_an_outage_without_a_known_beginning(capsys: Caught, rig: Rig) -> None:
    """It began then or earlier, and its length has no upper bound."""
    await rig.change(UNKNOWN, START - DAY)
    await rig.change(OFF, START - HOUR)
    await rig.change(ON, START - MINUTE, seen=START - MINUTE)
    (row,) = (await ask(capsys, rig, "outages")).rows
    assert row["Bounds"] == "at least 59 min"
    assert row["Remarks"] == "began then or earlier"


async def test_what_the_disk_refuses_is_told(capsys: Caught, rig: Rig) -> None:
    """It is not stored yet."""
    await rig.change(ON, START - DAY)
    rig.journal.full = True
    await dark(rig, START - 2 * HOUR, START - HOUR)
    (row,) = (await ask(capsys, rig, "outages")).rows
    assert row["Remarks"] == "not stored yet: the exporter's disk refuses"


async def test_no_outage_is_a_sentence(capsys: Caught, rig: Rig) -> None:
    """It claims no more than that none was seen."""
    await rig.change(ON, START - DAY)
    assert (await ask(capsys, rig, "outages")).out == "No outage was seen.\n"


# ---------------------------------------------------------------- which homes


async def test_json_is_an_object_by_home(capsys: Caught, two: Rig) -> None:
    """Under each name what the API says of that home."""
    async with two as rig:
        await dark(rig, START - 2 * HOUR, START - HOUR)
        since = {"from": "2026-10-25T10:00:00Z"}
        expected = {
            home: await rig.get(f"/api/v1/homes/{home}/outages", **since)
            for home in ("flat", "cottage")
        }
        assert (await ask(capsys, rig, "outages", "--json")).document == expected


async def test_only_the_homes_named_are_asked_for(capsys: Caught, two: Rig) -> None:
    """Each once, in the order given."""
    async with two as rig:
        said = await ask(capsys, rig, "outages", "--json", "cottage", "flat", "cottage")
        assert list(said.document) == ["cottage", "flat"]
        said = await ask(capsys, rig, "outages", "--json", "flat")
        assert list(said.document) == ["flat"]


async def test_a_home_that_is_not_there_is_1(capsys: Caught, rig: Rig) -> None:
    """In the exporter's own words, on one line."""
    said = await ask(capsys, rig, "outages", "nowhere")
    assert (said.code, said.out) == (1, "")
    assert said.err == f"power-status: {rig.url} answered 404: there is no home 'nowhere'\n"


# ---------------------------------------------------------------- which range


@pytest.mark.parametrize(
    "flags,found",
    [
        ([], 3),
        (["--days", "3"], 2),
        (["--days", "1"], 1),
        (["--from", "2026-11-24"], 1),
        (["--from", "2026-11-22", "--to", "2026-11-24"], 1),
        (["--to", "2026-11-24"], 2),
        (["--to", "2026-11-24", "--days", "1"], 0),
        (["--from", "2026-11-22T00:00:00+02:00"], 2),
        (["--from", "2026-11-22T12:30:00Z"], 1),
        (["--to", "2026-11-20T00:00:00Z", "--days", "1"], 0),
        (["--from", "0001-01-01", "--to", "9999-12-31"], 3),
    ],
)
async def test_ranges(capsys: Caught, rig: Rig, flags: list[str], found: int) -> None:
    """By days up to now or to the end, by the home's own days, or by RFC 3339."""
    await rig.change(ON, START - 20 * DAY)
    for start in (START - 15 * DAY, START - 2 * DAY, MIDNIGHT):
        await dark(rig, start, start + HOUR)
    said = await ask(capsys, rig, "outages", "--json", *flags)
    assert said.code == 0, said.err
    assert len(said.document["flat"]["outages"]) == found


async def test_a_day_begins_when_the_home_s_day_does(capsys: Caught, two: Rig) -> None:
    """In Tashkent three hours before it does in Kyiv."""
    async with two as rig:
        for home in ("flat", "cottage"):
            await dark(rig, MIDNIGHT - HOUR, MIDNIGHT - HOUR + SECOND, home=home)
        said = await ask(capsys, rig, "outages", "--json", "--from", "2026-11-24")
    assert {home: len(found["outages"]) for home, found in said.document.items()} == {
        "flat": 0,
        "cottage": 1,
    }


async def test_a_range_that_the_exporter_refuses_is_1(capsys: Caught, rig: Rig) -> None:
    """A day and a time can only be compared once the home's zone is known."""
    flags = ("--from", "2026-11-24", "--to", "2026-11-23T00:00:00Z")
    said = await ask(capsys, rig, "outages", *flags)
    assert said.code == 1
    assert said.err.endswith("answered 400: from: must be before `to`\n")
