"""When rounds begin: spread over the interval, the first soon, none made up for."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.schedule import FIRST_ROUND_WITHIN, SLOT, Lag, Rounds, Spread, first_dues, slotted


@given(homes=st.integers(2, 400), interval=st.sampled_from([1_000, 10_000, 60_000]))
def test_places_are_spread_evenly_however_many_homes_there_are(homes: int, interval: int) -> None:
    """No gap between neighbours is more than three times the even one."""
    spread = Spread()
    places = sorted(spread.place(interval) for _ in range(homes))
    gaps = [b - a for a, b in zip(places, [*places[1:], places[0] + 1], strict=True)]
    assert max(gaps) <= 3 / homes


def test_homes_of_one_interval_do_not_disturb_the_places_of_another() -> None:
    """Each interval has its own places: every second home of a config may be a slow one."""
    mixed, alone = Spread(), Spread()
    for _ in range(10):
        mixed.place(60_000)
        assert mixed.place(5_000) == alone.place(5_000)


@given(place=st.floats(0, 1, exclude_max=True), interval=st.floats(0.1, 3600))
def test_first_rounds_come_soon_and_second_ones_keep_the_place(
    place: float, interval: float
) -> None:
    """The first within min(interval, 10 s), the second at most 1.5 intervals after it."""
    first, second = first_dues(place, interval)
    assert 0 <= first <= min(interval, FIRST_ROUND_WITHIN)
    assert interval / 2 <= second - first <= interval * 1.5 + 1e-9
    apart = abs(second - place * interval) % interval
    assert min(apart, interval - apart) == pytest.approx(0, abs=1e-6)


@given(due=st.floats(0, 1e7), interval=st.floats(0.1, 3600))
def test_a_slot_is_never_before_the_due_time(due: float, interval: float) -> None:
    """At most SLOT and a tenth of the interval later, shared by all due in between."""
    assert -1e-6 <= slotted(due, interval) - due <= min(SLOT, interval / 10) + 1e-6


def test_lag_tells_the_worst_of_late() -> None:
    """A look shows the worst since the last look but one, so that none is missed by a scrape."""
    lag = Lag()
    lag.note(0.5)
    lag.note(0.1)
    assert lag.look() == pytest.approx(0.5)
    lag.note(0.2)
    assert lag.look() == pytest.approx(0.5)
    assert lag.look() == pytest.approx(0.2)
    assert lag.look() == 0


async def test_a_round_runs_only_when_it_is_due() -> None:
    """Before its time `once` says how long it is, and runs nothing."""
    ran: list[float] = []
    rounds = Rounds(counting(ran), 3_600_000, 0.5, Lag())
    wait = await rounds.once()
    assert ran == []
    assert 0 < wait <= FIRST_ROUND_WITHIN * 0.5


async def test_rounds_that_were_missed_are_not_made_up_for() -> None:
    """A round that took three intervals is followed by one, in time with the others."""
    ran: list[float] = []
    lag = Lag()

    async def slow() -> None:
        await counting(ran)()
        await asyncio.sleep(0.35)

    rounds = Rounds(slow, 100, 0.0, lag)
    wait = await rounds.once()
    assert len(ran) == 1
    assert 0 <= wait <= 0.1 + SLOT


async def test_a_round_that_fails_does_not_stop_the_next() -> None:
    """The next one is due an interval later all the same."""

    async def faulty() -> None:
        raise RuntimeError("a fault of ours")

    rounds = Rounds(faulty, 3_600_000, 0.0, Lag())
    with pytest.raises(RuntimeError):
        await rounds.once()
    assert await rounds.once() > 1000


def counting(ran: list[float]):  # type: ignore[no-untyped-def]  # noqa: ANN201  a coroutine function
    """Return a round that notes when it ran."""

    async def round_once() -> None:
        ran.append(asyncio.get_running_loop().time())

    return round_once
