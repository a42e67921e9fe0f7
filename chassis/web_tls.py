"""Owns the web.config.file as it is now: users and TLS, read again when a file changes.

A file that has become faulty changes nothing: what was read before goes on, and the
log says so once.
"""

import logging
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chassis.web_config import ClientAuthType, TlsServerConfig, WebConfig, load_web_config
from chassis.yaml_config import ConfigError, Fault, load_documents

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

_UNSETTLED = 50_000_000  # ns within which a file may change again and look the same

Look = tuple[tuple[int, ...] | None, ...]


class WebConfigFaulty(ConfigError):
    """The web.config.file, or a file that it names, cannot be used."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What a web.config.file asks for: the hashes of its users, and TLS."""

    users: Mapping[str, str] = field(default_factory=dict)
    tls: "ssl.SSLContext | None" = None


class WatchedGuard:
    """The guard of a web.config.file, as fresh as its files. Without one: no guard at all."""

    def __init__(self, file: Path | None) -> None:
        """Read the file for the first time; raises WebConfigFaulty."""
        self._file = file
        self._files: tuple[Path, ...] = ()
        self._seen: Look | None = None
        self._said: str | None = None
        self._used_before = False
        self.guard = Guard()
        if file is not None:
            self._files = (file,)
            self._read()

    def look(self) -> Guard:
        """Return the guard after reading the files again if one of them has changed."""
        if self._file is not None and _look(self._files) != self._seen:
            try:
                self._read()
            except WebConfigFaulty as faulty:
                self._say("; ".join(map(str, faulty.faults)))
        return self.guard

    def _read(self) -> None:
        assert self._file is not None
        self._seen = _settled(self._files)
        try:
            config = load_web_config(self._file)
            self._files = _files_of(self._file, config)
            self._seen = _settled(self._files)
            tls = build_context(config.tls_server_config) if config.tls_server_config else None
        except (ConfigError, OSError, ValueError) as fault:
            raise WebConfigFaulty(_faults(self._file, fault)) from fault
        if self._said is not None:
            log.info("the web.config.file is fine again and in use")
        elif self._used_before:
            log.info("the web.config.file or a file it names has changed and is in use")
        self._said, self._used_before = None, True
        self.guard = Guard(dict(config.basic_auth_users), tls)

    def _say(self, reason: str) -> None:
        if reason != self._said:
            log.error("the web.config.file is faulty; what was read before stays: %s", reason)
        self._said = reason


def _faults(file: Path, fault: Exception) -> Iterable[Fault]:
    if isinstance(fault, ConfigError):
        return fault.faults
    document = load_documents([file])  # it knows in which line the section stands
    document.blame(("tls_server_config",), str(fault))
    return document.faults


def _files_of(file: Path, config: WebConfig) -> tuple[Path, ...]:
    tls = config.tls_server_config
    named: Iterable[Path | None] = (
        (tls.cert_file, tls.key_file, tls.client_ca_file) if tls is not None else ()
    )
    return (file, *(path for path in named if path is not None))


def _look(files: tuple[Path, ...]) -> Look:
    """Return by what a change of the files is seen; a file that cannot be seen looks like None."""
    looks: list[tuple[int, ...] | None] = []
    for file in files:
        try:
            seen = os.stat(file)  # noqa: PTH116  half the time of Path.stat(), and asked often
        except OSError:
            looks.append(None)
        else:
            looks.append((seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino, seen.st_size))
    return tuple(looks)


def _settled(files: tuple[Path, ...]) -> Look | None:
    """Return the look of the files; None if one is so fresh that its next change may not show."""
    look = _look(files)
    now = time.time_ns()
    fresh = any(seen is not None and abs(now - seen[1]) < _UNSETTLED for seen in look)
    return None if fresh else look


def build_context(config: TlsServerConfig) -> "ssl.SSLContext":
    """Return the server's TLS context. Raises OSError, or ValueError for what cannot be had."""
    import ssl  # noqa: PLC0415  only a service with tls_server_config needs it

    kind = config.client_auth_type
    if kind is ClientAuthType.REQUIRE_ANY_CLIENT_CERT:
        raise ValueError(f"client_auth_type {kind}: not to be had; RequireAndVerifyClientCert is")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = {
        "TLS10": ssl.TLSVersion.TLSv1,
        "TLS11": ssl.TLSVersion.TLSv1_1,
        "TLS12": ssl.TLSVersion.TLSv1_2,
        "TLS13": ssl.TLSVersion.TLSv1_3,
    }[config.min_version.value]
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    # An encrypted key must be an error, not a question on a terminal.
    context.load_cert_chain(config.cert_file, config.key_file, password=_no_password)
    if config.client_ca_file is not None and kind.verifies:
        context.load_verify_locations(cafile=config.client_ca_file)
        required = kind is ClientAuthType.REQUIRE_AND_VERIFY_CLIENT_CERT
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted; give one without a password")
