"""Owns the relay's config: `alerting`, and what of `homes` messages need, become checked settings.

It reads files at the start and on a reload only; what it returns is whole and frozen.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    RootModel,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from alerting.database_url import check_database
from chassis.addresses import HttpUrl, ListenText
from chassis.secrets import Secret, SecretFile, read_secret_or_nothing
from chassis.strict_model import ConfigPath, ExistingFile, Reading, StrictModel, blaming
from chassis.timezones import TimeZone, host_timezone
from chassis.web_config import WebSettings, load_web_config
from chassis.yaml_config import Document, Fault, load_documents

SECTIONS = ("homes", "exporter", "alerting")
TOKEN_VARIABLE = "TELEGRAM_BOT_TOKEN"  # noqa: S105  the name of a variable
PROXIES = ("socks5", "socks5h", "http", "https")

Language = Literal["uk", "en"]
Subscription = Literal["open", "approval", "closed"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a config is read against: the environment, and the host's time zone."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    timezone: str = field(default_factory=host_timezone)


class Home(StrictModel):
    """What the relay reads of a home; the rest is the exporter's."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, StringConstraints(min_length=1, max_length=63)]
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        default_factory=lambda data: str(data["name"])
    )
    timezone: TimeZone = Field(default="", validate_default=True)

    @field_validator("timezone", mode="before")
    @classmethod
    def _host_timezone(cls, name: object, info: ValidationInfo) -> object:
        return name if name != "" else _surroundings(info).timezone


def _proxy(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in PROXIES or not parts.hostname:
        raise ValueError(f"must be a URL of one of {', '.join(PROXIES)}")
    if "@" in parts.netloc:
        raise ValueError("must hold no user or password: secrets come from files")
    return url


def _user_and_password(secret: Secret) -> Secret:
    if ":" not in secret.reveal():
        raise ValueError("must hold user:password")
    return secret


class TelegramSettings(StrictModel):
    """`alerting.telegram`: the bot, and who may hear it. An empty token is none."""

    token: Annotated[Secret, PlainValidator(read_secret_or_nothing)] = Field(
        default=Secret(""), alias="token_file"
    )
    api_url: HttpUrl = "https://api.telegram.org"
    proxy_url: Annotated[str, AfterValidator(_proxy)] | None = None
    subscription: Subscription = "approval"
    admins: tuple[Annotated[int, Field(gt=0)], ...] = ()
    messages_per_second: Annotated[int, Field(ge=1, le=30)] = 28

    @model_validator(mode="after")
    def _token_of_the_environment(self, info: ValidationInfo) -> Self:
        token = _surroundings(info).environ.get(TOKEN_VARIABLE, "").strip()
        if self.token.reveal() or not token or not isinstance(info.context, Reading):
            return self
        return self.model_copy(update={"token": Secret(token)})


class AlertingSettings(WebSettings):
    """`alerting`: the service itself."""

    listen: ListenText = "127.0.0.1:10911"
    data_dir: ConfigPath = Field(default=Path("data"), validate_default=True)
    database: str | None = None
    database_password: SecretFile | None = Field(default=None, alias="database_password_file")
    webhook_token: SecretFile | None = Field(default=None, alias="webhook_token_file")
    exporter_url: HttpUrl = "http://127.0.0.1:10910"
    exporter_basic_auth: Annotated[SecretFile, AfterValidator(_user_and_password)] | None = Field(
        default=None, alias="exporter_basic_auth_file"
    )
    exporter_ca_file: ExistingFile | None = None
    language: Language = "uk"
    telegram: TelegramSettings | None = None

    @field_validator("database")
    @classmethod
    def _database(cls, url: str | None, info: ValidationInfo) -> str | None:
        folder = info.context.folder if isinstance(info.context, Reading) else Path()
        return None if url is None else check_database(url, folder)

    @field_validator("database_password")
    @classmethod
    def _password_has_its_use(cls, password: Secret | None, info: ValidationInfo) -> Secret | None:
        database = info.data.get("database", "faulty")
        if password is not None and (database is None or database.startswith("sqlite")):
            raise blaming((), "has no effect without a database that asks for a password")
        return password

    @property
    def database_url(self) -> str:
        """The database, without its password; by default a file in `data_dir`."""
        return self.database or f"sqlite:///{self.data_dir / 'alerting.db'}"

    @property
    def token(self) -> Secret | None:
        """The bot's token, or None where nothing can be sent."""
        if self.telegram is None or not self.telegram.token.reveal():
            return None
        return self.telegram.token


class _Homes(RootModel[tuple[Home, ...]]):
    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class AlertingConfig:
    """The whole config of a relay; every value is checked."""

    homes: tuple[Home, ...] = ()
    alerting: AlertingSettings = field(default_factory=AlertingSettings)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A config and what it warns of."""

    config: AlertingConfig
    warnings: tuple[Fault, ...]


def load(files: Sequence[Path | str], surroundings: Surroundings | None = None) -> Loaded:
    """Read the config files; raises ConfigError with all that is wrong."""
    document = load_documents(files)
    document.expect(SECTIONS)
    config = build(document, surroundings)
    document.finish()
    assert config is not None
    return Loaded(config, tuple(document.warnings))


def build(document: Document, surroundings: Surroundings | None = None) -> AlertingConfig | None:
    """Make the relay's config from a document; None if faults were added to the document."""
    given = surroundings or Surroundings()
    homes: Any = _Homes(())
    if document.section("homes") is not None:
        homes = document.build("homes", _Homes, given)
    alerting = document.build("alerting", AlertingSettings, given)
    document.include(("alerting", "web_config_file"), load_web_config)
    if document.faults or homes is None or alerting is None:
        return None
    return AlertingConfig(homes.root, alerting)


def _surroundings(info: ValidationInfo) -> Surroundings:
    given = info.context.given if isinstance(info.context, Reading) else None
    return given if isinstance(given, Surroundings) else Surroundings()
