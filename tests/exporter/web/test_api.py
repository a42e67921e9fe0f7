"""The REST API over a real server and a real journal."""

import asyncio
import csv
import io

import pytest

from chassis.instants import Instant, to_rfc3339
from exporter.power import Cause, State
from exporter.probes.protocol import Finding
from exporter.transitions import to_json
from exporter.web.shapes import OUTAGE_COLUMNS, cell
from tests.exporter.boards import home_config
from tests.exporter.web.rig import DAY, HOUR, MINUTE, SECOND, START, Rig, probe

ON, OFF, UNKNOWN = State.ON, State.OFF, State.UNKNOWN
TEN = START


async def an_outage(rig: Rig, at: int = TEN - HOUR, lasts: int = 20 * MINUTE) -> None:
    """Power goes at `at` and comes back."""
    if rig.view().last is None:
        await rig.change(ON, TEN - DAY)
    await rig.change(OFF, at)
    await rig.change(ON, at + lasts)


# ---------------------------------------------------------------- homes


async def test_a_home_before_its_first_verdict_is_unknown_since_never(rig: Rig) -> None:
    """No row, no evidence, no outage, and a probe that was not asked yet."""
    rig.add(home_config("flat", group="feeder-12"), probe("plug", ON, "", 0))
    rig.view().probes["plug"].finding = rig.view().probes["plug"].vote = None
    rig.view().probes["plug"].at = None
    assert await rig.get("/api/v1/homes/flat") == {
        "name": "flat",
        "title": "Our flat",
        "timezone": "Europe/Kyiv",
        "group": "feeder-12",
        "sustained_after_seconds": 300.0,
        "state": "unknown",
        "since": None,
        "last_evidence_at": None,
        "outage": None,
        "probes": [
            {
                "name": "plug",
                "kind": "tcp",
                "role": "mains",
                "vote": None,
                "detail": "",
                "duration_seconds": None,
                "at": None,
            }
        ],
        "readings": {},
    }


async def test_a_dark_home_shows_its_running_outage(rig: Rig) -> None:
    """With durations up to now, and class by how long it has lasted."""
    await rig.change(ON, TEN - DAY)
    await rig.change(OFF, TEN - 20 * MINUTE, seen=TEN - 20 * MINUTE - 5 * SECOND)
    rig.see(TEN - SECOND)
    home = await rig.get("/api/v1/homes/flat")
    assert home["state"] == "off"
    assert home["since"] == "2026-11-24T09:40:00.000Z"
    assert home["last_evidence_at"] == "2026-11-24T09:59:59.000Z"
    assert home["outage"] == {
        "id": 2,
        "home": "flat",
        "start": "2026-11-24T09:40:00.000Z",
        "start_earliest": "2026-11-24T09:39:55.000Z",
        "end": None,
        "end_earliest": None,
        "seconds": 1200.0,
        "seconds_min": 1199.0,
        "seconds_max": 1205.0,
        "unseen_seconds": 0.0,
        "class": "sustained",
        "cause": "measured",
        "running": True,
    }


async def test_the_running_outage_goes_on_and_ends(rig: Rig) -> None:
    """What was read of the journal once does not outlive the home's next row."""
    await rig.change(ON, TEN - DAY)
    await rig.change(OFF, TEN - MINUTE)
    assert (await rig.get("/api/v1/homes/flat"))["outage"]["seconds"] == 60.0
    rig.clock.pass_time(HOUR)
    outage = (await rig.get("/api/v1/homes/flat"))["outage"]
    assert (outage["seconds"], outage["class"]) == (3660.0, "sustained")
    await rig.change(ON, TEN + HOUR)
    assert (await rig.get("/api/v1/homes/flat"))["outage"] is None
    await rig.change(OFF, TEN + HOUR + MINUTE)
    assert (await rig.get("/api/v1/homes/flat"))["outage"]["id"] == 4


async def test_an_outage_runs_on_while_the_state_is_unknown(rig: Rig) -> None:
    """Unknown spells belong to it."""
    await rig.change(ON, TEN - DAY)
    await rig.change(OFF, TEN - HOUR)
    await rig.change(UNKNOWN, TEN - 10 * MINUTE, seen=TEN - 10 * MINUTE - 1)
    home = await rig.get("/api/v1/homes/flat")
    assert home["state"] == "unknown"
    assert home["outage"]["unseen_seconds"] == 600.0


