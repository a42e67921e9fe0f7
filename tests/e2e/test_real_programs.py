"""The real programs start, answer and end; what is missing is never passed over in silence."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import requests

from tests.e2e.real_programs import ROOT, Running, StartError, each, program

# ---------------------------------------------------------------- the programs themselves


def server_command(name: str, folder: Path) -> tuple[Callable[[int], Sequence[str]], str]:
    """Return how to start one of the servers with nothing to do, and its readiness path."""
    config = folder / f"{name}.yml"
    if name.startswith("prometheus"):
        config.write_text("scrape_configs: []\n")
        options = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
        return (
            lambda port: [*program(name), *options, f"--web.listen-address=127.0.0.1:{port}"],
            "/-/ready",
        )
    if name == "victoria-metrics":
        options = [f"-storageDataPath={folder / 'vm'}"]
        return (
            lambda port: [*program(name), *options, f"-httpListenAddr=127.0.0.1:{port}"],
            "/health",
        )
    config.write_text("modules: {tcp: {prober: tcp}}\n")
    return (
        lambda port: [
            *program(name),
            f"--config.file={config}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        "/-/healthy",
    )


@pytest.mark.parametrize(
    "name", each("prometheus-2", "prometheus-3", "victoria-metrics", "blackbox-exporter")
)
def test_a_server_becomes_ready_answers_and_ends(name: str, tmp_path: Path) -> None:
    """Each server comes up on a port of its own, serves metrics and ends when it is asked to."""
    command, ready = server_command(name, tmp_path)
    with Running(command, ready) as server:
        metrics = requests.get(f"{server.url}/metrics", timeout=10)
        assert metrics.status_code == 200
        assert "process_cpu_seconds_total" in metrics.text
        assert server.stop() in (0, -signal.SIGTERM)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/metrics", timeout=10)


@pytest.mark.parametrize("name", each("promtool-2", "promtool-3"))
def test_promtool_tells_a_good_config_from_a_bad_one(name: str, tmp_path: Path) -> None:
    """Both versions accept a config that is right and refuse one that is not."""
    good = tmp_path / "good.yml"
    good.write_text("scrape_configs: []\n")
    bad = tmp_path / "bad.yml"
    bad.write_text("scrape_konfigs: []\n")
    check = [*program(name), "check", "config"]
    assert subprocess.run([*check, str(good)], capture_output=True, check=False).returncode == 0
    assert subprocess.run([*check, str(bad)], capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize(
    "name,major",
    [
        pytest.param(f"{tool}-{major}", major, marks=pytest.mark.real_program(f"{tool}-{major}"))
        for tool in ("prometheus", "promtool")
        for major in (2, 3)
    ],
)
def test_a_program_is_of_the_version_that_its_name_says(name: str, major: int) -> None:
    """The `-2` programs are of Prometheus 2, the `-3` ones of Prometheus 3."""
    done = subprocess.run([*program(name), "--version"], capture_output=True, text=True, check=True)
    assert f", version {major}." in done.stdout + done.stderr


# ---------------------------------------------------------------- Running

HTTP_SERVER = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Listen on a port, as another program would."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_another_took_is_given_up_for_the_next(taken_port: int) -> None:
    """A program that found its port taken is started again on another one."""
    asked: list[int] = []

    def command(port: int) -> list[str]:
        asked.append(port)
        return [*HTTP_SERVER, str(taken_port if len(asked) == 1 else port)]

    with Running(command, "/") as server:
        assert len(asked) == 2
        assert server.port == asked[1]
        assert requests.get(server.url, timeout=10).status_code == 200


def test_a_program_that_dies_is_quoted() -> None:
    """A start that fails says how it ended and what was printed."""
    dying = [sys.executable, "-c", "import sys; sys.exit('no such luck')"]
    with (
        pytest.raises(StartError, match=r"code 1 (?s:.)*no such luck"),
        Running(lambda _: dying, "/"),
    ):
        pytest.fail("it became ready")


def test_a_program_that_never_gets_ready_is_ended() -> None:
    """A start that takes too long fails, and leaves no process behind."""
    sleeper = [sys.executable, "-c", "import signal; signal.pause()"]
    slow = Running(lambda _: sleeper, "/", within=0.2)
    with pytest.raises(StartError, match=r"not ready within 0\.2 s"), slow:
        pytest.fail("it became ready")
    with pytest.raises(ProcessLookupError):
        os.kill(slow.pid, 0)


def test_a_program_that_will_not_end_is_killed() -> None:
    """A program that ignores the request to end is made to."""
    code = (
        "import signal, sys, http.server as h;"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "h.HTTPServer(('127.0.0.1', int(sys.argv[1])), h.SimpleHTTPRequestHandler).serve_forever()"
    )
    with Running(lambda port: [sys.executable, "-c", code, str(port)], "/") as stubborn:
        assert stubborn.stop(within=0.2) == -signal.SIGKILL


def test_a_failing_test_is_told_what_the_program_printed() -> None:
    """What the program printed is added to the error that ends the test."""
    with (
        pytest.raises(ZeroDivisionError) as caught,
        Running(lambda port: [*HTTP_SERVER, str(port)], "/?hello"),
    ):
        raise ZeroDivisionError
    assert any("GET /?hello" in note for note in caught.value.__notes__)


# ---------------------------------------------------------------- the plugin


SIDE_BY_SIDE = pytest.mark.parametrize("more", [(), ("-n", "2")], ids=["alone", "side by side"])


def run_pytest_without_programs(
    folder: Path, ci: str, *more: str
) -> subprocess.CompletedProcess[str]:
    """Run two tests, one of which wants a program that is not to be had."""
    (folder / "test_two.py").write_text(
        textwrap.dedent(
            """
            import pytest

            @pytest.mark.real_program("unobtainium")
            def test_real():
                raise AssertionError("it ran")

            def test_other():
                pass
            """
        )
    )
    arguments = ["-p", "tests.e2e.real_programs", "-p", "no:cacheprovider", "--rootdir", "."]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, *more, "-c", os.devnull, "test_two.py"],
        cwd=folder,
        env=os.environ | {"CI": ci, "REAL_PROGRAMS": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@SIDE_BY_SIDE
def test_a_missing_program_is_reported_as_not_run(tmp_path: Path, more: tuple[str, ...]) -> None:
    """Outside CI the rest is run, and the summary names what was not."""
    done = run_pytest_without_programs(tmp_path, "", *more)
    assert done.returncode == 0, done.stdout
    assert "NOT RUN test_two.py::test_real" in done.stdout
    assert "end-to-end tests not run: 1, for want of unobtainium" in done.stdout
    assert "1 passed" in done.stdout


@SIDE_BY_SIDE
def test_a_missing_program_fails_in_ci(tmp_path: Path, more: tuple[str, ...]) -> None:
    """In CI a test that was not run is a failure."""
    done = run_pytest_without_programs(tmp_path, "true", *more)
    assert done.returncode == 1, done.stdout
    assert "end-to-end tests not run: 1, for want of unobtainium" in done.stdout
