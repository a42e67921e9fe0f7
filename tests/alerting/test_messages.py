"""What people are told, as they read it.

The texts themselves stand in snapshots/, one file per case and language. Whoever
changes a text on purpose writes them anew with UPDATE_SNAPSHOTS=1 in the environment,
and reads the difference; where CI is set, nothing is written.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerting.incidents import Outage, OutageState
from alerting.messages import Place, Told, ToldNotice, compose, compose_test, plain
from alerting.splitting import LIMIT
from alerting.wording import LANGUAGES
from tests.alerting.message_cases import Case, at, cases, outage, told

SNAPSHOTS = Path(__file__).parent / "snapshots"
CASES = {
    f"{name}.{language}": (language, case)
    for language in LANGUAGES
    for name, case in cases(language).items()
}


def composed(language: str, case: Case) -> str:
    """Return the parts of a case's message, each under a line."""
    parts = compose(case.items, language, case.now, zone="Europe/Kyiv")
    return "".join(f"{part}\n" for part in parts)


def first_line(*items: Told | ToldNotice, now: int, language: str = "en") -> str:
    """Return what a locked phone shows of a message."""
    return plain(compose(items, language, now)[0]).split("\n")[0]


@pytest.mark.parametrize("name", CASES)
def test_messages_read_as_agreed(name: str) -> None:
    """Each case, in each language, as its snapshot has it."""
    text, file = composed(*CASES[name]), SNAPSHOTS / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS") and not os.environ.get("CI"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_no_snapshot_is_left_over() -> None:
    """A case that went takes its snapshots along."""
    assert {file.stem for file in SNAPSHOTS.iterdir()} == set(CASES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in cases("en") if "notice" not in name])
def test_the_first_line_of_an_outage_holds_mark_time_and_home(name: str, language: str) -> None:
    """A phone shows one line: the present state by its colour, when, and where."""
    case = cases(language)[name]
    mark, *words = first_line(*case.items, now=case.now, language=language).split(" ")
    assert mark in {"🔴", "🟢", "⚪"}
    assert any(word[2] == ":" and word.replace(":", "").isdigit() for word in words if word[2:])
    assert case.items[0].place is not None
    titles = [item.place.title for item in case.items if item.place is not None]
    assert any(title in " ".join(words) for title in titles)


def test_the_whole_outage_is_told_in_one_line() -> None:
    """With both times and the duration, where the chat had not heard of it."""
    case = cases("en")["whole"]
    assert "Power was off 14:02\N{EN DASH}17:22 (3 h 20 min)" in composed("en", case)


def test_an_older_outage_says_that_a_newer_one_runs() -> None:
    """It would else be read as light."""
    text = composed("en", cases("en")["back_off_again"])
    assert "off 10:00\N{EN DASH}10:30 (30 min); off again since 11:00" in text
    assert text.startswith("🔴")


def test_an_outage_that_is_over_is_not_told_as_running() -> None:
    """A message is made when it is sent, and says what is true then."""
    line = first_line(told("en", "began", outage(at("14:02"), at("17:22"))), now=at("17:30"))
    assert line == "🟢 17:22 Our flat: power is back"


def test_each_home_has_its_own_clock() -> None:
    """The same moment is another time elsewhere."""
    lisbon = Told(Place("Lisbon", "Europe/Lisbon"), outage(at("20:12")), began=True, ended=False)
    assert first_line(lisbon, now=at("20:13")).startswith("🔴 18:12 Lisbon")


def test_a_title_stays_in_its_line() -> None:
    """What follows the title is the fact."""
    odd = Told(Place("Our\n flat", "Europe/Kyiv"), outage(at("20:12")), began=True, ended=False)
    assert first_line(odd, now=at("20:13")) == "🔴 20:12 Our flat: power is out"


def test_the_newest_state_comes_first_and_the_list_is_in_order() -> None:
    """However the events arrive."""
    case = cases("en")["several_over"]
    text = plain(composed("en", case))
    assert text.startswith("🟢 17:22")
    assert text.index("10:00") < text.index("12:00") < text.index("14:02")


def test_an_alert_that_names_no_home_is_told_in_the_zone_given() -> None:
    """The relay's own, which only the caller knows."""
    notice = ToldNotice({"alertname": "Watchdog"}, {}, firing=True, starts_at=at("20:12"))
    (text,) = compose([notice], "en", at("20:13"), zone="Europe/Kyiv")
    assert text == "⚠️ 20:12 <b>Watchdog</b>"


