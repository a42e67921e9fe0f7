"""Owns the exporter's config: `homes` and `exporter` of the config files become checked settings.

It reads files at the start and on a reload only; what it returns is whole and frozen.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    RootModel,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from chassis.addresses import HttpUrl, ListenText
from chassis.durations import Duration, PositiveDuration, duration_between, format_duration
from chassis.secrets import LateSecretFile, SecretFile
from chassis.strict_model import ConfigPath, ExistingFile, Reading, StrictModel
from chassis.timezones import TimeZone, host_timezone
from chassis.web_config import WebSettings, load_web_config
from chassis.yaml_config import Document, Fault, load_documents
from exporter.power import Rules
from exporter.probes.lists import HomeProbes, ReferenceProbes, RegisteredKinds
from exporter.probes.protocol import Kind, Role
from exporter.shards import Shard, parse_shard

SECTIONS = ("homes", "exporter", "alerting")
_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_HOME_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a config is read against: the kinds of probes, and the host's time zone."""

    kinds: Mapping[str, Kind] = field(default_factory=RegisteredKinds)
    timezone: str = field(default_factory=host_timezone)


def _home_name(name: str) -> str:
    if not _HOME_NAME.fullmatch(name):
        raise ValueError("must be 1 to 63 of a-z, 0-9, _ and -, and begin with a letter or digit")
    return name


def _usual_unknown_after(data: Mapping[str, Any]) -> int:
    return max(_MINUTE, 3 * int(data["interval"]) + 2 * int(data["timeout"]))


def _shard(value: object) -> Shard | None:
    match value:
        case None | Shard():
            return value
        case str():
            return parse_shard(value)
        case _:
            raise ValueError("must be text such as 2/5")


class HomeConfig(StrictModel):
    """One home: how it is probed and when an answer is believed; durations are ms."""

    name: Annotated[str, AfterValidator(_home_name)]
    title: Text = Field(default_factory=lambda data: str(data["name"]))
    timezone: TimeZone = Field(default="", validate_default=True)
    group: Text | None = None
    interval: Annotated[int, duration_between(100, _HOUR)] = 5 * _SECOND
    timeout: PositiveDuration = 2 * _SECOND
    off_after: Duration = 15 * _SECOND
    on_after: Duration = 10 * _SECOND
    unknown_after: Duration = Field(default_factory=_usual_unknown_after)
    sustained_after: Duration = 5 * _MINUTE
    probes: HomeProbes
    quorum: Annotated[int, Field(ge=1)] = 1

    @field_validator("timezone", mode="before")
    @classmethod
    def _host_timezone(cls, name: object, info: ValidationInfo) -> object:
        return name if name != "" else _surroundings(info).timezone

    @field_validator("unknown_after")
    @classmethod
    def _longer_than_two_rounds(cls, ms: int, info: ValidationInfo) -> int:
        least = 2 * info.data.get("interval", 0) + 2 * info.data.get("timeout", 0)
        if ms < least:
            raise ValueError(
                f"must be at least 2 x interval + 2 x timeout = {format_duration(least)}, "
                f"not {format_duration(ms)}"
            )
        return ms

    @field_validator("quorum")
    @classmethod
    def _enough_votes(cls, quorum: int, info: ValidationInfo) -> int:
        voting = sum(probe.role is Role.MAINS for probe in info.data.get("probes", ()))
        if "probes" in info.data and quorum > voting:
            raise ValueError(f"must be at most {voting}, the number of voting probes, not {quorum}")
        return quorum

    def rules(self) -> Rules:
        """Return what the decision needs to know."""
        return Rules(
            interval=self.interval,
            timeout=self.timeout,
            off_after=self.off_after,
            on_after=self.on_after,
            unknown_after=self.unknown_after,
            quorum=self.quorum,
        )


class InfluxSettings(StrictModel):
    """`exporter.influxdb`: where history is written; `timeout` in ms."""

    url: HttpUrl
    org: Text
    bucket: Text
    token: SecretFile = Field(alias="token_file")
    timeout: PositiveDuration = 10 * _SECOND


class NotifySettings(StrictModel):
    """`exporter.notify`: the fast path to the relay; its token may be made later."""

    url: HttpUrl
    token_file: LateSecretFile
    ca_file: ExistingFile | None = None


class ExporterSettings(WebSettings):
    """`exporter`: the service itself; durations are ms."""

    listen: ListenText = "127.0.0.1:10910"
    data_dir: ConfigPath = Field(default=Path("data"), validate_default=True)
    heartbeat_interval: Annotated[int, duration_between(100, _HOUR)] = 10 * _SECOND
    references: ReferenceProbes = ()
    shard: Annotated[Shard | None, PlainValidator(_shard)] = None
    influxdb: InfluxSettings | None = None
    notify: NotifySettings | None = None


class _Homes(RootModel[tuple[HomeConfig, ...]]):
    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class ExporterConfig:
    """The whole config of an exporter; every value is checked.

    `homes` are those that it watches itself; `elsewhere` is how many other shards watch.
    """

    homes: tuple[HomeConfig, ...]
    exporter: ExporterSettings = field(default_factory=ExporterSettings)
    elsewhere: int = 0

    def extent(self) -> dict[str, object]:
        """Return what the log tells of how much is watched."""
        own = len(self.homes)
        if self.exporter.shard is None:
            return {"homes": own}
        return {"homes": own, "of": own + self.elsewhere, "shard": str(self.exporter.shard)}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A config and what it warns of."""

    config: ExporterConfig
    warnings: tuple[Fault, ...]


def load(files: Sequence[Path | str], surroundings: Surroundings | None = None) -> Loaded:
    """Read the config files; raises ConfigError with all that is wrong."""
    document = load_documents(files)
    document.expect(SECTIONS)
    config = build(document, surroundings)
    document.finish()
    assert config is not None
    return Loaded(config, tuple(document.warnings))


def build(document: Document, surroundings: Surroundings | None = None) -> ExporterConfig | None:
    """Make the exporter's config from a document; None if faults were added to the document."""
    given = surroundings or Surroundings()
    document.require("homes", "missing; give at least one home")
    homes = None
    if document.section("homes") is not None:
        homes = document.build("homes", _Homes, given)
    _check_home_names(document)
    exporter = document.build("exporter", ExporterSettings, given)
    document.include(("exporter", "web_config_file"), load_web_config)
    if document.faults or homes is None or exporter is None:
        return None
    own = _of_shard(homes.root, exporter.shard)
    return ExporterConfig(own, exporter, len(homes.root) - len(own))


def _of_shard(homes: tuple[HomeConfig, ...], shard: Shard | None) -> tuple[HomeConfig, ...]:
    """Return the homes that are watched here; what was wrong with others has been told."""
    return homes if shard is None else tuple(home for home in homes if shard.has(home.name))


def _check_home_names(document: Document) -> None:
    """Blame every home whose name another has already, also where more is wrong with it."""
    homes = document.section("homes")
    seen: set[object] = set()
    for place, home in enumerate(homes if isinstance(homes, list) else ()):
        name = home.get("name") if isinstance(home, dict) else None
        if isinstance(name, str) and name in seen:
            document.blame(("homes", place, "name"), f"another home is named {name[:80]!r} already")
        seen.add(name if isinstance(name, str) else None)


def _surroundings(info: ValidationInfo) -> Surroundings:
    given = info.context.given if isinstance(info.context, Reading) else None
    return given if isinstance(given, Surroundings) else Surroundings()
