"""`power-alerting` as a user types it: help, mistakes, configs, pipes that close, the service."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
import requests

from tests.alerting.commands.administrator import POWER_ALERTING, Place, Said, clean_environment
from tests.e2e.real_programs import free_port

ID = "123456789"


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    "command,words",
    [
        ((), ["--config FILE", "--check-config", "--log-level", "--version", "SIGHUP"]),
        ((), ["subscribers", "test", "chats", "POWER_STATUS_CONFIG"]),
        (("subscribers",), ["add", "remove", "approve", "list", "export", "import"]),
        (("subscribers", "add"), ["CHAT_ID", "--topic ID", "--username NAME", "--name NAME"]),
        (("subscribers", "add"), ["--home HOME", "--lang {uk,en}", "--config FILE"]),
        (("subscribers", "import"), ["FILE", "standard input"]),
        (("test",), ["[CHAT_ID]", "subscribed or not"]),
        (("chats",), ["--json"]),
    ],
)
def test_help_tells_all_there_is(say: Said, command: tuple[str, ...], words: list[str]) -> None:
    """On standard output, with the exit codes."""
    said = say(*command, "--help")
    assert (said.code, said.err) == (0, "")
    flat = " ".join(said.out.split())
    assert flat.startswith(" ".join(["usage: power-alerting", *command]))
    for word in [*words, "Exit codes: 0 fine, 1 a failure while running, 2 a wrong command line"]:
        assert word in flat


def test_version_is_one_line(say: Said) -> None:
    """The name and the version."""
    assert re.fullmatch(r"power-alerting \d+\.\d+\.\d+\S*\n", say("--version").out)


@pytest.mark.parametrize(
    "arguments,fault",
    [
        (["nonsense"], "nonsense"),
        (["--log-level", "loud"], "loud"),
        (["subscribers"], "ACTION"),
        (["subscribers", "add"], "CHAT_ID"),
        (["subscribers", "add", "@anna"], "'@anna' is no chat id such as 123456789"),
        (["subscribers", "add", "0"], "'0' is no chat id"),
        (["subscribers", "add", "1" * 19], "is no chat id"),
        (["subscribers", "add", ID, "--topic", "-4"], "--topic"),
        (["subscribers", "add", ID, "--topic", "0"], "'0' is no topic's number"),
        (["subscribers", "add", ID, "--home", "Our flat"], "'Our flat' is no name of a home"),
        (["subscribers", "add", ID, "--lang", "de"], "de"),
        (["subscribers", "import"], "FILE"),
        (["test", "all"], "'all' is no chat id"),
    ],
)
def test_a_wrong_command_line_is_2(say: Said, arguments: list[str], fault: str) -> None:
    """Usage and what is wrong go to standard error."""
    said = say(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("usage: power-alerting")
    assert fault in said.err.splitlines()[-1]


# ---------------------------------------------------------------- configs


def test_a_good_config_is_ok_and_nothing_is_touched(say: Said, place: Place) -> None:
    """One line per file, also before a command."""
    for command in ((), ("subscribers", "list"), ("test",)):
        said = say("--check-config", *command)
        assert (said.code, said.out, said.err) == (0, f"{place.config}: ok\n", "")
    assert list(place.folder.iterdir()) == [place.config]


def test_a_faulty_config_is_2(say: Said, place: Place) -> None:
    """All faults stand on standard output for a check, and on standard error else."""
    place.configure("port: 80", "telegram: {admins: [anna]}")
    checked, run = say("--check-config"), say("subscribers", "list")
    assert (checked.code, checked.err) == (2, "")
    assert (run.code, run.out) == (2, "")
    assert checked.out == run.err
    assert len(checked.lines) == 2
    assert checked.lines[0].startswith(f"{place.config}:6: alerting.port: ")


def test_warnings_go_to_standard_error(say: Said, place: Place) -> None:
    """A config with a warning is ok."""
    place.know_a_bot("http://127.0.0.1:9")
    (place.folder / "token").chmod(0o644)
    said = say("--check-config")
    assert (said.code, said.out) == (0, f"{place.config}: ok\n")
    assert said.err.startswith("warning: ")
    assert "chmod o-rwx" in said.err


def test_the_config_may_stand_after_the_command(place: Place) -> None:
    """Sections may come from files on both sides of it."""
    alerting = place.folder / "alerting.yaml"
    alerting.write_text("alerting: {data_dir: elsewhere}\n", encoding="utf-8")
    place.config.write_text("homes: [{name: flat}]\n", encoding="utf-8")
    both = ["--config", "config.yaml", "subscribers", "list", "--config", "alerting.yaml"]
    assert subprocess.run([*POWER_ALERTING, *both], cwd=place.folder, check=True).returncode == 0
    assert (place.folder / "elsewhere" / "alerting.db").exists()


def test_the_config_may_be_named_by_the_environment(place: Place) -> None:
    """And is else config.yaml of the working directory."""
    other = place.folder / "other.yaml"
    other.write_text("{}\n", encoding="utf-8")
    for more, name in (({"POWER_STATUS_CONFIG": "other.yaml"}, "other.yaml"), ({}, "config.yaml")):
        said = subprocess.run(
            [*POWER_ALERTING, "--check-config"],
            cwd=place.folder,
            env=clean_environment(**more),
            capture_output=True,
            text=True,
            check=True,
        )
        assert said.stdout == f"{name}: ok\n"


# ---------------------------------------------------------------- what is in the way


def test_a_database_that_is_away_is_1_in_one_line(say: Said, place: Place) -> None:
    """Whatever the command; it says why."""
    (place.folder / "data").write_text("no folder", encoding="ascii")
    for command in (("subscribers", "list"), ("subscribers", "add", ID), ("chats",)):
        said = say(*command)
        assert (said.code, said.out) == (1, "")
        assert re.fullmatch(r"power-alerting: the database cannot be used: .+\n", said.err)


@pytest.mark.parametrize(
    "command", [("--help",), ("--check-config",), ("subscribers", "list"), ("chats", "--json")]
)
def test_a_reader_who_has_gone_is_no_failure(place: Place, command: tuple[str, ...]) -> None:
    """As behind `| head`: no traceback, no complaint."""
    Place(place.folder).save()
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*POWER_ALERTING, *command],
        cwd=place.folder,
        env=clean_environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    noted = b"power-alerting: nobody is subscribed\n" if command[-1] == "list" else b""
    assert (done.returncode, done.stderr) == (0, noted)


def test_a_full_disk_is_1(place: Place) -> None:
    """And says so."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*POWER_ALERTING, "subscribers", "list", "--json"],
            cwd=place.folder,
            env=clean_environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        b"power-alerting: the answer cannot be written: No space left on device\n"
    )


# ---------------------------------------------------------------- the service


def test_without_a_command_it_serves_until_the_stop(place: Place) -> None:
    """It says where, takes commands meanwhile, and ends on Ctrl-C with 0."""
    place.configure(f"listen: 127.0.0.1:{free_port()}")
    serving = subprocess.Popen(
        POWER_ALERTING,
        cwd=place.folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with serving:
        assert serving.stdout is not None
        line = serving.stdout.readline()
        found = re.fullmatch(r"The relay takes alerts on (http://[\d.:]+)/alerts\n", line)
        if found is None:
            serving.kill()
            pytest.fail(serving.communicate()[1])
        assert requests.get(f"{found[1]}/-/healthy", timeout=5).status_code == 200
        add = [*POWER_ALERTING, "subscribers", "add", ID]
        subprocess.run(add, cwd=place.folder, env=clean_environment(), check=True)
        text = requests.get(f"{found[1]}/metrics", timeout=5).text
        assert 'power_alerting_subscribers{state="active"} 1.0' in text
        serving.send_signal(signal.SIGINT)
        _, err = serving.communicate(timeout=10)
    assert (serving.returncode, "Traceback" in err) == (0, False)
