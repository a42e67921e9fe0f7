"""The exporter is asked in the ways that its config allows, and may be away in every way."""

import logging
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme

from alerting.exporter_answers import HomeNow
from alerting.exporter_api import MOST_BYTES, Address, Away, ExporterApi
from chassis.secrets import Secret
from exporter.power import State
from tests.exporter.web.rig import HOUR, MINUTE, START, Rig
from tests.fakes.exporter import FakeExporter

HOME: dict[str, Any] = {"name": "flat", "state": "on", "since": None, "outage": None}


@pytest.fixture
async def fake() -> AsyncIterator[FakeExporter]:
    """An exporter with one home."""
    async with FakeExporter() as fake:
        fake.answers["/api/v1/homes/flat"] = HOME
        yield fake


@pytest.fixture
async def api(fake: FakeExporter) -> AsyncIterator[ExporterApi]:
    """Whoever asks it."""
    asking = ExporterApi(lambda: Address(fake.url), within=0.3)
    yield asking
    await asking.close()


async def test_a_real_exporter_is_understood(tmp_path: Path) -> None:
    """Its web part answers all that is asked for."""
    async with Rig(tmp_path, "flat") as rig:
        api = ExporterApi(lambda: Address(f"{rig.url}/"))
        await rig.change(State.ON, START - 5 * HOUR)
        await rig.change(State.OFF, START - 3 * HOUR)
        await rig.change(State.ON, START - 2 * HOUR)
        await rig.change(State.OFF, START - HOUR)
        homes = await api.homes(["flat"])
        outages = await api.outages("flat", START - 4 * HOUR)
        reliability = await api.reliability("flat", START - 4 * HOUR)
        rows = await api.transitions("flat", START - 4 * HOUR)
        later = await api.outages("flat", START - 30 * MINUTE)
        nobody = await api.homes(["nobody"])
        await api.close()
    assert not isinstance(homes, Away)
    assert (homes[0].name, homes[0].state, homes[0].since) == ("flat", "off", START - HOUR)
    assert homes[0].outage is not None
    assert not isinstance(outages, Away)
    assert [(one.start, one.end) for one in outages] == [
        (START - 3 * HOUR, START - 2 * HOUR),
        (START - HOUR, None),
    ]
    assert outages[0].length == HOUR
    assert not isinstance(reliability, Away)
    assert reliability.watched == 4 * HOUR
    assert reliability.outages.sustained == 2
    assert not isinstance(rows, Away)
    assert [one.state for one in rows] == ["off", "on", "off"]
    assert not isinstance(later, Away)
    assert len(later) == 1
    assert nobody == ()


@pytest.mark.parametrize(
    "how,reason",
    [
        ("503", "HTTP 503"),
        ("401", "HTTP 401"),
        ("302", "HTTP 302"),
        ("404", "HTTP 404"),
        ("hang", "no answer within 0.3 s"),
        ("reset-before", ""),
    ],
)
async def test_an_exporter_that_does_not_answer_is_away(
    fake: FakeExporter, api: ExporterApi, how: str, reason: str
) -> None:
    """No redirect is followed; the next question may be answered again."""
    fake.faults.fail_next(2, how)
    found = await api.homes(["flat"])
    assert isinstance(found, Away)
    assert reason in found.reason
    fake.faults.clear()
    assert not isinstance(await api.homes(["flat"]), Away)
    assert set(fake.asked) == {"/api/v1/homes/flat"}


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"[]",
        b'{"homes": 1}',
        b'{"name": "flat", "state": "broken", "since": null, "outage": null}',
        b'{"name": "flat", "state": "on", "since": "yesterday", "outage": null}',
        b'{"name": "flat", "state": "on", "since": null, "outage": {"start": "now"}}',
        b" " * (MOST_BYTES + 1),
        b"\xff",
    ],
)
async def test_what_is_no_answer_of_an_exporter_is_away(
    fake: FakeExporter, api: ExporterApi, answer: bytes
) -> None:
    """Something else may listen there."""
    fake.answers["/api/v1/homes/flat"] = answer
    assert isinstance(await api.homes(["flat"]), Away)


async def test_what_a_later_version_adds_is_passed_over(
    fake: FakeExporter, api: ExporterApi
) -> None:
    """Or understood, where it is known to come."""
    fake.answers["/api/v1/homes/flat"] = HOME | {"new": 1, "sustained_after_seconds": 60}
    assert await api.homes(["flat"]) == (HomeNow(**HOME, sustained_after_seconds=60),)


async def test_many_homes_are_asked_for_at_once(fake: FakeExporter, api: ExporterApi) -> None:
    """And few one by one."""
    fake.answers["/api/v1/homes"] = {"homes": [HOME, HOME | {"name": "other"}]}
    names = ["flat", *(f"home{number}" for number in range(20))]
    assert await api.homes(names) == (HomeNow(**HOME),)
    assert fake.asked == ["/api/v1/homes"]
    assert await api.homes(names[:20]) == (HomeNow(**HOME),)
    assert len(fake.asked) == 21
    fake.faults.fail_next(1, "503")
    assert await api.homes(names) == Away("HTTP 503")


async def test_pages_are_put_together_up_to_a_limit(fake: FakeExporter, api: ExporterApi) -> None:
    """A home that changes all the time has no picture."""
    path = "/api/v1/homes/flat/transitions"
    fake.answers[path] = {"transitions": [], "next": "more"}
    assert isinstance(await api.transitions("flat", 0), Away)
    assert fake.asked[1].endswith("limit=1000&cursor=more")
    fake.answers[path] = {"transitions": [], "next": None}
    assert await api.transitions("flat", -5) == ()
    assert "from=1970-01-01T00:00:00.000Z" in fake.asked[-1]


async def test_its_going_and_coming_are_logged_once(
    fake: FakeExporter, api: ExporterApi, caplog: pytest.LogCaptureFixture
) -> None:
    """Not every question."""
    fake.faults.fail_next(3, "503")
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            await api.homes(["flat"])
    assert [record.getMessage() for record in caplog.records] == [
        "the exporter cannot be asked: HTTP 503",
        "the exporter can be asked again",
    ]


async def test_it_logs_in_where_it_must(fake: FakeExporter) -> None:
    """With what the config's file holds; a config that changes holds at once."""
    address = Address(fake.url, Secret("relay:pässword"))
    api = ExporterApi(lambda: address)
    await api.homes(["flat"])
    address = Address(fake.url)
    await api.homes(["flat"])
    await api.close()
    assert fake.authorizations == ["Basic cmVsYXk6cMOkc3N3b3Jk", None]


async def test_a_certificate_is_checked(tmp_path: Path) -> None:
    """By the CA that the config names."""
    ca = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(tls)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "none.pem").touch()
    async with FakeExporter(tls=tls) as fake:
        fake.answers["/api/v1/homes/flat"] = HOME
        for ca_file, good in (("ca.pem", True), (None, False), ("none.pem", False), ("no", False)):
            address = Address(fake.url, ca_file=None if ca_file is None else tmp_path / ca_file)
            api = ExporterApi(partial(replace, address))
            assert isinstance(await api.homes(["flat"]), Away) is not good
            await api.close()
