"""The pace of one bot: fast enough for ten thousand chats, never faster than Telegram allows."""

import time
from collections import deque
from dataclasses import dataclass, field

import pytest

from alerting.pacing import MINUTE, Pace

USER, OTHER, GROUP = 1, 2, -1
PRIVATE, SHARED = False, True
STEP = 1e-3


def send(pace: Pace, chat: int, now: float, took: float = 0.0) -> None:
    """Send without asking."""
    pace.began(chat, now)
    pace.answered(chat, now + took)


def fill(pace: Pace, count: int, now: float) -> None:
    """Send that many to as many chats, without asking."""
    for chat in range(1000, 1000 + count):
        send(pace, chat, now)


def test_a_private_chat_gets_one_a_second_from_the_answer() -> None:
    """The message may have arrived as late as its answer was sent."""
    pace = Pace()
    assert pace.wait(USER, PRIVATE, 10.0) == 0
    pace.began(USER, 10.0)
    assert pace.wait(USER, PRIVATE, 10.5) == 1.0
    pace.answered(USER, 11.0)
    assert pace.wait(USER, PRIVATE, 11.25) == 0.75
    assert pace.wait(OTHER, PRIVATE, 11.25) == 0
    assert pace.wait(USER, PRIVATE, 12.0) == 0


def test_a_group_gets_twenty_a_minute_at_any_speed() -> None:
    """The twenty-first waits until the first is a minute old; topics count together."""
    pace = Pace()
    for number in range(20):
        assert pace.wait(GROUP, SHARED, number * 0.1) == 0
        send(pace, GROUP, number * 0.1)
    assert pace.wait(GROUP, SHARED, 2.0) == pytest.approx(58.0)
    assert pace.wait(GROUP, SHARED, MINUTE) == 0


def test_no_more_than_so_many_in_any_second() -> None:
    """What is under way counts, and what was answered less than a second ago."""
    pace = Pace(3, reserved=0)
    for chat in (1, 2, 3):
        assert pace.wait(chat, PRIVATE, 0.0) == 0
        pace.began(chat, 0.0)
    assert pace.wait(4, PRIVATE, 5.0) == 1.0
    pace.answered(2, 5.0)
    pace.answered(1, 5.5)
    assert pace.wait(4, PRIVATE, 5.5) == 0.5
    assert pace.wait(4, PRIVATE, 6.0) == 0


def test_while_people_talk_to_the_bot_room_is_kept_for_answers() -> None:
    """Messages take all there is when nobody does."""
    pace = Pace(10, reserved=2)
    fill(pace, 10, 0.0)
    assert pace.wait(USER, PRIVATE, 0.5) == 0.5
    assert pace.wait(USER, PRIVATE, 0.6, answer=True) == pytest.approx(0.4)
    send(pace, USER, 1.0)
    fill(pace, 7, 1.0)
    assert pace.wait(OTHER, PRIVATE, 1.5) == pytest.approx(0.5)
    assert pace.wait(OTHER, PRIVATE, 1.5, answer=True) == 0


def test_answers_keep_to_the_limits_too() -> None:
    """One who writes ten commands in a second is answered in ten."""
    pace = Pace(10, reserved=2)
    send(pace, USER, 0.0)
    assert pace.wait(USER, PRIVATE, 0.1, answer=True) == pytest.approx(0.9)
    fill(pace, 9, 0.0)
    assert pace.room(0.1, answer=True) == pytest.approx(0.9)


def test_a_pace_of_one_still_sends() -> None:
    """However much is to be kept free, one message goes out."""
    pace = Pace(1, reserved=5)
    pace.room(0.0, answer=True)
    assert pace.wait(USER, PRIVATE, 0.1) == 0


def test_one_flooded_chat_waits_alone() -> None:
    """Its 429 is its own, and a shorter pause later does not shorten it."""
    pace = Pace()
    pace.flooded(GROUP, 30, 0.0)
    pace.pause(GROUP, 5.0)
    assert pace.wait(GROUP, SHARED, 10.0) == 20.0
    assert pace.wait(USER, PRIVATE, 10.0) == 0
    pace.flooded(USER, 4, 10.0)
    assert pace.wait(OTHER, PRIVATE, 10.0) == 0
    assert pace.wait(GROUP, SHARED, 30.0) == 0


def test_two_flooded_chats_within_a_second_stop_everything() -> None:
    """The limit was the bot's: answers wait too, for the longer of the pauses."""
    pace = Pace()
    pace.flooded(USER, 7, 0.0)
    pace.flooded(USER, 7, 0.5)
    assert pace.wait(3, PRIVATE, 0.5) == 0
    pace.flooded(OTHER, 5, 1.5)
    assert pace.wait(3, PRIVATE, 1.5) == 6.0
    assert pace.room(1.5, answer=True) == 6.0
    assert pace.wait(3, PRIVATE, 7.5) == 0


