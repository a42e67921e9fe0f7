"""The languages say the same things, and say them as their speakers do."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel import Locale

from alerting.splitting import plain, split
from alerting.wording import LANGUAGES, Html, escaped, lines, wording

ALERTING = Path(__file__).resolve().parents[2] / "alerting"
CATEGORIES = {"zero", "one", "two", "few", "many", "other"}
MARKUP = {"b", "/b"}
MENU_DESCRIPTION = 256  # Telegram's limit
BUTTON = 64


def placeholders(template: str) -> set[str]:
    """Return the names that a template has filled in."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def meanings(language: str) -> dict[str, set[str]]:
    """Return each key with its placeholders; the forms of a plural are one key."""
    found: dict[str, set[str]] = {}
    for key, template in wording(language).templates.items():
        parent, _, category = key.rpartition(".")
        name = parent if key.startswith("count.") and category in CATEGORIES else key
        found[name] = found.get(name, set()) | placeholders(template)
    return found


def calls() -> Iterator[tuple[str, str, set[str]]]:
    """Yield each `say` and `count` of the relay that names its key: where, key, placeholders."""
    for file in sorted(ALERTING.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            key = node.args[0] if node.args else None
            if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                continue
            place = f"{file.name}:{node.lineno}"
            if node.func.attr == "say" and all(word.arg for word in node.keywords):
                yield place, key.value, {str(word.arg) for word in node.keywords}
            if node.func.attr == "count" and key.value.startswith("count."):
                yield place, key.value, {"n"}


def test_the_languages_hold_the_same_texts_with_the_same_placeholders() -> None:
    """Nobody is told less for the language they read."""
    assert meanings("uk") == meanings("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_counted_nouns_have_all_forms_of_their_language(language: str) -> None:
    """And no form that is never used."""
    words = wording(language)
    wanted = set(words.plural.tags) | {"other"}
    forms: dict[str, set[str]] = {}
    for key in words.templates:
        if key.startswith("count."):
            forms.setdefault(key.rpartition(".")[0], set()).add(key.rpartition(".")[2])
    assert forms
    assert all(found == wanted for found in forms.values()), forms


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_and_months_are_those_of_unicode(language: str) -> None:
    """They stand with our texts to spare the memory of Babel's; they must not differ from them."""
    words, locale = wording(language), Locale(language)
    assert words.plural.rules == locale.plural_form.rules
    width = "wide" if language == "uk" else "abbreviated"  # 23 листопада, 23 Nov
    months = locale.months["format"][width]
    assert [words.say(f"month.{n}") for n in range(1, 13)] == [months[n] for n in range(1, 13)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", sorted(wording("en").templates))
def test_texts_are_markup_that_telegram_takes(language: str, key: str) -> None:
    """Bold, closed where it was opened; no stray sign that would be read as markup."""
    template = wording(language).templates.get(key, "")
    tags = [tag.split(">")[0] for tag in template.split("<")[1:]]
    assert set(tags) <= MARKUP
    assert tags == ["b", "/b"] * (len(tags) // 2)
    assert "&" not in template
    assert template == template.strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_menu_and_buttons_are_short_and_plain(language: str) -> None:
    """Telegram shows no markup there."""
    for key, text in wording(language).templates.items():
        if key.startswith("menu.") or key in {"request.approve", "request.deny"}:
            assert len(text) <= (MENU_DESCRIPTION if key.startswith("menu.") else BUTTON)
            assert text == plain(text)


def test_the_relay_asks_for_texts_that_exist_with_their_placeholders() -> None:
    """A misspelt key would be found by a reader else."""
    known = meanings("en")
    wrong = [call for call in calls() if known.get(call[1]) != call[2]]
    assert wrong == []
    assert list(calls())


@pytest.mark.parametrize(
    "number,said",
    [
        (1, "1 відключення"),
        (2, "2 відключення"),
        (5, "5 відключень"),
        (11, "11 відключень"),
        (21, "21 відключення"),
        (112, "112 відключень"),
    ],
)
def test_ukrainian_counts_as_it_is_spoken(number: int, said: str) -> None:
    """By the last digits."""
    assert wording("uk").count("count.outages", number) == said


def test_english_counts_in_two_forms() -> None:
    """Nought is many."""
    counted = [wording("en").count("count.days", number) for number in (0, 1, 2)]
    assert counted == ["0 days", "1 day", "2 days"]


def test_values_are_escaped_once() -> None:
    """Whatever people name their homes, it is no markup; what was said already stays as it is."""
    words = wording("en")
    assert words.say("outage.title", title="<b> & 'co'") == "<b>&lt;b&gt; &amp; 'co'</b>"
    assert words.say("outage.title", title=Html("a &amp; b")) == "<b>a &amp; b</b>"
    assert escaped(escaped("<")) == "&lt;"


def test_a_placeholder_of_a_value_is_not_filled_in() -> None:
    """A title is text, also where it looks like a template."""
    assert wording("en").say("outage.title", title="{time}") == "<b>{time}</b>"


def test_names_are_listed_as_in_a_sentence() -> None:
    """None, one, or several."""
    words = wording("en")
    listed = [words.listing(names) for names in ([], ["A"], ["A", "B"], ["A", "<", "C"])]
    assert listed == ["", "A", "A and B", "A, &lt; and C"]
    assert wording("uk").listing(["А", "Б", "В"]) == "А, Б та В"  # noqa: RUF001  Cyrillic on purpose


def test_a_language_without_texts_reads_english() -> None:
    """A row that someone imported must not keep others from their messages."""
    assert wording("xx").language == "en"


def test_lines_stay_whole() -> None:
    """They are html already."""
    assert lines([Html("<b>a</b>"), Html("b")]) == "<b>a</b>\nb"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_fits_one_message(language: str) -> None:
    """Also the longest, the help."""
    assert all(len(split(text)) == 1 for text in wording(language).templates.values())
