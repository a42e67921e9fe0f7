"""The talk that every test here has: two homes, a bot, and nobody subscribed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.alerting.bot.rig import Talk


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    """Open a bot that anybody may subscribe to."""
    (tmp_path / "exporter").mkdir()
    async with Talk(tmp_path) as talk:
        yield talk
