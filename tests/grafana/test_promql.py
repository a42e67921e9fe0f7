"""Every PromQL of overview, home and reliability, on weeks of the exporter's data in a Prometheus.

It returns series, and where it states a figure, the figure is that of the truth.
"""

import pytest

from tests.grafana.dashboards import Query, committed
from tests.grafana.past import END, HOMES, MIDNIGHT, STORIES
from tests.grafana.promql import filled_in
from tests.history.recalled import Labels, Recalled
from tests.history.story import DAY, SECOND, Truth, outages, truth

BOARDS = ("power-overview", "power-home", "power-reliability")
QUERIES = [q for board in committed() if board.uid in BOARDS for q in board.promql]
# What the past holds nothing of: tests/grafana/test_promql_live.py asks a running exporter.
ELSEWHERE = ("power_probe_", "power_voltage_", "power_load_", "power_current_", "power_frequency_",
             "power_battery_", "power_energy_")  # fmt: skip
CLOSE = 30.0  # seconds: two rounds of probes at each end of an outage


def found(prometheus: Recalled, query: Query, home: str = ".*") -> dict[Labels, float]:
    """Return what a query finds at the end; one about whole days, at a midnight before."""
    moment = MIDNIGHT if "offset" in query.text and "-1d" in query.text else END
    return prometheus.at(filled_in(query.text, {"home": home}), moment // SECOND)


def expr(board: str, place: str, ref: str = "A") -> Query:
    """Return a query by where it stands."""
    (query,) = (q for q in QUERIES if (q.uid, q.place, q.ref) == (board, place, ref))
    return query


@pytest.mark.parametrize("home", [".*", "flat", "flat|cottage"])
def test_every_query_returns_series(prometheus: Recalled, home: str) -> None:
    """For all homes, for one and for two; those that read probes are asked elsewhere."""
    empty = [
        str(query)
        for query in QUERIES
        if not any(name in query.text for name in ELSEWHERE) and not found(prometheus, query, home)
    ]
    # nobody has been dark for a whole step at this moment of the range
    assert [one for one in empty if "coarse" not in one] == []


def test_a_home_that_is_not_there_has_nothing(prometheus: Recalled) -> None:
    """What is asked is asked of the chosen homes alone."""
    for query in QUERIES:
        if "$home" in query.text and "vector(" not in query.text:
            values = found(prometheus, query, "nobody").values()
            assert not [value for value in values if value], str(query)


def by_home(answer: dict[Labels, float]) -> dict[str, float]:
    """Return values by the home that they are of."""
    return {dict(labels)["home"]: value for labels, value in answer.items()}


def test_states_are_those_of_the_truth(prometheus: Recalled) -> None:
    """0 is off, 2 is on; each home once."""
    states = by_home(found(prometheus, expr("power-overview", "Homes")))
    assert states == {"flat": 2, "cottage": 0, "tower": 2}
    for which, count in (("on", 2), ("off", 1), ("unknown", 0)):
        (value,) = found(prometheus, expr("power-overview", f"Homes {which}")).values()
        assert value == count


def test_the_last_outage_is_that_of_the_truth(prometheus: Recalled) -> None:
    """When it ended and how long it was; the one that runs is none yet."""
    ended = by_home(found(prometheus, expr("power-overview", "Homes", "C")))
    lasted = by_home(found(prometheus, expr("power-overview", "Homes", "D")))
    for home, story in HOMES.items():
        last = [one for one in outages(story, END) if one.end < END][-1]
        assert ended[home] == pytest.approx(last.end, abs=CLOSE * SECOND)
        assert lasted[home] == pytest.approx((last.end - last.start) / SECOND, abs=CLOSE)


def test_a_running_outage_counts_up_to_now(prometheus: Recalled) -> None:
    """Of the home that is dark, and 0 of the others."""
    # time() is the moment that is asked about
    running = by_home(found(prometheus, expr("power-home", "Running outage")))
    assert running["flat"] == running["tower"] == 0
    assert running["cottage"] == pytest.approx(6 * 3600, abs=CLOSE)


def truths(days: int) -> dict[str, Truth]:
    """Return what was true of each home in a window up to the end."""
    return {one.home: truth(one, END - days * DAY, END) for one in STORIES}


@pytest.mark.parametrize("days", [7, 30])
def test_availability_is_that_of_the_truth(prometheus: Recalled, days: int) -> None:
    """Of the time that is known, the part that was not in an outage."""
    refs = {7: "E", 30: "F"}
    shown = by_home(found(prometheus, expr("power-overview", "Homes", refs[days])))
    for home, was in truths(days).items():
        assert shown[home] == pytest.approx(1 - was.outage_seconds / was.observed_seconds, abs=2e-4)


def indices() -> dict[str, float]:
    """Return IEEE 1366's indices over all homes for 30 days, worked out from the truth."""
    all_homes = truths(30).values()
    count = len(all_homes)
    sustained = sum(one.sustained for one in all_homes)
    minutes = sum(one.sustained_seconds for one in all_homes) / 60
    observed = sum(one.observed_seconds for one in all_homes)
    unknown = sum(one.unknown_seconds for one in all_homes)
    return {
        "SAIDI": minutes / count,
        "SAIFI": sustained / count,
        "CAIDI": minutes / sustained,
        "MAIFI": sum(one.momentary for one in all_homes) / count,
        "ASAI": 1 - sum(one.outage_seconds for one in all_homes) / observed,
        "Coverage": observed / (observed + unknown),
    }


@pytest.mark.parametrize("index", ["SAIDI", "SAIFI", "CAIDI", "MAIFI", "ASAI", "Coverage"])
def test_an_index_is_that_of_the_truth(prometheus: Recalled, index: str) -> None:
    """Over all homes, for the window that is chosen at first."""
    (value,) = found(prometheus, expr("power-reliability", index)).values()
    assert value == pytest.approx(indices()[index], rel=2e-3)


def test_the_indices_of_the_table_are_those_of_the_figures(prometheus: Recalled) -> None:
    """For 30 days; ASAI, SAIDI, SAIFI, CAIDI, MAIFI and coverage in this order."""
    place = "Indices over the chosen homes"
    for ref, index in zip("BCDEFG", ("ASAI", "SAIDI", "SAIFI", "CAIDI", "MAIFI", "Coverage"),
                          strict=True):  # fmt: skip
        answer = found(prometheus, expr("power-reliability", place, ref))
        (value,) = (v for labels, v in answer.items() if ("window", "30") in labels)
        assert value == pytest.approx(indices()[index], rel=2e-3), index


def test_a_worst_day_is_that_of_the_truth(prometheus: Recalled) -> None:
    """The day that holds the outage of 200 minutes, in hours."""
    place = "Worst days: the 10 with most time without power"
    (hours,) = found(prometheus, expr("power-reliability", place)).values()
    (homes,) = found(prometheus, expr("power-reliability", place, "B")).values()
    was = sum(truth(one, MIDNIGHT, MIDNIGHT + DAY).outage_seconds for one in STORIES)
    assert hours == pytest.approx(was / 3600, abs=CLOSE / 3600)
    assert homes == 1
    assert was > 0
