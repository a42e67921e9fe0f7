"""Owns what a service's web side is told: its address and its web.config.file; serves nothing."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from chassis.addresses import ListenText, OriginUrl
from chassis.listen import parse_listen
from chassis.strict_model import ExistingFile, StrictModel, blaming
from chassis.yaml_config import Fault, load_single

_BCRYPT = re.compile(r"\$2[abxy]?\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")


class ClientAuthType(StrEnum):
    """What is asked of a client's certificate; the names are Go's, as in exporter-toolkit."""

    NO_CLIENT_CERT = "NoClientCert"
    REQUEST_CLIENT_CERT = "RequestClientCert"
    REQUIRE_ANY_CLIENT_CERT = "RequireAnyClientCert"
    VERIFY_CLIENT_CERT_IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRE_AND_VERIFY_CLIENT_CERT = "RequireAndVerifyClientCert"

    @property
    def verifies(self) -> bool:
        """Tell whether a certificate that is given must be signed by a known authority."""
        return self in {self.VERIFY_CLIENT_CERT_IF_GIVEN, self.REQUIRE_AND_VERIFY_CLIENT_CERT}


class TlsVersion(StrEnum):
    """The oldest version of TLS that is spoken."""

    TLS10 = "TLS10"
    TLS11 = "TLS11"
    TLS12 = "TLS12"
    TLS13 = "TLS13"


class TlsServerConfig(StrictModel):
    """`tls_server_config`: serve HTTPS."""

    cert_file: ExistingFile
    key_file: ExistingFile
    client_auth_type: ClientAuthType = ClientAuthType.NO_CLIENT_CERT
    client_ca_file: ExistingFile | None = Field(default=None, validate_default=True)
    min_version: TlsVersion = TlsVersion.TLS12

    @field_validator("client_auth_type")
    @classmethod
    def _can_be_had(cls, kind: ClientAuthType) -> ClientAuthType:
        if kind is ClientAuthType.REQUIRE_ANY_CLIENT_CERT:
            raise ValueError(f"{kind} is not to be had here; RequireAndVerifyClientCert is")
        return kind

    @field_validator("client_ca_file")
    @classmethod
    def _goes_with_auth_type(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        asked = info.data.get("client_auth_type")
        if value is None and asked is not None and asked.verifies:
            raise blaming((), f"missing: client_auth_type {asked} needs it", missing=True)
        if value is not None and asked is ClientAuthType.NO_CLIENT_CERT:
            raise ValueError("has no effect without a client_auth_type that asks for certificates")
        return value


def _bcrypt_hash(text: str) -> str:
    if not _BCRYPT.fullmatch(text):
        raise ValueError("must be a bcrypt hash, as `htpasswd -nBC 10 USER` prints it")
    return text


BcryptHash = Annotated[str, AfterValidator(_bcrypt_hash)]


class WebConfig(StrictModel):
    """What a web.config.file may hold; exporter-toolkit's other keys are refused."""

    tls_server_config: TlsServerConfig | None = None
    basic_auth_users: dict[str, BcryptHash] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _protects(self) -> Self:
        if self.tls_server_config is None and not self.basic_auth_users:
            raise ValueError(
                "gives neither tls_server_config nor basic_auth_users: it protects nothing"
            )
        return self


def load_web_config(path: Path, warnings: list[Fault] | None = None) -> WebConfig:
    """Read a web.config.file; raises ConfigError, whose faults name it as it was given."""
    return load_single(path, WebConfig, warnings)


class WebSettings(StrictModel):
    """The keys by which a service's section says where and to whom it answers."""

    web_config_file: ExistingFile | None = None
    anonymous: bool = False
    external_url: OriginUrl | None = None
    listen: ListenText

    @field_validator("listen")
    @classmethod
    def _reachable_only_if_meant(cls, listen: str, info: ValidationInfo) -> str:
        guarded = info.data.get("web_config_file", "faulty") is not None
        allowed = guarded or info.data.get("anonymous", "faulty") is not False
        if not allowed and not parse_listen(listen).is_loopback:
            raise ValueError(
                f"listen address refused: {listen} can be reached from other machines; "
                "give web_config_file, or anonymous: true"
            )
        return listen
