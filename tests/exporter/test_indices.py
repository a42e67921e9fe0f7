"""Reliability: the indices of IEEE 1366 with bounds and coverage, over any range."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest

from chassis.instants import to_rfc3339
from exporter.indices import Reliability, Span, reliability, to_json
from tests.exporter.test_outages import at, present_at, rows_of

FIVE_MINUTES = 300_000
MINUTE = 60
HOUR = 60 * MINUTE
YEAR = 365 * 24 * HOUR
EXAMPLE = "on@0 off@100<95 on@500<490"


def found(
    journal: str,
    span: tuple[float, float],
    now: float = 1e6,
    evidence: float | None = None,
    after: int = FIVE_MINUTES,
) -> Reliability:
    """Work out a home's indices over [start, end) seconds."""
    asked = Span(at(span[0]), at(span[1]))
    return reliability(rows_of(journal), present_at(now, evidence), asked, after)


def times(of: Reliability) -> tuple[float, float, float]:
    """On, outage and unknown in seconds."""
    return of.on / 1000, of.outage / 1000, of.unknown / 1000


# ---------------------------------------------------------------- what time is counted


def test_time_is_on_outage_or_unknown_and_adds_up() -> None:
    """An unknown spell inside an outage is outage, one outside is unknown."""
    journal = "on@0 unknown@100<99 on@130 off@200<195 unknown@250<249 off@270 on@400<390"
    of = found(journal, (0, 1000))
    assert times(of) == (100 + 70 + 600, 200, 30)
    assert of.all == 1_000_000


def test_seconds_are_clipped_to_the_range() -> None:
    """A range in the middle of an outage holds nothing else."""
    assert times(found(EXAMPLE, (200, 300))) == (0, 100, 0)
    assert times(found(EXAMPLE, (50, 150))) == (50, 50, 0)
    assert times(found(EXAMPLE, (450, 600))) == (100, 50, 0)


def test_the_range_is_half_open() -> None:
    """Two ranges side by side hold every second, and every outage, once."""
    first, second = found(EXAMPLE, (0, 100)), found(EXAMPLE, (100, 1000))
    assert times(first) == (100, 0, 0)
    assert times(second) == (500, 400, 0)
    assert (first.sustained, second.sustained) == (0, 1)


def test_time_before_the_first_transition_is_outside() -> None:
    """A home watched for an hour of the year has an hour."""
    of = found("on@1000 off@1100<1095 on@1500<1490", (0, 2000))
    assert of.all == 1_000_000
    assert times(of) == (600, 400, 0)


def test_the_future_is_outside() -> None:
    """Nothing is claimed of time that has not come."""
    of = found(EXAMPLE, (0, 5000), now=1000)
    assert of.all == 1_000_000


@pytest.mark.parametrize("span", [(-500.0, -100.0), (2000.0, 3000.0), (300.0, 300.0)])
def test_a_range_without_time_has_zeros_and_no_ratios(span: tuple[float, float]) -> None:
    """Before the first row, in the future, or empty: all is 0 and every ratio null."""
    of = found(EXAMPLE, span, now=1000)
    assert of.all == of.outage_least == of.outage_most == of.unseen == 0
    assert (of.momentary, of.sustained, of.longest_outage) == (0, 0, 0)
    assert (of.coverage, of.caidi_minutes, of.asai, of.asai_min, of.asai_max) == (None,) * 5


def test_a_home_without_rows_has_zeros_and_no_ratios() -> None:
    """It has no first transition, so all time is outside."""
    of = found("", (0, 1000))
    assert of.all == 0
    assert (of.coverage, of.asai) == (None, None)


# ---------------------------------------------------------------- coverage and bounds


def test_unseen_is_unknown_time_inside_and_outside_outages() -> None:
    """The coverage is 1 - unseen / all."""
    journal = "on@0 unknown@100<99 on@130 off@200<195 unknown@250<249 off@270 on@400<390"
    of = found(journal, (0, 1000))
    assert of.unseen == 50_000
    assert of.coverage == pytest.approx(0.95)


def test_the_lower_bound_counts_only_what_was_seen_off() -> None:
    """Each off spell up to its last off evidence, clipped to the range."""
    journal = "on@0 off@100<95 unknown@181<180 off@300 on@400<390"
    assert found(journal, (0, 1000)).outage_least == 80_000 + 90_000
    assert found(journal, (0, 150)).outage_least == 50_000
    assert found(journal, (170, 310)).outage_least == 10_000 + 10_000
    assert found(journal, (392, 1000)).outage_least == 0


