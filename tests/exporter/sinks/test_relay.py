"""The relay sink over HTTP and in-process."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from exporter.entries import Entry
from exporter.pump import Pump
from exporter.sinks.outcomes import (
    Accepted,
    Blocked,
    NothingToSay,
    Outcome,
    Refused,
    Unavailable,
)
from exporter.sinks.relay import HttpRelay, RelaySink
from tests.exporter.memory_outbox import MemoryOutbox, entries_of_rows, rows_of
from tests.fakes.relay import TOKEN, FakeRelay

PAYLOAD = {"version": "4", "alerts": []}


def put(file: Path, content: str | bytes) -> None:
    """Let a file hold this."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
async def fake() -> AsyncIterator[FakeRelay]:
    """A relay that has just begun."""
    async with FakeRelay() as fake:
        yield fake


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """A file with the right token."""
    file = tmp_path / "webhook_token"
    file.write_text(f"{TOKEN}\n")
    return file


@pytest.fixture
async def relay(fake: FakeRelay, token_file: Path) -> AsyncIterator[HttpRelay]:
    """The way to it."""
    relay = HttpRelay(fake.url, token_file)
    yield relay
    await relay.close()


@pytest.fixture
def outage() -> list[Entry]:
    """A home that goes off."""
    return entries_of_rows(rows_of(("flat", "on", 0), ("flat", "off", 60)))


async def test_an_outage_is_posted_as_one_webhook(
    fake: FakeRelay, relay: HttpRelay, outage: list[Entry]
) -> None:
    """With the token, to the place that Alertmanager posts to."""
    sink = RelaySink(relay.post, check=relay.check, external_url="https://power.example.org")
    assert await sink.send(outage) == Accepted()
    (payload,) = fake.payloads
    assert payload["externalURL"] == "https://power.example.org"
    assert [alert["labels"]["alertname"] for alert in payload["alerts"]] == ["PowerOutage"]


async def test_rows_that_tell_nothing_make_no_request(
    fake: FakeRelay, relay: HttpRelay, outage: list[Entry]
) -> None:
    """They only move the cursor."""
    assert await RelaySink(relay.post).send(outage[:1]) == NothingToSay()
    assert fake.posted == []


async def test_the_relay_in_the_same_process_gets_the_same(outage: list[Entry]) -> None:
    """`post` is all that the sink needs."""
    got: list[dict[str, Any]] = []

    async def post(payload: dict[str, Any]) -> Outcome:
        got.append(payload)
        return Accepted()

    sink = RelaySink(post)
    assert await sink.send(outage) == Accepted()
    assert await sink.check() == Accepted()
    assert got[0]["alerts"][0]["labels"]["home"] == "flat"


async def test_a_relay_in_the_same_process_that_hangs_is_unavailable(outage: list[Entry]) -> None:
    """The time of a post is bounded whoever takes it."""

    async def post(_: dict[str, Any]) -> Outcome:
        await asyncio.Event().wait()
        return Accepted()

    assert isinstance(await RelaySink(post, within=0.05).send(outage), Unavailable)


async def test_the_session_stays_open(fake: FakeRelay, relay: HttpRelay) -> None:
    """Three posts, refused ones too, use one connection."""
    fake.fail_next(1, "503")
    for _ in range(3):
        await relay.post(PAYLOAD)
    assert len(fake.posted) == 3
    assert len(fake.connections) == 1


@pytest.mark.parametrize(
    "how, kind",
    [
        ("400", Refused),
        ("401", Blocked),
        ("403", Blocked),
        ("404", Blocked),
        ("413", Refused),
        ("429", Unavailable),
        ("500", Unavailable),
        ("503", Unavailable),
        ("reset-before", Unavailable),
        ("reset-after", Unavailable),
    ],
)
async def test_every_answer_is_an_outcome(
    fake: FakeRelay, relay: HttpRelay, how: str, kind: type
) -> None:
    """And the next post works again."""
    fake.fail_next(1, how)
    assert isinstance(await relay.post(PAYLOAD), kind)
    assert await relay.post(PAYLOAD) == Accepted()


async def test_retry_after_is_handed_on(fake: FakeRelay, relay: HttpRelay) -> None:
    """In seconds."""
    fake.fail_next(1, "503", retry_after="4")
    assert await relay.post(PAYLOAD) == Unavailable('HTTP 503: {"status": 503}', 4.0)


