"""One home under watch: from probes to a committed row, with clocks set by hand."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.blackout import Life
from exporter.journal import Journal
from exporter.power import Cause, State
from tests.exporter.clocks import HandClock
from tests.exporter.scripted import ScriptedProbe, WatchedHome


@pytest.fixture
def clock() -> HandClock:
    """A clock that only the test moves."""
    return HandClock()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal in a folder of its own."""
    journal = Journal(tmp_path)
    yield journal
    journal.close()


async def turns() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_first_on_is_believed_at_once(journal: Journal, clock: HandClock) -> None:
    """One round, one row, published with it."""
    home = WatchedHome(journal, clock)
    await home.watch.begin()
    await home.rounds("on")
    assert home.states == ["on"]
    assert home.view.state is State.ON
    assert home.view.last == home.rows[0]
    assert home.view.books is not None


async def test_silence_is_off_where_there_is_no_reference(
    journal: Journal, clock: HandClock
) -> None:
    """Without a reference a dead probe is taken at its word."""
    home = WatchedHome(journal, clock)
    await home.rounds("on dead dead")
    assert home.states == ["on", "off"]


async def test_silence_is_unknown_while_no_reference_lives(
    journal: Journal, clock: HandClock
) -> None:
    """When the home's own reference is dead too, it is the network: unknown, never off."""
    home = WatchedHome(journal, clock, references=1)
    home.references[0].word = "dead"
    await home.rounds("on dead dead dead dead")
    assert home.states == ["on"]
    assert home.view.probes["mains0"].vote is State.UNKNOWN
    assert "no reference answered" in home.view.probes["mains0"].detail


async def test_an_unknown_reference_vouches_for_nothing(journal: Journal, clock: HandClock) -> None:
    """A reference that could not be asked is no witness."""
    home = WatchedHome(journal, clock, references=2)
    for reference in home.references:
        reference.word = "unknown"
    await home.rounds("on dead dead dead")
    assert home.states == ["on"]


async def test_a_living_reference_makes_silence_count(journal: Journal, clock: HandClock) -> None:
    """One of two is enough."""
    home = WatchedHome(journal, clock, references=2)
    home.references[0].word = "dead"
    await home.rounds("on dead dead")
    assert home.states == ["on", "off"]


async def test_an_off_that_was_said_needs_no_reference(journal: Journal, clock: HandClock) -> None:
    """Only silence can be the network's fault."""
    home = WatchedHome(journal, clock, references=1)
    home.references[0].word = "dead"
    await home.rounds("on off off")
    assert home.states == ["on", "off"]


async def test_shared_references_are_asked_only_about_silence(
    journal: Journal, clock: HandClock
) -> None:
    """As long as the probe answers nobody asks them."""
    reference = ScriptedProbe(clock)
    home = WatchedHome(journal, clock, shared=[reference])
    await home.rounds("on on off")
    assert reference.asked == 0
    await home.rounds("dead dead")
    assert reference.asked == 2
    assert home.states == ["on", "off"]


async def test_one_attempt_at_shared_references_serves_all_who_wait(
    journal: Journal, clock: HandClock
) -> None:
    """Rounds begun before the attempt share it; a younger round waits for the next."""
    reference = ScriptedProbe(clock)
    reference.answer_after = asyncio.Event()
    home = WatchedHome(journal, clock, shared=[reference])
    shared = home.watch.references
    begun = clock.now()
    clock.pass_time(10)
    first = asyncio.create_task(shared.alive_since(begun, 2.0))
    await turns()
    second = asyncio.create_task(shared.alive_since(begun.shifted(5), 2.0))
    await turns()
    assert reference.asked == 1
    clock.pass_time(10)
    third = asyncio.create_task(shared.alive_since(clock.now(), 2.0))
    await turns()
    assert reference.asked == 1
    reference.answer_after.set()
    assert all(await asyncio.gather(first, second, third))
    assert reference.asked == 2


@pytest.mark.parametrize("word", ["on", "dead", "unknown"])
async def test_however_many_homes_ask_one_attempt_is_under_way_and_one_waits(
    journal: Journal, clock: HandClock, word: str
) -> None:
    """Every home's round began at another moment; all but the first share the next attempt."""
    references = [ScriptedProbe(clock, word) for _ in range(2)]
    answer = asyncio.Event()
    for reference in references:
        reference.answer_after = answer
    shared = WatchedHome(journal, clock, shared=references).watch.references
    askers = []
    for _ in range(200):
        clock.pass_time(1)
        askers.append(asyncio.create_task(shared.alive_since(clock.now(), 20.0)))
        await turns()
        assert [reference.asked for reference in references] == [1, 1]
    answer.set()
    assert await asyncio.gather(*askers) == [word == "on"] * 200
    assert [reference.asked for reference in references] == [2, 2]