async def test_readings_stand_by_the_name_of_their_probe(rig: Rig) -> None:
    """What is no number is left out: JSON cannot say it."""
    meter = probe("meter", ON, "on", TEN - SECOND, kind="http")
    readings = {"volts": 231.5, "watts": float("nan")}
    meter.finding = Finding(ON, "on", Instant(TEN, 0), readings=readings)
    rig.add(home_config("flat"), meter)
    home = await rig.get("/api/v1/homes/flat")
    assert home["readings"] == {"meter": {"volts": 231.5}}
    assert home["probes"][0]["duration_seconds"] == 0.012346
    assert home["probes"][0]["at"] == "2026-11-24T09:59:59.000Z"


async def test_a_home_is_unknown_while_the_clock_is_not_believed(rig: Rig) -> None:
    """Whatever was believed before; and since when cannot be said."""
    await rig.change(ON, TEN - DAY)
    rig.view().held = True
    home = await rig.get("/api/v1/homes/flat")
    assert (home["state"], home["since"]) == ("unknown", None)


async def test_all_homes_stand_in_the_order_of_the_config(rig: Rig) -> None:
    """Each as it is by itself, the dark ones with their outages."""
    rig.add(home_config("attic"))
    rig.add(home_config("shed"))
    await rig.change(OFF, TEN - MINUTE, home="attic")
    await rig.change(ON, TEN - MINUTE, home="shed")
    homes = (await rig.get("/api/v1/homes"))["homes"]
    assert [home["name"] for home in homes] == ["flat", "attic", "shed"]
    assert [home["state"] for home in homes] == ["unknown", "off", "on"]
    assert homes[1] == await rig.get("/api/v1/homes/attic")
    assert homes[1]["outage"]["start_earliest"] is None


@pytest.mark.parametrize("tail", ["", "/transitions", "/outages", "/reliability"])
async def test_an_unknown_home_is_a_404_problem(rig: Rig, tail: str) -> None:
    """Also where the rest of the question is wrong."""
    status, detail = await rig.fault(f"/api/v1/homes/shed{tail}", limit="x", **{"from": "x"})
    assert status == 404
    assert "shed" in detail


async def test_head_is_answered_like_get_without_a_body(rig: Rig) -> None:
    """On every path, the event stream included."""
    for path in ("/", "/api/v1/homes", "/api/v1/homes/flat/outages", "/api/v1/events"):
        async with rig.client.head(path) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "no-store"
            assert await answer.read() == b""


# ---------------------------------------------------------------- transitions


async def test_rows_come_in_pages_oldest_first(rig: Rig) -> None:
    """Every row stands in exactly one page, also when new ones arrive meanwhile."""
    await rig.change(ON, TEN)
    for n in range(1, 5):
        await rig.change(OFF if n % 2 else ON, TEN + n * MINUTE)
    first = await rig.get("/api/v1/homes/flat/transitions", limit="2")
    await rig.change(OFF, TEN + 5 * MINUTE)
    second = await rig.get("/api/v1/homes/flat/transitions", limit="2", cursor=first["next"])
    third = await rig.get("/api/v1/homes/flat/transitions", limit="2", cursor=second["next"])
    pages = [[row["id"] for row in page["transitions"]] for page in (first, second, third)]
    assert pages == [[1, 2], [3, 4], [5, 6]]
    assert third["next"] is None


async def test_a_row_has_its_votes_and_its_bounds(rig: Rig) -> None:
    """The shape is that of every interface."""
    row = await rig.change(ON, TEN, detail="connected in 3 ms, тест")
    answer = await rig.get("/api/v1/homes/flat/transitions")
    assert answer == {"transitions": [to_json(row)], "next": None}


async def test_spans_are_half_open(rig: Rig) -> None:
    """`from` is in, `to` is out."""
    for n in range(4):
        await rig.change(OFF if n % 2 else ON, TEN + n * MINUTE)
    span = {"from": to_rfc3339(TEN + MINUTE), "to": to_rfc3339(TEN + 3 * MINUTE)}
    answer = await rig.get("/api/v1/homes/flat/transitions", **span)
    assert [row["id"] for row in answer["transitions"]] == [2, 3]


async def test_an_offset_whose_plus_became_a_space_is_forgiven(rig: Rig) -> None:
    """Who types an address does not escape the plus."""
    await rig.change(ON, TEN)
    path = "/api/v1/homes/flat/transitions?from=2026-11-24T12:00:00+02:00"
    async with rig.client.get(path) as answer:
        assert len((await answer.json())["transitions"]) == 1


