"""How an exporter is asked: as whom, over what, and what is said when there is no answer."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from exporter.power import State
from exporter.web.routes import routes
from tests.chassis.servers import serving, users_file
from tests.e2e.real_programs import free_port
from tests.exporter.web.rig import DAY, START, Rig
from tests.power_status.asks import ask, ask_url

HOMES = "/api/v1/homes"
Caught = pytest.CaptureFixture[str]


def login(folder: Path, text: str, mode: int = 0o600) -> str:
    """Write a --basic-auth-file; return its path."""
    path = folder / "login"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


def answering(response: web.Response) -> web.RouteDef:
    """A program that is no exporter, or one that is out of order."""

    async def answer(_request: web.Request) -> web.Response:
        return response

    return web.get(HOMES, answer)


# ---------------------------------------------------------------- as whom


async def test_a_user_gets_in(capsys: Caught, tmp_path: Path, rig: Rig) -> None:
    """With a password in any script; the newline at the file's end is not part of it."""
    web_config = users_file(tmp_path / "web.yml", anna="Пароль: так")
    async with serving(*routes(rig.sources), config=web_config) as server:
        flags = ("--basic-auth-file", login(tmp_path, "anna:Пароль: так\n"))
        said = await ask_url(capsys, server.url, "status", *flags)
        assert (said.code, said.err) == (0, "")


async def test_a_wrong_password_is_1_and_never_printed(
    capsys: Caught, tmp_path: Path, rig: Rig
) -> None:
    """What to do about it is said, with and without a password."""
    web_config = users_file(tmp_path / "web.yml", anna="right")
    async with serving(*routes(rig.sources), config=web_config) as server:
        file = login(tmp_path, "anna:wr0ng\n")
        said = await ask_url(capsys, server.url, "status", "--basic-auth-file", file)
        assert (said.code, said.out) == (1, "")
        assert said.err == (
            f"power-status: {server.url} refuses this user and password (401): "
            "see --basic-auth-file\n"
        )
        said = await ask_url(capsys, server.url, "status")
        assert said.code == 1
        assert "asks for a user and password (401): see --basic-auth-file" in said.err


@pytest.mark.parametrize("text", ["secret", "", "anna:secret\nbob:secret\n"])
async def test_a_file_that_is_no_login_is_2(
    capsys: Caught, tmp_path: Path, rig: Rig, text: str
) -> None:
    """What stands in it is not said."""
    said = await ask(capsys, rig, "status", "--basic-auth-file", login(tmp_path, text))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("power-status: --basic-auth-file: ")
    assert said.err.count("\n") == 1
    assert "secret" not in said.err


async def test_a_file_that_others_can_read_is_a_warning(
    capsys: Caught, tmp_path: Path, rig: Rig
) -> None:
    """On standard error; the question is asked all the same."""
    path = login(tmp_path, "anna:right", mode=0o644)
    said = await ask(capsys, rig, "status", "--basic-auth-file", path)
    assert said.code == 0
    assert "warning" in said.err
    assert "chmod" in said.err


# ---------------------------------------------------------------- over what


async def test_an_authority_of_ones_own_is_trusted_when_named(
    capsys: Caught, tmp_path: Path, rig: Rig
) -> None:
    """Without --ca-file the answer is refused, and the flag named."""
    ca = trustme.CA()
    mine = ca.issue_cert("127.0.0.1")
    mine.private_key_pem.write_to_path(tmp_path / "key.pem")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    web_config = tmp_path / "web.yml"
    web_config.write_text("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
    async with serving(*routes(rig.sources), config=web_config) as server:
        ca_file = str(tmp_path / "ca.pem")
        assert (await ask_url(capsys, server.url, "status", "--ca-file", ca_file)).code == 0
        said = await ask_url(capsys, server.url, "status")
    assert said.code == 1
    assert "has a certificate that is not trusted" in said.err
    assert "see --ca-file" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("file", ["missing", "folder", "nonsense"])
async def test_a_ca_file_that_cannot_be_used_is_2(
    capsys: Caught, tmp_path: Path, rig: Rig, file: str
) -> None:
    """Before anything is asked."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "nonsense").write_text("no certificate")
    said = await ask(capsys, rig, "status", "--ca-file", str(tmp_path / file))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("power-status: --ca-file: ")


async def test_a_path_of_a_reverse_proxy_is_kept(capsys: Caught, rig: Rig) -> None:
    """With or without a slash at its end."""
    api = [route for route in routes(rig.sources) if route.path == HOMES]
    async with serving(*(web.get(f"/power{HOMES}", route.handler) for route in api)) as server:
        for url in (f"{server.url}/power", f"{server.url}/power/"):
            said = await ask_url(capsys, url, "status", "--json")
            assert said.document == await rig.get(HOMES)


# ---------------------------------------------------------------- no answer


async def test_an_exporter_that_is_away_is_1(capsys: Caught) -> None:
    """One line: where, and why."""
    url = f"http://127.0.0.1:{free_port()}"
    said = await ask_url(capsys, url, "status")
    assert (said.code, said.out) == (1, "")
    assert said.err == f"power-status: {url} cannot be reached: Connection refused\n"


async def test_a_redirect_is_not_followed(capsys: Caught, rig: Rig) -> None:
    """Where it leads is said, on one line that steers nothing."""
    moved = web.Response(status=302, headers={"Location": f"{rig.url}{HOMES}\x9b2J"})
    async with serving(answering(moved)) as server:
        said = await ask_url(capsys, server.url, "status")
    assert (said.code, said.out) == (1, "")
    assert "leads elsewhere" in said.err
    assert "give that as --url" in said.err
    assert "\x9b" not in said.err


@pytest.mark.parametrize(
    "text,kind", [("<p>hello", "text/html"), ("[1]", "application/json"), ("{", "application/json")]
)
async def test_another_program_is_no_exporter(capsys: Caught, text: str, kind: str) -> None:
    """A page, a list and half a document."""
    async with serving(answering(web.Response(text=text, content_type=kind))) as server:
        said = await ask_url(capsys, server.url, "status", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err.endswith(" answered, but not as an exporter does\n")


@pytest.mark.parametrize(
    "text", ["{}", '{"homes": [{}]}', '{"homes": 5}', '{"homes": [{"name": "flat", "since": 5}]}']
)
async def test_an_answer_of_another_shape_is_1(capsys: Caught, text: str) -> None:
    """It says where."""
    answer = web.Response(text=text, content_type="application/json")
    async with serving(answering(answer)) as server:
        said = await ask_url(capsys, server.url, "status")
    assert (said.code, said.out) == (1, "")
    assert "gave an answer that is not understood (at homes" in said.err


async def test_a_failure_of_the_exporter_is_told_in_its_own_words(
    capsys: Caught, tmp_path: Path, rig: Rig
) -> None:
    """The detail of its problem document, else its status."""
    await rig.change(State.ON, START - DAY)
    with closing(sqlite3.connect(tmp_path / "exporter.db")) as db:
        db.execute("DROP TABLE transitions")
    said = await ask(capsys, rig, "outages")
    assert said.code == 1
    assert " answered 503: the journal cannot be read: " in said.err
    async with serving(answering(web.Response(status=502, text="bad"))) as server:
        said = await ask_url(capsys, server.url, "status")
        assert said.err == f"power-status: {server.url} answered 502: Bad Gateway\n"
