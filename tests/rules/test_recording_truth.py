"""Every recording rule against a known truth of up to 430 days, on both Prometheus versions.

The text of rules/recording.yml is evaluated on blocks that hold what the exporter
would have said. What is tolerated, and why:

- 1 s for each unknown spell: it begins after the last evidence, at most that much early;
  and once for a change that is not believed yet, up to which nothing is booked either;
- between two scrapes, as far as they are apart: a counter is as of the last scrape;
- where nothing is known at the window's start or end, but not for long enough yet to
  call the home unknown, that time: nothing is booked until then;
- the threshold, where the window begins in an outage that is not sustained yet:
  what was dark before counts when it becomes so.
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from tests.history.recalled import VERSIONS, Labels, add_blocks
from tests.history.scrapes import write_history
from tests.history.story import (
    DAY,
    HOUR,
    KNOWN,
    MINUTE,
    SECOND,
    Story,
    Truth,
    counted,
    outages,
    truth,
)
from tests.history.watching import ROUTINE, UNKNOWN_AFTER
from tests.rules.recording_homes import END, OFTEN, homes
from tests.rules.recording_rules import FILE, WINDOWS, Recorded, evaluate, read_rules

METRICS = (
    "power_first_observed_timestamp_seconds",
    "power_observed_seconds_total",
    "power_outage_seconds_total",
    "power_outages_total",
    "power_sustained_outage_seconds_total",
    "power_unknown_seconds_total",
)
AT_A_SCRAPE = [END - ago for ago in (0, 2 * HOUR, 7 * HOUR + 35 * MINUTE, DAY)]
BETWEEN = [END - ago for ago in (90 * SECOND, 13 * HOUR + 137 * SECOND, 29 * HOUR + 1 * SECOND)]
MOMENTS = (*AT_A_SCRAPE, *BETWEEN)
HOMES = {home.story.home: home for home in homes()}

SECONDS = {
    "home:power_outage_seconds:increase": "outage_seconds",
    "home:power_sustained_outage_seconds:increase": "sustained_seconds",
    "home:power_observed_seconds:increase": "observed_seconds",
    "home:power_unknown_seconds:increase": "unknown_seconds",
}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Prometheus' data that hold the past of all homes."""
    folder = tmp_path_factory.mktemp("past")
    text = folder / "history.txt"
    write_history(text, [one for home in HOMES.values() for one in home.exporters], METRICS)
    add_blocks("promtool-2", text, folder / "tsdb")
    text.unlink()
    return folder / "tsdb"


