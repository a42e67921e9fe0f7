"""No token, password, chat text or name comes out: not in a log at debug level, not in an answer.

Each test plants secrets where they belong, lets all go wrong that can, and looks through all
that was printed, answered and counted.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.alerting.postgres import NEEDED, PostgreSQL, postgresql_server
from tests.alerting.rig import alert, outage, restored
from tests.e2e.exporters import Exporter, file_home, wait_for
from tests.e2e.real_programs import Running, needs
from tests.e2e.relays import DELIVERIES, PowerAlerting, Reader, Telegram, to_bot_api
from tests.e2e.servers import notify_settings, secret

ALL = 100_000_000  # bytes of a log
DEBUG = ("--log-level", "debug")
ADMIN, PERSON, GROUP = 900, 5001, -1_000_000_005_002
STATES = ("power_alerting_telegram_up 0.0", "power_alerting_telegram_up 1.0")

# A bot's token is 110201543:SECRET; what stands behind the colon is looked for.
SECRETS = {
    "token": "PlantedBotToken_sufficiently-long-",
    "wrong token": "PlantedOtherToken_sufficiently-long",
    "odd token": "Planted odd token/with §igns",
    "webhook token": "planted-webhook-token",
    "wrong webhook token": "planted-wrong-bearer",
    "database password": "planted&database:password",
    "wrong password": "planted-wrong-password",
    "text": "planted words of a private talk",
    "command": "planted_command_argument",
    "first name": "Plantedoleksandra",
    "last name": "Плантенко",
    "user name": "planted_user_name",
    "group": "Planted group's title",
    "subscriber": "Planted Subscriber Name",
}
SENDER = {
    "id": PERSON,
    "is_bot": False,
    "first_name": SECRETS["first name"],
    "last_name": SECRETS["last name"],
    "username": SECRETS["user name"],
}
FAULTS = ("502", "500", "page-403", "page-502", "cut", "reset-before", "401", "404", "409", "429")
FAULTY_BODIES = (
    b"",
    b"{" + SECRETS["text"].encode(),
    f'{{"version": "{SECRETS["text"]}", "alerts": []}}'.encode(),
    f'{{"version": "4", "alerts": "{SECRETS["text"]}"}}'.encode(),
    b"[" * 100_000,
    b"x" * 1_100_000,
)

pytestmark = needs(*NEEDED)


class Evidence:
    """All that came out. `running` are asked for their logs; `said` is whatever was collected."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def log(self, name: str, running: Running) -> None:
        """Keep what it has printed since its start."""
        printed = running.output(ALL)
        assert "level=debug" in printed, "the log is not one at debug level"
        self.keep(f"log of {name}", printed)

    def answer(self, answer: requests.Response) -> requests.Response:
        """Keep an answer, its headers too."""
        self.keep(f"answer to {answer.request.path_url}", f"{answer.headers}\n{answer.text}")
        return answer

    def keep(self, name: str, text: str) -> None:
        self.said[f"{len(self.said)}: {name}"] = text

    def leaks(self, *secrets: str) -> list[str]:
        """Return which secrets came out, and where."""
        return [
            f"{what} in the {where}: …{text[max(0, text.index(spelled) - 200) :][:300]}…"
            for what, clear in {**SECRETS, **dict.fromkeys(secrets, "")}.items()
            for spelled in {clear or what, quote(clear or what), quote(clear or what, safe="")}
            for where, text in self.said.items()
            if spelled in text
        ]


class LoudExporter(Exporter):
    """An exporter that logs at debug level."""

    def _argv(self, port: int) -> list[str]:
        return [*super()._argv(port), *DEBUG]


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    """A server that may be away for a while."""
    with postgresql_server() as server:
        yield server


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    """A Bot API with a person and a group, who are called what must not be said."""
    with Telegram("--token", f"110201543:{SECRETS['token']}", "--burst", "100") as telegram:
        names = {"title": SECRETS["first name"], "username": SECRETS["user name"]}
        telegram.do("chat", chat_id=PERSON, **names)
        telegram.do("chat", chat_id=GROUP, title=SECRETS["group"])
        telegram.do("chat", chat_id=ADMIN)
        yield telegram


