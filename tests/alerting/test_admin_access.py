"""Who may open /admin/ and send its forms, and what is answered to everybody else."""

import logging
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from alerting.admin import admin_login
from alerting.config import AlertingSettings
from alerting.subscribers import State, Subscriber
from chassis.logs import SecretFilter
from chassis.service import StartFailed
from tests.alerting.admin_site import NOW, Form, Site
from tests.chassis.servers import basic, users_file

BORYS = Subscriber(8, None, name="Borys", homes=("flat",), wanted=("flat",))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Open the pages; one chat waits for an answer."""
    async with Site(tmp_path) as opened:
        opened.subscribe(BORYS)
        yield opened


def state_of(site: Site) -> State | None:
    """Return how the chat stands."""
    stored = site.store.subscriber(8, None)
    return None if stored is None else stored.state


# ---------------------------------------------------------------- the login


def test_a_password_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """The next start finds it again; no log shows it."""
    settings, hidden = AlertingSettings(data_dir=tmp_path / "data"), SecretFilter()
    admin_login(settings, hidden)
    file = tmp_path / "data" / "admin_password"
    password = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(password) > 40
    assert hidden.redact(f"it is {password}") == "it is ***"
    admin_login(settings, hidden)
    assert file.read_text().strip() == password


def test_a_password_that_others_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without showing it."""
    file = tmp_path / "admin_password"
    file.write_text("of-my-own\n")
    file.chmod(0o644)
    admin_login(AlertingSettings(data_dir=tmp_path), SecretFilter())
    assert "is readable by others" in caplog.text
    assert "of-my-own" not in caplog.text


def test_a_password_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    """Unless there are others who open the pages."""
    (tmp_path / "data").write_text("no folder")
    data = tmp_path / "data"
    with pytest.raises(StartFailed, match="cannot make"):
        admin_login(AlertingSettings(data_dir=data), SecretFilter())
    config = users_file(tmp_path / "web.yml", anna="secret")
    admin_login(AlertingSettings(data_dir=data, web_config_file=config), SecretFilter())


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/admin"),
        ("GET", "/admin/"),
        ("GET", "/admin/subscribers"),
        ("GET", "/admin/static/admin.css"),
        ("GET", "/admin/nothing"),
        ("POST", "/admin/approve"),
        ("DELETE", "/admin/"),
    ],
)
async def test_whoever_has_not_logged_in_learns_nothing(site: Site, method: str, path: str) -> None:
    """401 before 404 and 405."""
    async with aiohttp.ClientSession(site.server.url) as client:
        for headers in ({}, {"Authorization": basic("admin:wrong")}):
            async with client.request(method, path, headers=headers) as answer:
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"].startswith("Basic ")
                assert answer.headers["Cache-Control"] == "no-store"


async def test_where_there_are_users_they_open_the_pages(tmp_path: Path) -> None:
    """And the password that was made does not."""
    config = users_file(tmp_path / "web.yml", anna="secret")
    async with (
        Site(tmp_path, config) as site,
        aiohttp.ClientSession(site.server.url) as client,
    ):
        for login, status in (("anna:secret", 200), (f"admin:{site.password}", 401)):
            async with client.get("/admin/", headers={"Authorization": basic(login)}) as answer:
                assert answer.status == status


# ---------------------------------------------------------------- forms


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_a_form_of_another_page_is_refused(site: Site, headers: dict[str, str]) -> None:
    """Even with the right fields: the browser adds the password by itself."""
    form = (await site.page()).form("approve", 8)
    assert await site.send(form, headers) == 403
    assert state_of(site) is State.PENDING


async def test_a_browser_says_that_a_form_is_of_the_page(site: Site) -> None:
    """Then the token may be of before a restart."""
    form = (await site.page()).form("approve", 8)
    form.fields["token"] = "old"
    assert await site.send(form, {"Origin": site.server.url}) == 303
    assert state_of(site) is State.ACTIVE


