"""What a service's web side may be told: its address and Prometheus' web.config.file."""

from pathlib import Path

import pytest

from chassis.web_config import ClientAuthType, TlsVersion, WebConfig, WebSettings, load_web_config
from chassis.yaml_config import ConfigError

HASH = "$2b$10$" + "a" * 53


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a working directory with files that may be named."""
    monkeypatch.chdir(tmp_path)
    for name in ("cert.pem", "key.pem", "ca.pem"):
        (tmp_path / name).write_text("made up\n")
    return tmp_path


def read(text: str) -> WebConfig:
    """Read a text as web.yml."""
    Path("web.yml").write_text(text)
    return load_web_config(Path("web.yml"))


def refusal(text: str) -> list[str]:
    """Return what is said of a faulty web.yml."""
    with pytest.raises(ConfigError) as refused:
        read(text)
    return [str(fault) for fault in refused.value.faults]


TLS = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"


def test_users_have_bcrypt_hashes(folder: Path) -> None:
    """Of any of the prefixes that are in use."""
    hashes = [HASH.replace("$2b$", prefix) for prefix in ("$2a$", "$2b$", "$2y$")]
    text = "".join(f"  user{place}: {each}\n" for place, each in enumerate(hashes))
    config = read("basic_auth_users:\n" + text)
    assert list(config.basic_auth_users.values()) == hashes
    assert config.tls_server_config is None


@pytest.mark.parametrize(
    "value", ["made-up", "$1$abc$def", HASH + "a", HASH[:-1], HASH.replace("10", "03"), '""']
)
def test_a_password_that_is_no_hash_is_refused_without_being_repeated(
    folder: Path, value: str
) -> None:
    """People paste the password itself."""
    assert refusal(f"basic_auth_users:\n  me: {value}\n") == [
        (
            "web.yml:2: basic_auth_users.me:"
            " must be a bcrypt hash, as `htpasswd -nBC 10 USER` prints it"
        )
    ]


def test_files_are_beside_the_file_that_names_them(folder: Path) -> None:
    """Not beside the config that names that one."""
    (folder / "deep").mkdir()
    for name in ("cert.pem", "key.pem"):
        Path(name).rename(Path("deep", name))
    Path("deep/web.yml").write_text(TLS)
    tls = load_web_config(Path("deep/web.yml")).tls_server_config
    assert tls is not None
    assert (tls.cert_file, tls.key_file) == (Path("deep/cert.pem"), Path("deep/key.pem"))
    assert tls.min_version is TlsVersion.TLS12
    assert tls.client_auth_type is ClientAuthType.NO_CLIENT_CERT


def test_a_missing_file_is_a_fault(folder: Path) -> None:
    """Before anybody connects."""
    Path("key.pem").unlink()
    assert refusal(TLS) == [
        "web.yml:3: tls_server_config.key_file: cannot read key.pem: No such file or directory"
    ]


@pytest.mark.parametrize("version", ["TLS10", "TLS11", "TLS12", "TLS13"])
def test_versions_are_named_as_in_go(folder: Path, version: str) -> None:
    """As in exporter-toolkit."""
    tls = read(f"{TLS}  min_version: {version}\n").tls_server_config
    assert tls is not None
    assert tls.min_version == version


@pytest.mark.parametrize("kind", ["VerifyClientCertIfGiven", "RequireAndVerifyClientCert"])
def test_verifying_needs_an_authority(folder: Path, kind: str) -> None:
    """Nobody's signature would be as good as anybody's."""
    assert refusal(f"{TLS}  client_auth_type: {kind}\n") == [
        f"web.yml:1: tls_server_config.client_ca_file: missing: client_auth_type {kind} needs it"
    ]
    tls = read(f"{TLS}  client_auth_type: {kind}\n  client_ca_file: ca.pem\n").tls_server_config
    assert tls is not None
    assert tls.client_auth_type.verifies


def test_an_authority_that_is_not_asked_is_a_mistake(folder: Path) -> None:
    """Whoever names one believes that certificates are checked."""
    (fault,) = refusal(f"{TLS}  client_ca_file: ca.pem\n")
    assert fault.startswith("web.yml:4: tls_server_config.client_ca_file: has no effect")


def test_a_certificate_that_nobody_verifies_cannot_be_required(folder: Path) -> None:
    """Python's TLS has no such mode."""
    (fault,) = refusal(f"{TLS}  client_auth_type: RequireAnyClientCert\n")
    assert fault.startswith("web.yml:4: tls_server_config.client_auth_type: RequireAnyClientCert")


@pytest.mark.parametrize("key", ["http_server_config", "rate_limit"])
def test_other_keys_of_exporter_toolkit_are_refused(folder: Path, key: str) -> None:
    """Better than to be believed and ignored."""
    assert refusal(f"{TLS}{key}: {{}}\n") == [f"web.yml:4: {key}: unknown key"]


@pytest.mark.parametrize(
    "text, fault",
    [
        ("", "web.yml:1: the file is empty"),
        ("[]", "web.yml:1: must be a mapping (key: value)"),
        (
            "{}",
            "web.yml:1: gives neither tls_server_config nor basic_auth_users: it protects nothing",
        ),
    ],
)
def test_a_file_that_protects_nothing_is_refused(folder: Path, text: str, fault: str) -> None:
    """Its presence lets a service listen on any address."""
    assert refusal(text) == [fault]


def test_a_missing_file_is_a_fault_of_its_own(folder: Path) -> None:
    """Also when it goes missing later."""
    with pytest.raises(ConfigError, match=r"none\.yml:1: cannot be read: No such file"):
        load_web_config(Path("none.yml"))


@pytest.mark.parametrize("listen", ["0.0.0.0:1", ":1", "[::]:1", "192.0.2.1:1", "power.local:1"])
def test_an_address_that_others_reach_must_be_guarded_or_meant(folder: Path, listen: str) -> None:
    """A service that everybody can read is never an accident."""
    with pytest.raises(ValueError, match=r"listen address refused: .* web_config_file"):
        WebSettings(listen=listen)
    assert WebSettings(listen=listen, anonymous=True).listen == listen
    assert WebSettings(listen=listen, web_config_file=Path("ca.pem")).listen == listen


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "127.8.8.8:1", "localhost:1", "[::1]:1"])
def test_loopback_needs_no_guard(listen: str) -> None:
    """Only this machine connects."""
    assert WebSettings(listen=listen).listen == listen
