"""The pace of one bot: fast enough for ten thousand chats, never faster than Telegram allows."""

import time

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


@pytest.mark.parametrize("took", [0.0, 0.005])
def test_ten_thousand_chats_are_told_within_six_minutes(took: float) -> None:
    """28 a second: 357 s, and the pacing itself costs next to nothing."""
    pace, now, began = Pace(28), 0.0, time.perf_counter()
    answers: list[tuple[float, int]] = []
    for chat in range(1, 10_001):
        while wait := pace.wait(chat, PRIVATE, now):
            if answers and answers[0][0] <= now + wait:
                now, answered = answers.pop(0)
                pace.answered(answered, now)
            else:
                now += wait
        pace.began(chat, now)
        answers.append((now + took, chat))
    assert now <= 361
    assert len(pace) < 28 * 62
    assert time.perf_counter() - began < 5
