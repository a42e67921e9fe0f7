"""The relay's config: what it means, and each fault with its exact message."""

from pathlib import Path

import pytest

from alerting.config import AlertingConfig, Surroundings, load
from chassis.secrets import Secret, secrets_in
from chassis.yaml_config import ConfigError

HOMES = """\
homes:
  - name: flat
    title: Наша квартира
    timezone: Europe/Kyiv
    probes:
      - kind: a kind that only the exporter knows
  - name: shed
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a working directory, so that files are given by their names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str, environ: dict[str, str] | None = None) -> AlertingConfig:
    """Read a text as config.yaml."""
    Path("config.yaml").write_text(text, encoding="utf-8")
    return load(["config.yaml"], Surroundings(environ or {}, "Europe/Warsaw")).config


def refusal(text: str) -> list[str]:
    """Return what is said of a faulty config."""
    with pytest.raises(ConfigError) as refused:
        read(text)
    return [str(fault) for fault in refused.value.faults]


@pytest.mark.usefixtures("folder")
def test_nothing_is_needed() -> None:
    """An empty section means the defaults of the contract."""
    alerting = read("alerting:\n").alerting
    assert alerting.listen == "127.0.0.1:10911"
    assert alerting.database_url == "sqlite:///data/alerting.db"
    assert (alerting.language, alerting.exporter_url) == ("uk", "http://127.0.0.1:10910")
    assert alerting.token is None


@pytest.mark.usefixtures("folder")
def test_of_homes_only_what_messages_need_is_read() -> None:
    """What is the exporter's may be as wrong as it likes: the exporter says so."""
    flat, shed = read(HOMES).homes
    assert (flat.name, flat.title, flat.timezone) == ("flat", "Наша квартира", "Europe/Kyiv")
    assert (shed.title, shed.timezone) == ("shed", "Europe/Warsaw")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("files", [["a/config.yaml"], ["config.yaml", "a/config.yaml"]])
def test_paths_are_relative_to_their_file(folder: Path, files: list[str]) -> None:
    """A database's too; defaults are relative to the first file."""
    (folder / "a").mkdir()
    Path("config.yaml").write_text(HOMES, encoding="utf-8")
    Path("a/config.yaml").write_text("alerting:\n  database: sqlite:///x/relay.db\n", "utf-8")
    alerting = load(files).config.alerting
    assert alerting.database_url == "sqlite:///a/x/relay.db"
    assert alerting.data_dir == Path(files[0]).parent / "data"


@pytest.mark.usefixtures("folder")
def test_the_token_comes_from_its_file_or_else_from_the_environment(folder: Path) -> None:
    """A file that is empty is no token, as is an empty variable."""
    token_file = folder / "token"
    text = "alerting:\n  telegram:\n    token_file: token\n"
    environ = {"TELEGRAM_BOT_TOKEN": "2:variable"}
    token_file.write_text("1:file\n", "ascii")
    token_file.chmod(0o600)
    assert read(text, environ).alerting.token == Secret("1:file")
    token_file.write_text("", "ascii")
    assert read(text, environ).alerting.token == Secret("2:variable")
    assert read(text).alerting.token is None
    without = "alerting:\n  telegram:\n    admins: [1]\n"
    assert read(without, environ).alerting.token == Secret("2:variable")
    assert read("alerting:\n", environ).alerting.token is None


@pytest.mark.usefixtures("folder")
def test_every_secret_is_known_to_the_log_filter() -> None:
    """Also one that came from the environment."""
    config = read("alerting:\n  telegram:\n    admins: [1]\n", {"TELEGRAM_BOT_TOKEN": "2:v"})
    assert Secret("2:v") in set(secrets_in(config))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "section, told",
    [
        (
            "database: mysql://x/y",
            "database: must begin with sqlite:/// or postgresql+psycopg://",
        ),
        (
            "database: postgresql+psycopg://me:secret@db/power",
            "database: must hold no password: give database_password_file",
        ),
        (
            "database: postgresql+psycopg://db",
            "database: must name a host and a database: postgresql+psycopg://user@host:5432/name",
        ),
        (
            "database: 'sqlite:///:memory:'",
            "database: must name a file: sqlite:///data/alerting.db",
        ),
        ("language: de", "language: must be 'uk' or 'en'"),
        (
            "telegram: {subscription: secret}",
            "telegram.subscription: must be 'open', 'approval' or 'closed'",
        ),
        ("telegram: {admins: [0]}", "telegram.admins[0]: must be greater than 0"),
        ("telegram: {messages_per_second: 31}", "telegram.messages_per_second: must be at most 30"),
        (
            "telegram: {proxy_url: 'ftp://x'}",
            "telegram.proxy_url: must be a URL of one of socks5, socks5h, http, https",
        ),
        (
            "telegram: {proxy_url: 'socks5://me:secret@x:1'}",
            "telegram.proxy_url: must hold no user or password: secrets come from files",
        ),
        (
            "webhook_token_file: gone",
            "webhook_token_file: cannot read gone: No such file or directory",
        ),
        ("tokens: 1", "tokens: unknown key"),
    ],
)
def test_a_fault_is_told_in_its_exact_words(section: str, told: str) -> None:
    """With the line in which it stands."""
    assert refusal(f"alerting:\n  {section}\n") == [f"config.yaml:2: alerting.{told}"]


@pytest.mark.usefixtures("folder")
def test_a_password_without_a_database_that_asks_for_it_is_a_fault(folder: Path) -> None:
    """It would give a false sense of safety."""
    (folder / "password").write_text("x", "ascii")
    text = "alerting:\n  database_password_file: password\n"
    what = "has no effect without a database that asks for a password"
    assert refusal(text) == [f"config.yaml:2: alerting.database_password_file: {what}"]