def test_a_long_story_continues_in_the_next_message() -> None:
    """Nothing of it is lost."""
    missed = [
        told(
            "en", "began ended", outage(at("10:00") + n * 60_000, at("10:00") + n * 60_000 + 30_000)
        )
        for n in range(300)
    ]
    parts = compose(missed, "en", at("20:00"))
    assert len(parts) > 1
    assert all(len(plain(part)) <= LIMIT for part in parts)
    assert sum(part.count("•") for part in parts) == len(missed)


def test_nothing_to_tell_is_no_message() -> None:
    """An empty message would be refused."""
    assert compose([], "en", at("20:12")) == ()


def test_the_test_message_names_the_time() -> None:
    """So that its reader knows which of several it is."""
    assert "20:12" in compose_test("uk", at("20:12"), zone="Europe/Kyiv")


AHEAD_NOTE = "By the clock here this time is still to come"
WAS_AHEAD_NOTE = "By the clock here this time was still to come when it was reported"
AFTERNOON = outage(at("12:00"), at("13:00"))


def read(*whats: Outage, now: int, **more: Any) -> str:  # noqa: ANN401  as the type has them
    """Return what is read where outages are told, each by all its events."""
    items = [told("en", "began" if what.ended is None else "ended", what, **more) for what in whats]
    return plain("\n".join(compose(items, "en", now)))


def test_what_was_off_when_the_watching_began_is_not_said_to_have_been_on() -> None:
    """Nobody knows since when it was off, whatever ended before."""
    begun = outage(at("20:12"), cause="start")
    assert "on" not in read(begun, now=at("20:13"), on_since=at("16:51")).split("\n")[0].split()
    text = read(AFTERNOON, begun, now=at("20:13"), on_since=at("13:00"))
    assert "Power has been off since 20:12 or earlier." in text


def test_what_was_measured_without_power_seen_before_is_told_at_least() -> None:
    """The exporter sends a bound with its cause wherever it has one."""
    unseen = outage(at("12:00"), at("13:00"), cause="measured")
    assert "it was off at least 1 h" in read(unseen, now=at("13:01"))
    running = outage(at("20:12"), cause="measured")
    assert "had been on" not in read(running, now=at("20:13"), on_since=at("16:51"))


def test_how_long_it_had_been_on_is_a_lower_bound_where_the_start_is_not_exact() -> None:
    """To when it was last seen on; where it was not seen on since, nothing is said."""
    wide = outage(at("20:12"), start_earliest=at("17:00"))
    head = read(wide, now=at("20:13"), on_since=at("16:00")).split("\n")[0]
    assert head.endswith("it had been on at least 1 h")
    assert "it had been on" not in read(wide, now=at("20:13"), on_since=at("17:00"))
    blackout = outage(at("20:12"), cause="inferred", start_earliest=at("20:12") - 1)
    text = read(blackout, now=at("20:13"), on_since=at("17:12"))
    assert text.startswith("🔴 20:12 or later")
    assert "it had been on at least 3 h" in text
    near = outage(at("20:12"), start_earliest=at("20:11:50"))
    assert "it had been on 1 h" in read(near, now=at("20:13"), on_since=at("19:12"))


def test_how_long_it_had_been_on_is_a_lower_bound_where_the_end_before_is_not_exact() -> None:
    """Or nothing at all, where that end was dated by a clock ahead."""
    newer, back = outage(at("18:00")), at("13:00")
    for more in ({"end_earliest": at("12:10")}, {"cause": "inferred"}):
        last = replace(AFTERNOON, **more)
        text = read(last, newer, now=at("18:30"), on_since=back, before=last)
        assert "off since 18:00; before that it was on at least 5 h." in text
        text = read(newer, now=at("18:30"), on_since=back, before=last)
        assert "it had been on at least 5 h" in text
    last = replace(AFTERNOON, ahead=True)
    assert "on" not in read(newer, now=at("18:30"), on_since=back, before=last).split()


def test_an_outage_of_several_does_not_begin_later_than_it_may_have() -> None:
    """Its bounds have no line of their own there."""
    for running in (
        outage(at("18:00"), start_earliest=at("15:00")),
        outage(at("18:00"), cause="start"),
    ):
        assert "Power has been off since 18:00 or earlier." in read(
            AFTERNOON, running, now=at("18:30")
        )
        again = read(AFTERNOON, now=at("18:30"), running=running)
        assert again.split("\n")[0].endswith("off again since 18:00 or earlier")
    lost = outage(at("18:00"), start_earliest=at("15:00"), state=OutageState.SUPERSEDED)
    assert "• 18:00 or earlier: power went out;" in read(AFTERNOON, lost, now=at("18:30"))