async def test_an_attempt_begun_before_the_round_vouches_for_nothing(
    journal: Journal, clock: HandClock
) -> None:
    """The reference lived when the attempt began, and has died since: it may be the network."""
    reference = ScriptedProbe(clock)
    reference.answer_after = first_answer = asyncio.Event()
    shared = WatchedHome(journal, clock, shared=[reference]).watch.references
    early = asyncio.create_task(shared.alive_since(clock.now(), 20.0))
    await turns()
    clock.pass_time(10)
    late = asyncio.create_task(shared.alive_since(clock.now(), 20.0))
    await turns()
    reference.answer_after = asyncio.Event()
    first_answer.set()
    assert await early
    assert not late.done()
    reference.word = "dead"
    reference.answer_after.set()
    assert not await late


async def test_a_home_waits_no_longer_than_its_timeout_for_the_references(
    journal: Journal, clock: HandClock
) -> None:
    """Another home's attempt may take longer: till then nobody was found alive."""
    reference = ScriptedProbe(clock)
    reference.answer_after = asyncio.Event()
    shared = WatchedHome(journal, clock, shared=[reference]).watch.references
    patient = asyncio.create_task(shared.alive_since(clock.now(), 60.0))
    await turns()
    clock.pass_time(10)
    assert not await shared.alive_since(clock.now(), 0.01)
    assert reference.asked == 1
    reference.answer_after.set()
    assert await patient


async def test_closing_the_references_ends_the_attempt_and_the_one_that_waits(
    journal: Journal, clock: HandClock
) -> None:
    """Whoever waits has found nobody alive, and nobody is asked any more."""
    reference = ScriptedProbe(clock)
    reference.answer_after = asyncio.Event()
    shared = WatchedHome(journal, clock, shared=[reference]).watch.references
    before = asyncio.all_tasks()
    askers = []
    for _ in range(3):
        askers.append(asyncio.create_task(shared.alive_since(clock.now(), 60.0)))
        await turns()
        clock.pass_time(10)
    await shared.close()
    assert await asyncio.gather(*askers) == [False, False, False]
    assert asyncio.all_tasks() == before
    reference.answer_after.set()
    assert not await shared.alive_since(clock.now(), 60.0)
    assert reference.asked == 1


async def test_references_that_are_replaced_vouch_for_nothing(
    journal: Journal, clock: HandClock
) -> None:
    """A reload ends their attempt, not the rounds that wait for it."""
    reference = ScriptedProbe(clock)
    reference.answer_after = asyncio.Event()
    home = WatchedHome(journal, clock, shared=[reference])
    home.probes[0].word = "dead"
    round_ = asyncio.create_task(home.watch.round_once())
    await turns()
    assert reference.asked == 1
    await home.watch.references.close()
    await round_
    assert home.view.probes["mains0"].vote is State.UNKNOWN


async def test_a_home_that_stops_waiting_leaves_the_attempt_to_others(
    journal: Journal, clock: HandClock
) -> None:
    """Cancelling one round ends neither the attempt nor the other round."""
    reference = ScriptedProbe(clock)
    reference.answer_after = asyncio.Event()
    references = WatchedHome(journal, clock, shared=[reference]).watch.references
    first, second = (
        asyncio.create_task(references.alive_since(clock.now(), 2.0)) for _ in range(2)
    )
    await turns()
    first.cancel()
    await turns()
    reference.answer_after.set()
    assert await second
    assert first.cancelled()


async def test_a_fault_in_a_probe_is_could_not_look(journal: Journal, clock: HandClock) -> None:
    """An exception of ours is unknown, and the other probe still decides."""
    home = WatchedHome(journal, clock, probes=2)
    await home.rounds("on+on broken+on broken+broken")
    assert home.states == ["on"]
    assert home.view.probes["mains0"].vote is State.UNKNOWN
    assert "RuntimeError" in home.view.probes["mains0"].detail
    assert home.view.probes["mains0"].failures == 2


async def test_probes_of_a_round_are_asked_side_by_side(journal: Journal, clock: HandClock) -> None:
    """A slow one does not keep the others waiting."""
    home = WatchedHome(journal, clock, probes=2)
    home.probes[0].answer_after = asyncio.Event()
    round_ = asyncio.create_task(home.watch.round_once())
    await turns()
    assert home.probes[1].asked == 1
    assert home.view.probes["mains1"].attempts == 1
    assert home.view.probes["mains0"].attempts == 0
    home.probes[0].answer_after.set()
    await round_


async def test_a_host_home_infers_its_own_blackout(journal: Journal, clock: HandClock) -> None:
    """Another boot and no clean stop: off from the last evidence to the boot, then on."""
    home = WatchedHome(journal, clock, kind="host")
    await home.watch.begin()
    await home.rounds("on on")
    await home.recorder.sign_of_life([home.watch.sign()])
    last_evidence = home.view.belief.evidence
    clock.pass_time(600_000)
    clock.boot, clock.boot_id = 30_000, "boot-2"
    again = WatchedHome(journal, clock, kind="host")
    await again.watch.begin()
    _, off, on = again.rows
    assert last_evidence is not None
    assert (off.state, off.cause, off.at) == (State.OFF, Cause.INFERRED, last_evidence + 1)
    assert (on.state, on.cause, on.at) == (State.ON, Cause.INFERRED, clock.wall - 30_000)
    await again.rounds("on")
    assert len(again.rows) == 3


