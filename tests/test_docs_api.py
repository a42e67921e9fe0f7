"""docs/api.md and the routes hold each other: no path undescribed, none invented, examples true."""

import json
import re
from pathlib import Path

import pytest

from exporter.power import State
from exporter.web import events, query
from exporter.web.routes import routes
from exporter.web.shapes import OUTAGE_COLUMNS
from tests.exporter.boards import home_config
from tests.exporter.web.rig import DAY, MINUTE, START, Rig, probe

API = (Path(__file__).resolve().parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SECTIONS: dict[str, str] = dict(SECTION.findall(API))


def described() -> set[str]:
    """Return each method and path that the document has in a heading, or names of the page."""
    named = set(re.findall(r"`((?:GET|POST) /[^`?]*)`", " ".join(SECTIONS)))
    return named | {"GET /", "GET /static/{name}"}


def section(path: str) -> str:
    """Return the text of a path's section."""
    return SECTIONS[f"`GET {path}`"]


def examples(text: str) -> list[dict[str, object]]:
    """Return the JSON examples of a section."""
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]


async def test_every_path_is_described_and_no_other(tmp_path: Path) -> None:
    """A new route needs its section, and a section its route."""
    async with Rig(tmp_path) as rig:
        there = {f"{route.method} {route.path}" for route in routes(rig.sources)}
    assert there == described()
    assert "`GET /`" in API
    assert "`/static/{name}`" in API


@pytest.mark.parametrize(
    "path,names",
    [
        ("/api/v1/homes/{home}/transitions", {"from", "to", "limit", "cursor"}),
        ("/api/v1/homes/{home}/outages", {"from", "to", "format"}),
        ("/api/v1/homes/{home}/reliability", {"from", "to"}),
        ("/api/v1/transitions", {"after", "limit"}),
    ],
)
def test_parameters_stand_in_the_table_of_their_path(path: str, names: set[str]) -> None:
    """By the names that the tests of the API ask with."""
    rows = re.findall(r"^\| (`.+?) \|", section(path), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == names


def test_numbers_are_those_of_the_code() -> None:
    """A limit that changes here changes there."""
    assert f"1 to {query.LIMIT_MOST}" in section("/api/v1/transitions")
    assert f"default {query.LIMIT_DEFAULT}" in section("/api/v1/transitions")
    stream = section("/api/v1/events")
    assert f"every {events.KEEP_ALIVE:.0f} s" in stream
    assert f"for {events.PATIENCE:.0f} s" in stream
    assert re.search(rf"At most\s+{events.MOST_READERS} streams", stream)


async def test_the_examples_have_the_shapes_of_real_answers(tmp_path: Path) -> None:
    """Key for key, also inside."""
    async with Rig(tmp_path) as rig:
        rig.add(home_config("flat"), probe("plug", State.OFF, "no reply in 2s", START))
        await rig.change(State.ON, START - DAY)
        await rig.change(State.OFF, START - 20 * MINUTE)
        for tail in ("", "/transitions", "/reliability"):
            real = await rig.get(f"/api/v1/homes/flat{tail}")
            (example,) = examples(section(f"/api/v1/homes/{{home}}{tail}"))
            assert list(example) == list(real)
            for key in ("outage", "outages"):
                if isinstance(real.get(key), dict):
                    assert list(example[key]) == list(real[key])  # type: ignore[call-overload]
            for key in ("probes", "transitions"):
                if key in real:
                    assert list(example[key][0]) == list(real[key][0])  # type: ignore[index]
    (home,) = examples(section("/api/v1/homes/{home}"))
    assert list(home["outage"]) == list(OUTAGE_COLUMNS)  # type: ignore[call-overload]


async def test_the_problem_that_is_shown_is_one_that_is_given(tmp_path: Path) -> None:
    """Word for word."""
    shown = json.loads(re.search(r"```json\n(.*?)```", API, re.DOTALL)[1])  # type: ignore[index]
    async with Rig(tmp_path) as rig, rig.client.get(f"{shown['instance']}?limit=0") as answer:
        assert await answer.json() == shown
