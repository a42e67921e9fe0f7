"""Who may ask: users with bcrypt hashes, tokens, and nobody by how long an answer takes."""

import asyncio
import json
from base64 import b64encode
from pathlib import Path

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from chassis.web_auth import WAITING, PasswordChecks, TooManyChecks, read_basic, same_token
from tests.chassis import servers
from tests.chassis.servers import TOKEN, asked, hashed, overwrite, serving, status, users_file


def basic(user: str, password: str) -> str:
    """Spell an Authorization header."""
    return servers.basic(f"{user}:{password}")


@pytest.fixture
def web_yml(tmp_path: Path) -> Path:
    """Return a web.config.file that knows anna and bob."""
    return users_file(tmp_path / "web.yml", anna="right", bob="пароль")


async def test_a_user_with_the_right_password_is_let_in(web_yml: Path) -> None:
    """Again and again, and known by name."""
    async with serving(config=web_yml) as server:
        for _ in range(2):
            assert await asked(server, "/hello", login="anna:right") == (200, "hello")
        assert await asked(server, "/whoami", "POST", login="bob:пароль") == (200, "bob")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic " + b64encode(b"anna").decode(),
        "Basic " + b64encode(b"\xff:\xff").decode(),
        "Bearer right",
        basic("anna", "wrong"),
        basic("anna", ""),
        basic("anna", "right\0"),
        basic("bob", "right"),
        basic("carol", "right"),
        basic("", "right"),
        basic("anna", "right") + "x" * 5000,
    ],
)
@pytest.mark.parametrize("path", ["/hello", "/nothing", "/length", "/-/healthy"])
async def test_anybody_else_is_asked_who_he_is(
    header: str | None, path: str, web_yml: Path
) -> None:
    """401 before 404 and 405: what is there is told to users only."""
    headers = {} if header is None else {"Authorization": header}
    async with serving(config=web_yml) as server, ClientSession() as client:
        for _ in range(2):
            async with client.get(server.url + path, headers=headers) as answer:
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
                assert json.loads(await answer.text())["title"] == "Unauthorized"


async def test_a_user_learns_what_is_not_there(web_yml: Path) -> None:
    """After the 401 comes the 404."""
    async with serving(config=web_yml) as server:
        assert await status(server, "/nothing", login="anna:right") == 404


async def test_bearer_routes_ask_for_their_own_token(web_yml: Path) -> None:
    """They share the header with basic auth: no user's password opens them."""
    async with serving(config=web_yml) as server:
        right = {"Authorization": f"Bearer {TOKEN}"}
        assert await status(server, "/heartbeat/flat", "POST", headers=right) == 204
        wrong = {"Authorization": "Bearer wrong"}
        assert await status(server, "/heartbeat/flat", "POST", headers=wrong) == 401
        assert await status(server, "/heartbeat/flat", "POST", login="anna:right") == 401
        assert await status(server, "/hello", headers=right) == 401


@pytest.mark.parametrize(
    "path",
    ["/heartbeat/../hello", "/heartbeat/%2e%2e/hello", "/heartbeat//hello", "//heartbeat/hello"],
)
async def test_no_other_route_is_reached_by_a_bearer_path(path: str, web_yml: Path) -> None:
    """What is outside basic auth is a route, not a beginning of a path."""
    async with serving(config=web_yml) as server:
        code, text = await asked(server, path)
        assert code in {401, 404}
        assert "hello" not in json.loads(text).get("detail", "")


async def test_without_users_nobody_is_asked_and_nobody_is_known() -> None:
    """What only users may do is then forbidden to all."""
    async with serving() as server:
        assert await status(server, "/hello") == 200
        assert await status(server, "/whoami", "POST") == 403
        assert await status(server, "/whoami", "POST", login="anna:right") == 403


async def test_users_change_without_a_restart(web_yml: Path) -> None:
    """A new password counts at once, also on a connection that stands; the old one no more."""
    async with serving(config=web_yml) as server, ClientSession() as client:

        async def ask(password: str) -> int:
            headers = {"Authorization": basic("anna", password)}
            async with client.get(server.url + "/hello", headers=headers) as answer:
                return answer.status

        assert (await ask("right"), await ask("new")) == (200, 401)
        users_file(web_yml, anna="new")
        assert (await ask("right"), await ask("new")) == (401, 200)


