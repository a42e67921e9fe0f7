"""How a kind of probe is held to its promises: each test_<kind>.py names its case PROMISES."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.exporter.probes.rig import World

Keys = Mapping[str, object]
Ready = Callable[[World, AsyncExitStack, Path], Awaitable[Keys]]
"""Gets the surroundings of a probe ready (in a folder, closed with the stack); returns its keys."""


@dataclass(frozen=True)
class Case:
    """What a kind needs to be on, and to wait in vain (None: it never waits).

    `sure` is False where even so it may not be on; `not_run` says why it cannot be
    tried on this machine.
    """

    answered: Ready
    hanging: Ready | None = None
    sure: bool = True
    not_run: str | None = None


def fixed(**keys: object) -> Ready:
    """Return keys that need nothing around them."""

    async def ready(_w: World, _stack: AsyncExitStack, _folder: Path) -> Keys:
        return keys

    return ready