def test_no_wait_is_too_short_to_pass() -> None:
    """At a clock of years, a rounding error would be waited for again and again."""
    pace = Pace()
    now = 1e9 + 0.1
    send(pace, USER, now)
    assert pace.wait(USER, PRIVATE, now + 1.0 - 1e-7) >= STEP


def test_idle_chats_are_forgotten() -> None:
    """After a minute and after its pause nothing is left of a chat."""
    pace = Pace()
    fill(pace, 100, 0.0)
    pace.pause(USER, 90.0)
    assert len(pace) == 101
    pace.room(61.0)
    assert len(pace) == 1
    pace.room(90.0)
    assert len(pace) == 0


@dataclass(slots=True)
class Rush:
    """A night on which everybody is told and some ask: how many of either kind were sent when.

    Whoever comes first is let through, an answer before a message: the worst for messages.
    """

    pace: Pace
    took: float
    messages: int = 0
    answers: int = 0
    now: float = 0.0
    asked: float = 0.0
    under_way: deque[tuple[float, int, bool]] = field(default_factory=deque)

    def tell(self, messages: int, asks_a_second: float) -> float:
        """Tell so many chats, while so many ask in a second; return when all are told."""
        while self.messages < messages:
            self._answer_those_before()
            self.asked += self._asks(asks_a_second)
            waits = [self._try(answer=True)] if self.answers < int(self.asked) else []
            waits.append(self._try(answer=False))
            if min(waits):
                self._pass(min(waits), asks_a_second)
        return self.now

    def _asks(self, asks_a_second: float) -> float:
        return max(0.0, asks_a_second * self.now - self.asked)

    def _try(self, *, answer: bool) -> float:
        chat = -1_000_000 + self.answers if answer else 1 + self.messages
        wait = self.pace.wait(chat, PRIVATE, self.now, answer=answer)
        if not wait:
            self.pace.began(chat, self.now, answer=answer)
            self.under_way.append((self.now + self.took, chat, answer))
            self.answers += answer
            self.messages += not answer
        return wait

    def _pass(self, seconds: float, asks_a_second: float) -> None:
        """Wait until something may have changed."""
        until = [self.now + seconds]
        if self.under_way:
            until.append(self.under_way[0][0])
        if asks_a_second:
            until.append(self.now + 1 / asks_a_second)
        self.now = max(min(until), self.now + 1e-6)

    def _answer_those_before(self) -> None:
        while self.under_way and self.under_way[0][0] <= self.now:
            at, chat, answer = self.under_way.popleft()
            self.pace.answered(chat, at, answer=answer)


@pytest.mark.parametrize("took", [0.0, 0.005])
def test_ten_thousand_chats_are_told_within_six_minutes(took: float) -> None:
    """28 a second: 357 s, and the pacing itself costs next to nothing."""
    began, rush = time.perf_counter(), Rush(Pace(28), took)
    assert rush.tell(10_000, 0) <= 361
    assert len(rush.pace) < 28 * 62
    assert time.perf_counter() - began < 5


def test_a_few_questions_a_second_hold_up_ten_thousand_chats_only_slightly() -> None:
    """The room that is kept for answers is theirs; what they do not use is lost."""
    rush = Rush(Pace(28), 0.005)
    assert rush.tell(10_000, 2) <= 10_000 / 26 + 5
    assert rush.answers >= 2 * rush.now - 2


@pytest.mark.parametrize("took", [0.005, 0.08, 3.0])
def test_a_crowd_that_asks_does_not_hold_up_messages(took: float) -> None:
    """However many ask, and however slow Telegram is, three of four sends tell of the outage."""
    rush = Rush(Pace(28), took)
    rush.tell(1_000, 1_000)
    assert rush.answers <= 0.27 * (rush.answers + rush.messages)
    assert rush.answers >= 0.2 * (rush.answers + rush.messages)
    assert rush.now <= 1_000 / 21 * (1 + took) + 5


def test_answers_have_all_there_is_once_messages_are_told() -> None:
    """A crowd that asks in a quiet night waits for nobody."""
    pace = Pace(28)
    assert pace.wait(USER, PRIVATE, 0.0) == 0
    for number in range(28):
        wait = pace.wait(-number - 1, PRIVATE, 1.0, answer=True)
        assert (wait == 0) == (number < 7)
        if wait == 0:
            pace.began(-number - 1, 1.0, answer=True)
            pace.answered(-number - 1, 1.0, answer=True)
    for number in range(28):
        assert pace.wait(-number - 100, PRIVATE, 2.5, answer=True) == 0
        pace.began(-number - 100, 2.5, answer=True)
    assert pace.room(2.5, answer=True) > 0
