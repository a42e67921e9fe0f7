"""What every test of commands stands on: a place with a config, and somebody who types there."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.commands import run_command
from tests.alerting.commands.administrator import Place, Printed, Said


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder with a config of two homes."""
    made = Place(tmp_path)
    made.configure()
    return made


@pytest.fixture
def say(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Said]:
    """Give a command in this process; logging is afterwards as it was."""
    monkeypatch.delenv("TELEGRAM_BOT_TOKEN", raising=False)
    monkeypatch.setenv("POWER_STATUS_CONFIG", str(place.config))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def give(*arguments: str) -> Printed:
        capsys.readouterr()
        code = run_command(arguments)
        return Printed(code, *capsys.readouterr())

    yield give
    root.handlers[:] = handlers
    root.setLevel(level)
