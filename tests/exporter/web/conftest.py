"""The rig of every test here: one home called flat, unless the test adds more."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.exporter.web.rig import Rig


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A served exporter with one home and no row."""
    async with Rig(tmp_path, "flat") as rig:
        yield rig
