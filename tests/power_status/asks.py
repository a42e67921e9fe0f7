"""The command `power-status` in this process: its arguments, what it prints, its exit code."""

import asyncio
import json
import os
import re
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from power_status.commands import run_command
from tests.exporter.web.rig import Rig

POWER_STATUS = [sys.executable, "-m", "power_status.cli"]
TEN = 1_795_514_400_000  # 2026-11-24T12:00:00 in Kyiv, as the rig's clock stands at first


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command printed on both streams, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401  JSON
        """The JSON document that it printed."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[dict[str, str]]:
        """The lines of the table, each by the titles of its columns."""
        titles, *lines = self.out.splitlines()
        places = [match.start() for match in re.finditer(r"(?:^|(?<=  ))\S", titles)]
        cuts = list(zip(places, [*places[1:], None], strict=True))
        return [
            {titles[a:b].strip(): line[a:b].strip() for a, b in cuts}  # all of them at the left
            for line in lines
        ]


async def ask_url(
    capsys: pytest.CaptureFixture[str], url: str, *arguments: str, now: int = TEN
) -> Printed:
    """Ask whoever is at an address."""
    capsys.readouterr()
    command, *more = arguments
    code = await asyncio.to_thread(run_command, [command, "--url", url, *more], lambda: now)
    return Printed(code, *capsys.readouterr())


async def ask(capsys: pytest.CaptureFixture[str], rig: Rig, *arguments: str) -> Printed:
    """Ask the rig's exporter, by the rig's own clock."""
    return await ask_url(capsys, rig.url, *arguments, now=rig.clock.wall)


async def begin(*arguments: str, stdout: int, **env: str) -> asyncio.subprocess.Process:
    """Begin the command as a process of its own, its errors on a pipe."""
    return await asyncio.create_subprocess_exec(
        *POWER_STATUS,
        *arguments,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **env},
    )