def test_the_upper_bound_counts_unknown_time() -> None:
    """Outside an outage it may have been off."""
    assert found("on@0 unknown@100<100 on@130", (0, 1000)).outage_most == 30_000


def test_the_upper_bound_counts_the_doubtful_on_time_before_each_outage() -> None:
    """What was booked as on since the outage's start_earliest."""
    journal = "on@0 off@100<95 on@200<190 off@300<293 on@400<390"
    assert found(journal, (0, 1000)).outage_most == 200_000 + 5_000 + 7_000


def test_the_doubtful_on_time_before_an_unknown_spell_counts_when_an_outage_follows() -> None:
    """From on over unknown to off: start_earliest reaches across, so does the doubt."""
    journal = "on@0 unknown@100<98 off@130 on@200<190"
    assert found(journal, (0, 1000)).outage_most == 70_000 + 30_000 + 2_000
    assert found("on@0 unknown@100<98 on@130", (0, 1000)).outage_most == 30_000


def test_an_unknown_spell_inside_an_outage_adds_nothing_to_the_upper_bound() -> None:
    """It is outage already; and the doubt before the outage counts once, not per off row."""
    journal = "on@0 off@100<95 unknown@200<199 off@300 on@400<390"
    assert found(journal, (0, 1000)).outage_most == 300_000 + 5_000


def test_the_doubtful_on_time_is_clipped_to_the_range() -> None:
    """Also where the outage itself begins after the range."""
    assert found("on@0 off@100<90 on@200", (0, 96)).outage_most == 6_000
    assert found("on@0 off@100<90 on@200", (95, 100)).outage_most == 5_000


def test_on_time_after_the_last_evidence_is_not_doubted_without_an_outage() -> None:
    """The running on spell is on until something else is known."""
    of = found("on@0", (0, 100), now=100, evidence=60)
    assert (of.outage_most, of.asai_min) == (0, 1.0)


def test_asai_leaves_unknown_time_out_and_its_bounds_do_not() -> None:
    """ASAI is 1 - outage / (on + outage); the bounds are over all time."""
    of = found("on@0 unknown@100<100 on@200 off@600<580 on@1000<960", (0, 1000))
    assert of.asai == pytest.approx(1 - 400 / 900)
    assert of.asai_min == pytest.approx(1 - (400 + 100 + 20) / 1000)
    assert of.asai_max == pytest.approx(1 - 360 / 1000)


def test_in_time_that_is_all_unknown_asai_is_null_and_its_bounds_are_0_and_1() -> None:
    """Nothing is known: it may have been on all the time, or off."""
    of = found("on@0 unknown@100<99 on@500", (200, 300))
    assert (of.asai, of.asai_min, of.asai_max, of.coverage) == (None, 0.0, 1.0, 0.0)


# ---------------------------------------------------------------- counts


def test_an_outage_is_counted_in_the_range_that_holds_its_start() -> None:
    """Its seconds lie in both ranges, its count in one."""
    first, second = found(EXAMPLE, (0, 200)), found(EXAMPLE, (200, 1000))
    assert (first.sustained, second.sustained) == (1, 0)
    assert (first.saidi_minutes, second.saidi_minutes) == (100 / 60, 300 / 60)
    assert second.caidi_minutes is None


def test_class_is_by_the_whole_outage_not_by_what_lies_in_the_range() -> None:
    """100 s of an outage of 400 s are sustained."""
    of = found(EXAMPLE, (50, 200))
    assert (of.momentary, of.sustained) == (0, 1)
    assert of.saidi_minutes == pytest.approx(100 / 60)


def test_exactly_the_threshold_is_momentary() -> None:
    """And it adds nothing to SAIDI."""
    of = found("on@0 off@100 on@400 off@500 on@800.001", (0, 1000))
    assert (of.momentary, of.sustained) == (1, 1)
    assert of.saidi_minutes == pytest.approx(300.001 / 60)


def test_saidi_and_caidi_count_sustained_outages_only() -> None:
    """ASAI and the outage seconds count every outage."""
    of = found("on@0 off@100 on@160 off@1000 on@1600 off@2000 on@2400", (0, 4000))
    assert (of.momentary, of.sustained) == (1, 2)
    assert of.saidi_minutes == pytest.approx(1000 / 60)
    assert of.caidi_minutes == pytest.approx(500 / 60)
    assert of.outage == 1_060_000


