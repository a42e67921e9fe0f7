"""A device on its mains that calls us: who is heard, and what its silence means."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import time
from typing import Any

import pytest
import requests

from chassis.instants import from_rfc3339
from tests.e2e.exporters import wait_for
from tests.e2e.servers import secret
from tests.e2e.services import Guarded, Service, bcrypted

EVERY = 500  # ms
COTTAGE, SHED = "cottage token", "shed token"
SAME_401 = "no heartbeat is taken for this token"
USER = ("reader", "secret")


def heartbeat_home(name: str, probe: str = "agent") -> str:
    """Return the YAML of a home whose device calls twice a second."""
    return (
        f"  - name: {name}\n"
        "    interval: 100ms\n    timeout: 100ms\n    off_after: 200ms\n    on_after: 200ms\n"
        "    unknown_after: 5s\n"
        "    probes:\n"
        f"      - {{kind: heartbeat, name: {probe}, token_file: {name}_token, every: {EVERY}ms}}"
    )


HOMES = f"{heartbeat_home('cottage')}\n{heartbeat_home('shed')}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the secrets of two homes."""
    secret(tmp_path / "cottage_token", COTTAGE)
    secret(tmp_path / "shed_token", SHED)
    return tmp_path


@pytest.fixture
def exporter(folder: Path) -> Iterator[Service]:
    """An exporter that listens for both."""
    with Service(folder, HOMES) as exporter:
        yield exporter


@pytest.fixture(scope="module")
def uncalled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An exporter that all refused calls share: none of them may change anything."""
    folder = tmp_path_factory.mktemp("uncalled")
    secret(folder / "cottage_token", COTTAGE)
    secret(folder / "shed_token", SHED)
    with Service(folder, HOMES) as exporter:
        yield exporter


def beat(exporter: Service, path: str, token: str | None = COTTAGE) -> requests.Response:
    """Call as the device does."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return requests.post(f"{exporter.url}/heartbeat/{path}", headers=headers, timeout=10)


def rows(exporter: Service, name: str = "cottage") -> list[dict[str, Any]]:
    """Return a home's rows."""
    return [row for row in exporter.rows() if row["home"] == name]


# ---------------------------------------------------------------- who is heard


@pytest.mark.parametrize("path", ["cottage", "cottage/agent"])
def test_the_right_token_is_heard(exporter: Service, path: str) -> None:
    """204 without a body, and the home is on at once; the other home learns nothing from it."""
    answer = beat(exporter, path)
    assert (answer.status_code, answer.content) == (204, b"")
    exporter.wait_for_state("on", "cottage")
    assert exporter.home("shed")["since"] is None


@pytest.mark.parametrize(
    "path,token",
    [
        ("cottage", None),
        ("cottage", ""),
        ("cottage", "wrong"),
        ("cottage", SHED),
        ("cottage/agent", SHED),
        ("cottage/other", COTTAGE),
        ("shed", COTTAGE),
        ("nowhere", COTTAGE),
        ("nowhere/agent", COTTAGE),
        ("nowhere", None),
    ],
)
def test_whatever_is_no_token_of_that_home_is_the_same_401(
    uncalled: Service, path: str, token: str | None
) -> None:
    """Nobody learns which homes there are, and no home is on for it."""
    answer = beat(uncalled, path, token)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == SAME_401
    assert "on" not in {row["state"] for row in uncalled.rows()}
    assert "on" not in {uncalled.state("cottage"), uncalled.state("shed")}


def test_a_token_in_the_url_or_by_basic_auth_is_none(uncalled: Service) -> None:
    """Only the Bearer header counts; a GET is no heartbeat."""
    url = f"{uncalled.url}/heartbeat/cottage"
    assert requests.post(url, params={"token": COTTAGE}, timeout=10).status_code == 401
    assert requests.post(url, auth=("cottage", COTTAGE), timeout=10).status_code == 401
    bearer = {"Authorization": f"Bearer {COTTAGE}"}
    assert requests.get(url, headers=bearer, timeout=10).status_code == 405