def settings_of(folder: Path, telegram: Telegram, database: str, token: str) -> str:
    """Return the YAML of a relay on PostgreSQL whose secrets are planted."""
    secret(folder / "database_password", SECRETS["database password"])
    bot = to_bot_api(folder, telegram.url, token=token)
    return f"  database: {database}\n  database_password_file: database_password\n{bot}"


def new_relay(
    folder: Path, telegram: Telegram, postgresql: PostgreSQL, token: str
) -> PowerAlerting:
    """Return a relay at debug level on an empty database."""
    postgresql.run("DROP DATABASE IF EXISTS secrets WITH (FORCE)")
    postgresql.run("CREATE DATABASE secrets")
    settings = settings_of(folder, telegram, postgresql.database("secrets"), token)
    relay = PowerAlerting(folder, settings, flags=DEBUG)
    secret(folder / "relay_token", SECRETS["webhook token"])
    return relay


def post(relay: PowerAlerting, evidence: Evidence, *alerts: dict[str, Any]) -> int:
    """Post alerts with the right token, and keep the answer."""
    body = {"version": "4", "alerts": list(alerts)}
    token = SECRETS["webhook token"]
    return evidence.answer(relay.ask("POST", "/alerts", json=body, token=token)).status_code


def say(telegram: Telegram, chat_id: int, text: str) -> None:
    """Let the person write."""
    telegram.do("say", chat_id=chat_id, text=text, user_id=PERSON, **{"from": SENDER})


def test_people_and_telegrams_faults(
    tmp_path: Path, telegram: Telegram, postgresql: PostgreSQL
) -> None:
    """Whatever people write, and whatever Telegram answers to what is sent to them."""
    evidence = Evidence()
    with new_relay(tmp_path, telegram, postgresql, f"110201543:{SECRETS['token']}") as relay:
        people_write(telegram)
        for chat_id, fault in enumerate(FAULTS, PERSON + 1):
            telegram.do("fail_chat", chat_id=chat_id, how=fault, count=1)
            telegram.fail(fault, 1, method="getUpdates")
        relay.subscribe(*(Reader(PERSON + n, name=SECRETS["subscriber"]) for n in range(1, 11)))
        assert post(relay, evidence, outage()) == 200
        say(telegram, PERSON, f"/status {SECRETS['command']}")
        wait_for(lambda: relay.counted(DELIVERIES, "delivered") == len(FAULTS), within=120)
        assert relay.counted(DELIVERIES, "ambiguous") > 0
        assert relay.counted(DELIVERIES, "retried") > 0
        evidence.answer(relay.ask("GET", "/metrics"))
        evidence.log("the relay", relay)
        assert "Telegram takes no messages" in relay.output(ALL)
    assert evidence.leaks() == []


def people_write(telegram: Telegram) -> None:
    """Let the person write all sorts of things, in a group and in private."""
    for text in (SECRETS["text"], "/start", f"/approve {SECRETS['text']}", "/subscribers"):
        say(telegram, GROUP, text)
    for text in (SECRETS["text"], f"/start {SECRETS['command']}", "/start", "/history 7"):
        say(telegram, PERSON, text)
    wait_for(lambda: len(telegram.messages(PERSON)) == 4)  # more at once would be too many
    for text in (f"/{SECRETS['command']}", f"/mute {SECRETS['text']}", "/stop", "/start"):
        say(telegram, PERSON, text)
    wait_for(lambda: len(telegram.messages(PERSON)) == 8)
    wait_for(lambda: len(telegram.messages(GROUP)) == 3)
    telegram.do("push", message={"message_id": 1, "chat": SECRETS["text"], "from": [SENDER]})
    telegram.do("membership", chat_id=GROUP, status="kicked", was="administrator")


