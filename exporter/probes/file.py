"""Owns the kind `file`: what another program writes into a file.

The file may lie on a network disk that hangs, so it is read in a thread.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from chassis.instants import Instant
from chassis.yaml_config import ConfigPath
from exporter.power import State
from exporter.probes.faults import seconds, unknown, worded
from exporter.probes.protocol import Finding, Kind, ProbeContext, ProbeSettings
from exporter.probes.threads import OneCall

MOST_READ = 64 * 1024  # bytes; what is longer equals neither


class FileSettings(ProbeSettings):
    """Keys of a file probe: at least one of `on` and `off`, compared with the stripped content."""

    kind: Literal["file"]
    path: ConfigPath
    on: str | None = Field(default=None, max_length=4096)
    off: str | None = Field(default=None, max_length=4096)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.on is None and self.off is None:
            raise ValueError("must say what the file holds when power is on, or off, or both")
        if self.on is not None and self.off is not None and self.on.strip() == self.off.strip():
            raise ValueError("on and off must differ")
        return self


class FileProbe:
    """Reads the file once an attempt; a read that hangs is the only one under way."""

    def __init__(self, settings: FileSettings, context: ProbeContext) -> None:
        self._path = settings.path
        self._on = None if settings.on is None else settings.on.strip()
        self._off = None if settings.off is None else settings.off.strip()
        self._clock = context.clock
        self._read: OneCall[str] = OneCall()

    async def attempt(self, started: Instant, timeout: float) -> Finding:
        """Read and compare."""
        try:
            content = await self._read.ask(lambda: read_start(self._path), timeout)
        except TimeoutError:
            return unknown(f"not read in {seconds(timeout)}", started)
        except (OSError, UnicodeDecodeError) as error:
            return unknown(_unread(error), started)
        return self._found(content.strip(), started)

    def _found(self, content: str, started: Instant) -> Finding:
        if self._on is not None and content == self._on:
            return Finding(State.ON, "says on", self._clock.now())
        if content == self._off or self._off is None:
            return Finding(State.OFF, "says off", started)
        return unknown("says neither on nor off", started)

    async def close(self) -> None:
        """Nothing is held: a read that hangs ends with the process."""


def read_start(path: Path) -> str:
    """Return the start of a file as text, at most 64 KiB of it."""
    with path.open("rb") as file:
        return file.read(MOST_READ).decode()


def _unread(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "cannot be read: not text"
    return f"cannot be read: {error.strerror or worded(error)}"


KIND = Kind(settings=FileSettings, make=FileProbe)