def test_caidi_is_null_when_saifi_is_0() -> None:
    """A mean of nothing is not 0."""
    of = found("on@0 off@100 on@160", (0, 1000))
    assert (of.sustained, of.saidi_minutes, of.caidi_minutes) == (0, 0, None)


def test_a_running_outage_is_momentary_until_it_passes_the_threshold() -> None:
    """Then it is sustained, with all its seconds up to now."""
    early = found("on@0 off@100", (0, 9000), now=400)
    late = found("on@0 off@100", (0, 9000), now=460)
    assert (early.momentary, early.sustained, early.saidi_minutes) == (1, 0, 0)
    assert (late.momentary, late.sustained, late.saidi_minutes) == (0, 1, 6)


def test_the_longest_outage_is_the_longest_in_the_range() -> None:
    """Momentary ones too, and its seconds are clipped like all seconds."""
    journal = "on@0 off@100 on@160 off@1000 on@1600"
    assert found(journal, (0, 4000)).longest_outage == 600_000
    assert found(journal, (0, 900)).longest_outage == 60_000
    assert found(journal, (1200, 1300)).longest_outage == 100_000
    assert found(journal, (200, 900)).longest_outage == 0


def test_the_indices_are_spelled_as_the_contract_says() -> None:
    """Seconds, minutes and ratios under their names; nulls where nothing can be said."""
    span = Span(at(0), at(1000))
    of = found("on@0 unknown@50<48 off@100 on@500<490 off@600<596 on@660<655", (0, 1000))
    assert to_json(of, span) == {
        "from": to_rfc3339(at(0)),
        "to": to_rfc3339(at(1000)),
        "on_seconds": 490.0,
        "outage_seconds": 460.0,
        "unknown_seconds": 50.0,
        "unseen_seconds": 50.0,
        "coverage": pytest.approx(0.95),
        "outage_seconds_min": 390.0 + 55.0,
        "outage_seconds_max": 460.0 + 50.0 + 2.0 + 4.0,
        "outages": {"momentary": 1, "sustained": 1},
        "saidi_minutes": pytest.approx(400 / 60),
        "saifi": 1,
        "caidi_minutes": pytest.approx(400 / 60),
        "maifi": 1,
        "asai": pytest.approx(1 - 460 / 950),
        "asai_min": pytest.approx(1 - 516 / 1000),
        "asai_max": pytest.approx(1 - 445 / 1000),
        "longest_outage_seconds": 400.0,
    }


# ---------------------------------------------------------------- worked examples of the literature


@dataclass(frozen=True)
class Group:
    """So many customers with the same interruptions, each in seconds."""

    customers: int
    interruptions: tuple[float, ...] = ()


@dataclass(frozen=True)
class System:
    """Indices of a system: means over the home indices of its customers."""

    saifi: float
    saidi_minutes: float
    caidi_minutes: float
    asai: float
    maifi: float


def system_of(groups: list[Group], period: float, after: int = FIVE_MINUTES) -> System:
    """Work out each home's indices over `period` seconds and weigh them by customers."""
    served = sum(group.customers for group in groups)
    homes = [(group.customers, home_of(group.interruptions, period, after)) for group in groups]
    saifi = sum(n * home.sustained for n, home in homes) / served
    saidi = sum(n * home.saidi_minutes for n, home in homes) / served
    return System(
        saifi,
        saidi,
        saidi / saifi,
        sum(n * (home.asai or 0) for n, home in homes) / served,
        sum(n * home.momentary for n, home in homes) / served,
    )


def home_of(interruptions: tuple[float, ...], period: float, after: int) -> Reliability:
    """A home with these interruptions, an hour of power before each."""
    words, now = ["on@0"], 0.0
    for seconds in interruptions:
        words += [f"off@{now + HOUR}", f"on@{now + HOUR + seconds}"]
        now += HOUR + seconds
    return found(" ".join(words), (0, period), now=period, after=after)


