"""What people are told, as they read it.

The texts themselves stand in snapshots/, one file per case and language. Whoever
changes a text on purpose writes them anew with UPDATE_SNAPSHOTS=1 in the environment,
and reads the difference; where CI is set, nothing is written.
"""

import os
from pathlib import Path

import pytest

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
