"""The command `power-exporter`: what it prints, how it ends, what it says when it cannot start."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
import requests

from tests.e2e.commands import ended, power_exporter, power_exporter_begun
from tests.e2e.exporters import file_home, wait_for
from tests.e2e.plug import Plug, plug_home, tcp_probe
from tests.e2e.real_programs import free_port
from tests.e2e.servers import influx_settings
from tests.e2e.services import Service

FINE, FAILED, WRONG = 0, 1, 2
STOP_WITHIN = 2.0  # seconds, by the contract
HOMES = "homes:\n  - {name: flat, probes: [{kind: host}]}\n"
FAULTY = "homes:\n  - {name: flat, probes: [{kind: tcp, address: a, port: none}]}\n"
EXPORTER = "exporter:\n  listen: 127.0.0.1:{port}\n"
PAGE = re.compile(r"^The page is on (http://127\.0\.0\.1:\d+/)$", re.MULTILINE)


def write(folder: Path, name: str, text: str) -> str:
    """Write a file; return its name."""
    (folder / name).write_text(text, encoding="utf-8")
    return name


# ---------------------------------------------------------------- words


def test_help_names_every_flag_and_the_exit_codes(tmp_path: Path) -> None:
    """A stranger learns from --help how to start, check and stop it."""
    done = power_exporter("--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (FINE, "")
    flat = " ".join(done.stdout.split())
    for word in (
        "usage: power-exporter",
        "--config FILE",
        "--check-config",
        "--log-level",
        "--version",
        "backfill",
        "POWER_STATUS_CONFIG",
        "SIGHUP",
        "Exit codes: 0 fine, 1 a failure while running, 2 a wrong command line or config",
    ):
        assert word in flat


def test_version_is_one_line(tmp_path: Path) -> None:
    """The name and the version, on standard output."""
    done = power_exporter("--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (FINE, "")
    assert re.fullmatch(r"power-exporter \d+\.\d+\.\d+\S*\n", done.stdout)


def test_the_installed_command_is_the_same(tmp_path: Path) -> None:
    """`power-exporter` stands beside the interpreter that it was installed for."""
    command = [str(Path(sys.executable).with_name("power-exporter")), "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == power_exporter("--version", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    "arguments,fault",
    [
        (["--nonsense"], "--nonsense"),
        (["stray"], "stray"),
        (["--config"], "--config"),
        (["--log-level", "loud"], "loud"),
        (["backfill"], "sink"),
        (["backfill", "mysql"], "mysql"),
    ],
)
def test_a_wrong_command_line_is_2(tmp_path: Path, arguments: list[str], fault: str) -> None:
    """Usage and what is wrong go to standard error."""
    write(tmp_path, "config.yaml", HOMES)
    done = power_exporter(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (WRONG, "")
    assert done.stderr.startswith("usage: power-exporter")
    assert fault in done.stderr.splitlines()[-1]


# ---------------------------------------------------------------- --check-config


def test_a_good_config_is_ok_and_nothing_is_touched(tmp_path: Path) -> None:
    """`FILE: ok`, with the file as given; no data folder is made."""
    write(tmp_path, "config.yaml", HOMES)
    done = power_exporter("--check-config", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (FINE, "config.yaml: ok\n", "")
    path = str(tmp_path / "config.yaml")
    assert (
        power_exporter("--config", path, "--check-config", cwd=tmp_path).stdout == f"{path}: ok\n"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["config.yaml"]


def test_each_of_two_good_files_is_ok(tmp_path: Path) -> None:
    """Sections may stand in files of their own."""
    write(tmp_path, "homes.yaml", HOMES)
    write(tmp_path, "exporter.yaml", EXPORTER.format(port=1))
    files = ("--config", "homes.yaml", "--config", "./exporter.yaml")
    done = power_exporter(*files, "--check-config", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (FINE, "homes.yaml: ok\n./exporter.yaml: ok\n")


def test_every_fault_of_two_files_is_a_line_on_standard_output(tmp_path: Path) -> None:
    """`FILE:LINE: path: what is wrong`; a section that stands twice blames the second file."""
    write(tmp_path, "one.yaml", FAULTY)
    write(tmp_path, "two.yaml", "exporter:\n  listen: nowhere\n  colour: red\nhomes: []\n")
    files = ("--config", "one.yaml", "--config", "two.yaml")
    done = power_exporter(*files, "--check-config", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (WRONG, "")
    found = [line.split(": ")[:2] for line in done.stdout.splitlines()]
    assert ["one.yaml:2", "homes[0].probes[0].port"] in found
    assert ["two.yaml:2", "exporter.listen"] in found
    assert ["two.yaml:3", "exporter.colour"] in found
    assert ["two.yaml:4", "homes"] in found


def test_warnings_go_to_standard_error(tmp_path: Path) -> None:
    """A secret that everybody can read is no fault."""
    settings = influx_settings(tmp_path, "http://127.0.0.1:8086")
    (tmp_path / "influx_token").chmod(0o644)
    write(tmp_path, "config.yaml", f"{HOMES}exporter:\n{settings}\n")
    done = power_exporter("--check-config", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (FINE, "config.yaml: ok\n")
    assert "exporter.influxdb.token_file" in done.stderr
    assert "influx-token" not in done.stderr


def test_a_config_is_checked_while_the_exporter_runs(tmp_path: Path) -> None:
    """It opens neither the port nor the journal."""
    (tmp_path / "meter").write_text("on", encoding="ascii")
    with Service(tmp_path, file_home(tmp_path / "meter")):
        done = power_exporter("--check-config", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (FINE, "config.yaml: ok\n")


# ---------------------------------------------------------------- which config


def test_the_environment_names_the_config(tmp_path: Path) -> None:
    """$POWER_STATUS_CONFIG is the default, an empty one is none, and --config wins."""
    write(tmp_path, "mine.yaml", HOMES)
    env = {"POWER_STATUS_CONFIG": "mine.yaml"}
    done = power_exporter("--check-config", cwd=tmp_path, env=env)
    assert (done.returncode, done.stdout) == (FINE, "mine.yaml: ok\n")
    other = write(tmp_path, "other.yaml", HOMES)
    done = power_exporter("--config", other, "--check-config", cwd=tmp_path, env=env)
    assert done.stdout == "other.yaml: ok\n"
    done = power_exporter("--check-config", cwd=tmp_path, env={"POWER_STATUS_CONFIG": ""})
    assert done.stdout.startswith("config.yaml:")


@pytest.mark.parametrize("check", [[], ["--check-config"]])
def test_a_missing_config_is_2_and_named(tmp_path: Path, check: list[str]) -> None:
    """On standard output when it was to be checked, else on standard error."""
    done = power_exporter("--config", "none.yaml", *check, cwd=tmp_path)
    assert done.returncode == WRONG
    said, silent = (done.stdout, done.stderr) if check else (done.stderr, done.stdout)
    assert re.fullmatch(r"none\.yaml:1: .*No such file or directory\n", said)
    assert silent == ""


def test_a_faulty_config_does_not_start(tmp_path: Path) -> None:
    """The faults are on standard error; the data folder is not made."""
    write(tmp_path, "config.yaml", FAULTY)
    done = power_exporter(cwd=tmp_path)
    assert (done.returncode, done.stdout) == (WRONG, "")
    assert done.stderr.startswith("config.yaml:2: homes[0].probes[0].port: ")
    assert not (tmp_path / "data").exists()


def test_sections_in_two_files_run(tmp_path: Path) -> None:
    """Relative paths are those of the file that holds their section."""
    (tmp_path / "etc").mkdir()
    write(tmp_path, "homes.yaml", HOMES)
    settings = EXPORTER.format(port=0) + "  data_dir: state\n"
    write(tmp_path, "etc/exporter.yaml", settings)
    files = ("--config", "homes.yaml", "--config", "etc/exporter.yaml")
    with running(*files, cwd=tmp_path) as (process, url):
        assert requests.get(url, timeout=10).ok
        process.terminate()
        assert ended(process)[0] == FINE
    assert (tmp_path / "etc" / "state" / "exporter.db").is_file()


# ---------------------------------------------------------------- what keeps it from starting


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start it, and read the page's address as a user does; the rest of its words are on pipes."""
    with power_exporter_begun(*arguments, cwd=cwd) as process:
        assert process.stdout is not None
        found = PAGE.match(process.stdout.readline())
        assert found is not None, ended(process)
        yield process, found[1]


