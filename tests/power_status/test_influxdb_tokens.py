"""`power-status influxdb-tokens`: tokens that may do one thing, made once, from an InfluxDB 2."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from power_status.commands import run_command
from power_status.influxdb_api import Away, InfluxDb
from power_status.influxdb_tokens_command import GRACE, PAUSE, wait_for
from tests.e2e.real_programs import free_port
from tests.fakes.influxdb import FakeInfluxDB, Settings

OPERATOR = "operators-token"
Caught = pytest.CaptureFixture[str]


class Rig:
    """The command, its files, and the InfluxDB that it asks."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.operator = folder / "operator"
        self.operator.write_text(OPERATOR + "\n")
        self.read, self.write = folder / "grafana" / "token", folder / "exporter" / "token"
        for path in (self.read, self.write):
            path.parent.mkdir()
        self.write.write_text(OPERATOR + "\n")  # what make-secrets leaves there

    async def run(self, *more: str, bucket: str = "power", wait: str = "5s") -> int:
        """Run the command, in a thread: it blocks."""
        arguments = [
            f"--url={self.url}",
            "--org=home",
            f"--bucket={bucket}",
            f"--operator-token-file={self.operator}",
            f"--read-token-file={self.read}",
            f"--write-token-file={self.write}",
            f"--wait={wait}",
        ]
        return await asyncio.to_thread(run_command, ["influxdb-tokens", *arguments, *more])

    def tokens(self) -> tuple[str, str]:
        """Return Grafana's and the exporter's."""
        return self.read.read_text().strip(), self.write.read_text().strip()


@pytest.fixture
async def influxdb() -> AsyncIterator[FakeInfluxDB]:
    """An InfluxDB whose operator's token is known."""
    async with FakeInfluxDB(Settings(token=OPERATOR)) as fake:
        yield fake


@pytest.fixture
def rig(tmp_path: Path, influxdb: FakeInfluxDB) -> Rig:
    """The command, as after make-secrets."""
    return Rig(tmp_path, influxdb.url)


async def may(url: str, token: str) -> set[str]:
    """Return what a token may do, by trying it."""
    found = set()
    headers = {"Authorization": f"Token {token}"}
    async with ClientSession(url, headers=headers) as session:
        write = await session.post("/api/v2/write?org=home&bucket=power", data=b"m f=1")
        if write.status == 204:
            found.add("write")
        read = await session.get("/api/v2/buckets?org=home&name=power")
        if read.status == 200 and (await read.json())["buckets"]:
            found.add("read")
        if (await session.get("/api/v2/authorizations")).status == 200:
            found.add("operate")
    return found


async def test_each_gets_a_token_that_may_do_one_thing(
    rig: Rig, influxdb: FakeInfluxDB, capsys: Caught
) -> None:
    """Grafana reads, the exporter writes; neither token is printed, both are for their users."""
    assert await rig.run() == 0
    read, write = rig.tokens()
    assert await may(influxdb.url, read) == {"read"}
    assert await may(influxdb.url, write) == {"write"}
    assert await may(influxdb.url, OPERATOR) == {"read", "write", "operate"}
    said = "".join(capsys.readouterr())
    for secret in (read, write, OPERATOR):
        assert secret not in said
    for path in (rig.read, rig.write):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_uid == path.parent.stat().st_uid


async def test_again_changes_nothing(rig: Rig, influxdb: FakeInfluxDB) -> None:
    """Neither files nor what InfluxDB knows; and trying a token writes nothing."""
    assert await rig.run() == 0
    tokens, known = rig.tokens(), list(influxdb.operator.tokens)
    assert await rig.run() == 0
    assert (rig.tokens(), influxdb.operator.tokens) == (tokens, known)
    assert influxdb.points() == []


async def test_a_lost_token_is_replaced_and_forgotten(rig: Rig, influxdb: FakeInfluxDB) -> None:
    """Whoever finds it can do nothing with it; the other's is left alone."""
    assert await rig.run() == 0
    lost, write = rig.tokens()
    rig.read.unlink()
    assert await rig.run() == 0
    read, same = rig.tokens()
    assert same == write
    assert await may(influxdb.url, lost) == set()
    assert await may(influxdb.url, read) == {"read"}
    assert len(influxdb.operator.tokens) == 4