async def test_a_file_that_becomes_faulty_keeps_the_users(
    web_yml: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And is named once, not with each request."""
    good = await asyncio.to_thread(web_yml.read_text)
    async with serving(config=web_yml) as server:
        for broken in ("basic_auth_users: [", "basic_auth_users:\n  anna: hunter2\n"):
            caplog.clear()
            overwrite(web_yml, broken)
            for _ in range(3):
                assert await status(server, "/hello", login="anna:right") == 200
                assert await status(server, "/hello") == 401
            errors = [r for r in caplog.records if r.levelname == "ERROR"]
            assert len(errors) == 1
            assert str(web_yml) in errors[0].getMessage()
            assert "hunter2" not in errors[0].getMessage()
        await asyncio.to_thread(web_yml.unlink)
        assert await status(server, "/hello") == 401
        overwrite(web_yml, good)
        assert await status(server, "/hello", login="anna:right") == 200


# ---------------------------------------------------------------- password checks


@pytest.mark.parametrize("prefix", ["2a", "2b", "2y"])
async def test_hashes_of_other_programs_are_understood(prefix: str) -> None:
    """What htpasswd writes begins with 2y; a password of more than 72 bytes counts up to there."""
    users = {"anna": hashed("x" * 72).replace("$2b$", f"${prefix}$")}
    checks = PasswordChecks()
    assert await checks.check(users, basic("anna", "x" * 100)) == "anna"
    assert await checks.check(users, basic("anna", "x" * 71)) is None
    checks.close()


async def test_the_loop_goes_on_while_a_password_is_checked() -> None:
    """And whoever asks with the same password meanwhile waits for the same check."""
    checks = PasswordChecks()
    users = {"anna": hashed("right")}
    both = [asyncio.ensure_future(checks.check(users, basic("anna", "right"))) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in both)
    assert len(checks._running) == 1
    both[0].cancel()
    assert await both[1] == "anna"
    checks.close()


async def test_a_flood_of_passwords_is_refused_and_known_ones_are_not() -> None:
    """Who was let in before does not wait behind those who guess."""
    checks = PasswordChecks()
    users = {"anna": hashed("right")}
    assert await checks.check(users, basic("anna", "right")) == "anna"
    guesses = [
        asyncio.ensure_future(checks.check(users, basic("anna", str(n)))) for n in range(WAITING)
    ]
    await asyncio.sleep(0)
    with pytest.raises(TooManyChecks):
        await checks.check(users, basic("anna", "one more"))
    assert await checks.check(users, basic("anna", "right")) == "anna"
    assert await asyncio.gather(*guesses) == [None] * WAITING
    checks.close()


async def test_what_is_remembered_is_bounded_and_never_clear() -> None:
    """Wrong guesses cannot push out the right ones or fill the memory."""
    checks = PasswordChecks()
    users = {"anna": hashed("right")}
    await checks.check(users, basic("anna", "right"))
    for number in range(300):
        await checks.check(users, basic("anna", f"wrong{number}"))
    assert len(checks._wrong._digests) == 256
    assert len(checks._right._digests) == 1
    kept = b"".join([*checks._wrong._digests, *checks._right._digests])
    assert b"right" not in kept
    checks.close()


async def test_an_unknown_user_costs_a_check_like_a_known_one() -> None:
    """The hash it is checked against is another user's, always the same, and never lets in."""
    checks = PasswordChecks()
    users = {f"user{n}": hashed("right") for n in range(4)}
    hash_, exists = checks._hash_for(users, "nobody")
    assert not exists
    assert hash_ in users.values()
    assert all(checks._hash_for(users, "nobody") == (hash_, False) for _ in range(3))
    assert await checks.check(users, basic("nobody", "right")) is None
    assert await checks.check(users, basic("nobody", "right")) is None
    assert len(checks._wrong._digests) == 1
    checks.close()


@given(st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"])), st.text())
def test_any_user_and_password_survive_their_header(user: str, password: str) -> None:
    """Colons belong to the password."""
    if not password.isascii():
        password = password.encode("utf-8", "ignore").decode()
    header = basic(user, password)
    expected = (user, password) if len(header) <= 2048 else None
    assert read_basic(header) == expected


@pytest.mark.parametrize(
    "given_, right, same",
    [
        ("a", "a", True),
        ("a", "b", False),
        ("ä", "ä", True),
        ("", "", False),
        (None, "", False),
        (None, "a", False),
        ("\udcff", "a", False),
    ],
)
def test_tokens_are_compared(given_: str | None, right: str, *, same: bool) -> None:
    """An empty token is none, whatever the right one is."""
    assert same_token(given_, right) is same