def fails_to_start(folder: Path) -> str:
    """Start it where it cannot; return the one line that says why."""
    done = power_exporter(cwd=folder)
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "Traceback" not in done.stderr
    critical = [line for line in done.stderr.splitlines() if "level=critical" in line]
    assert len(critical) == 1, done.stderr
    return critical[0]


def test_a_port_in_use_is_1_and_one_line(tmp_path: Path) -> None:
    """The address is named; there is no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        write(tmp_path, "config.yaml", HOMES + EXPORTER.format(port=port))
        why = fails_to_start(tmp_path)
    assert f"127.0.0.1:{port}" in why
    assert "in use" in why


def test_a_file_in_place_of_the_data_folder_is_1_and_says_so(tmp_path: Path) -> None:
    """A journal that cannot be opened for writing is no reason to run without one."""
    write(tmp_path, "config.yaml", HOMES + EXPORTER.format(port=0))
    write(tmp_path, "data", "not a folder")
    why = fails_to_start(tmp_path)
    assert "data: cannot be opened for writing" in why


def test_a_second_exporter_is_1_and_the_first_goes_on(tmp_path: Path) -> None:
    """One journal has one writer."""
    write(tmp_path, "config.yaml", HOMES + EXPORTER.format(port=0))
    with running(cwd=tmp_path) as (_, url):
        assert "another exporter uses this folder" in fails_to_start(tmp_path)
        assert requests.get(url + "-/healthy", timeout=10).ok


def test_a_missing_certificate_keeps_it_from_starting(tmp_path: Path) -> None:
    """What cannot be served as asked for is not served otherwise."""
    write(tmp_path, "web.yml", "tls_server_config: {cert_file: none.pem, key_file: none.key}\n")
    settings = EXPORTER.format(port=0) + "  web_config_file: web.yml\n"
    write(tmp_path, "config.yaml", HOMES + settings)
    done = power_exporter(cwd=tmp_path)
    assert done.returncode in (FAILED, WRONG)
    assert done.stdout == ""
    assert "none.pem" in done.stderr
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------- how it ends


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a config that works."""
    write(tmp_path, "config.yaml", HOMES + EXPORTER.format(port=0))
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_within_two_seconds_with_0(folder: Path, number: signal.Signals) -> None:
    """Without a traceback, and with a clean stop in the journal."""
    with running(cwd=folder) as (process, _):
        code, _, err = ended_by(process, number)
    assert code == FINE
    assert "Traceback" not in err
    assert "level=error" not in err


