"""The rig of every test here: the exporter's web parts, with one home called flat."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.exporter.web.rig import Rig


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A served exporter with one home and no row."""
    async with Rig(tmp_path, "flat") as rig:
        yield rig