def test_an_outage_ahead_of_the_clock_carries_its_note_in_a_list() -> None:
    """And is not said to last: what else is told may be newer."""
    text = read(AFTERNOON, outage(at("15:00"), ahead=True), now=at("14:00"))
    assert text.startswith("⚪ 13:00 Our flat: power was back, whether it is on now is not known")
    assert f"• 15:00: power went out. {AHEAD_NOTE}" in text
    over = outage(at("15:00"), at("15:30"), ahead=True)
    text = read(AFTERNOON, over, now=at("14:00"))
    assert text.startswith("🟢 13:00 Our flat: power is back")
    assert f"15:00\N{EN DASH}15:30 (30 min). {AHEAD_NOTE}" in text


def test_a_time_that_has_come_meanwhile_is_not_said_to_be_still_to_come() -> None:
    """A message may be late."""
    ahead = outage(at("15:00"), ahead=True)
    assert WAS_AHEAD_NOTE in read(ahead, now=at("15:01"))
    assert AHEAD_NOTE not in read(ahead, now=at("15:01"))
    assert "it had been on" not in read(ahead, now=at("15:01"), on_since=at("13:00"))


def test_an_end_far_ahead_of_the_clock_carries_the_note() -> None:
    """The clock was set forward while power was off; five minutes are nothing."""
    assert AHEAD_NOTE in read(AFTERNOON, now=at("12:50"))
    assert AHEAD_NOTE not in read(AFTERNOON, now=at("12:55"))


def test_what_runs_is_listed_also_where_one_ahead_of_the_clock_is_told() -> None:
    """In its place, by time."""
    running, ahead = outage(at("14:00")), outage(at("15:00"), ahead=True)
    items = [
        told("en", "ended", AFTERNOON, running=running),
        told("en", "began", ahead),
    ]
    lines = plain(compose(items, "en", at("14:10"))[0]).split("\n")
    assert lines[0] == "🔴 14:00 Our flat: power is out"
    assert lines[2] == "• Power has been off since 14:00."


def test_a_watching_that_begins_in_the_dark_does_not_tell_that_power_had_been_back() -> None:
    """It may be the same outage, which another journal began."""
    lost = outage(at("10:00"), state=OutageState.SUPERSEDED)
    text = read(lost, now=at("11:30"), running=outage(at("11:00"), cause="start"))
    assert "again" not in text
    assert "Whether it came back in between is not known." in text


def test_a_sum_is_told_of_what_is_over_exact_and_apart() -> None:
    """Of nothing else; what is nearly exact adds up to what is not."""
    outages = [outage(at(f"{hour}:00"), at(f"{hour}:10")) for hour in (10, 11, 12)]
    assert "3 outages, 30 min without power in all." in read(*outages, now=at("13:00"))
    for other in (
        outage(at("12:05"), at("12:20")),
        outage(at("12:30"), at("12:40"), ahead=True),
        outage(at("12:30"), at("12:40"), end_earliest=at("12:35")),
    ):
        assert "in all" not in read(*outages, other, now=at("13:00"))
    assert "in all" not in read(*outages, now=at("13:00"), running=outage(at("12:59")))
    near = [replace(each, start_earliest=each.since - 25_000) for each in outages]
    assert "3 outages, about 30 min without power in all." in read(*near, now=at("13:00"))


def test_how_long_what_nobody_saw_may_have_lasted_is_told_at_most() -> None:
    """A lower bound of nothing says nothing."""
    doubtful = outage(
        at("12:00"), at("13:00"), start_earliest=at("11:00"), end_earliest=at("12:00")
    )
    assert "it was off at most 2 h" in read(doubtful, now=at("13:01"))
    inferred = replace(doubtful, cause="inferred")
    assert "it was off at most 2 h" in read(inferred, now=at("13:01"))
    assert "went out between" not in read(inferred, now=at("13:01"))


def test_a_notice_whose_end_is_unknown_has_no_duration() -> None:
    """Nor the time of the message for its own."""
    over = ToldNotice({"alertname": "Low"}, {}, firing=False, starts_at=at("12:00"))
    (text,) = compose([over], "en", at("20:00"), zone="Europe/Kyiv")
    assert plain(text) == "✅ Low since 12:00: over, when it ended is not known"