def ended_by(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    """Send a signal; return how it ended, which must be within the contract's two seconds."""
    begun = monotonic()
    process.send_signal(number)
    how = ended(process)
    assert monotonic() - begun < STOP_WITHIN
    return how


def test_nothing_that_hangs_delays_its_end(tmp_path: Path) -> None:
    """A probe under way, a sink that does not answer and an open event stream are left alone."""
    with socket.create_server(("127.0.0.1", 0)) as silent, Plug() as plug:
        plug.power_off()
        sink = influx_settings(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
        sink = sink.replace("timeout: 2s", "timeout: 30s")
        home = plug_home("shed", tcp_probe(plug)).replace("timeout: 150ms", "timeout: 30s")
        home = home.replace("unknown_after: 2s", "unknown_after: 2m")
        config = f"{HOMES}{home}\n{EXPORTER.format(port=0)}{sink}\n"
        write(tmp_path, "config.yaml", config)
        with running(cwd=tmp_path) as (process, url):
            silent.settimeout(20)
            connection, _ = silent.accept()  # the write is under way
            with connection, requests.get(url + "api/v1/events", stream=True, timeout=10):
                code, _, err = ended_by(process, signal.SIGTERM)
    assert code == FINE
    assert "Traceback" not in err


@pytest.mark.parametrize("library", ["_asyncio", "pydantic_core", "_sqlite3"])
def test_ctrl_c_during_the_start_ends_it_without_a_traceback(folder: Path, library: str) -> None:
    """While it still loads what it needs: it ends at once, in silence."""
    with power_exporter_begun(cwd=folder) as process:
        wait_for(lambda: library in Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8"))
        _, _, err = ended_by(process, signal.SIGINT)
    assert "Traceback" not in err


def test_sighup_does_not_end_it(folder: Path) -> None:
    """A terminal that closes, or `systemctl reload`, makes it read its config."""
    with running(cwd=folder) as (process, url):
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any("the config was reloaded" in line for line in lines)
        assert requests.get(url + "-/healthy", timeout=10).ok


def test_sighup_during_the_start_is_ignored(folder: Path) -> None:
    """The config has only just been read, and two starts at once would watch homes twice."""
    (folder / "data").mkdir()
    lock = folder / "data" / "exporter.lock"
    os.mkfifo(lock)  # the start stands still where it opens this, until somebody reads it
    with power_exporter_begun(cwd=folder) as process:
        wait_for(lambda: catches(process.pid, signal.SIGHUP))
        process.send_signal(signal.SIGHUP)
        reader = os.open(lock, os.O_RDONLY | os.O_NONBLOCK)
        assert process.stdout is not None
        assert PAGE.match(process.stdout.readline())
        code, _, err = ended_by(process, signal.SIGTERM)
        os.close(reader)
    assert code == FINE
    assert "not reloaded: the start is still under way" in err
    assert "the config was reloaded" not in err


def catches(pid: int, number: signal.Signals) -> bool:
    """Tell whether a process has a handler for a signal."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (caught,) = re.findall(r"^SigCgt:\s+([0-9a-f]+)$", status, re.MULTILINE)
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_a_second_ctrl_c_ends_it_at_once(folder: Path) -> None:
    """Who asks twice is not kept waiting; the code is 0 or 1."""
    with running(cwd=folder) as (process, _):
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        code, _, err = ended(process)
    assert code in (FINE, FAILED)
    assert "Traceback" not in err


def test_standard_output_may_be_closed(folder: Path) -> None:
    """Nobody who reads it, or no room for it: to print the address is not what it is for."""
    port = free_port()
    write(folder, "config.yaml", HOMES + EXPORTER.format(port=port))
    with power_exporter_begun(cwd=folder) as process:
        assert process.stdout is not None
        process.stdout.close()
        wait_for(lambda: healthy(port))
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(20) == FINE


def healthy(port: int) -> bool:
    """Tell whether an exporter answers on a port."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/-/healthy", timeout=5).ok
    except requests.RequestException:
        return False


def test_log_lines_are_logfmt_on_standard_error(folder: Path) -> None:
    """Standard output holds the page's address alone; each line has a time, a level and words."""
    with running(cwd=folder) as (process, _):
        _, out, err = ended_by(process, signal.SIGTERM)
    assert out == ""
    assert err
    for line in err.splitlines():
        assert re.match(r'ts=\S+Z level=\w+ logger=[\w.]+ msg="', line), line


def test_the_log_level_is_obeyed(folder: Path) -> None:
    """With `warning` a start and a stop say nothing."""
    with running("--log-level", "warning", cwd=folder) as (process, _):
        _, _, err = ended_by(process, signal.SIGTERM)
    assert err == ""


def test_a_start_that_fails_leaves_the_journal_usable(folder: Path) -> None:
    """Who found its port taken starts the next time as if nothing had been."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        write(folder, "config.yaml", HOMES + EXPORTER.format(port=port))
        fails_to_start(folder)
    write(folder, "config.yaml", HOMES + EXPORTER.format(port=0))
    with running(cwd=folder) as (process, url):
        wait_for(lambda: requests.get(url + "-/ready", timeout=10).ok)
        rows = requests.get(url + "api/v1/transitions", timeout=10).json()["transitions"]
        assert [row["id"] for row in rows] == [1]
        process.terminate()
        assert ended(process)[0] == FINE
