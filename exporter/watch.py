"""Owns one home: asks, decides, commits, publishes. The straight line a reading travels."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from chassis.clock import Clock
from chassis.instants import MS_PER_SECOND, Instant, to_rfc3339
from exporter.blackout import Start, judge
from exporter.board import HomeView, ProbeView
from exporter.config import HomeConfig
from exporter.power import Belief, Change, Round, Rules, State, Vote, decide
from exporter.probes.protocol import Finding, Probe, Role
from exporter.recorder import Recorder
from exporter.records import Record, Sign, belief_of
from exporter.references import References
from exporter.transitions import Transition

log = logging.getLogger(__name__)

HELD_ROUNDS = 100_000  # of all homes together, while the clock is not believed
DECIDED_AT_ONCE = 1_000  # rounds, before others have a turn


@dataclass(frozen=True, slots=True)
class Asked:
    """One configured probe with what readers see of it."""

    probe: Probe
    view: ProbeView
    role: Role


@dataclass(slots=True)
class Course:
    """What a watch has come to believe; handed on when the home's config is edited.

    `began` is when the home came under watch, `believed_since` when the clock could
    be believed; until then rounds are `held`. Whoever changes anything holds
    `deciding`.
    """

    began: Instant
    belief: Belief = field(default_factory=Belief)
    believed_since: Instant | None = None
    holding: bool = False
    held: deque[Round] = field(default_factory=deque)
    deciding: asyncio.Lock = field(default_factory=asyncio.Lock)


class Watch:
    """One home under watch. Its rounds never overlap."""

    def __init__(
        self,
        config: HomeConfig,
        view: HomeView,
        asked: Sequence[Asked],
        references: References,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self.config = config
        self.view = view
        self._rules: Rules = config.rules()
        self._voting = tuple(a for a in asked if a.role is Role.MAINS)
        self._own_references = tuple(a for a in asked if a.role is Role.REFERENCE)
        self.references = references
        self._recorder = recorder
        self._clock = clock
        self._timeout = config.timeout / MS_PER_SECOND
        self.course = Course(clock.now())

    @property
    def host(self) -> bool:
        """Tell whether this home's power is this machine's own."""
        return any(asked.view.kind == "host" for asked in self._voting)

    # --- beginning ---

    def hold(self, rounds: int) -> None:
        """Keep the newest rounds, at most so many, undecided: the clock is not believed yet."""
        self.course.held = deque(self.course.held, maxlen=max(rounds, 1))
        if not self.course.holding:
            self.course.holding = self.view.held = True
            self._show_record()

    async def begin(self) -> None:
        """Judge the gap since the home was last watched, and then the rounds that were held."""
        async with self.course.deciding:
            self.course.believed_since = now = self._clock.now()
            record, belief = self._show_record()
            changes: list[Change] = []
            if record is not None:
                start = Start(_redated(self.course.began, now), self._clock.boot_id)
                belief, gap = judge(belief, record.life, start, self._rules, host=self.host)
                changes.extend(gap)
            for number, held in enumerate(self.course.held, 1):
                belief, more = decide(belief, self._rules, _redated_round(held, now))
                changes.extend(more)
                if number % DECIDED_AT_ONCE == 0:
                    await asyncio.sleep(0)
            self.course.held.clear()
            await self._commit(belief, tuple(changes))
            self.course.holding = self.view.held = False

    def _show_record(self) -> tuple[Record | None, Belief]:
        """Show what the journal holds, and return it: counters must never read 0 first.

        What the disk has refused is the home's past too, as if it stood there.
        """
        record = self._recorder.latest(self.config.name)
        self.view.belief = belief_of(record)
        self.refresh()
        return record, self.view.belief

    def take_over(self, before: "Watch") -> None:
        """Go on from where a watch of the same home under an older config stopped."""
        self.course = before.course
        self.view.belief, self.view.last = before.view.belief, before.view.last
        self.view.held, self.view.rounds = before.view.held, before.view.rounds
        self.refresh()

    # --- one round ---

    async def round_once(self) -> None:
        """Ask all probes side by side, decide, commit what changed, publish."""
        started = self._clock.now()
        findings = await self._ask(started)
        votes = await self._votes(started, findings)
        round_ = Round(started, self._clock.now(), votes)
        async with self.course.deciding:
            if self.course.holding:
                self.course.held.append(round_)
            else:
                await self._decide(round_)
        self.view.rounds += 1

    async def _decide(self, round_: Round) -> None:
        believed = self.course.believed_since
        if believed is not None and round_.started.boot < believed.boot:
            round_ = _redated_round(round_, believed)
        belief, changes = decide(self.course.belief, self._rules, round_)
        if changes:
            await self._commit(belief, changes)
        else:
            self.course.belief = self.view.belief = belief

    async def _commit(self, belief: Belief, changes: tuple[Change, ...]) -> None:
        if changes:
            sign = Sign(self.config.name, belief, self.config.sustained_after, changes)
            rows = await self._recorder.record(sign)
            self.view.last = rows[-1]
            for row in rows:
                _say(row)
        self.course.belief = self.view.belief = belief
        self.refresh()

    def refresh(self) -> None:
        """Show what is committed by now."""
        record = self._recorder.records.get(self.config.name)
        self.view.undurable = self._recorder.undurable(self.config.name)
        if record is not None:
            self.view.books = record.books
            self.view.last = record.last
        if self.view.undurable:
            self.view.last = self.view.undurable[-1]

    def sign(self) -> Sign:
        """Return what a sign of life says of this home."""
        return Sign(self.config.name, self.view.belief, self.config.sustained_after)

    # --- asking ---

    async def _ask(self, started: Instant) -> Sequence[Finding]:
        asked = (*self._voting, *self._own_references)
        if len(asked) == 1:
            return (await self._attempt(asked[0], started),)
        return await asyncio.gather(*(self._attempt(one, started) for one in asked))

    async def _attempt(self, asked: Asked, started: Instant) -> Finding:
        view = asked.view
        began = perf_counter()
        finding = await asked.probe.attempt(started, self._timeout)
        view.duration_seconds = perf_counter() - began
        view.attempts += 1
        if finding.vote is not State.ON:
            view.failures += 1
        _show(view, finding)
        return finding

    async def _votes(self, started: Instant, findings: Sequence[Finding]) -> tuple[Vote, ...]:
        """Return the votes; silence counts only while a reference, where there is one, is alive."""
        voting = findings[: len(self._voting)]
        if any(finding.silent for finding in voting) and not await self._vouched(
            started, findings[len(self._voting) :]
        ):
            voting = [_unvouched(finding) if finding.silent else finding for finding in voting]
            for asked, finding in zip(self._voting, voting, strict=True):
                _show(asked.view, finding)
        return tuple(
            Vote(asked.view.name, finding.vote, finding.detail, finding.at)
            for asked, finding in zip(self._voting, voting, strict=True)
        )

    async def _vouched(self, started: Instant, own: Sequence[Finding]) -> bool:
        """Tell whether silence can be believed."""
        if own:
            return any(finding.vote is State.ON for finding in own)
        if self.references:
            return await self.references.alive_since(started, self._timeout)
        return True

    async def close(self) -> None:
        """Give back what the probes hold."""
        for asked in (*self._voting, *self._own_references):
            await asked.probe.close()


def _say(row: Transition) -> None:
    at, cause = to_rfc3339(row.at), row.cause.value
    fields = {"home": row.home, "id": row.id, "at": at, "cause": cause}
    log.info("power is %s", row.state.value, extra={"fields": fields})


def _show(view: ProbeView, finding: Finding) -> None:
    view.finding = finding
    view.vote = finding.vote
    view.detail = finding.detail
    view.at = finding.at.wall


def _unvouched(finding: Finding) -> Finding:
    detail = f"{finding.detail}; no reference answered either"
    return replace(finding, vote=State.UNKNOWN, detail=detail, silent=False)


def _redated(moment: Instant, believed: Instant) -> Instant:
    """Date a moment by a clock that is believed now."""
    return Instant(believed.wall - (believed.boot - moment.boot), moment.boot)


def _redated_round(round_: Round, believed: Instant) -> Round:
    return Round(
        _redated(round_.started, believed),
        _redated(round_.ended, believed),
        tuple(replace(vote, at=_redated(vote.at, believed)) for vote in round_.votes),
    )
