"""docs/configure.md and the config's models name the same keys, with the same defaults."""

import re
from enum import Enum
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from alerting.config import AlertingSettings, TelegramSettings
from alerting.config import load as load_relay
from chassis.durations import format_duration
from chassis.secrets import Secret
from chassis.web_config import TlsServerConfig, WebConfig
from exporter.config import (
    ExporterSettings,
    HomeConfig,
    InfluxSettings,
    Loaded,
    NotifySettings,
    load,
)
from exporter.probes import KINDS, kind_named
from exporter.probes.http_settings import ReadingPointers
from exporter.probes.protocol import ProbeSettings

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "configure.md").read_text(encoding="utf-8")
HEADING = re.compile(r"#+ `(?P<section>.+)`")
ROW = re.compile(r"\| `(?P<key>\w+)` \| .+? \| (?P<default>.+?) \| .+ \|")
EXAMPLE = re.compile(r"```yaml\n(homes:.*?)```", re.DOTALL)
SECTIONS: dict[str, type[BaseModel]] = {
    "homes[]": HomeConfig,
    "homes[].probes[]": ProbeSettings,
    "exporter": ExporterSettings,
    "exporter.influxdb": InfluxSettings,
    "exporter.notify": NotifySettings,
    "alerting": AlertingSettings,
    "alerting.telegram": TelegramSettings,
    "kind: http: readings": ReadingPointers,
    "web.yml": WebConfig,
    "web.yml: tls_server_config": TlsServerConfig,
}


def described() -> dict[str, dict[str, str]]:
    """Return of each section of the page its keys and their defaults."""
    found: dict[str, dict[str, str]] = {}
    section = ""
    for line in PAGE.splitlines():
        if line.startswith("#"):
            heading = HEADING.fullmatch(line)
            section = heading["section"] if heading else ""
            if section:
                assert section not in found
                found[section] = {}
        elif row := ROW.fullmatch(line):
            assert row["key"] not in found[section]
            found[section][row["key"]] = row["default"]
    return found


def keys_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return a model's keys as a file spells them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def own_keys_of(kind: str) -> dict[str, FieldInfo]:
    """Return the keys of a kind of probe that not every probe has."""
    keys = keys_of(kind_named(kind).settings)
    return {key: field for key, field in keys.items() if key not in ProbeSettings.model_fields}


def spellings(value: object) -> set[str]:
    """Return how a page may spell a default."""
    if isinstance(value, bool):
        return {str(value).lower()}
    if isinstance(value, int):
        return {str(value), format_duration(value)}
    if value == ():
        return {"[]"}
    return {str(value.value if isinstance(value, Enum) else value)}


def nothing(value: object) -> bool:
    """Tell whether a default is a mapping that says nothing."""
    return isinstance(value, BaseModel) and not value.model_fields_set


def agrees(default: str, field: FieldInfo) -> bool:
    """Tell whether a key's default is as the page says."""
    if default == "required" or field.is_required():
        return default == "required" and field.is_required()
    value = field.get_default()
    if default.startswith("`") and default.count("`") == 2:
        return default.strip("`") in spellings(value)
    if default == "none":
        return value is None or value == () or nothing(value) or field.default_factory is dict
    return field.default_factory is not None or value in (
        None,
        "",
        Secret(""),
    )  # it follows from something


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_described_with_its_default_and_no_other(section: str) -> None:
    """Whoever adds a key describes it; whoever removes one stops describing it."""
    keys = keys_of(SECTIONS[section])
    page = described()[section]
    assert page.keys() == keys.keys()
    assert [key for key in keys if not agrees(page[key], keys[key])] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_described_with_its_own_keys(kind: str) -> None:
    """Also one that has none."""
    keys = own_keys_of(kind)
    page = described()[f"kind: {kind}"]
    assert page.keys() == keys.keys()
    assert [key for key in keys if not agrees(page[key], keys[key])] == []


def test_no_section_is_described_that_there_is_not() -> None:
    """A kind that is gone is gone from the page."""
    assert described().keys() == SECTIONS.keys() | {f"kind: {kind}" for kind in KINDS}


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    """Read the page's whole example, beside the files that it names."""
    monkeypatch.chdir(tmp_path)
    (found,) = EXAMPLE.findall(PAGE)
    Path("config.yaml").write_text(found, encoding="utf-8")
    Path("secrets").mkdir()
    names = ("cottage_token", "exporter_user", "influxdb_token", "telegram_token", "webhook_token")
    for secret in names:
        Path("secrets", secret).write_text("made:up\n")
        Path("secrets", secret).chmod(0o600)
    Path("ca.pem").write_text("made up\n")
    Path("web.yml").write_text(f"basic_auth_users:\n  me: $2b$10${'a' * 53}\n")
    return load(["config.yaml"])


def test_the_example_is_a_sound_config(example: Loaded) -> None:
    """Nothing in it is even warned of."""
    assert example.warnings == ()
    assert [home.name for home in example.config.homes] == ["flat", "cottage"]
    assert example.config.exporter.notify is not None
    relay = load_relay(["config.yaml"])
    assert relay.warnings == ()
    assert relay.config.alerting.token is not None


@pytest.mark.parametrize(
    "model",
    [
        HomeConfig,
        ExporterSettings,
        InfluxSettings,
        NotifySettings,
        AlertingSettings,
        TelegramSettings,
    ],
    ids=lambda m: m.__name__,
)
def test_the_example_shows_every_key(model: type[BaseModel]) -> None:
    """It is what people copy from."""
    (found,) = EXAMPLE.findall(PAGE)
    shown = set(re.findall(r"^[ -]*(\w+):", found, re.MULTILINE))
    useless_here = {"database_password_file"}  # a fault beside SQLite
    assert keys_of(model).keys() - shown - useless_here == set()