@pytest.mark.parametrize(
    "path,name,value",
    [
        ("homes/flat/transitions", "from", "yesterday"),
        ("homes/flat/transitions", "to", "2026-11-24"),
        ("homes/flat/transitions", "limit", "0"),
        ("homes/flat/transitions", "cursor", "%%%"),
        ("homes/flat/outages", "from", ""),
        ("homes/flat/outages", "format", "xml"),
        ("homes/flat/reliability", "to", "12:00"),
        ("transitions", "after", "-1"),
        ("transitions", "limit", "1001"),
        ("events", "after", "x"),
        ("events", "lastEventId", "x"),
    ],
)
async def test_a_bad_parameter_is_a_400_that_names_it(
    rig: Rig, path: str, name: str, value: str
) -> None:
    """Nothing is guessed."""
    status, detail = await rig.fault(f"/api/v1/{path}", **{name: value})
    assert status == 400
    assert detail.startswith(f"{name}: ")


@pytest.mark.parametrize("what", ["transitions", "outages", "reliability"])
async def test_a_span_that_ends_before_it_begins_is_a_400(rig: Rig, what: str) -> None:
    """Rather than an empty answer."""
    span = {"from": to_rfc3339(TEN), "to": to_rfc3339(TEN)}
    status, detail = await rig.fault(f"/api/v1/homes/flat/{what}", **span)
    assert (status, detail) == (400, "from: must be before `to`")


async def test_the_whole_journal_is_read_by_id(rig: Rig) -> None:
    """Of all homes, in order, as far as the limit goes."""
    rig.add(home_config("shed"))
    await rig.change(ON, TEN)
    await rig.change(ON, TEN - HOUR, home="shed")
    await rig.change(OFF, TEN + MINUTE)
    rows = (await rig.get("/api/v1/transitions"))["transitions"]
    assert [(row["id"], row["home"]) for row in rows] == [(1, "flat"), (2, "shed"), (3, "flat")]
    rows = (await rig.get("/api/v1/transitions", after="1", limit="1"))["transitions"]
    assert [row["id"] for row in rows] == [2]
    assert (await rig.get("/api/v1/transitions", after="3")) == {"transitions": []}


# ---------------------------------------------------------------- what the disk refuses


async def test_rows_that_the_disk_refuses_stand_in_the_home_s_own_views_only(rig: Rig) -> None:
    """Marked, without an id, after the durable ones; other programs do not get them."""
    await an_outage(rig, TEN - 2 * HOUR)
    rig.journal.full = True
    await rig.change(OFF, TEN - HOUR)
    rows = (await rig.get("/api/v1/homes/flat/transitions"))["transitions"]
    assert [row["id"] for row in rows] == [1, 2, 3, None]
    assert [row.get("durable", True) for row in rows] == [True, True, True, False]
    assert len((await rig.get("/api/v1/transitions"))["transitions"]) == 3
    outages = (await rig.get("/api/v1/homes/flat/outages"))["outages"]
    assert [outage["id"] for outage in outages] == [2, None]
    assert outages[1]["running"]
    assert (await rig.get("/api/v1/homes/flat"))["outage"] == outages[1]
    assert (await rig.get("/api/v1/homes/flat/reliability"))["outages"]["sustained"] == 2


async def test_a_row_that_becomes_durable_is_not_shown_twice(rig: Rig) -> None:
    """Not even while the board still shows it as refused."""
    await rig.change(ON, TEN - DAY)
    rig.journal.full = True
    await rig.change(OFF, TEN - HOUR)
    await rig.disk_has_room()
    assert rig.view().undurable, "the board is behind the journal here"
    rows = (await rig.get("/api/v1/homes/flat/transitions"))["transitions"]
    assert [row["id"] for row in rows] == [1, 2]
    outages = (await rig.get("/api/v1/homes/flat/outages"))["outages"]
    assert [outage["id"] for outage in outages] == [2]


async def test_pages_go_on_across_rows_that_are_not_durable(rig: Rig) -> None:
    """A cursor among them is still good when they have become durable."""
    await rig.change(ON, TEN - DAY)
    rig.journal.full = True
    await rig.change(OFF, TEN - HOUR)
    await rig.change(ON, TEN - MINUTE)
    first = await rig.get("/api/v1/homes/flat/transitions", limit="2")
    assert [row["id"] for row in first["transitions"]] == [1, None]
    await rig.disk_has_room()
    rig.publish()
    second = await rig.get("/api/v1/homes/flat/transitions", cursor=first["next"])
    assert [row["id"] for row in second["transitions"]] == [3]