@pytest.mark.parametrize("token", ["", "wrong", None])
async def test_what_says_nothing_must_bring_the_token(site: Site, token: str | None) -> None:
    """A program that reads the form has it."""
    form = (await site.page()).form("approve", 8)
    right = form.fields.pop("token")
    if token is not None:
        form.fields["token"] = token
    assert await site.send(form) == 403
    assert state_of(site) is State.PENDING
    form.fields["token"] = right
    assert await site.send(form) == 303
    assert state_of(site) is State.ACTIVE


@pytest.mark.parametrize(
    "field, value",
    [
        ("chat", None),
        ("chat", "x"),
        ("chat", "1" * 30),
        ("chat", "1; DROP TABLE subscribers"),
        ("topic", "1.5"),
        ("asked", None),
        ("back", "https://evil.example"),
    ],
)
async def test_a_form_with_other_fields_is_refused(
    site: Site, field: str, value: str | None
) -> None:
    """By the name of the field; nobody is led elsewhere."""
    form = (await site.page()).form("approve", 8)
    form.fields.pop(field)
    if value is not None:
        form.fields[field] = value
    assert await site.send(form) == 400
    assert state_of(site) is State.PENDING


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "multipart/form-data"])
async def test_anything_but_a_form_is_refused(site: Site, content_type: str) -> None:
    """What another page can make a browser send without asking, and what we never send."""
    form = (await site.page()).form("approve", 8)
    body = "&".join(f"{name}={value}" for name, value in form.fields.items())
    headers = {"Content-Type": content_type}
    async with site.client.post("/admin/approve", data=body, headers=headers) as answer:
        assert answer.status == 415


@pytest.mark.parametrize(
    "path, status",
    [
        ("nothing", 404),
        ("static/nothing.css", 404),
        ("static/..%2Ftemplates%2Fbase.html", 404),
        ("approve", 405),
        ("confirm?do=remove&chat=99", 404),
        ("confirm?do=approve&chat=8", 400),
        ("subscribers?show=evil", 400),
        ("subscribers?page=x", 400),
        ("?done=evil", 400),
    ],
)
async def test_what_is_not_there_is_said_so(site: Site, path: str, status: int) -> None:
    """A GET changes nothing, whatever it asks for."""
    async with site.client.get(f"/admin/{path}") as answer:
        assert answer.status == status
    assert state_of(site) is State.PENDING


# ---------------------------------------------------------------- answers


async def test_a_page_keeps_foreign_content_out_and_is_not_kept(site: Site) -> None:
    """Names are on it: no cache and no frame may hold it."""
    async with site.client.get("/admin/subscribers") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
    async with site.client.get("/admin/static/admin.css") as answer:
        assert (answer.status, answer.content_type) == (200, "text/css")
        assert "http" not in await answer.text()


async def test_the_path_without_its_slash_leads_in(site: Site) -> None:
    """The links of the pages are relative, so that a proxy may put them anywhere."""
    async with site.client.get("/admin", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "admin/")
    for path in ("", "subscribers", "incidents", "deliveries"):
        page = await site.page(path)
        assert not [link for link in page.links if link.startswith(("/", "http"))]


async def test_no_log_tells_a_name(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """What was done is logged, not to whom."""
    with caplog.at_level(logging.DEBUG):
        await site.press((await site.page()).form("approve", 8))
    assert "a subscription was changed" in caplog.text
    assert "Borys" not in caplog.text


async def test_a_database_that_is_down_is_said_in_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """On every page and after every form; the log says it once, and once that it is back."""
    blocked = tmp_path / "alerting.db"
    async with Site(tmp_path) as site:
        blocked.mkdir()  # no file: SQLite cannot open it
        for path in ("", "subscribers", "incidents", "deliveries", "confirm?chat=8", "?done=gone"):
            page = await site.page(path, status=503)
            assert "The database is down." in page.text
        form = Form("deny", {"chat": "8"})
        assert await site.send(form, {"Sec-Fetch-Site": "same-origin"}) == 503
        blocked.rmdir()
        site.subscribe(Subscriber(8, None, created=NOW))
        await site.page()
    said = [
        record.levelname for record in caplog.records if record.name == "alerting.admin.endpoint"
    ]
    assert said == ["ERROR"]