@pytest.fixture(
    scope="module",
    params=VERSIONS,
)
def recorded(
    request: pytest.FixtureRequest, past: Path, tmp_path_factory: pytest.TempPathFactory
) -> Recorded:
    """Return what every rule gives at every moment."""
    folder = tmp_path_factory.mktemp("recorded")
    tsdb = shutil.copytree(past, folder / "tsdb")
    moments = [at // SECOND for at in MOMENTS]
    return evaluate(request.param, folder, tsdb, read_rules(FILE), moments)


# ---------------------------------------------------------------- what is compared


@dataclass(frozen=True, slots=True)
class Window:
    """So many days up to a moment (ms)."""

    days: int
    end: int

    @property
    def start(self) -> int:
        """Where it begins (ms)."""
        return self.end - self.days * DAY

    def late(self, story: Story) -> tuple[int, int]:
        """Return how far the books are behind at its start and end at most (ms)."""
        scraped = 0 if self.end in AT_A_SCRAPE else OFTEN
        start, end = (scraped + in_limbo(story, at, scraped) for at in (self.start, self.end))
        return start, end


def in_limbo(story: Story, at: int, scraped: int) -> int:
    """Return how long it may be that nothing was known, while the home is not unknown yet (ms)."""
    undecided = UNKNOWN_AFTER + ROUTINE
    return max(
        (
            min(at - piece.start, undecided)
            for piece in story.pieces
            if piece.seen not in KNOWN and 0 < at - piece.start < undecided + scraped
        ),
        default=0,
    )


EVERY_WINDOW = [Window(days, end) for days in WINDOWS for end in MOMENTS]


def by_home(recorded: Recorded, prefix: str, window: Window) -> dict[str, float]:
    """Return a rule's values by home."""
    found = recorded[f"{prefix}{window.days}d", window.end // SECOND]
    return {dict(labels)["home"]: value for labels, value in found.items()}


def of_class(recorded: Recorded, class_: str, window: Window) -> dict[str, float]:
    """Return the outages of one class by home."""
    found = recorded[f"home:power_outages:increase{window.days}d", window.end // SECOND]
    wanted = ("duration_class", class_)
    return {dict(labels)["home"]: value for labels, value in found.items() if wanted in labels}


def over_homes(recorded: Recorded, prefix: str, window: Window) -> float | None:
    """Return the one value of a rule over homes."""
    found = recorded[f"{prefix}{window.days}d", window.end // SECOND]
    assert set(found) <= {Labels()}
    return found.get(Labels())


def seconds_off(story: Story, window: Window) -> float:
    """Return how far seconds may be from the truth."""
    unknown = sum(1 for piece in story.pieces if piece.overlap(window.start, window.end))
    late, late_now = window.late(story)
    fresh = any(
        0 <= window.start - outage.start <= story.sustained_after + late
        for outage in outages(story, window.end)
    )
    threshold = story.sustained_after if fresh else 0
    return 1.01 * (1 + unknown) + (max(late, late_now) + threshold) / SECOND


def counts(story: Story, window: Window, *, sustained: bool) -> range:
    """Return which numbers of outages are right."""
    at = counted(story, window.end, sustained=sustained)
    late, late_now = window.late(story)
    surely = sum(1 for one in at if window.start < one <= window.end - late_now)
    perhaps = sum(1 for one in at if window.start - late <= one <= window.end)
    return range(surely, perhaps + 1)


def truths(names: Iterable[str], window: Window) -> dict[str, Truth]:
    """Return the truth of each home."""
    return {name: truth(HOMES[name].story, window.start, window.end) for name in names}


def wrong(
    found: Mapping[str, float], expected: Mapping[str, float], window: Window
) -> dict[str, tuple[float, float]]:
    """Return the homes whose seconds are further from the truth than they may be."""
    return {
        home: (value, expected[home])
        for home, value in found.items()
        if not abs(value - expected[home]) <= seconds_off(HOMES[home].story, window)
    }


# ---------------------------------------------------------------- home by home


@pytest.mark.parametrize("days", WINDOWS)
@pytest.mark.parametrize("prefix", SECONDS)
def test_a_home_has_a_value_unless_its_old_samples_are_missing(
    recorded: Recorded, prefix: str, days: int
) -> None:
    """A young home has one in every window; a gap and a fresh Prometheus leave none."""
    with_values = {name for name, home in HOMES.items() if days not in home.without}
    assert set(by_home(recorded, prefix, Window(days, END))) == with_values
    for class_ in ("momentary", "sustained"):
        assert set(of_class(recorded, class_, Window(days, END))) == with_values


@pytest.mark.parametrize("end", MOMENTS)
def test_a_home_without_gaps_has_values_at_every_moment(recorded: Recorded, end: int) -> None:
    """No moment falls between two samples."""
    whole = {name for name, home in HOMES.items() if not home.without}
    for days in WINDOWS:
        for prefix in SECONDS:
            assert whole <= set(by_home(recorded, prefix, Window(days, end)))


@pytest.mark.parametrize("prefix, field", SECONDS.items())
def test_seconds_are_the_truth(recorded: Recorded, prefix: str, field: str) -> None:
    """Whatever value there is of a home, in any window at any moment, is right."""
    for window in EVERY_WINDOW:
        found = by_home(recorded, prefix, window)
        expected = {name: getattr(one, field) for name, one in truths(found, window).items()}
        assert wrong(found, expected, window) == {}, window


@pytest.mark.parametrize("class_", ["momentary", "sustained"])
def test_outages_are_counted_as_the_truth_has_them(recorded: Recorded, class_: str) -> None:
    """A sustained one counts when it passes the threshold, a momentary one when it ends."""
    for window in EVERY_WINDOW:
        for name, value in of_class(recorded, class_, window).items():
            right = counts(HOMES[name].story, window, sustained=class_ == "sustained")
            assert value in right, (window, name)


def test_availability_is_the_part_of_the_observed_time_with_power(recorded: Recorded) -> None:
    """There is none of a home that nobody has seen."""
    for window in EVERY_WINDOW:
        observed = by_home(recorded, "home:power_observed_seconds:increase", window)
        found = by_home(recorded, "home:power_availability:ratio", window)
        assert set(found) == {name for name, value in observed.items() if value > 0}
        for name, one in truths(found, window).items():
            expected = 1 - one.outage_seconds / one.observed_seconds
            off = 2 * seconds_off(HOMES[name].story, window) / one.observed_seconds
            assert found[name] == pytest.approx(expected, abs=off), (window, name)


def test_the_homes_put_the_rules_to_the_test() -> None:
    """Every kind of outage and of unknown time is there, and far from nothing."""
    window = Window(30, END)
    those = truths([name for name, home in HOMES.items() if not home.without], window)
    for field in fields(Truth):
        assert sum(getattr(one, field.name) > 0 for one in those.values()) >= 5, field.name


# ---------------------------------------------------------------- over homes


def served(recorded: Recorded, window: Window) -> dict[str, Truth]:
    """Return the truth of the homes that were observed and have a value."""
    found = by_home(recorded, "home:power_observed_seconds:increase", window)
    return {name: one for name, one in truths(found, window).items() if one.observed_seconds > 0}


@pytest.mark.parametrize("days", WINDOWS)
def test_homes_without_values_are_not_among_those_that_are_averaged(
    recorded: Recorded, days: int
) -> None:
    """Neither is a home that was never seen."""
    counted_in = {
        name for name, home in HOMES.items() if days not in home.without and name != "never-seen"
    }
    found = over_homes(recorded, "power:homes:count", Window(days, END))
    assert found == len(counted_in)


def test_saidi_is_the_mean_of_the_sustained_minutes(recorded: Recorded) -> None:
    """Minutes of the average home."""
    for window in EVERY_WINDOW:
        homes_ = served(recorded, window)
        minutes = sum(one.sustained_seconds for one in homes_.values()) / 60
        off = sum(seconds_off(HOMES[name].story, window) for name in homes_) / 60
        found = over_homes(recorded, "power:saidi_minutes:increase", window)
        assert found == pytest.approx(minutes / len(homes_), abs=off / len(homes_)), window


@pytest.mark.parametrize("index, class_", [("saifi", "sustained"), ("maifi", "momentary")])
def test_saifi_and_maifi_are_the_mean_number_of_outages(
    recorded: Recorded, index: str, class_: str
) -> None:
    """SAIFI counts the sustained, MAIFI the momentary ones."""
    for window in EVERY_WINDOW:
        homes_ = served(recorded, window)
        right = [
            counts(HOMES[name].story, window, sustained=class_ == "sustained") for name in homes_
        ]
        found = over_homes(recorded, f"power:{index}:increase", window)
        assert found is not None
        total = found * len(homes_)
        least, most = sum(one[0] for one in right), sum(one[-1] for one in right)
        assert least - 1e-6 <= total <= most + 1e-6, window


def test_caidi_is_the_mean_length_of_a_sustained_outage(recorded: Recorded) -> None:
    """It is SAIDI by SAIFI, whatever the number of homes."""
    for days in WINDOWS:
        window = Window(days, END)
        homes_ = served(recorded, window).values()
        minutes = sum(one.sustained_seconds for one in homes_) / 60
        expected = minutes / sum(one.sustained for one in homes_)
        found = over_homes(recorded, "power:caidi_minutes:ratio", window)
        assert found == pytest.approx(expected, rel=0.001), window


def test_asai_weighs_homes_by_their_observed_time(recorded: Recorded) -> None:
    """A young home counts for as long as it has been observed."""
    for window in EVERY_WINDOW:
        homes_ = served(recorded, window)
        observed = sum(one.observed_seconds for one in homes_.values())
        outage = sum(one.outage_seconds for one in homes_.values())
        off = 2 * sum(seconds_off(HOMES[name].story, window) for name in homes_) / observed
        found = over_homes(recorded, "power:asai:ratio", window)
        assert found == pytest.approx(1 - outage / observed, abs=off), window