async def test_a_token_that_influxdb_does_not_know_is_replaced(
    rig: Rig, influxdb: FakeInfluxDB
) -> None:
    """As when its data were removed, and the secrets were not."""
    rig.read.write_text("of another database")
    rig.write.write_text("of another database")
    assert await rig.run() == 0
    read, write = rig.tokens()
    assert await may(influxdb.url, read) == {"read"}
    assert await may(influxdb.url, write) == {"write"}


async def test_a_token_for_the_other_thing_is_replaced(rig: Rig, influxdb: FakeInfluxDB) -> None:
    """A token is judged by what it opens."""
    assert await rig.run() == 0
    read, write = rig.tokens()
    rig.read.write_text(write)
    rig.write.write_text(read)
    assert await rig.run() == 0
    assert await may(influxdb.url, rig.tokens()[0]) == {"read"}
    assert await may(influxdb.url, rig.tokens()[1]) == {"write"}


async def test_it_waits_for_influxdb_to_come(tmp_path: Path) -> None:
    """As at the very first start."""
    port = free_port()
    rig = Rig(tmp_path, f"http://127.0.0.1:{port}")
    running = asyncio.create_task(rig.run(wait="30s"))
    async with FakeInfluxDB(Settings(token=OPERATOR), port=port):
        assert await running == 0
    assert rig.tokens()[1] != OPERATOR


class Coming(InfluxDb):
    """An InfluxDB that is well from the nth look on."""

    def __init__(self, looks: int) -> None:
        super().__init__("http://127.0.0.1:1", "home", "power", OPERATOR)
        self._looks = looks

    def ready(self) -> None:
        self._looks -= 1
        if self._looks > 0:
            raise Away("not yet")


def test_it_looks_again_after_a_pause() -> None:
    """As often as it takes, within its time."""
    pauses: list[float] = []
    wait_for(Coming(4), 60, pauses.append)
    assert pauses == [PAUSE] * 3
    with pytest.raises(Away):
        wait_for(Coming(4), 0, pauses.append)
    assert len(pauses) == 3


async def test_without_influxdb_grafana_does_not_start_without_a_token(
    tmp_path: Path, capsys: Caught
) -> None:
    """Code 1, and one line that says what is away."""
    rig = Rig(tmp_path, f"http://127.0.0.1:{free_port()}")
    assert await rig.run(wait="0s") == 1
    said = capsys.readouterr()
    assert "cannot be reached" in said.err
    assert said.err.count("\n") == 1
    assert not rig.read.exists()


async def test_without_influxdb_grafana_starts_with_the_token_it_has(
    tmp_path: Path, capsys: Caught
) -> None:
    """An InfluxDB that is broken today does not take Prometheus' panels away."""
    assert GRACE < 30
    rig = Rig(tmp_path, f"http://127.0.0.1:{free_port()}")
    rig.read.write_text("from last time\n")
    assert await rig.run(wait="0s") == 0
    assert "stay as they are" in capsys.readouterr().out
    assert rig.tokens() == ("from last time", OPERATOR)


async def test_an_influxdb_that_is_unwell_is_one_that_is_away(
    rig: Rig, influxdb: FakeInfluxDB, capsys: Caught
) -> None:
    """It has said nothing of the tokens, so they stay."""
    assert await rig.run() == 0
    tokens = rig.tokens()
    influxdb.fail_next(1, "503")
    assert await rig.run() == 0
    assert "503" in capsys.readouterr().out
    assert rig.tokens() == tokens


async def test_another_operators_token_is_told(
    rig: Rig, influxdb: FakeInfluxDB, capsys: Caught
) -> None:
    """As when the secrets were removed, and InfluxDB's data were not."""
    rig.operator.write_text("younger than the data")
    assert await rig.run() == 1
    assert "was set up with another operator's token" in capsys.readouterr().err


async def test_a_missing_bucket_is_told(rig: Rig, capsys: Caught) -> None:
    """It is not made: whoever removed it had a reason."""
    assert await rig.run(bucket="other") == 1
    assert "has no bucket other" in capsys.readouterr().err


async def test_without_an_operators_token_nothing_is_asked(rig: Rig, capsys: Caught) -> None:
    """make-secrets comes first."""
    rig.operator.unlink()
    assert await rig.run() == 1
    assert "make-secrets" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["--url=nonsense"], ["--wait=soon"], ["--url=http://127.0.0.1:1"]]
)
def test_a_wrong_command_line_is_code_2(arguments: list[str], capsys: Caught) -> None:
    """Before anything is asked."""
    assert run_command(["influxdb-tokens", *arguments]) == 2
    assert "usage" in capsys.readouterr().err
