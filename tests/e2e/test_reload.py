"""A config that is changed while the exporter runs: by SIGHUP, by POST /-/reload."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
import requests

from tests.e2e.exporters import file_home, wait_for
from tests.e2e.services import Guarded, Service, bcrypted

GOOD = "power_exporter_config_last_reload_successful"
QUICK = {"off_after": "0s", "on_after": "0s"}
USER = ("admin", "correct horse")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two meters that say on."""
    for home in ("flat", "shed"):
        (tmp_path / home).write_text("on", encoding="ascii")
    return tmp_path


@pytest.fixture
def exporter(folder: Path) -> Iterator[Service]:
    """An exporter of one home that is on."""
    with Service(folder, home(folder, "flat")) as exporter:
        exporter.wait_for_state("on")
        yield exporter


def home(folder: Path, name: str, **keys: str) -> str:
    """Return the YAML of a home whose meter has its name."""
    return file_home(folder / name, name, **{**QUICK, **keys})


def attempts(exporter: Service, name: str = "flat") -> float:
    """Return how often a home's probe was asked."""
    labels = f'home="{name}",probe="file",kind="file"'
    return exporter.metric(f"power_probe_attempts_total{{{labels}}}") or 0


# ---------------------------------------------------------------- homes that come and go


def test_a_home_that_is_added_is_watched(exporter: Service, folder: Path) -> None:
    """Its first row comes, and the other home has no new one."""
    exporter.homes = f"{home(folder, 'flat')}\n{home(folder, 'shed')}"
    exporter.reload()
    exporter.wait_for_state("on", "shed")
    wait_for(lambda: [row["home"] for row in exporter.rows()] == ["flat", "shed"])
    assert exporter.metric(GOOD) == 1


def test_a_home_that_is_removed_takes_its_series_with_it(folder: Path) -> None:
    """Nothing of it is left in /metrics or the API but its rows in the journal."""
    both = f"{home(folder, 'flat')}\n{home(folder, 'shed')}"
    with Service(folder, both) as exporter:
        exporter.wait_for_state("on", "shed")
        (folder / "shed").write_text("off", encoding="ascii")
        exporter.wait_for_state("off", "shed")
        exporter.homes = home(folder, "flat")
        exporter.reload()
        assert 'home="shed"' not in exporter.metrics()
        assert 'home="flat"' in exporter.metrics()
        assert requests.get(exporter.url + "/api/v1/homes/shed", timeout=10).status_code == 404
        assert [h["name"] for h in exporter.get("/api/v1/homes")["homes"]] == ["flat"]
        assert sorted(row["home"] for row in exporter.rows()) == ["flat", "shed", "shed"]


def test_a_home_that_comes_back_soon_goes_on(folder: Path) -> None:
    """Its absence was shorter than unknown_after: the state goes on, no row is written."""
    both = f"{home(folder, 'flat')}\n{home(folder, 'shed')}"
    with Service(folder, both) as exporter:
        exporter.wait_for_state("on", "shed")
        counted = exporter.metric('power_transitions_total{home="shed",to="on"}')
        exporter.homes = home(folder, "flat")
        exporter.reload()
        exporter.homes = both
        exporter.reload()
        exporter.wait_for_state("on", "shed")
        assert len(exporter.rows()) == 2
        assert exporter.metric('power_transitions_total{home="shed",to="on"}') == counted == 1


def test_a_home_that_comes_back_late_was_not_observed(folder: Path) -> None:
    """Absent for longer than unknown_after: unknown, then what is measured."""
    both = f"{home(folder, 'flat')}\n{home(folder, 'shed', unknown_after='600ms')}"
    with Service(folder, both) as exporter:
        exporter.wait_for_state("on", "shed")
        exporter.homes = home(folder, "flat")
        exporter.reload()
        since = monotonic()
        wait_for(lambda: monotonic() - since > 1)  # the absence is made of time
        exporter.homes = both
        exporter.reload()
        wait_for(lambda: len(exporter.rows()) == 4)
        rows = [row for row in exporter.rows() if row["home"] == "shed"]
        assert [(row["state"], row["cause"]) for row in rows] == [
            ("on", "start"),
            ("unknown", "not_observed"),
            ("on", "measured"),
        ]


def test_a_home_that_is_edited_keeps_its_state(exporter: Service, folder: Path) -> None:
    """Title, rules and probes may change: no row, no unknown, the same books."""
    (folder / "flat").write_text("off", encoding="ascii")
    exporter.wait_for_state("off")
    before = exporter.home()
    exporter.homes = home(folder, "flat", title='"Flat 7"', interval="200ms", off_after="1s")
    exporter.reload()
    after = exporter.home()
    assert (after["title"], after["state"], after["since"]) == ("Flat 7", "off", before["since"])
    assert after["outage"]["id"] == before["outage"]["id"]
    assert 'title="Flat 7"' in exporter.metrics()
    wait_for(lambda: attempts(exporter) >= 3)
    assert len(exporter.rows()) == 2


