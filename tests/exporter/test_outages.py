"""Outages: which rows make one, and the bounds of its duration."""

from chassis.instants import to_rfc3339
from exporter.outages import (
    DurationClass,
    Outage,
    Present,
    duration_class,
    outages_of,
    spells_of,
    to_json,
)
from exporter.power import Cause, State
from exporter.transitions import Transition

T0 = 1_790_000_000_000
FIVE_MINUTES = 300_000


def at(seconds: float) -> int:
    """Return the wall time so many seconds after the first row."""
    return T0 + round(seconds * 1000)


def rows_of(journal: str) -> list[Transition]:
    """Read rows of one home: `on@0 off@100<95 unknown@200<199`.

    A word is state@at<not_before in seconds; without `<` a row after unknown names
    that row's date and any other its own. A `!` after the state says inferred.
    """
    rows: list[Transition] = []
    for id_, word in enumerate(journal.split(), 1):
        name, _, times = word.partition("@")
        date, _, before = times.partition("<")
        last = rows[-1] if rows else None
        not_before = None
        if last is not None:
            implied = last.at if last.state is State.UNKNOWN else at(float(date))
            not_before = at(float(before)) if before else implied
        cause = Cause.INFERRED if name.endswith("!") else Cause.MEASURED
        rows.append(
            Transition(
                id=id_,
                home="flat",
                state=State(name.rstrip("!")),
                previous=last.state if last else None,
                at=at(float(date)),
                not_before=not_before,
                confirmed_at=at(float(date)) + 50,
                cause=cause,
            )
        )
    return rows


def present_at(now: float, evidence: float | None = None) -> Present:
    """Where the home stands: now, and its last evidence (default: now)."""
    return Present(at(now), at(now if evidence is None else evidence))


def outages(journal: str, now: float, evidence: float | None = None) -> list[Outage]:
    """Return the outages that a journal tells of."""
    return list(outages_of(rows_of(journal), present_at(now, evidence)))


def outage(journal: str, now: float, evidence: float | None = None) -> Outage:
    """Return the one outage that a journal tells of."""
    (found,) = outages(journal, now, evidence)
    return found


# ---------------------------------------------------------------- which rows make one


def test_a_home_that_was_always_on_has_no_outage() -> None:
    """Nor has a home without rows, nor one that was unknown between two on rows."""
    assert outages("on@0", now=100) == []
    assert outages("", now=100) == []
    assert outages("on@0 unknown@50<49 on@70", now=100) == []


def test_an_outage_runs_from_an_off_row_to_the_next_on_row() -> None:
    """Its start is the first off evidence, its end the first on evidence, its id the off row's."""
    found = outage("on@0 off@100<95 on@400<390", now=500)
    assert (found.id, found.home) == (2, "flat")
    assert (found.start, found.end) == (at(100), at(400))
    assert not found.running


def test_two_outages_are_told_oldest_first() -> None:
    """Each has its own id and dates."""
    found = outages("on@0 off@100 on@200 off@300 on@400", now=500)
    assert [(o.id, o.start, o.end) for o in found] == [(2, at(100), at(200)), (4, at(300), at(400))]


def test_off_unknown_off_is_one_outage() -> None:
    """Unknown spells inside belong to it: the second off row opens nothing."""
    found = outage("on@0 off@100<95 unknown@200<199 off@300 on@400<390", now=500)
    assert (found.id, found.start, found.end) == (2, at(100), at(400))
    assert found.unseen == 100_000


def test_on_after_unknown_ends_the_outage() -> None:
    """From off over unknown to on: the end is the first on evidence, however long nobody looked."""
    found = outage("on@0 off@100<95 unknown@200<199.9 on@700", now=900)
    assert found.end == at(700)
    assert found.end_earliest == at(199.9)
    assert found.unseen == 500_000


def test_unknown_before_an_outage_does_not_belong_to_it() -> None:
    """From on over unknown to off: it starts with the off row."""
    found = outage("on@0 unknown@50<49 off@100 on@200<190", now=300)
    assert found.start == at(100)
    assert found.unseen == 0


# ---------------------------------------------------------------- bounds


def test_bounds_of_a_plain_outage() -> None:
    """Best is end - start, least what was seen off, most end - last on evidence before."""
    found = outage("on@0 off@100<95 on@400<390", now=500)
    assert (found.start_earliest, found.end_earliest) == (at(95), at(390))
    assert (found.least, found.best, found.most) == (290_000, 300_000, 305_000)


def test_start_earliest_reaches_across_an_unknown_spell() -> None:
    """The last on evidence stands in the unknown row's not_before."""
    found = outage("on@0 unknown@50.001<50 off@100 on@200<190", now=300)
    assert found.start_earliest == at(50)
    assert found.most == 150_000


def test_start_earliest_is_that_of_the_latest_on_spell() -> None:
    """An earlier outage's bounds are not this one's."""
    found = outages("on@0 off@100<95 on@200<190 unknown@300.001<300 off@400 on@500", now=600)
    assert [o.start_earliest for o in found] == [at(95), at(300)]


def test_without_on_evidence_before_it_there_is_no_upper_bound() -> None:
    """A home that was off from the start: start_earliest and seconds_max are null."""
    found = outage("off@0 on@100<90", now=200)
    assert found.start_earliest is None
    assert found.most is None
    assert (found.least, found.best) == (90_000, 100_000)


