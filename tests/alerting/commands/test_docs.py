"""docs/commands.md, docs/telegram.md and the command line of `power-alerting` hold each other."""

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.flags import parser
from alerting.outcomes import Ambiguous, ChatGone, RetryLater, TokenRefused
from alerting.subscriber_table import COLUMNS
from alerting.trial import Told, in_words
from chassis.config_files import CONFIG_VARIABLE

DOCS = Path(__file__).resolve().parent.parent.parent.parent / "docs"
TELEGRAM = (DOCS / "telegram.md").read_text(encoding="utf-8")
SECTION = re.search(
    r"^## power-alerting\n(.*?)(?=^## |\Z)",
    (DOCS / "commands.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)
assert SECTION is not None
TEXT = SECTION[1]
ROWS = re.findall(r"^\| `(power-alerting[^`]*)` \|", TEXT, re.MULTILINE)


def parsers(
    of: argparse.ArgumentParser, name: str = "power-alerting"
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield the parsers of all that can be typed, by its words."""
    below = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    if not below or not below[0].required:
        yield name, of
    for action in below:
        for word, more in action.choices.items():
            yield from parsers(more, f"{name} {word}")


COMMANDS = dict(parsers(parser()))


def test_every_command_is_described_with_its_arguments_and_no_other() -> None:
    """In the table at the beginning."""
    there = []
    for name, command in COMMANDS.items():
        arguments = [
            f"[{action.metavar}]" if action.nargs == "?" else str(action.metavar)
            for action in command._actions
            if not action.option_strings and not isinstance(action, argparse._SubParsersAction)
        ]
        there.append(" ".join([name, *arguments]))
    assert sorted(ROWS) == sorted(there)


def test_every_flag_is_described_with_its_commands_and_no_other() -> None:
    """In the table of flags; what all commands take is of all."""
    there: dict[str, set[str]] = {}
    for name, command in COMMANDS.items():
        for action in command._actions:
            for flag in set(action.option_strings) - {"-h", "--help"}:
                there.setdefault(flag, set()).add(name.split()[-1])
    described = re.findall(r"^\| `(--[a-z-]+)[^|]*(?:\\\|[^|]*)*\| ([^|]+) \|", TEXT, re.MULTILINE)
    words = {"the service": {"power-alerting"}, "all": {name.split()[-1] for name in COMMANDS}}
    assert {
        flag: words.get(of) or set(re.findall(r"`([a-z-]+)`", of)) for flag, of in described
    } == there
    assert len(described) == len(there)


def test_what_it_says_of_tables_and_defaults_is_so() -> None:
    """The columns, and where a config is looked for."""
    assert ", ".join(COLUMNS) in " ".join(TEXT.split())
    assert f"`${CONFIG_VARIABLE}`, then `config.yaml`" in TEXT


def test_the_words_of_a_test_are_those_that_are_printed() -> None:
    """Of each row that says what to do."""
    said = [
        in_words(Told(outcome))
        for outcome in (
            TokenRefused("why"),
            ChatGone("why"),
            ChatGone("why", topic_only=True),
            RetryLater(0.0, "why"),
            Ambiguous("why"),
        )
    ]
    table = TEXT.partition("| it says | do |")[2]
    described = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert [f"{words}: why" for words in described] == said


@pytest.mark.parametrize(
    "line", sorted(set(re.findall(r"power-alerting [^`\n|)]+", TELEGRAM))), ids=str
)
def test_every_command_that_telegram_md_names_can_be_typed(line: str) -> None:
    """With its flags; what stands for an id is one."""
    words = shlex.split(line.replace("CHAT_ID", "1").replace(" ID", " 1"))[1:]
    if words == ["subscribers", "approve"]:
        words.append("1")
    parser().parse_args(words)


def test_every_command_of_the_bot_is_described() -> None:
    """Each that the bot's menu offers, and no other."""
    texts = (DOCS.parent / "alerting" / "texts" / "en.toml").read_text(encoding="utf-8")
    menu = re.search(r"^\[menu\]\n(.*?)^$", texts, re.MULTILINE | re.DOTALL)
    assert menu is not None
    offered = set(re.findall(r"^([a-z]+) =", menu[1], re.MULTILINE))
    described = set(re.findall(r"^\| `/([a-z]+)", TELEGRAM, re.MULTILINE))
    assert described == offered
