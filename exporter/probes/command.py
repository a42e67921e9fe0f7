"""Owns the kind `command`: a program of yours that prints on, off or unknown."""

from threading import Event
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from chassis.instants import Instant
from exporter.power import State
from exporter.probes.command_run import Ended, Killed, NotStarted, Ran, run
from exporter.probes.faults import seconds, unknown
from exporter.probes.protocol import Finding, Kind, ProbeContext, ProbeSettings
from exporter.probes.threads import OneCall

_TO_BE_GONE = 0.5  # seconds in which a program that was killed is gone

Word = Annotated[str, StringConstraints(max_length=4096, pattern=r"^[^\x00]*$")]


class CommandSettings(ProbeSettings):
    """Keys of a command probe: the program and its arguments, which no shell reads."""

    kind: Literal["command"]
    command: Annotated[tuple[Word, ...], Field(min_length=1, max_length=100)]


class CommandProbe:
    """Runs the program once an attempt, in a thread that also cleans up after it."""

    def __init__(self, settings: CommandSettings, context: ProbeContext) -> None:
        self._command = settings.command
        self._clock = context.clock
        self._call: OneCall[Ran] = OneCall()

    async def attempt(self, started: Instant, timeout: float) -> Finding:
        """Run it and understand what it printed."""
        unwanted = Event()
        try:
            ran = await self._call.ask(lambda: run(self._command, timeout, unwanted), timeout)
        except TimeoutError:
            return unknown(f"did not end in {seconds(timeout)}", started)
        finally:
            unwanted.set()  # timed out or cancelled: the thread kills it
        match ran:
            case NotStarted(why):
                return unknown(f"not started: {why}", started)
            case Killed(why):
                return unknown(why, started)
            case Ended():
                return self._understood(ran, started)

    def _understood(self, ended: Ended, started: Instant) -> Finding:
        if ended.status < 0:
            return unknown(f"killed by signal {-ended.status}", started)
        if ended.status > 0:
            return unknown(f"exit status {ended.status}", started)
        match ended.output.strip():
            case b"on":
                return Finding(State.ON, "prints on", self._clock.now())
            case b"off":
                return Finding(State.OFF, "prints off", started)
            case b"unknown":
                return unknown("prints unknown", started)
        return unknown("prints neither on, off nor unknown", started)

    async def close(self) -> None:
        """Wait until a program that was killed is gone."""
        await self._call.settle(_TO_BE_GONE)


KIND = Kind(settings=CommandSettings, make=CommandProbe)
