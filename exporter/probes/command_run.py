"""Owns one run of a program, from its start to the end of all that it started.

It blocks, so it is for a thread. The program leads a session of its own: whatever is
left of its process group at the
end, be it of a timeout or of its own accord, is killed, and nothing stays a zombie.
"""

import os
import select
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event
from time import monotonic

MOST_READ = 4096  # bytes of output
_GLANCE = 0.05  # seconds between two looks at what cannot be waited for together


@dataclass(frozen=True, slots=True)
class Ended:
    """The program ended by itself; `status` is negative for a signal."""

    status: int
    output: bytes


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The program could not be started."""

    why: str


@dataclass(frozen=True, slots=True)
class Killed:
    """The program was killed: it took too long, was no longer wanted, or printed too much."""

    why: str


Ran = Ended | NotStarted | Killed


def run(command: Sequence[str], timeout: float, unwanted: Event) -> Ran:
    """Run a program for at most `timeout` seconds, or until it is unwanted."""
    try:
        program = subprocess.Popen(  # noqa: S603  the config names the program, and no shell reads it
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        return NotStarted(error.strerror or type(error).__name__)
    assert program.stdout is not None
    try:
        output = _read(program.pid, program.stdout.fileno(), timeout, unwanted)
    finally:
        # Before it is reaped: until then nobody else can have its number.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(program.pid, signal.SIGKILL)
        program.stdout.close()
        status = program.wait()
    return output if isinstance(output, Killed) else Ended(status, output)


def _read(pid: int, pipe: int, timeout: float, unwanted: Event) -> bytes | Killed:
    """Return what a program prints until it has ended, whoever holds its pipe then."""
    ends = monotonic() + timeout
    os.set_blocking(pipe, False)
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    output = b""
    at_end = ended = False
    while not ended:
        ended = _has_ended(pid)  # before reading: so all that it printed is read
        wait = 0.0 if ended else min(_GLANCE, max(0.0, ends - monotonic()))
        if at_end:
            unwanted.wait(min(wait, 0.002))
        elif poll.poll(wait * 1000):
            part = _read_some(pipe)
            at_end = part == b""
            output += part or b""
            ended = ended and not part  # there may be more
        if len(output) > MOST_READ:
            return Killed("prints too much")
        if not ended and (unwanted.is_set() or monotonic() >= ends):
            return Killed(f"did not end in {timeout:g}s")
    return output


def _read_some(pipe: int) -> bytes | None:
    """Return what there is to read, b"" at the end, None for nothing now."""
    try:
        return os.read(pipe, MOST_READ)
    except BlockingIOError:
        return None


def _has_ended(pid: int) -> bool:
    """Tell whether a child has ended, without reaping it."""
    look = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, pid, look) is not None
