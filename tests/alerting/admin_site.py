"""The pages of /admin/ on a real server, over a real store that tests fill."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Self

import aiohttp

from alerting.admin import PATH, Sources, admin_login, admin_routes
from alerting.alerts import Alert
from alerting.config import AlertingSettings
from alerting.store import Change, Store
from alerting.subscribers import Subscriber
from alerting.telling import Surroundings
from alerting.told import Place
from chassis.logs import SecretFilter
from chassis.web import WebServer
from tests.chassis.servers import basic
from tests.exporter.clocks import HandClock

NOW = 1_795_514_400_000  # 2026-11-24T10:00:00Z, 12:00 in Kyiv, 11:00 in Warsaw
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
ADMIN = 900
PLACES = {"flat": Place("Our flat", "Europe/Kyiv"), "hut": Place("Хата", "Europe/Warsaw")}
VOID = {"meta", "link", "input"}


@dataclass(frozen=True, slots=True)
class Form:
    """A form as a browser would send it."""

    action: str
    fields: dict[str, str]


class Page(HTMLParser):
    """A page taken apart: its text, links and forms, and whether all that was opened was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self._words: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if tag == "a":
            self.links.append(given["href"])
        if tag == "form":
            self.forms.append(Form(given["action"], {}))
        if tag == "input":
            self.forms[-1].fields[given["name"]] = given["value"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    @property
    def text(self) -> str:
        """What is read, with single spaces; a dash is a hyphen."""
        text = re.sub(r"\s+", " ", " ".join(self._words)).replace("\N{EN DASH}", "-")
        return text.replace(" ,", ",").replace(" .", ".")

    def form(self, action: str, chat_id: int, topic: int = 0) -> Form:
        """Find the form that does something to a subscription."""
        whom = (action, str(chat_id), str(topic))
        return next(
            form
            for form in self.forms
            if (form.action, form.fields["chat"], form.fields["topic"]) == whom
        )


class Site:
    """The server and its store; `async with` it. Whoever asks is logged in."""

    def __init__(self, folder: Path, web_config_file: Path | None = None) -> None:
        self.settings = AlertingSettings(
            listen="127.0.0.1:0", data_dir=folder, web_config_file=web_config_file
        )
        self.store = Store(self.settings.database_url)
        self.clock = HandClock(NOW)
        self.hidden = SecretFilter()
        self.changes: list[Change] = []
        self.sends = True
        around = Surroundings(PLACES, "uk", "Europe/Kyiv")
        self.sources = Sources(
            self.store,
            self.clock,
            lambda: around,
            sends=lambda: self.sends,
            answered=self.changes.append,
        )

    async def __aenter__(self) -> Self:
        asked_for = admin_login(self.settings, self.hidden)
        self.password = (self.settings.data_dir / "admin_password").read_text().strip()
        routes = admin_routes(self.sources)
        self.server = WebServer(self.settings, routes, logins={PATH: asked_for})
        await self.server.start()
        login = {"Authorization": basic(f"admin:{self.password}")}
        self.client = aiohttp.ClientSession(self.server.url, headers=login)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self.server.stop()
        self.store.close()

    # --- what is known ---

    def subscribe(self, *subscribers: Subscriber) -> None:
        """Write subscriptions."""
        for subscriber in subscribers:
            self.store.save(subscriber, NOW)

    def accept(self, *alerts: Alert, at: int = NOW) -> None:
        """Take alerts in."""
        self.store.accept(alerts, at, queue=True, admins=[ADMIN])

    # --- what is asked ---

    async def page(self, path: str = "", status: int = 200) -> Page:
        """Open a page."""
        async with self.client.get(PATH + path, allow_redirects=False) as answer:
            text = await answer.text()
            assert (answer.status, answer.content_type) == (status, "text/html"), text
            assert answer.headers["Cache-Control"] == "no-store"
            return Page(text)

    async def send(self, form: Form, headers: dict[str, str] | None = None) -> int:
        """Send a form; return the status."""
        path = PATH + form.action
        async with self.client.post(
            path, data=form.fields, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status

    async def press(self, form: Form) -> Page:
        """Press a form's button and follow to where that leads, as a browser does."""
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": self.server.url}
        async with self.client.post(PATH + form.action, data=form.fields, headers=headers) as end:
            assert (end.status, end.method) == (200, "GET")
            assert end.history[0].status == 303
            return Page(await end.text())
