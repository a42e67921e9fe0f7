"""A pace against random sends, answers, floods and clocks: no arrival breaks a limit."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alerting.pacing import Pace

PER_SECOND, RESERVED, GROUP_SENDS = 5, 2, 20
BESIDE = {False: 3, True: 2}  # messages, answers: while the other kind is asked for
PRIVATE = False
CHATS = st.sampled_from([1, 2, 3, 4, 5, 6, 7, -1, -2])
# Sums of quarters are exact: the model compares to the moment.
QUARTERS = st.integers(0, 12).map(lambda quarters: quarters / 4)
PAUSES = st.integers(1, 200).map(lambda quarters: quarters / 4)


@dataclass
class Sending:
    """One send: it arrived at some moment between the two."""

    chat: int
    began: float
    answered: float | None = None
    answer: bool = False

    def counts(self, now: float, window: float) -> bool:
        """Tell whether an arrival within the window before now is possible."""
        return self.answered is None or now < self.answered + window


class PaceMachine(RuleBasedStateMachine):
    """The model remembers every send for ever, and counts them all each time."""

    def __init__(self) -> None:
        super().__init__()
        self.pace = Pace(PER_SECOND, RESERVED)
        self.now = 1000.0
        self.sends: list[Sending] = []
        self.paused: dict[int, float] = {}
        self.all_paused = 0.0
        self.floods: list[tuple[float, int]] = []
        self.asked = {False: -100.0, True: -100.0}

    def may_send(self, chat: int, now: float, *, answer: bool) -> bool:
        """Judge by the limits alone, with nothing more being answered until `now`."""
        here = [one for one in self.sends if one.chat == chat]
        most, window = (GROUP_SENDS, 60.0) if chat < 0 else (1, 1.0)
        alike = [one for one in self.sends if one.answer == answer]
        alone = now >= self.asked[not answer] + 2.0
        return (
            now >= self.all_paused
            and now >= self.paused.get(chat, 0.0)
            and sum(one.counts(now, 1.0) for one in self.sends) < PER_SECOND
            and (alone or sum(one.counts(now, 1.0) for one in alike) < BESIDE[answer])
            and sum(one.counts(now, window) for one in here) < most
        )

    @rule(chat=CHATS, answer=st.booleans())
    def it_is_sent_if_it_may_be(self, chat: int, answer: bool) -> None:  # noqa: FBT001
        self.asked[answer] = self.now
        wait = self.pace.wait(chat, chat < 0, self.now, answer=answer)
        assert (wait == 0) == self.may_send(chat, self.now, answer=answer)
        if wait == 0:
            self.pace.began(chat, self.now, answer=answer)
            self.sends.append(Sending(chat, self.now, answer=answer))

    @rule(chat=CHATS, answer=st.booleans())
    def no_wait_is_too_long(self, chat: int, answer: bool) -> None:  # noqa: FBT001
        """Before it is over nothing may be sent, were all that is under way answered now."""
        self.asked[answer] = self.now
        wait = self.pace.wait(chat, chat < 0, self.now, answer=answer)
        if wait == 0:
            return
        pending = [one for one in self.sends if one.answered is None]
        for one in pending:
            one.answered = self.now
        assert not self.may_send(chat, self.now + wait - 0.125, answer=answer)
        if not pending:
            assert self.may_send(chat, self.now + wait, answer=answer)
        for one in pending:
            one.answered = None

    @rule(seconds=QUARTERS)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: any(one.answered is None for one in self.sends))
    @rule(data=st.data())
    def a_send_is_answered(self, data: st.DataObject) -> None:
        pending = [one for one in self.sends if one.answered is None]
        one = data.draw(st.sampled_from(pending))
        one.answered = self.now
        self.pace.answered(one.chat, self.now, answer=one.answer)

    @rule(chat=CHATS, seconds=PAUSES)
    def a_send_is_flooded(self, chat: int, seconds: float) -> None:
        self.pace.flooded(chat, seconds, self.now)
        self.paused[chat] = max(self.now + seconds, self.paused.get(chat, 0.0))
        if self.floods:
            last, where = self.floods[-1]
            if where != chat and self.now - last <= 1:
                both = max(self.now + seconds, self.paused[where])
                self.all_paused = max(self.all_paused, both)
        self.floods.append((self.now, chat))

    @rule()
    def all_is_quiet_for_long(self) -> None:
        """Nothing is left of what has ended; the next message goes out at once."""
        for one in self.sends:
            if one.answered is None:
                one.answered = self.now
                self.pace.answered(one.chat, self.now, answer=one.answer)
        self.now += 120
        self.asked[False] = self.now
        assert self.pace.wait(1, PRIVATE, self.now) == 0
        assert len(self.pace) == 0

    @invariant()
    def no_second_holds_too_many_whenever_they_arrived(self) -> None:
        """Were each to arrive as late as it can, or as early, in whatever combination."""
        for one in self.sends:
            at = one.began
            before = [each for each in self.sends if each.began <= at and each.counts(at, 1.0)]
            assert len(before) <= PER_SECOND
            messages = [each for each in before if each.chat == one.chat]
            assert one.chat < 0 or len(messages) == 1


PaceMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestPace = PaceMachine.TestCase
