"""docs/commands.md and the command line hold each other."""

import argparse
import re
from pathlib import Path

from power_status.flags import DAYS, URL, WAIT, parser
from power_status.words import RELIABILITY

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "commands.md"
SECTION = re.search(
    r"^## power-status\n(.*?)(?=^## |\Z)",
    DOCS.read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)
assert SECTION is not None
TEXT = SECTION[1]


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands by their names."""
    found = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(found[0].choices)


def test_every_command_is_described_and_no_other() -> None:
    """In the table at the beginning."""
    described = re.findall(r"^\| `power-status ([a-z-]+)[^`]*` \|", TEXT, re.MULTILINE)
    assert described == list(commands())


def test_every_flag_is_described_and_no_other() -> None:
    """In one of the tables of flags."""
    there = {
        flag
        for command in commands().values()
        for action in command._actions
        for flag in action.option_strings
    }
    described = re.findall(r"^\| `(--[a-z-]+)", TEXT, re.MULTILINE)
    assert set(described) == there - {"-h", "--help"}
    assert len(described) == len(set(described))


def test_defaults_are_those_of_the_code() -> None:
    """The address, the days, and how long InfluxDB is waited for."""
    assert f"default `{URL}`" in TEXT
    assert f"default {DAYS}" in TEXT
    assert f"default `{WAIT}`" in TEXT


def test_every_column_of_the_reliability_table_is_described() -> None:
    """But for those that say what they are."""
    described = re.search(r"\| column \| means \|(.*)", TEXT, re.DOTALL)
    assert described is not None
    for column in RELIABILITY:
        assert column.title in described[1] or column.title in {"Home", "Period"}
