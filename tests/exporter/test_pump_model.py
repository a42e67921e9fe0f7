"""A pump against random rows, faults, poison and crashes: nothing lost, nothing reordered."""

import asyncio
from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from exporter.entries import Entry
from exporter.pump import LONGEST_PAUSE, Pump
from exporter.sinks.outcomes import Accepted, Blocked, Broken, Outcome, Refused, Unavailable
from tests.exporter.memory_outbox import Died, MemoryOutbox

SINK = "influxdb"
FAULTS: list[Outcome] = [
    Unavailable("connection refused"),
    Unavailable("HTTP 429", 12.0),
    Unavailable("HTTP 503", 3600.0),
    Blocked("HTTP 401"),
    Broken("HTTP 500"),
]


class FaultySink:
    """Has one weather at a time, poison that it never takes, and may store what it refuses."""

    name = SINK

    def __init__(self) -> None:
        self.weather: Outcome | None = None
        self.poison: dict[int, Outcome] = {}
        self.stored: list[int] = []  # in order of first acceptance
        self.answered: list[Outcome] = []
        self.told_anything = False  # this pump has had something accepted
        self.overtakers: set[int] = set()

    async def send(self, entries: Sequence[Entry]) -> Outcome:
        ids = [entry.transition.id or 0 for entry in entries]
        assert ids == sorted(set(ids))
        outcome = self.weather or next(
            (self.poison[id_] for id_ in ids if id_ in self.poison), Accepted()
        )
        self.answered.append(outcome)
        if isinstance(outcome, Accepted):
            if not self.told_anything and len(ids) == 1:
                self.overtakers.update(ids)
            self.told_anything = True
            self.stored.extend(id_ for id_ in ids if id_ not in self.stored)
        return outcome

    async def check(self) -> Outcome:
        return self.weather or Accepted()

    async def close(self) -> None:
        pass


class PumpMachine(RuleBasedStateMachine):
    """Steps of one pump and of the world around it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.outbox = MemoryOutbox(cursors={SINK: 0})
        self.sink = FaultySink()
        self.time = 0.0
        self.fraction = 0.5
        self.pump = self.make_pump()

    def make_pump(self) -> Pump:
        self.sink.told_anything = False
        return Pump(
            self.sink,
            self.outbox,
            self.outbox.place(SINK),
            batch=8,
            now=lambda: self.time,
            fraction=lambda: self.fraction,
        )

    def teardown(self) -> None:
        self.loop.close()

    def step(self) -> float | None:
        """One call of the pump; time passes as it says. A death makes a new pump."""
        try:
            pause = self.loop.run_until_complete(self.pump.pump_once())
        except Died:
            self.pump = self.make_pump()
            return 0.0
        if pause:
            assert 0.25 <= pause <= LONGEST_PAUSE
            self.time += pause
        return pause

    @rule(count=st.integers(1, 12))
    def rows_are_committed(self, count: int) -> None:
        for _ in range(count):
            self.outbox.add()
        self.pump.wake()

    @rule(ahead=st.integers(1, 6), broken=st.booleans())
    def a_coming_row_is_poison(self, ahead: int, broken: bool) -> None:  # noqa: FBT001
        fault: Outcome = Broken("HTTP 500") if broken else Refused("HTTP 400")
        self.sink.poison[len(self.outbox.rows) + ahead] = fault

    @rule(weather=st.sampled_from([*FAULTS, None]))
    def the_weather_changes(self, weather: Outcome | None) -> None:
        self.sink.weather = weather

    @rule(steps=st.integers(1, 15), fraction=st.floats(0, 0.999))
    def the_pump_runs(self, steps: int, fraction: float) -> None:
        self.fraction = fraction
        for _ in range(steps):
            self.step()

    @rule()
    def a_call_too_early_sends_nothing(self) -> None:
        pause = self.step()
        if not pause:
            return
        sent, then = len(self.sink.answered), self.time
        self.time -= pause / 2
        again = self.loop.run_until_complete(self.pump.pump_once())
        assert len(self.sink.answered) == sent
        assert again is not None
        assert again > 0
        self.time = then

    @rule()
    def the_process_is_killed(self) -> None:
        self.pump = self.make_pump()

    @rule()
    def the_process_dies_before_the_cursor_moves(self) -> None:
        self.outbox.die()
        for _ in range(3):
            self.step()
        self.outbox.dying = False

    @rule(full=st.booleans())
    def the_disk_fills_or_has_room(self, full: bool) -> None:  # noqa: FBT001
        self.outbox.writable = not full
        self.pump.wake()

    @precondition(lambda self: self.outbox.rows)
    @rule()
    def all_is_well_for_a_while(self) -> None:
        """With a sink that works, what waits is delivered in a bounded number of requests."""
        self.sink.weather = None
        self.outbox.writable = True
        before = len(self.sink.answered)
        waiting = len(self.outbox.rows) - self.outbox.cursors[SINK]
        bound = 20 + 20 * (waiting + 1)
        while self.step() is not None and not self.only_breakers_wait():
            assert len(self.sink.answered) - before <= bound
        assert self.outbox.cursors[SINK] == len(self.outbox.rows) or self.only_breakers_wait()

    def only_breakers_wait(self) -> bool:
        """Rows that break the sink, with nothing taken beside them, may wait for ever."""
        stuck = self.outbox.rows[self.outbox.cursors[SINK] :]
        breakers = (isinstance(self.sink.poison.get(row.id or 0), Broken) for row in stuck)
        return bool(stuck) and not self.sink.told_anything and all(breakers)

    @property
    def parked(self) -> set[int]:
        return {id_ for _, id_, _ in self.outbox.parked}

    @invariant()
    def the_cursor_passes_only_what_was_accepted_or_parked(self) -> None:
        passed = set(range(1, self.outbox.cursors[SINK] + 1))
        assert passed <= set(self.sink.stored) | self.parked

    @invariant()
    def only_poison_is_parked(self) -> None:
        assert self.parked <= set(self.sink.poison)

    @invariant()
    def first_acceptances_are_in_order(self) -> None:
        """But for the first thing that a pump has accepted, which may have been a witness."""
        stored = [id_ for id_ in self.sink.stored if id_ not in self.sink.overtakers]
        assert stored == sorted(stored)


PumpMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestPump = PumpMachine.TestCase
