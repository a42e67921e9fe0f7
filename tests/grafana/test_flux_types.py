"""Every Flux query is of sound types, as the checker of Flux's own language server sees them."""

import json
import subprocess
from collections.abc import Mapping

import pytest

from tests.e2e.real_programs import needs, program
from tests.grafana import flux_cases
from tests.grafana.flux_truth import Asked

NAMES = [file.stem for file in flux_cases.files()]
ASKED = Asked((), start=0, to=3_600_000, now=7_200_000, zone="Europe/Kyiv")
CHECKER = "flux-types"


def alive(name: str) -> str:
    """Return a query as Grafana sends it."""
    return flux_cases.brought_to_life(name, ASKED, bucket="power", home="All")


def faults_of(queries: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what the checker has to say of each query."""
    done = subprocess.run(
        program(CHECKER),
        input=json.dumps(queries),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@needs(CHECKER)
def test_every_query_is_of_sound_types() -> None:
    """No argument is misspelt, and no function gets what it cannot take."""
    assert NAMES, "there are queries"
    assert faults_of({name: alive(name) for name in NAMES}) == {name: [] for name in NAMES}


@needs(CHECKER)
def test_a_dashboard_without_a_time_zone_can_ask_too() -> None:
    """Where Grafana has no such variable it leaves the text as it is, which is sound Flux."""
    left = alive("outages").replace('zone = "Europe/Kyiv"', 'zone = "${timezone}"')
    assert "${timezone}" in left
    assert faults_of({"outages": left}) == {"outages": []}


@needs(CHECKER)
@pytest.mark.parametrize(
    "right, wrong, message",
    [
        ("range(start: since", "range(strt: since", "unexpected argument strt"),
        ("int(v: now())", "int(w: now())", "unexpected argument w"),
        ("date.truncate(t: start, unit: 1d)", 'date.truncate(t: start, unit: "1d")', "string"),
        ("|> last()", "|> lsat()", "undefined identifier lsat"),
        ('import "date"\n', "", "undefined identifier date"),
    ],
)
def test_a_mistake_is_found(right: str, wrong: str, message: str) -> None:
    """The checker finds a wrong argument, a wrong type and a name that nobody has given."""
    sound = alive("per-day")
    assert right in sound
    found = faults_of({"sound": sound, "broken": sound.replace(right, wrong, 1)})
    assert found["sound"] == []
    assert any(message in fault for fault in found["broken"])