def test_an_unchanged_home_misses_no_round(exporter: Service, folder: Path) -> None:
    """Through ten reloads its attempts never start anew and keep their pace."""
    other = home(folder, "shed")
    begun, counted = monotonic(), attempts(exporter)
    for number in range(10):
        more = f"\n{other}" if number % 2 else ""
        exporter.homes = home(folder, "flat") + more
        exporter.reload()
        assert attempts(exporter) >= counted
    rounds = (monotonic() - begun) / 0.1
    assert attempts(exporter) - counted >= rounds - 2
    assert sum(row["home"] == "flat" for row in exporter.rows()) == 1


# ---------------------------------------------------------------- faulty configs


def test_a_faulty_config_changes_nothing(exporter: Service) -> None:
    """The log names file, line and fault; the metric says so until a good one comes."""
    good = exporter.homes
    exporter.homes = good.replace("interval: 100ms", "intervall: 100ms")
    exporter.write_config()
    exporter.hang_up()
    wait_for(lambda: exporter.metric(GOOD) == 0)
    wait_for(lambda: "config.yaml:3: homes[0].intervall: " in exporter.output())
    counted = attempts(exporter)
    wait_for(lambda: attempts(exporter) > counted)
    assert exporter.state() == "on"
    exporter.homes = good
    exporter.reload()
    assert exporter.metric(GOOD) == 1


def test_a_config_that_has_gone_changes_nothing(exporter: Service) -> None:
    """A file that is away for a moment (an editor, a sync) is a fault as any other."""
    (exporter.folder / "config.yaml").unlink()
    exporter.hang_up()
    wait_for(lambda: exporter.metric(GOOD) == 0)
    assert exporter.state() == "on"


def test_what_takes_a_restart_is_said(exporter: Service) -> None:
    """Another data_dir or address is not half taken: the log names it."""
    exporter.settings = "  data_dir: elsewhere"
    exporter.reload()
    assert "data_dir" in exporter.output()
    assert not (exporter.folder / "elsewhere").exists()
    assert exporter.state() == "on"


def test_what_takes_a_restart_is_said_until_it_is_taken_back(exporter: Service) -> None:
    """What counts is what the exporter was started with, not what the last config said."""
    said = "exporter.data_dir takes effect at the next start"
    for settings, times in (("  data_dir: elsewhere", 1), ("  data_dir: elsewhere", 2), ("", 2)):
        exporter.settings = settings
        exporter.reload()
        assert exporter.output().count(said) == times


# ---------------------------------------------------------------- POST /-/reload


def reload_over_http(exporter: Service, auth: tuple[str, str] | None = None) -> requests.Response:
    """Ask for a reload as a program does."""
    return requests.post(exporter.url + "/-/reload", auth=auth, timeout=10)


def test_without_users_nobody_may_reload_over_http(exporter: Service) -> None:
    """403, and nothing was read."""
    exporter.homes = "  - {}"
    exporter.write_config()
    refused = reload_over_http(exporter)
    assert refused.status_code == 403
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert exporter.metric(GOOD) == 1


def with_user(folder: Path) -> Guarded:
    """Return an exporter that has a user."""
    (folder / "web.yml").write_text("basic_auth_users:\n" + bcrypted(USER), encoding="utf-8")
    return Guarded(folder, home(folder, "flat"), USER)


def test_a_user_reloads_over_http(folder: Path) -> None:
    """200 for a user, 401 for anybody else, 500 with every fault, and the old config kept."""
    with with_user(folder) as exporter:
        assert reload_over_http(exporter).status_code == 401
        assert reload_over_http(exporter, (USER[0], "wrong")).status_code == 401
        exporter.homes = f"{home(folder, 'flat')}\n{home(folder, 'shed')}"
        exporter.write_config()
        assert reload_over_http(exporter, USER).status_code == 200
        exporter.wait_for_state("on", "shed")
        exporter.homes = "  - {name: flat, probes: [{kind: host}], colour: red, quorum: none}"
        exporter.write_config()
        refused = reload_over_http(exporter, USER)
        assert refused.status_code == 500
        assert refused.headers["Content-Type"] == "application/problem+json"
        for fault in ("config.yaml:2: homes[0].colour: ", "config.yaml:2: homes[0].quorum: "):
            assert fault in refused.json()["detail"]
        assert exporter.metric(GOOD) == 0
        assert exporter.state("shed") == "on"


def test_a_faulty_web_config_is_told_as_any_other_fault(folder: Path) -> None:
    """Also what shows only when it is used, a certificate that is none: file, line and fault."""
    with with_user(folder) as exporter:
        for file in ("cert.pem", "key.pem"):
            (folder / file).write_text("nonsense", encoding="ascii")
        tls = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"
        web = folder / "web.yml"
        web.write_text(web.read_text(encoding="utf-8") + tls, encoding="utf-8")
        refused = reload_over_http(exporter, USER)
        assert refused.status_code == 500
        assert refused.headers["Content-Type"] == "application/problem+json"
        (fault,) = refused.json()["faults"]
        assert fault.startswith("web.yml:3: tls_server_config: ")
        assert fault in refused.json()["detail"]
        assert exporter.metric(GOOD) == 0
        exporter.hang_up()
        said = "the config is faulty, the old one is kept: web.yml:3: tls_server_config: "
        wait_for(lambda: exporter.output().count(said) == 2)
        assert "Traceback" not in exporter.output()
        assert exporter.state() == "on"