def test_bad_tokens_of_the_bot(tmp_path: Path, telegram: Telegram, postgresql: PostgreSQL) -> None:
    """One that is refused, and one that is not even shaped like a token."""
    evidence = Evidence()
    for token in (f"110201543:{SECRETS['wrong token']}", SECRETS["odd token"]):
        with new_relay(tmp_path, telegram, postgresql, token) as relay:
            relay.command("subscribers", "add", str(PERSON), "--name", SECRETS["subscriber"])
            assert post(relay, evidence, outage()) == 200
            wait_for(lambda: "level=warning logger=alerting.sending" in relay.output(ALL))
            wait_for(lambda: relay.counted(DELIVERIES, "retried") > 0)
            assert STATES[0] in relay.metrics()
            evidence.answer(relay.ask("GET", "/-/ready"))
            evidence.answer(relay.ask("GET", "/metrics"))
            evidence.log("the relay", relay)
    assert evidence.leaks() == []


def test_strangers_and_faulty_webhooks(
    tmp_path: Path, telegram: Telegram, postgresql: PostgreSQL
) -> None:
    """What is sent to it is not repeated; its own secrets are not shown to those who guess."""
    evidence = Evidence()
    token = SECRETS["webhook token"]
    with new_relay(tmp_path, telegram, postgresql, f"110201543:{SECRETS['token']}") as relay:
        wrong = SECRETS["wrong webhook token"]
        assert (
            evidence.answer(relay.ask("POST", "/alerts", json={}, token=wrong)).status_code == 401
        )
        for body in FAULTY_BODIES:
            answer = evidence.answer(relay.ask("POST", "/alerts", data=body, token=token))
            assert answer.status_code in (400, 413), answer.text
        faulty = [outage(since=SECRETS["text"]), restored(), alert({"home": SECRETS["text"]})]
        assert post(relay, evidence, *faulty) == 200
        password = (relay.data / "admin_password").read_text(encoding="utf-8").strip()
        for user in (None, ("admin", SECRETS["wrong password"]), (SECRETS["first name"], "x")):
            assert evidence.answer(relay.ask("GET", "/admin/", auth=user)).status_code == 401
        shown = relay.ask("GET", "/admin/", auth=("admin", password))
        assert shown.status_code == 200
        evidence.answer(shown)
        evidence.answer(relay.ask("POST", "/admin/approve", auth=("admin", password), data=SENDER))
        evidence.answer(relay.ask("GET", "/metrics"))
        evidence.log("the relay", relay)
    assert evidence.leaks(password) == []


def test_a_database_that_is_away_and_an_exporter_that_is_refused(
    tmp_path: Path, telegram: Telegram, postgresql: PostgreSQL
) -> None:
    """Both ends of the fast path complain, and neither says with which token."""
    evidence = Evidence()
    meter = tmp_path / "meter"
    meter.write_text("on", encoding="ascii")
    (tmp_path / "watch").mkdir()
    secret(tmp_path / "watch" / "relay_token", SECRETS["wrong webhook token"])
    with ExitStack() as ends:
        token = f"110201543:{SECRETS['token']}"
        relay = ends.enter_context(new_relay(tmp_path, telegram, postgresql, token))
        relay.command("subscribers", "add", str(PERSON), "--name", SECRETS["subscriber"])
        home = file_home(meter, off_after="0s", on_after="0s")
        exporter = LoudExporter(tmp_path / "watch", home, notify_settings(relay.url))
        ends.enter_context(exporter)
        exporter.wait_for_state("on")
        meter.write_text("off", encoding="ascii")
        wait_for(lambda: 'power_alerting_webhooks_total{code="401"} 0.0' not in relay.metrics())
        secret(tmp_path / "watch" / "relay_token", SECRETS["webhook token"])
        postgresql.stop()
        os.kill(exporter.pid, 1)
        wait_for(lambda: 'power_alerting_webhooks_total{code="503"} 0.0' not in relay.metrics(), 60)
        say(telegram, PERSON, f"/status {SECRETS['command']}")
        assert post(relay, evidence, outage()) == 503
        postgresql.restart()
        wait_for(lambda: telegram.messages(PERSON), within=60)
        for name, page in (("relay", relay.metrics()), ("exporter", exporter.metrics())):
            evidence.keep(f"metrics of the {name}", page)
        evidence.log("the relay", relay)
        evidence.log("the exporter", exporter)
    assert evidence.leaks() == []
