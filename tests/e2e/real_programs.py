"""Finds and starts the real programs that end-to-end tests and benchmarks stand against.

`make setup` has made a starter for each in .tools/bin (tools/programs.toml lists them); another
folder of starters can be named in $REAL_PROGRAMS. As a pytest plugin it leaves out the tests
whose programs are not there, and says so in the summary; in CI (CI=true) that is a failure.
"""

import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import IO, Any, Self

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
MARKER = "real_program"
OF_THE_MACHINE = {
    "systemd-analyze"
}  # never unpacked: what is checked is checked beside its own units
PORT_TAKEN = "address already in use"
POLL_SECONDS = 0.05
_BELOW_EPHEMERAL = range(12_000, 32_000)
_CHANCE = random.SystemRandom()
_GIVEN: set[int] = set()


class StartError(Exception):
    """A program did not become ready; the text holds the end of what it printed."""


# ---------------------------------------------------------------- finding


def starters() -> Path:
    """Return the folder that holds one starter for each real program."""
    return Path(os.environ.get("REAL_PROGRAMS") or ROOT / ".tools" / "bin")


def starter(name: str) -> Path:
    """Return what starts a program, whether it is there or not."""
    own = shutil.which(name) if name in OF_THE_MACHINE else None
    return Path(own) if own else starters() / name


def is_here(name: str) -> bool:
    """Tell whether the program can be started on this machine."""
    return os.access(starter(name), os.X_OK)


def program(name: str) -> list[str]:
    """Return how to start a program: the beginning of its argument list.

    Raises LookupError where it is not to be had.
    """
    if not is_here(name):
        raise LookupError(f"{name} is not in {starters()}: `make setup` brings it")
    return [str(starter(name))]


def needs(*names: str) -> pytest.MarkDecorator:
    """Mark a test as one that starts these programs."""
    return pytest.mark.real_program.with_args(*names)


def each(*names: str) -> list[object]:
    """Return the parameters of a test that is to run once with each of these programs."""
    return [pytest.param(name, marks=needs(name), id=name) for name in names]


# ---------------------------------------------------------------- starting


def free_port() -> int:
    """Return a loopback port that nobody listens on now.

    It is none of those that the kernel gives to the near end of a connection, none that tests
    beside these choose from, and none that was given before: a program that is down for a while,
    or that begins later, finds its port free.
    """
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    own = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = _CHANCE.choice(_BELOW_EPHEMERAL[own::count])
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _GIVEN:
                _GIVEN.add(port)
                return port


class Running:
    """A program that listens on a loopback port of its own, from readiness to the end of `with`.

    `command` returns the argument list for a port; where another took the port first, it is
    asked again with the next one. Only the process that was started here is ever signalled.
    """

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        ready: str,
        *,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        within: float = 60.0,
    ) -> None:
        """Name the program, the path that answers 200 when ready, and the seconds it may take."""
        self._command = command
        self._ready = ready
        self._cwd = cwd
        self._env = env
        self._within = within
        self._log: IO[bytes] | None = None
        self._printed = b""
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The program's address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The id of the process that was started."""
        return self._started.pid

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()
        if error is not None:
            error.add_note(f"--- what {self.url} printed last ---\n{self.output()}")

    def start(self, attempts: int = 5) -> None:
        """Start it, again after a stop too, and wait until it is ready. Raises StartError."""
        for _ in range(attempts):
            self.port = free_port()
            if self._start_once():
                return
        raise StartError(f"no free port in {attempts} attempts\n{self.output()}")

    def stop(self, within: float = 20.0) -> int | None:
        """Ask it to end, then make it; return its exit code, None if it never ran."""
        if self._process is None:
            return None
        self._process.terminate()
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it without warning, as a power cut would."""
        self._started.kill()
        return self._started.wait()

    def output(self, last: int = 20_000) -> str:
        """Return the end of what it has printed on both streams since it was last started."""
        if self._log is not None:
            self._printed = os.pread(self._log.fileno(), os.fstat(self._log.fileno()).st_size, 0)
        return self._printed[-last:].decode(errors="replace")

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise StartError("it has not been started")
        return self._process

    def _start_once(self) -> bool:
        """Return whether it became ready; False if another had its port."""
        self._launch()
        deadline = monotonic() + self._within
        while not self._answers():
            code = self._ended()
            if code is not None:
                if PORT_TAKEN in self.output().lower():
                    return False
                raise StartError(f"it ended with code {code} before ready\n{self.output()}")
            if monotonic() > deadline:
                raise StartError(f"not ready within {self._within:g} s\n{self.output()}")
        return True

    def _launch(self) -> None:
        self._close_log()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed when the program has ended
        self._process = subprocess.Popen(
            self._command(self.port),
            cwd=self._cwd,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def _end(self) -> None:
        self.stop()
        self.output()  # keeps it
        self._close_log()

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    def _answers(self) -> bool:
        with requests.Session() as session:
            session.trust_env = False  # a proxy has no business with loopback
            try:
                status = session.get(self.url + self._ready, timeout=5).status_code
            except requests.RequestException:
                return False
        return status == requests.codes.ok and self._started.poll() is None

    def _ended(self) -> int | None:
        """Return its exit code if it ends within a poll's pause, else None."""
        try:
            return self._started.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            return None


# ---------------------------------------------------------------- as a pytest plugin

_NOT_RUN = pytest.StashKey[dict[str, list[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", f"{MARKER}(name, ...): starts these real programs")
    config.stash[_NOT_RUN] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose programs are not here."""
    left_out = config.stash[_NOT_RUN]
    for item in items:
        wanted = [name for mark in item.iter_markers(MARKER) for name in mark.args]
        if missing := [name for name in wanted if not is_here(name)]:
            left_out[item.nodeid] = missing
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left_out])
        items[:] = [item for item in items if item.nodeid not in left_out]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401  pytest-xdist's, where tests run side by side
    """Hear from a worker which tests it left out: all of them leave out the same."""
    node.config.stash[_NOT_RUN].update(getattr(node, "workeroutput", {}).get(MARKER, {}))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that waits for this one; fail in CI where tests were left out."""
    left_out = session.config.stash[_NOT_RUN]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[MARKER] = left_out
    elif left_out and os.environ.get("CI") == "true":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which tests were left out, and for want of what."""
    if left_out := config.stash[_NOT_RUN]:
        wanted = ", ".join(sorted({name for names in left_out.values() for name in names}))
        terminalreporter.section("end-to-end tests not run", red=True)
        for test in left_out:
            terminalreporter.line(f"NOT RUN {test}")
        terminalreporter.line(
            f"end-to-end tests not run: {len(left_out)}, for want of {wanted} (see `make setup`)",
            red=True,
        )