def test_the_sample_system_of_ieee_1366() -> None:
    """IEEE Std 1366-2003, Electric Power Distribution Reliability Indices, sample system.

    One feeder, 2,000 customers, the outages of a year as times off and on; the
    guide gives SAIFI 1.61, SAIDI 86.11 min, CAIDI 53.57 min, ASAI 0.999836. The
    momentary ones are the table's rows of type M (the guide's own MAIFI counts
    the operations of reclosers, which a home does not see as outages of its own).
    """
    sustained = [
        (200, 8 * MINUTE + 10),  # 3/17 12:12:20-12:20:30
        (600, 71 * MINUTE + 19),  # 5/5 00:23:10-01:34:29
        (25, 30 * MINUTE + 14),  # 6/12 23:17:00-23:47:14
        (90, 267 * MINUTE + 11),  # 8/20 15:45:39-20:12:50
        (700, 120 * MINUTE),  # 8/31 08:20:00-10:20:00
        (1500, 10 * MINUTE),  # 9/3 17:10:00-17:20:00
        (100, 40 * MINUTE),  # 10/27 10:15:00-10:55:00
    ]
    momentary = [(400, 30), (2000, 60)]  # 4/15 18:23:56-18:24:26, 7/6 09:30:10-09:31:10
    system = system_of(customers_by_interruption(2000, sustained + momentary), YEAR)
    assert system.saifi == pytest.approx(1.61, abs=0.005)
    assert system.saidi_minutes == pytest.approx(86.11, abs=0.01)
    assert system.caidi_minutes == pytest.approx(53.57, abs=0.01)
    # The guide sums the sustained ones; the momentary ones change ASAI by 2e-6.
    assert system.asai == pytest.approx(0.999836, abs=5e-6)
    assert system.maifi == pytest.approx((400 + 2000) / 2000)


def customers_by_interruption(served: int, hits: Sequence[tuple[int, float]]) -> list[Group]:
    """Deal interruptions to customers: each hits the first so many of those served."""
    edges = sorted({0, served, *(customers for customers, _ in hits)})
    return [
        Group(end - start, tuple(seconds for customers, seconds in hits if customers >= end))
        for start, end in pairwise(edges)
    ]


def test_the_example_system_of_billinton_and_allan() -> None:
    """R. Billinton, R. N. Allan, Reliability Evaluation of Power Systems, 2nd ed., 1996, ch. 7.

    Six load points, 4,000 customers; a year's interruptions give SAIFI 0.775,
    SAIDI 1.65 h, CAIDI 2.13 h, ASAI 0.999812.
    """
    system = system_of(
        [
            Group(1000),
            Group(800, (3 * HOUR,)),
            Group(600, (3 * HOUR, 1 * HOUR)),
            Group(800),
            Group(500, (1.5 * HOUR,)),
            Group(300, (2 * HOUR, 1.5 * HOUR)),
        ],
        YEAR,
    )
    assert system.saifi == pytest.approx(0.775)
    assert system.saidi_minutes / 60 == pytest.approx(1.65)
    assert system.caidi_minutes / 60 == pytest.approx(2.13, abs=0.005)
    assert system.asai == pytest.approx(0.999812, abs=5e-7)
    assert system.maifi == 0


def test_the_quick_check_of_the_reliability_metrics_trainer() -> None:
    """Reliability Metrics Trainer, "Quick check", aryan1359.github.io/Reliability-Metrics-Trainer.

    Three outages, (100 customers, 5 min), (200, 10 min), (300, 11 min), of 10,000
    customers served: SAIFI 0.06, SAIDI 0.58 min, CAIDI 9.67 min. It counts the one
    of 5 min as sustained, so the threshold here is the 1 min of some regulators.
    """
    system = system_of(
        [
            Group(100, (5 * MINUTE,)),
            Group(200, (10 * MINUTE,)),
            Group(300, (11 * MINUTE,)),
            Group(9400),
        ],
        YEAR,
        after=60_000,
    )
    assert system.saifi == pytest.approx(0.06)
    assert system.saidi_minutes == pytest.approx(0.58)
    assert system.caidi_minutes == pytest.approx(9.67, abs=0.005)


def test_asai_of_a_year_with_53_minutes_off_is_four_nines() -> None:
    """Wikipedia, "Average Service Availability Index": 1 - SAIDI / 8760, SAIDI in hours."""
    home = home_of((52.56 * MINUTE,), YEAR, FIVE_MINUTES)
    assert home.saidi_minutes == pytest.approx(52.56)
    assert home.asai == pytest.approx(1 - home.saidi_minutes / 60 / 8760)
    assert home.asai == pytest.approx(0.9999)
