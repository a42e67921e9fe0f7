"""Probes that answer what a test says, and a home that is watched with them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chassis.instants import Instant
from exporter.board import HomeView, ProbeView
from exporter.config import HomeConfig
from exporter.journal import Journal
from exporter.journal_reader import JournalReader
from exporter.power import State
from exporter.probes.file import FileSettings
from exporter.probes.guard import Guarded
from exporter.probes.protocol import Finding, Role
from exporter.recorder import Recorder
from exporter.references import References
from exporter.transitions import Transition
from exporter.watch import Asked, Watch
from tests.exporter.clocks import HandClock

WORDS = {"on": State.ON, "off": State.OFF, "dead": State.OFF, "unknown": State.UNKNOWN}


class ScriptedProbe:
    """Answers with a word: on, off (said), dead (silence) or unknown; or raises."""

    def __init__(self, clock: HandClock, word: str = "on", takes: int = 0) -> None:
        self.word = word
        self.takes = takes
        self.asked = 0
        self.answer_after: asyncio.Event | None = None
        self._clock = clock

    async def attempt(self, started: Instant, timeout: float) -> Finding:  # noqa: ARG002
        """Answer as told."""
        self.asked += 1
        if self.answer_after is not None:
            await self.answer_after.wait()
        self._clock.pass_time(self.takes)
        if self.word == "broken":
            raise RuntimeError("a fault of ours")
        state = WORDS[self.word]
        at = self._clock.now() if state is State.ON else started
        return Finding(state, self.word, at, silent=self.word == "dead")

    async def close(self) -> None:
        """Hold nothing."""


def home_config(name: str = "flat", **settings: Any) -> HomeConfig:  # noqa: ANN401  any key
    """A home's config; what its probes are does not matter here."""
    keys: dict[str, Any] = {
        "interval": 5_000,
        "timeout": 2_000,
        "off_after": 5_000,
        "on_after": 5_000,
        "unknown_after": 60_000,
        **settings,
    }
    probe = FileSettings(kind="file", name="p0", path=Path("x"), on="on")
    return HomeConfig(name=name, timezone="UTC", probes=(probe,), **keys)


class WatchedHome:
    """One home with scripted probes, a hand clock and a real journal."""

    def __init__(
        self,
        journal: Journal,
        clock: HandClock,
        *,
        probes: int = 1,
        references: int = 0,
        shared: Sequence[ScriptedProbe] = (),
        kind: str = "file",
        **settings: Any,  # noqa: ANN401  any key of a home
    ) -> None:
        self.clock = clock
        self.recorder = Recorder(journal, clock)
        self.probes = [ScriptedProbe(clock) for _ in range(probes)]
        self.references = [ScriptedProbe(clock) for _ in range(references)]
        self.view = HomeView(home_config(**settings))
        asked = [
            Asked(Guarded(role.value, probe), ProbeView(f"{role.value}{n}", kind, role.value), role)
            for role, group in ((Role.MAINS, self.probes), (Role.REFERENCE, self.references))
            for n, probe in enumerate(group)
        ]
        self.view.probes = {one.view.name: one.view for one in asked}
        self.watch = Watch(
            self.view.config, self.view, asked, References(shared, clock), self.recorder, clock
        )

    async def rounds(self, words: str, every: int = 5_000) -> None:
        """Run a round for each word, `every` ms apart; with several probes `on+off` is one word."""
        for word in words.split():
            for probe, said in zip(self.probes, word.split("+"), strict=True):
                probe.word = said
            await self.watch.round_once()
            self.clock.pass_time(every)

    @property
    def states(self) -> list[str]:
        """The states of all committed rows."""
        return [row.state.value for row in self.rows]

    @property
    def rows(self) -> list[Transition]:
        """All committed rows."""
        reader = JournalReader(self.recorder._journal._path.parent)
        rows = reader.after(0, 1000)
        reader.close()
        return rows