async def test_a_relay_that_hangs_is_unavailable(fake: FakeRelay, token_file: Path) -> None:
    """A post ends by itself."""
    relay = HttpRelay(fake.url, token_file, within=0.1)
    fake.fail_next(1, "hang")
    assert await relay.post(PAYLOAD) == Unavailable("no answer within 0.1 s")
    await relay.close()


async def test_a_port_without_a_relay_is_unavailable(token_file: Path) -> None:
    """For a post and for a look."""
    async with FakeRelay() as gone:
        url = gone.url
    relay = HttpRelay(url, token_file)
    assert isinstance(await relay.post(PAYLOAD), Unavailable)
    assert isinstance(await relay.check(), Unavailable)
    await relay.close()


async def test_a_token_that_is_not_there_yet_is_waited_for(fake: FakeRelay, tmp_path: Path) -> None:
    """The relay makes the file later; a look says why the sink is down."""
    file = tmp_path / "later"
    relay = HttpRelay(fake.url, file)
    for outcome in (await relay.post(PAYLOAD), await relay.check()):
        assert isinstance(outcome, Unavailable)
        assert str(file) in outcome.reason
    put(file, TOKEN)
    assert await relay.check() == Accepted()
    assert await relay.post(PAYLOAD) == Accepted()
    assert len(fake.posted) == 1
    await relay.close()


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"\xff\xfe"])
async def test_a_file_without_a_usable_token_is_unavailable_and_not_quoted(
    fake: FakeRelay, token_file: Path, content: bytes
) -> None:
    """No header is made of it."""
    put(token_file, content)
    relay = HttpRelay(fake.url, token_file)
    assert await relay.post(PAYLOAD) == Unavailable(f"{token_file} holds no token")
    assert fake.posted == []
    await relay.close()


async def test_a_wrong_token_is_read_again_on_the_next_try(
    fake: FakeRelay, relay: HttpRelay, token_file: Path
) -> None:
    """401 blocks until the file is mended; nobody has to restart anything."""
    put(token_file, "wrong\n")
    assert isinstance(await relay.post(PAYLOAD), Blocked)
    put(token_file, TOKEN)
    assert await relay.post(PAYLOAD) == Accepted()
    put(token_file, "not read while the last one works")
    assert await relay.post(PAYLOAD) == Accepted()


async def test_tls_needs_the_ca_file(token_file: Path, tmp_path: Path) -> None:
    """Missing, wrong and right: mended without a restart."""
    ca, stranger = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    async with FakeRelay(tls=context) as fake:
        relay = HttpRelay(fake.url, token_file, ca_file)
        missing = await relay.post(PAYLOAD)
        assert isinstance(missing, Unavailable)
        assert str(ca_file) in missing.reason
        stranger.cert_pem.write_to_path(str(ca_file))
        wrong = await relay.post(PAYLOAD)
        assert isinstance(wrong, Unavailable)
        assert "certificate" in wrong.reason.lower()
        ca.cert_pem.write_to_path(str(ca_file))
        assert await relay.post(PAYLOAD) == Accepted()
        await relay.close()


async def test_a_redirect_is_not_followed(fake: FakeRelay, relay: HttpRelay) -> None:
    """The token goes to nobody else."""
    fake.fail_next(1, "307")
    assert isinstance(await relay.post(PAYLOAD), Blocked)


async def test_a_pump_tells_a_whole_outage_after_the_relay_was_away(
    fake: FakeRelay, relay: HttpRelay
) -> None:
    """What had ended meanwhile is one PowerRestored, and the cursor is behind all rows."""
    outbox = MemoryOutbox()
    place, now = outbox.place("notify"), iter(range(0, 10_000, 60)).__next__
    pump = Pump(RelaySink(relay.post), outbox, place, now=now)
    outbox.rows = rows_of(("flat", "on", 0), ("flat", "off", 60))
    fake.fail_next(2, "503")
    await pump.pump_once()
    await pump.pump_once()
    outbox.rows = rows_of(("flat", "on", 0), ("flat", "off", 60), ("flat", "on", 300))
    while await pump.pump_once() is not None:
        pass
    assert [alert["labels"]["alertname"] for alert in fake.alerts] == ["PowerRestored"]
    assert outbox.cursors["notify"] == 3