async def test_rounds_held_for_the_clock_are_decided_when_it_is_right(
    journal: Journal, clock: HandClock
) -> None:
    """Started with a clock a year behind: the rows carry the right dates all the same."""
    home = WatchedHome(journal, clock)
    right = clock.wall
    clock.step(-31_536_000_000)
    home.watch.hold(1000)
    await home.rounds("on on off off off")
    assert home.rows == []
    assert home.view.state is State.UNKNOWN
    clock.step(31_536_000_000)
    await home.watch.begin()
    on, off = home.rows
    assert (on.state, on.at, off.state, off.at) == (State.ON, right, State.OFF, right + 10_000)
    assert off.not_before == right + 5_000
    assert home.view.state.value == "off"


async def test_a_round_under_way_while_the_clock_becomes_right_is_dated_right(
    journal: Journal, clock: HandClock
) -> None:
    """It began on the wrong clock and ended on the right one."""
    home = WatchedHome(journal, clock)
    right = clock.wall
    clock.step(-1_000_000)
    home.watch.hold(1000)
    home.probes[0].answer_after = asyncio.Event()
    round_ = asyncio.create_task(home.watch.round_once())
    await turns()
    clock.step(1_000_000)
    await home.watch.begin()
    clock.pass_time(500)
    home.probes[0].answer_after.set()
    await round_
    assert home.rows[0].at == right + 500


async def test_the_gap_is_judged_by_the_right_clock(journal: Journal, clock: HandClock) -> None:
    """A gap that was long by the right clock is unknown, though the wrong one stood before it."""
    home = WatchedHome(journal, clock)
    await home.watch.begin()
    await home.rounds("on")
    evidence = home.view.belief.evidence
    clock.pass_time(3_600_000)
    clock.boot, clock.boot_id = 5_000, "boot-2"
    clock.step(-90_000_000)
    again = WatchedHome(journal, clock)
    again.watch.hold(1000)
    await again.rounds("on on")
    clock.step(90_000_000)
    await again.watch.begin()
    _, unknown, on = again.rows
    assert evidence is not None
    assert (unknown.state, unknown.at, unknown.cause) == (
        State.UNKNOWN,
        evidence + 1,
        Cause.NOT_OBSERVED,
    )
    assert (on.state, on.at) == (State.ON, clock.wall - 10_000)


async def test_a_late_round_is_unknown_not_off(journal: Journal, clock: HandClock) -> None:
    """The machine slept: what was before is unknown, what is measured now counts anew."""
    home = WatchedHome(journal, clock)
    await home.rounds("on dead")
    clock.pass_time(100_000)
    await home.rounds("dead")
    assert home.states == ["on", "unknown"]
    await home.rounds("dead")
    assert home.states == ["on", "unknown", "off"]


async def test_an_edited_home_keeps_its_state(journal: Journal, clock: HandClock) -> None:
    """A watch under another config goes on from where the old one stopped."""
    home = WatchedHome(journal, clock)
    await home.rounds("on off off")
    edited = WatchedHome(journal, clock, title="New title")
    edited.watch.take_over(home.watch)
    await edited.rounds("off off")
    assert edited.states == ["on", "off"]
    assert edited.view.last == home.view.last


async def test_an_edited_home_keeps_the_rounds_that_wait_for_the_clock(
    journal: Journal, clock: HandClock
) -> None:
    """A reload while the clock is in doubt loses nothing of what was seen."""
    home = WatchedHome(journal, clock)
    right = clock.wall
    clock.step(-1_000_000)
    home.watch.hold(1000)
    await home.rounds("on on off")
    edited = WatchedHome(journal, clock, title="New title")
    edited.watch.take_over(home.watch)
    await edited.rounds("off")
    clock.step(1_000_000)
    await edited.watch.begin()
    assert [(row.state.value, row.at) for row in edited.rows] == [
        ("on", right),
        ("off", right + 10_000),
    ]


async def test_a_home_that_was_gone_for_long_comes_back_unknown(
    journal: Journal, clock: HandClock
) -> None:
    """Its absence is judged like a gap in the same boot."""
    home = WatchedHome(journal, clock)
    await home.rounds("on")
    await home.recorder.sign_of_life([home.watch.sign()], clean=True)
    assert journal.records["flat"].life == Life(clock.now(), clock.boot_id, clean=True)
    clock.pass_time(120_000)
    again = WatchedHome(journal, clock)
    await again.watch.begin()
    await again.rounds("on")
    assert again.states == ["on", "unknown", "on"]
