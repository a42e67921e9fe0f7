"""`power-status status`: how homes stand, in the words and the time of each."""

import pytest

from exporter.power import Cause, State
from tests.exporter.boards import home_config
from tests.exporter.web.rig import DAY, HOUR, MINUTE, SECOND, START, Rig
from tests.power_status.asks import ask

ON, OFF, UNKNOWN = State.ON, State.OFF, State.UNKNOWN
Caught = pytest.CaptureFixture[str]


async def test_a_home_with_power(capsys: Caught, rig: Rig) -> None:
    """Since when by its own clock, and for how long; nothing to remark."""
    await rig.change(ON, START - 3 * HOUR - 20 * MINUTE)
    said = await ask(capsys, rig, "status")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "Home             Power  Since         For         Remarks",
        "flat (Our flat)  on     08:40:00 EET  3 h 20 min",
    ]


async def test_a_dark_home_tells_when_it_can_have_begun(capsys: Caught, rig: Rig) -> None:
    """The class so far, and the bound of the beginning."""
    await rig.change(ON, START - DAY)
    await rig.change(OFF, START - 20 * MINUTE, seen=START - 20 * MINUTE - 5 * SECOND)
    (row,) = (await ask(capsys, rig, "status")).rows
    assert (row["Power"], row["Since"], row["For"]) == ("off", "11:40:00 EET", "20 min")
    assert row["Remarks"] == "sustained so far; began not before 11:39:55"


async def test_an_outage_counts_from_its_beginning_across_unknown_spells(
    capsys: Caught, rig: Rig
) -> None:
    """Off, unknown, off is one outage, and dark since the first."""
    await rig.change(ON, START - DAY)
    await rig.change(OFF, START - 2 * HOUR)
    await rig.change(UNKNOWN, START - HOUR)
    await rig.change(OFF, START - MINUTE)
    (row,) = (await ask(capsys, rig, "status")).rows
    assert (row["Power"], row["Since"], row["For"]) == ("off", "10:00:00 EET", "2 h")


async def test_unknown_is_said_as_unknown(capsys: Caught, rig: Rig) -> None:
    """With the last evidence; an outage goes on until power is seen."""
    rig.add(home_config("cottage", title="Хата"))
    await rig.change(ON, START - DAY, home="cottage")
    await rig.change(UNKNOWN, START - MINUTE, home="cottage", seen=START - MINUTE - SECOND)
    await rig.change(ON, START - DAY)
    await rig.change(OFF, START - 2 * HOUR, seen=START - 2 * HOUR)
    await rig.change(UNKNOWN, START - HOUR, seen=START - HOUR - SECOND)
    first, second = (await ask(capsys, rig, "status")).rows
    assert first["Home"] == "flat (Our flat)"
    assert (first["Power"], first["Since"]) == ("unknown", "11:00:00 EET")
    assert first["Remarks"] == (
        "last seen at 10:59:59; the outage since 10:00:00 has not been seen to end (2 h); "
        "sustained so far"
    )
    assert (second["Home"], second["Power"]) == ("cottage (Хата)", "unknown")
    assert second["Remarks"] == "last seen at 11:58:59"


async def test_before_the_first_verdict_nothing_is_dated(capsys: Caught, rig: Rig) -> None:
    """Unknown, and two dashes."""
    (row,) = (await ask(capsys, rig, "status")).rows
    assert (row["Power"], row["Since"], row["For"]) == ("unknown", "–", "–")  # noqa: RUF001  a dash
    assert row["Remarks"] == "the first verdict is awaited"


async def test_what_is_urgent_comes_first(capsys: Caught, rig: Rig) -> None:
    """Running outages, then what is unknown, then by title; each in its own zone."""
    rig.add(home_config("office", title="Office", timezone="Asia/Tashkent"))
    rig.add(home_config("barn", title="barn"))
    rig.add(home_config("mill", title="mill"))
    for home in ("flat", "barn", "office"):
        await rig.change(ON, START - DAY, home=home)
    await rig.change(OFF, START - HOUR, home="office")
    rows = (await ask(capsys, rig, "status")).rows
    assert [row["Home"] for row in rows] == ["office (Office)", "mill", "barn", "flat (Our flat)"]
    assert rows[0]["Since"] == "14:00:00 UTC+05"


async def test_an_outage_that_was_there_first_is_told_so(capsys: Caught, rig: Rig) -> None:
    """No bound is invented for it."""
    await rig.change(OFF, START - HOUR, cause=Cause.START)
    (row,) = (await ask(capsys, rig, "status")).rows
    assert row["Remarks"] == "sustained so far; already off at the first look"


async def test_json_is_what_the_api_says(capsys: Caught, rig: Rig) -> None:
    """The whole document, with what no table shows."""
    await rig.change(ON, START - DAY)
    said = await ask(capsys, rig, "status", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.document == await rig.get("/api/v1/homes")


async def test_a_title_steers_no_terminal(capsys: Caught, rig: Rig) -> None:
    """Escapes, new lines and turns of direction are replaced."""
    rig.add(home_config("flat", title="a\x1b[2Jb\nc\u202ed"))
    assert "flat (a�[2Jb�c�d)" in (await ask(capsys, rig, "status")).out


async def test_an_exporter_without_homes(capsys: Caught, rig: Rig) -> None:
    """A sentence, no empty table."""
    rig.board.homes.clear()
    for command in ("status", "reliability"):
        assert (await ask(capsys, rig, command)).out == "The exporter watches no home.\n"
    assert (await ask(capsys, rig, "outages")).out == "No outage was seen.\n"
    assert (await ask(capsys, rig, "outages", "--json")).document == {}
