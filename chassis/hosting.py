"""Owns a service within its process: its start, its reloads one at a time, its stop.

It knows nothing of what the service does; a process may host several.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from chassis.logs import SecretFilter
from chassis.loops import Stop
from chassis.memory import give_back
from chassis.secrets import secrets_in
from chassis.service import OneAtATime, run
from chassis.yaml_config import ConfigError, Fault

log = logging.getLogger(__name__)

SETTLED = 5.0  # seconds after which a service has all that it goes on with

Config = TypeVar("Config")
Read_co = TypeVar("Read_co", covariant=True)
Files = Sequence[Path | str]
Taken_contra = TypeVar("Taken_contra", contravariant=True)


class Loaded(Protocol[Read_co]):
    """A config that was read, and what it warns of."""

    @property
    def config(self) -> Read_co:
        """The config; every value is checked."""

    @property
    def warnings(self) -> Sequence[Fault]:
        """What is worth a look."""


def rereading(
    load: Callable[[Files], Loaded[Config]], files: Files, secrets: SecretFilter
) -> Callable[[], Config]:
    """Return what reads the config files again: it logs warnings, and hides new secrets."""

    def read() -> Config:
        loaded = load(files)
        for warning in loaded.warnings:
            log.warning("%s", warning)
        secrets.add(secrets_in(loaded.config))
        return loaded.config

    return read


class App(Protocol[Taken_contra]):
    """A service's parts put together."""

    async def start(self, stop: Stop, reload: Callable[[], Awaitable[None]]) -> None:
        """Start all parts; `reload` is what a request may ask for. Raises StartFailed."""

    async def reload(self, read: Callable[[], Awaitable[Taken_contra]]) -> None:
        """Go on with what `read` returns. Raises what went wrong, ConfigError unchanged."""

    async def stop(self) -> None:
        """End all parts, of a start that failed too."""


class Hosted(Generic[Config]):
    """One service of this process. `serve`, and `stop` however that ended."""

    def __init__(self, app: App[Config], read: Callable[[], Config]) -> None:
        """`read` reads the config files again; raises ConfigError."""
        self._app = app
        self._read = read
        self._reload = OneAtATime(self._reload_once)
        self.serving = self.failed = False

    async def serve(self, stop: Stop, ready: Callable[[], None] = lambda: None) -> None:
        """Start and run until the stop; `ready` is called between the two.

        Raises StartFailed, or what else went wrong; then nothing of it runs any more.
        """
        try:
            await self._app.start(stop, self._reload)
        except Exception:
            self.failed = True
            await self.stop()
            raise
        self.serving = True
        ready()
        if not await stop.within(SETTLED):
            give_back()
        await stop.wait()

    async def stop(self) -> None:
        """End it; reloads before, which would make parts while they are ended."""
        await self._reload.end()
        await self._app.stop()

    async def reload_on_hangup(self) -> None:
        """Reload for a SIGHUP, which can be answered in the log only."""
        if not self.serving:  # the config has only just been read; two starts at once clash
            why = "it could not start" if self.failed else "the start is still under way"
            log.warning("not reloaded: %s", why)
            return
        with contextlib.suppress(ConfigError):  # the log has it already
            await self._reload()

    async def _reload_once(self) -> None:
        await self._app.reload(lambda: asyncio.to_thread(self._read))


def host(app: App[Config], read: Callable[[], Config], ready: Callable[[], None]) -> int:
    """Be one service until the stop; return the exit code. `ready` is called once it serves."""
    service = Hosted(app, read)
    return run(
        partial(service.serve, ready=ready),
        reload=service.reload_on_hangup,
        on_stop=service.stop,
    )