# ---------------------------------------------------------------- outages


async def test_outages_that_overlap_the_span_are_told_whole(rig: Rig) -> None:
    """Not those that end as it begins, nor those that begin as it ends."""
    for n in range(4):
        await an_outage(rig, TEN - 4 * HOUR + n * HOUR)
    span = {"from": to_rfc3339(TEN - 4 * HOUR + 20 * MINUTE), "to": to_rfc3339(TEN - HOUR)}
    outages = (await rig.get("/api/v1/homes/flat/outages", **span))["outages"]
    assert [outage["id"] for outage in outages] == [4, 6]
    span = {"from": to_rfc3339(TEN - 4 * HOUR + 19 * MINUTE), "to": to_rfc3339(TEN - HOUR + 1)}
    outages = (await rig.get("/api/v1/homes/flat/outages", **span))["outages"]
    assert [outage["id"] for outage in outages] == [2, 4, 6, 8]
    assert {outage["seconds"] for outage in outages} == {1200.0}


async def test_a_running_outage_overlaps_up_to_now_only(rig: Rig) -> None:
    """The future has no outages."""
    await rig.change(ON, TEN - DAY)
    await rig.change(OFF, TEN - HOUR)
    path = "/api/v1/homes/flat/outages"
    assert len((await rig.get(path, **{"from": to_rfc3339(TEN - 1)}))["outages"]) == 1
    assert (await rig.get(path, **{"from": to_rfc3339(TEN)}))["outages"] == []


async def test_csv_says_the_same_as_json(rig: Rig) -> None:
    """The same columns, a header, CRLF, and a name to save it under."""
    await an_outage(rig)
    await rig.change(OFF, TEN - MINUTE)
    shapes = (await rig.get("/api/v1/homes/flat/outages"))["outages"]
    async with rig.client.get("/api/v1/homes/flat/outages?format=csv") as answer:
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        named = answer.headers["Content-Disposition"]
        assert named == 'attachment; filename="outages-flat.csv"'
        text = await answer.text()
    assert text.count("\r\n") == text.count("\n") == 3
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == list(OUTAGE_COLUMNS) == list(shapes[0])
    spelled = {None: "", True: "true", False: "false"}
    for line, shape in zip(rows, shapes, strict=True):
        for column, value in shape.items():
            wanted = spelled[value] if value is None or isinstance(value, bool) else str(value)
            assert line[column] == wanted


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_begins_a_formula(text: str) -> None:
    """A spreadsheet takes it for text."""
    assert cell(text) == f"'{text}"
    assert cell("2026-11-24T10:00:00.000Z") == "2026-11-24T10:00:00.000Z"


# ---------------------------------------------------------------- reliability


async def test_reliability_is_by_default_since_the_first_row(rig: Rig) -> None:
    """Up to now."""
    await rig.change(ON, TEN - 10 * HOUR)
    await an_outage(rig, TEN - 2 * HOUR, HOUR)
    rig.see(TEN)
    found = await rig.get("/api/v1/homes/flat/reliability")
    assert (found["from"], found["to"]) == ("2026-11-24T00:00:00.000Z", "2026-11-24T10:00:00.000Z")
    assert (found["on_seconds"], found["outage_seconds"]) == (9 * 3600, 3600)
    assert found["asai"] == 0.9
    assert found["coverage"] == 1.0
    assert found["outages"] == {"momentary": 0, "sustained": 1}


async def test_reliability_of_a_span_counts_what_lies_in_it(rig: Rig) -> None:
    """Seconds are clipped; an outage counts where it started."""
    await an_outage(rig, TEN - HOUR, 30 * MINUTE)
    span = {"from": to_rfc3339(TEN - 45 * MINUTE), "to": to_rfc3339(TEN)}
    found = await rig.get("/api/v1/homes/flat/reliability", **span)
    assert found["outage_seconds"] == 900.0
    assert found["outages"] == {"momentary": 0, "sustained": 0}
    assert found["from"] == span["from"]


async def test_reliability_before_the_first_row_is_empty(rig: Rig) -> None:
    """Nothing is claimed of a time that nobody watched."""
    found = await rig.get("/api/v1/homes/flat/reliability")
    assert found["asai"] is found["coverage"] is None
    await rig.change(ON, TEN)
    found = await rig.get("/api/v1/homes/flat/reliability", to=to_rfc3339(TEN - DAY))
    assert found["on_seconds"] == 0.0


