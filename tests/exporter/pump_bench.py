"""A pump whose time is a number, and a sink that does as it is told."""

from collections import deque
from collections.abc import Callable, Sequence

from exporter.entries import Entry
from exporter.pump import Pump
from exporter.sinks.outcomes import Accepted, Outcome, Unavailable
from tests.exporter.memory_outbox import MemoryOutbox

AWAY = Unavailable("connection refused")


class ScriptedSink:
    """Answers as its script says, then refuses or breaks on its poison, then accepts."""

    name = "influxdb"

    def __init__(self) -> None:
        self.script: deque[Outcome] = deque()
        self.poison: dict[int, Outcome] = {}
        self.sent: list[list[int | None]] = []
        self.accepted: list[int | None] = []
        self.reachable: Outcome = Accepted()
        self.checks = 0
        self.during_send: Callable[[], None] = lambda: None

    async def send(self, entries: Sequence[Entry]) -> Outcome:
        ids = [entry.transition.id for entry in entries]
        self.sent.append(ids)
        self.during_send()
        outcome = self.script.popleft() if self.script else self._judge(ids)
        if isinstance(outcome, Accepted):
            self.accepted.extend(ids)
        return outcome

    def _judge(self, ids: Sequence[int | None]) -> Outcome:
        return next((self.poison[id_] for id_ in ids if id_ in self.poison), Accepted())

    async def check(self) -> Outcome:
        self.checks += 1
        return self.reachable

    async def close(self) -> None:
        pass


class Bench:
    """A pump whose time is a number."""

    def __init__(self, rows: int = 0, batch: int = 500, fraction: float = 1.0) -> None:
        self.outbox = MemoryOutbox()
        self.sink = ScriptedSink()
        self.time = 0.0
        self.batch = batch
        self.fraction = fraction
        self.pump = self.restart()
        for _ in range(rows):
            self.outbox.add()

    def restart(self) -> Pump:
        """Make a new pump, as a new process would."""
        self.pump = Pump(
            self.sink,
            self.outbox,
            self.outbox.place("influxdb"),
            batch=self.batch,
            now=lambda: self.time,
            fraction=lambda: self.fraction,
        )
        return self.pump

    async def step(self) -> float | None:
        """Let the pump do one thing, and wait for as long as it says."""
        pause = await self.pump.pump_once()
        self.time += pause or 0.0
        return pause

    async def run(self, steps: int = 500) -> None:
        """Go on until the pump has nothing to do."""
        for _ in range(steps):
            if await self.step() is None:
                return
        raise AssertionError(f"not done after {steps} steps: {self.sink.sent[-5:]}")

    @property
    def cursor(self) -> int:
        """What is durably behind the sink."""
        return self.outbox.cursors["influxdb"]

    @property
    def parked(self) -> list[int]:
        """The ids that were put aside."""
        return [id_ for _, id_, _ in self.outbox.parked]