def test_start_earliest_is_not_moved_by_spells_inside_the_outage() -> None:
    """A second off row after unknown does not narrow what is known of the start."""
    found = outage(
        "on@0 off@100<95 unknown@150<149 off@200 unknown@250<249 off@300 on@350", now=400
    )
    assert found.start_earliest == at(95)


def test_least_is_each_off_spell_up_to_its_last_off_evidence() -> None:
    """Two off spells with an unknown one between: only what was seen off counts."""
    found = outage("on@0 off@100<95 unknown@180.001<180 off@300 on@400<390", now=500)
    assert found.least == 80_000 + 90_000
    assert found.end_earliest == at(390)


# ---------------------------------------------------------------- running


def test_a_running_outage_lasts_up_to_now() -> None:
    """It has no end yet; least runs up to the last off evidence."""
    found = outage("on@0 off@100<95", now=250, evidence=245)
    assert found.running
    assert (found.end, found.end_earliest) == (None, None)
    assert (found.least, found.best, found.most) == (145_000, 150_000, 155_000)


def test_a_running_outage_goes_on_while_nobody_sees() -> None:
    """After off and then unknown, best and unseen grow, least does not."""
    found = outage("on@0 off@100<95 unknown@200.001<200", now=300, evidence=200)
    assert found.running
    assert (found.least, found.best, found.most) == (100_000, 200_000, 205_000)
    assert found.unseen == 99_999


def test_a_running_outage_after_a_step_back_is_not_negative() -> None:
    """The clock stands before the off row: it has lasted 0, not less."""
    found = outage("on@0 off@100<95", now=40)
    assert (found.least, found.best, found.most) == (0, 0, 5_000)


# ---------------------------------------------------------------- class


def test_exactly_the_threshold_is_momentary() -> None:
    """IEEE 1366: sustained is *longer* than the threshold."""
    assert duration_class(FIVE_MINUTES, FIVE_MINUTES) is DurationClass.MOMENTARY
    assert duration_class(FIVE_MINUTES + 1, FIVE_MINUTES) is DurationClass.SUSTAINED


def test_class_is_by_the_best_estimate() -> None:
    """Not by the bounds: least below the threshold, or most above it, change nothing."""
    above = outage("on@0 off@100<95 on@400.001<390", now=500)
    assert to_json(above, FIVE_MINUTES)["class"] == "sustained"
    below = outage("on@0 off@100<95 on@400<390", now=500)
    assert to_json(below, FIVE_MINUTES)["class"] == "momentary"


def test_a_running_outage_is_momentary_until_it_passes_the_threshold() -> None:
    """Its class follows the clock."""
    assert to_json(outage("on@0 off@100", now=400), FIVE_MINUTES)["class"] == "momentary"
    assert to_json(outage("on@0 off@100", now=400.001), FIVE_MINUTES)["class"] == "sustained"


# ---------------------------------------------------------------- inferred, JSON, spells


def test_an_inferred_outage_is_at_most() -> None:
    """Nothing of it was seen: seconds_min 0, end_earliest its own start."""
    found = outage("on@0 off!@100.001<100 on!@400<100.001", now=500)
    assert found.cause is Cause.INFERRED
    assert (found.least, found.best, found.most) == (0, 299_999, 300_000)
    assert found.end_earliest == found.start == at(100.001)


def test_an_ended_outage_is_spelled_as_the_contract_says() -> None:
    """Durations are seconds, times RFC 3339."""
    found = outage("on@0 off@100<95 unknown@180<179 off@200 on@1300<1295", now=2000)
    assert to_json(found, FIVE_MINUTES) == {
        "id": 2,
        "home": "flat",
        "start": to_rfc3339(at(100)),
        "start_earliest": to_rfc3339(at(95)),
        "end": to_rfc3339(at(1300)),
        "end_earliest": to_rfc3339(at(1295)),
        "seconds": 1200.0,
        "seconds_min": 79.0 + 1095.0,
        "seconds_max": 1205.0,
        "unseen_seconds": 20.0,
        "class": "sustained",
        "cause": "measured",
        "running": False,
    }


def test_a_running_outage_without_on_evidence_is_spelled_with_nulls() -> None:
    """start_earliest, end, end_earliest and seconds_max are null."""
    shape = to_json(outage("off@0", now=10), FIVE_MINUTES)
    assert {key for key, value in shape.items() if value is None} == {
        "start_earliest", "end", "end_earliest", "seconds_max",
    }  # fmt: skip
    assert shape["running"] is True


def test_spells_cover_all_time_from_the_first_row_to_now() -> None:
    """Each begins where the last ended, and evidence of it lies within it."""
    spells = list(
        spells_of(rows_of("on@0 off@100<95 unknown@200<199 on@300"), present_at(400, 380))
    )
    assert [(s.state.value, s.start, s.end, s.seen_until) for s in spells] == [
        ("on", at(0), at(100), at(95)),
        ("off", at(100), at(200), at(199)),
        ("unknown", at(200), at(300), at(200)),
        ("on", at(300), at(400), at(380)),
    ]
