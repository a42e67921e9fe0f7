"""`power-status` as a user types it: help, mistakes, pipes that close, terminals of all kinds."""

import asyncio
import json
import os
import re
import signal

import pytest

from exporter.power import State
from power_status.commands import run_command
from tests.e2e.real_programs import free_port
from tests.exporter.boards import home_config
from tests.exporter.web.rig import DAY, MINUTE, START, Rig
from tests.power_status.asks import begin

PIPE = asyncio.subprocess.PIPE
Caught = pytest.CaptureFixture[str]


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    "command,words",
    [
        ((), ["run", "check-config", "status", "reliability", "make-secrets", "--version"]),
        (("status",), ["--url", "http://127.0.0.1:10910", "--json", "--basic-auth-file"]),
        (("outages",), ["HOME", "--days N", "--from TIME", "--to TIME", "--ca-file FILE", "30"]),
        (("reliability",), ["HOME", "SAIDI", "SAIFI", "CAIDI", "MAIFI", "ASAI", "Coverage"]),
        (("run",), ["--config FILE", "POWER_STATUS_CONFIG", "--log-level"]),
        (("check-config",), ["--config FILE", "touch nothing"]),
        (("make-secrets",), ["--folder", "--owner CONSUMER=UID:GID", "No secret is printed"]),
        (("influxdb-tokens",), ["--url URL", "--operator-token-file FILE", "--wait", "3m"]),
    ],
)
def test_help_tells_all_there_is(
    capsys: Caught, command: tuple[str, ...], words: list[str]
) -> None:
    """On standard output, with the exit codes."""
    assert run_command([*command, "--help"]) == 0
    said = capsys.readouterr()
    flat = " ".join(said.out.split())
    assert said.err == ""
    assert flat.startswith("usage: power-status")
    for word in [*words, "Exit codes: 0 fine, 1 a failure while running, 2 a wrong command line"]:
        assert word in flat


def test_version_is_one_line(capsys: Caught) -> None:
    """The name and the version."""
    assert run_command(["--version"]) == 0
    assert re.fullmatch(r"power-status \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    "arguments,fault",
    [
        ([], "COMMAND"),
        (["nonsense"], "nonsense"),
        (["status", "flat"], "flat"),
        (["status", "--url", "exporter:10910"], "--url: must be a URL"),
        (["status", "--url", "http://anna:s3cret@exporter"], "secrets come from files"),
        (["status", "--url", "http://exporter/?home=flat"], "--url: must have neither a query"),
        (["outages", ".."], "'..' is no name of a home"),
        (["outages", "--days", "0"], "--days: must be a whole number from 1 to 36500"),
        (["outages", "--days", "1.5"], "--days: must be a whole number"),
        (["outages", "--days", "7", "--from", "2026-11-24"], "not allowed with"),
        (["outages", "--from", "yesterday"], "'yesterday' is neither a day such as 2026-11-24"),
        (["outages", "--from", "2026-11-31"], "'2026-11-31' is neither"),
        (["reliability", "--to", "2026-11-24T10:00:00"], "neither a day"),
    ],
)
def test_a_wrong_command_line_is_2(capsys: Caught, arguments: list[str], fault: str) -> None:
    """Usage and what is wrong go to standard error, a password does not."""
    assert run_command(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("usage: power-status")
    assert fault in said.err.splitlines()[-1]
    assert "s3cret" not in said.err


@pytest.mark.parametrize(
    "start,end",
    [
        ("2026-11-24", "2026-11-24"),
        ("2026-11-24T12:00:00+02:00", "2026-11-24T10:00:00Z"),
    ],
)
def test_a_range_of_nothing_is_2(capsys: Caught, start: str, end: str) -> None:
    """Nobody is asked."""
    url = f"http://127.0.0.1:{free_port()}"
    assert run_command(["outages", "--url", url, "--from", start, "--to", end]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("power-status: --from must be before --to")


# ---------------------------------------------------------------- where it is printed


async def gone_reader(*arguments: str) -> tuple[int | None, bytes]:
    """Print for somebody who has gone; return the exit code and what was complained of."""
    reading, writing = os.pipe()
    os.close(reading)
    process = await begin(*arguments, stdout=writing)
    os.close(writing)
    _, err = await process.communicate()
    return process.returncode, err


async def test_a_reader_who_has_gone_is_no_failure(rig: Rig) -> None:
    """As behind `| head`: no traceback, no complaint, also of more than a pipe holds."""
    await rig.change(State.ON, START - 9 * DAY)
    for number in range(200):
        at = START - 8 * DAY + number * 20 * MINUTE
        await rig.change(State.OFF, at)
        await rig.change(State.ON, at + MINUTE)
    assert await gone_reader("--help") == (0, b"")
    assert await gone_reader("status", "--url", rig.url) == (0, b"")
    flags = ("--url", rig.url, "--from", "2026-01-01")
    assert await gone_reader("outages", "--json", *flags) == (0, b"")


async def test_a_full_disk_is_1(rig: Rig) -> None:
    """And says so."""
    with open("/dev/full", "wb") as full:  # noqa: ASYNC230, PTH123  a device, for its number
        process = await begin("status", "--url", rig.url, stdout=full.fileno())
    _, err = await process.communicate()
    assert process.returncode == 1
    assert err == b"power-status: the answer cannot be written: No space left on device\n"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
async def test_titles_in_any_script_reach_any_terminal(rig: Rig, encoding: str) -> None:
    """JSON stays JSON in each of them."""
    rig.add(home_config("flat", title="Хата é 🏠"))
    url = ("--url", rig.url)
    process = await begin("status", *url, stdout=PIPE, PYTHONIOENCODING=encoding)
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert out.decode(encoding).startswith("Home ")
    process = await begin("status", "--json", *url, stdout=PIPE, PYTHONIOENCODING=encoding)
    out, _ = await process.communicate()
    assert json.loads(out)["homes"][0]["title"] == "Хата é 🏠"


async def test_ctrl_c_is_quiet() -> None:
    """While an exporter lets one wait: no traceback."""
    asked = asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        process = await begin("status", "--url", f"http://127.0.0.1:{port}", stdout=PIPE)
        await asyncio.wait_for(asked.wait(), 20)
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (process.returncode, out, err) == (1, b"", b"")