# ---------------------------------------------------------------- heartbeats


async def beat(rig: Rig, path: str, authorization: str | None = "Bearer s3cret") -> tuple[int, str]:
    """Send a heartbeat; return the status and the challenge."""
    headers = {} if authorization is None else {"Authorization": authorization}
    async with rig.client.post(f"/heartbeat/{path}", headers=headers, data=b"x") as answer:
        return answer.status, answer.headers.get("WWW-Authenticate", "")


@pytest.mark.parametrize("path", ["flat", "flat/fridge"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_beat_with_its_token_is_taken(rig: Rig, path: str, scheme: str) -> None:
    """Dated to its arrival, for a probe or for whichever probe has the token."""
    line = rig.listen("flat", "fridge", "s3cret")
    rig.clock.pass_time(5 * SECOND)
    assert await beat(rig, path, f"{scheme} s3cret") == (204, "")
    assert line.last == rig.clock.now()


async def test_a_beat_without_a_name_is_for_every_probe_that_has_its_token(rig: Rig) -> None:
    """And for no other."""
    pairs = (("fridge", "a"), ("lamp", "b"), ("plug", "a"))
    lines = [rig.listen("flat", name, token) for name, token in pairs]
    assert await beat(rig, "flat", "Bearer a") == (204, "")
    assert [line.last is not None for line in lines] == [True, False, True]


@pytest.mark.parametrize(
    "path,authorization",
    [
        ("flat", "Bearer wrong"),
        ("flat", "Bearer "),
        ("flat", "Basic s3cret"),
        ("flat", "s3cret"),
        ("flat", None),
        ("flat/other", "Bearer s3cret"),
        ("shed", "Bearer s3cret"),
        ("shed/fridge", "Bearer s3cret"),
        ("flat", f"Bearer {'x' * 4000}"),
        ("flat", "Bearer s3cr\u00e9t"),
    ],
)
async def test_everything_else_gets_the_same_401(
    rig: Rig, path: str, authorization: str | None
) -> None:
    """Who has no token learns of no home that it exists."""
    line = rig.listen("flat", "fridge", "s3cret")
    assert await beat(rig, path, authorization) == (401, "Bearer")
    assert line.last is None


# ---------------------------------------------------------------- many at once


async def test_details_that_are_no_unicode_do_not_break_an_answer(rig: Rig) -> None:
    """Half a surrogate pair, as a probe may have read it from a file, is escaped."""
    rig.add(home_config("flat"), probe("file", UNKNOWN, "\udc80", TEN))
    home = await rig.get("/api/v1/homes/flat")
    assert home["probes"][0]["detail"] == "\udc80"


async def test_a_mass_outage_reads_the_journal_once(rig: Rig) -> None:
    """Every dark home stands in the answer, and asking again takes no row from the journal."""
    for n in range(60):
        rig.add(home_config(f"home-{n}"))
        await rig.change(ON, TEN - DAY, home=f"home-{n}")
        await rig.change(OFF, TEN - HOUR - n, home=f"home-{n}")
    homes = (await rig.get("/api/v1/homes"))["homes"]
    assert sum(home["outage"] is not None for home in homes) == 60
    statements: list[str] = []
    rig.reading._reader._db.set_trace_callback(statements.append)
    assert (await rig.get("/api/v1/homes"))["homes"] == homes
    assert statements == []
    await rig.change(ON, TEN, home="home-0")
    await rig.change(OFF, TEN + 1, home="home-0")
    assert len((await rig.get("/api/v1/homes"))["homes"]) == 61
    assert len(statements) == 1


async def test_questions_at_the_same_time_do_not_mix(rig: Rig) -> None:
    """Each gets its own answer."""
    await an_outage(rig)
    paths = ["transitions", "outages", "reliability"] * 10
    answers = await asyncio.gather(*(rig.get(f"/api/v1/homes/flat/{path}") for path in paths))
    for path, answer in zip(paths, answers, strict=True):
        assert answer == answers[paths.index(path)]
        assert ("asai" if path == "reliability" else path) in answer


async def test_causes_are_told(rig: Rig) -> None:
    """An inferred outage says so."""
    await rig.change(ON, TEN - DAY)
    await rig.change(OFF, TEN - HOUR, cause=Cause.INFERRED)
    assert (await rig.get("/api/v1/homes/flat"))["outage"]["cause"] == "inferred"
