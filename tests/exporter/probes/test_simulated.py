"""The kind simulated: as many outages as asked for, the same ones at every start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exporter.power import State
from exporter.probes.simulated import slot_at
from tests.exporter.clocks import EPOCH, HandClock
from tests.exporter.probes.promises import Case, fixed
from tests.exporter.probes.rig import World, settings_of

PROMISES = Case(fixed(outages_per_day=0))


DAY = 86_400_000


@given(
    per_day=st.floats(0.01, 1000),
    part=st.floats(0.001, 0.5),
    at=st.integers(EPOCH, EPOCH + 400 * DAY),
    seed=st.text(),
)
def test_an_outage_is_within_its_slot(per_day: float, part: float, at: int, seed: str) -> None:
    """A slot holds the moment asked for, and one outage that no neighbour touches."""
    slot = slot_at(seed, per_day, round(DAY / per_day * part), at)
    assert slot.holds(at)
    assert slot.start <= slot.off <= slot.on <= slot.end
    assert slot_at(seed, per_day, round(DAY / per_day * part), slot.start) == slot
    assert slot_at(seed, per_day, round(DAY / per_day * part), slot.end - 1) == slot
    assert slot_at(seed, per_day, round(DAY / per_day * part), slot.end).start == slot.end


def test_outages_are_as_long_as_asked_for() -> None:
    """Over years, the mean is near the one asked for."""
    mean = 30 * 60_000
    slots = [slot_at("x", 2.0, mean, EPOCH + n * DAY // 2) for n in range(3000)]
    assert sum(slot.on - slot.off for slot in slots) / 3000 == pytest.approx(mean, rel=0.1)


async def test_another_start_tells_the_same() -> None:
    """Two probes with one seed agree at every moment; another seed does not."""
    clock = HandClock()
    world = World(clock)
    first, second, other = (
        world.make("simulated", seed=seed, outages_per_day=48.0, mean_outage="10m")
        for seed in (1, 1, 2)
    )
    told, told_other = [], []
    for _ in range(500):
        clock.pass_time(60_000)
        finding = await first.attempt(clock.now(), 1.0)
        assert await second.attempt(clock.now(), 1.0) == finding
        assert finding.at == clock.now()
        assert not finding.silent
        told.append(finding.vote)
        told_other.append((await other.attempt(clock.now(), 1.0)).vote)
    assert set(told) == {State.ON, State.OFF}
    assert told != told_other


async def test_without_outages_power_is_on() -> None:
    """None a day is none."""
    clock = HandClock()
    probe = World(clock).make("simulated", outages_per_day=0)
    for _ in range(100):
        clock.pass_time(3_600_000)
        assert (await probe.attempt(clock.now(), 1.0)).vote is State.ON


def test_more_than_half_a_day_without_power_is_a_fault() -> None:
    """Outages must fit into the day."""
    with pytest.raises(ValidationError, match="at most 12h"):
        settings_of("simulated", outages_per_day=24, mean_outage="40m")
