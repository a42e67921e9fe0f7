"""The web.config.file as Prometheus and people meet it: TLS, users, changes without a restart."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import trustme

from tests.e2e.commands import power_exporter
from tests.e2e.exporters import file_home, wait_for
from tests.e2e.prometheus import Prometheus
from tests.e2e.real_programs import each
from tests.e2e.services import Guarded, bcrypted

USER, OTHER = ("prometheus", "scrape & see"), ("anna", "Пароль")
TLS = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"


def serve_with(folder: Path, *users: tuple[str, str], tls: str = TLS) -> None:
    """Write web.yml."""
    lines = "".join(bcrypted(user) for user in users)
    (folder / "web.yml").write_text(f"{tls}basic_auth_users:\n{lines}", encoding="utf-8")


def new_certificate(folder: Path) -> trustme.CA:
    """Write a certificate of a new authority, its key, and the authority's own."""
    ca = trustme.CA()
    mine = ca.issue_cert("127.0.0.1", "localhost")
    mine.private_key_pem.write_to_path(folder / "key.pem")
    mine.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    return ca


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[Guarded]:
    """An exporter that speaks TLS and has a user."""
    (tmp_path / "meter").write_text("on", encoding="ascii")
    new_certificate(tmp_path)
    serve_with(tmp_path, USER)
    ca_file = tmp_path / "ca.pem"
    with Guarded(tmp_path, file_home(tmp_path / "meter"), USER, ca_file=ca_file) as exporter:
        exporter.wait_for_state("on")
        yield exporter


@pytest.mark.parametrize("name", each("prometheus-2", "prometheus-3"))
def test_prometheus_scrapes_over_tls_as_a_user(
    name: str, tmp_path: Path, exporter: Guarded
) -> None:
    """With the keys that every Prometheus has for it; a wrong password is its 401."""
    target = f"127.0.0.1:{exporter.port}"
    (tmp_path / "password").write_text(USER[1], encoding="utf-8")
    tls = f"    scheme: https\n    tls_config: {{ca_file: {tmp_path / 'ca.pem'}}}\n"
    more = (
        f"{tls}    basic_auth: {{username: {USER[0]}, password_file: {tmp_path / 'password'}}}\n"
        f"  - job_name: wrong\n    static_configs: [{{targets: ['{target}']}}]\n"
        f"{tls}    basic_auth: {{username: {USER[0]}, password: wrong}}\n"
    )
    with Prometheus(name, tmp_path / name, target, more) as server:
        wait_for(lambda: server.value('power_on{home="flat"}') == 1)
        wait_for(lambda: server.value('up{job="wrong"}') == 0)
        assert server.value('up{job="power"}') == 1
        assert "401" in server.last_error("wrong")


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/homes", "/-/ready", "/nothing"])
@pytest.mark.parametrize("user", [None, (USER[0], "wrong"), ("nobody", USER[1]), ("", "")])
def test_whoever_is_no_user_gets_401_before_404(
    guarded: Guarded, path: str, user: tuple[str, str] | None
) -> None:
    """With the challenge that lets a browser ask for the password."""
    answer = guarded.ask("GET", path, user)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert guarded.ask("GET", path, USER).status_code == (404 if path == "/nothing" else 200)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """An exporter that all tests of refusals share: they change nothing in it."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "meter").write_text("on", encoding="ascii")
    serve_with(folder, USER, OTHER, tls="")
    with Guarded(folder, file_home(folder / "meter"), USER) as exporter:
        yield exporter


def test_a_connection_that_was_let_in_is_asked_again(guarded: Guarded) -> None:
    """Each request is judged by its own password, on one and the same connection."""
    with requests.Session() as session:
        for user, status in ((USER, 200), ((USER[0], "wrong"), 401), (USER, 200), (None, 401)):
            answer = session.get(guarded.url + "/metrics", auth=user, timeout=10)
            assert answer.status_code == status


def test_a_password_in_another_script_works(guarded: Guarded) -> None:
    """It is UTF-8, as the challenge says."""
    user = (OTHER[0], OTHER[1].encode().decode("latin-1"))  # requests spells latin-1
    assert guarded.ask("GET", "/metrics", user).status_code == 200


def test_plain_http_and_another_authority_get_nowhere(exporter: Guarded) -> None:
    """There is no way around TLS on the port, and the certificate is the one that was given."""
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{exporter.port}/metrics", auth=USER, timeout=10)
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(exporter.url + "/metrics", auth=USER, timeout=10)


def test_users_change_without_a_restart(exporter: Guarded) -> None:
    """One more is let in, then the old one is not any more; no signal is sent."""
    serve_with(exporter.folder, USER, OTHER)
    other = (OTHER[0], OTHER[1].encode().decode("latin-1"))
    wait_for(lambda: exporter.ask("GET", "/metrics", other).status_code == 200)
    assert exporter.ask("GET", "/metrics", USER).status_code == 200
    serve_with(exporter.folder, OTHER)
    wait_for(lambda: exporter.ask("GET", "/metrics", USER).status_code == 401)
    assert exporter.ask("GET", "/metrics", other).status_code == 200


def test_a_renewed_certificate_is_served_without_a_restart(exporter: Guarded) -> None:
    """As after the daily run of an ACME client."""
    old = served_certificate(exporter)
    new_certificate(exporter.folder)
    wait_for(lambda: served_certificate(exporter) != old)
    assert exporter.ask("GET", "/metrics", USER).status_code == 200


def served_certificate(exporter: Guarded) -> str:
    """Return the certificate that a client is shown."""
    return ssl.get_server_certificate(("127.0.0.1", exporter.port))


def test_a_faulty_web_config_changes_nothing(exporter: Guarded) -> None:
    """Who mistypes it locks nobody out and lets nobody in; the log says what is wrong."""
    (exporter.folder / "web.yml").write_text("basic_auth_user: {}\n", encoding="utf-8")
    assert exporter.ask("GET", "/metrics", None).status_code == 401
    assert exporter.ask("GET", "/metrics", USER).status_code == 200
    wait_for(lambda: "basic_auth_user" in exporter.output())
    assert USER[1] not in exporter.output()


@pytest.mark.parametrize(
    "listen,settings,code",
    [
        ("0.0.0.0:0", "", 2),
        ("'[::]:0'", "", 2),
        (":0", "", 2),
        ("0.0.0.0:0", "  anonymous: true\n", 0),
        ("0.0.0.0:0", "  web_config_file: web.yml\n", 0),
    ],
)
def test_all_the_world_needs_a_guard(tmp_path: Path, listen: str, settings: str, code: int) -> None:
    """Another address than loopback needs users or the word that everybody may read."""
    serve_with(tmp_path, USER, tls="")
    homes = "homes: [{name: flat, probes: [{kind: host}]}]\n"
    text = f"{homes}exporter:\n  listen: {listen}\n{settings}"
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    done = power_exporter("--check-config", cwd=tmp_path)
    assert done.returncode == code
    assert code == 0 or "config.yaml:3: exporter.listen: " in done.stdout
