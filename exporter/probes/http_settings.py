"""Owns the keys of an http probe and what makes sense together."""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from chassis.addresses import HttpUrl
from chassis.secrets import Secret, SecretFile
from chassis.strict_model import StrictModel
from exporter.probes.http_devices import Device
from exporter.probes.json_values import Pointer, Scalar, likeness
from exporter.probes.protocol import ProbeSettings

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = {"connection", "content-length", "host", "transfer-encoding"}


def header_lines(secret: Secret) -> Iterator[tuple[str, str]]:
    """Yield the headers in a text of lines `Name: value`; raises ValueError, never with a value."""
    for number, line in enumerate(secret.reveal().splitlines(), 1):
        if not line.strip():
            continue
        header = _HEADER.fullmatch(line.strip())
        if header is None or _UNPRINTABLE.search(line):
            raise ValueError(f"line {number} of it is not `Name: value`")
        if header[1].lower() in _OURS:
            raise ValueError(f"line {number} of it sets {header[1]}, which is not for it to set")
        yield header[1], header[2]


def _headers(secret: Secret) -> Secret:
    names = [name.lower() for name, _ in header_lines(secret)]
    if len(names) != len(set(names)):
        raise ValueError("it names a header twice")
    return secret


def _user_and_password(secret: Secret) -> Secret:
    if ":" not in secret.reveal():
        raise ValueError("it must hold user:password")
    return secret


class ReadingPointers(StrictModel):
    """Where the readings are in the answer; each in the unit of its name."""

    volts: Pointer | None = None
    watts: Pointer | None = None
    amperes: Pointer | None = None
    hertz: Pointer | None = None
    energy_wh: Pointer | None = None


class HttpSettings(ProbeSettings):
    """Keys of an http probe."""

    kind: Literal["http"]
    url: HttpUrl
    headers: Annotated[SecretFile, AfterValidator(_headers)] | None = Field(
        default=None, alias="headers_file"
    )
    basic_auth: Annotated[SecretFile, AfterValidator(_user_and_password)] | None = Field(
        default=None, alias="basic_auth_file"
    )
    field: Pointer | None = None
    on: Annotated[tuple[Scalar, ...], Field(max_length=100)] = ()
    off: Annotated[tuple[Scalar, ...], Field(max_length=100)] = ()
    on_above: float | None = None
    readings: ReadingPointers = ReadingPointers()
    device: Device | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if wrong := self._what_is_wrong():
            raise ValueError(wrong)
        return self

    def _what_is_wrong(self) -> str | None:
        lists = bool(self.on or self.off)
        if self.field is None and (lists or self.on_above is not None):
            return "on, off and on_above need field: where the value is"
        if self.field is not None and lists == (self.on_above is not None):
            return "field needs either on and off (lists of values) or on_above (a number)"
        if {likeness(value) for value in self.on} & {likeness(value) for value in self.off}:
            return "on and off have a value in common"
        if self.basic_auth is not None and "authorization" in dict(self._lower_headers()):
            return "Authorization stands in headers_file, and basic_auth_file sets it too"
        return None

    def _lower_headers(self) -> Iterator[tuple[str, str]]:
        return ((name.lower(), value) for name, value in self.header_lines())

    def header_lines(self) -> Iterator[tuple[str, str]]:
        """Yield the headers to send besides one's own; they are secrets."""
        if self.headers is not None:
            yield from header_lines(self.headers)

    def all_headers(self) -> dict[str, str]:
        """Return the headers of a request, credentials included."""
        headers = dict(self.header_lines())
        if self.basic_auth is not None:
            encoded = b64encode(self.basic_auth.reveal().encode()).decode("ascii")
            headers["Authorization"] = f"Basic {encoded}"
        return headers