def test_heartbeats_are_outside_basic_auth(folder: Path) -> None:
    """Both use the same header: a device needs its token alone, and a password is none."""
    (folder / "web.yml").write_text("basic_auth_users:\n" + bcrypted(USER), encoding="utf-8")
    with Guarded(folder, HOMES, USER) as exporter:
        assert exporter.ask("GET", "/api/v1/homes", None).status_code == 401
        assert beat(exporter, "cottage").status_code == 204
        assert exporter.ask("POST", "/heartbeat/cottage", USER).status_code == 401
        exporter.wait_for_state("on", "cottage")
        assert COTTAGE not in exporter.output()


def test_a_token_is_changed_by_a_reload(exporter: Service) -> None:
    """The new one is heard, the old one is not any more."""
    secret(exporter.folder / "cottage_token", "a new token")
    exporter.reload()
    assert beat(exporter, "cottage").status_code == 401
    assert beat(exporter, "cottage", "a new token").status_code == 204


# ---------------------------------------------------------------- silence


def called_until_on(exporter: Service) -> tuple[int, int]:
    """Call until the home is on; return when the last call was made, as (not before, not after)."""
    begun = int(time() * 1000)
    assert beat(exporter, "cottage").status_code == 204
    done = int(time() * 1000) + 1
    exporter.wait_for_state("on", "cottage")
    return begun, done


def test_silence_is_off_from_the_first_missed_call(exporter: Service) -> None:
    """Seen after thrice `every`, dated to the first call that was missed."""
    begun, done = called_until_on(exporter)
    exporter.wait_for_state("off", "cottage")
    off = rows(exporter)[-1]
    assert begun + EVERY <= from_rfc3339(off["at"]) <= done + EVERY
    assert begun <= from_rfc3339(off["not_before"]) <= done
    assert from_rfc3339(off["confirmed_at"]) > begun + 3 * EVERY
    assert off["votes"][0]["vote"] == "off"


def test_a_call_ends_the_outage_when_it_arrived(exporter: Service) -> None:
    """On again is dated to the call."""
    called_until_on(exporter)
    exporter.wait_for_state("off", "cottage")
    begun, done = called_until_on(exporter)
    on = rows(exporter)[-1]
    assert begun <= from_rfc3339(on["at"]) <= done
    (outage,) = exporter.get("/api/v1/homes/cottage/outages")["outages"]
    assert outage["end"] == on["at"]


def wait_until(moment: float) -> None:
    """Wait out the pause between two calls, which is made of time."""
    wait_for(lambda: time() >= moment)


def test_regular_calls_keep_it_on(exporter: Service) -> None:
    """For longer than thrice `every`; two missed calls are no outage."""
    begun, _ = called_until_on(exporter)
    for number in count(1):
        wait_until((begun + number * 2 * EVERY) / 1000)  # every second call gets lost
        assert beat(exporter, "cottage").status_code == 204
        if number * 2 > 6:
            break
    assert [row["state"] for row in rows(exporter)] == ["on"]


def test_a_restart_waits_before_it_says_off(exporter: Service) -> None:
    """Calls that came while nobody listened are not held against the device."""
    called_until_on(exporter)
    exporter.kill()
    exporter.start()
    restarted = int(time() * 1000)  # it has listened for some rounds by now
    assert exporter.state("cottage") == "on"
    exporter.wait_for_state("off", "cottage")
    off = rows(exporter)[-1]
    assert from_rfc3339(off["confirmed_at"]) > restarted + 2 * EVERY
    assert len(rows(exporter)) == 2


def test_who_never_called_is_off_only_after_the_wait(exporter: Service) -> None:
    """First unknown without a row, then off; the first row says start."""
    assert exporter.home("shed")["since"] is None
    assert exporter.home("shed")["state"] == "unknown"
    exporter.wait_for_state("off", "shed")
    (row,) = rows(exporter, "shed")
    assert (row["state"], row["previous"], row["cause"]) == ("off", None, "start")
