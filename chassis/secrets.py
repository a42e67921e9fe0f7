"""Owns secrets: they come from files, are compared in constant time and are never printed."""

import hmac
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import PlainValidator, ValidationInfo

from chassis.strict_model import leaves, path_of, unreadable, warn

MASK = "***"


class Secret:
    """A text that shows itself only when asked to."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def matches(self, offered: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self._text.encode(), offered.encode("utf-8", "replace"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.matches(other._text)

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__


class SecretUnreadable(Exception):
    """A secret cannot be had from its file; the message says why, never what."""


def read_secret(path: Path) -> Secret:
    """Return what a file holds without its trailing newline; raises SecretUnreadable."""
    text = _text_of(path)
    if not text:
        raise SecretUnreadable(f"{path} is empty")
    return Secret(text)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SecretUnreadable(unreadable(path, error)) from None
    except UnicodeDecodeError:
        raise SecretUnreadable(f"{path} is not UTF-8 text") from None


def made_secret(path: Path) -> Secret:
    """Return what a file holds; where there is none, make one that only its owner can read.

    Raises SecretUnreadable, also where it cannot be made.
    """
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):  # another process was faster
                _make(path)
        except OSError as error:
            raise SecretUnreadable(f"cannot make {path}: {error.strerror or error}") from None
    return read_secret(path)


def _make(path: Path) -> None:
    """Write a new secret; it is there whole or not at all."""
    new = path.with_name(f"{path.name}.new-{os.getpid()}")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{secrets.token_urlsafe(32)}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, path)
    finally:
        new.unlink()


def exposure(path: Path) -> str | None:
    """Say how others than a file's owner and group can read it, or None."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
    if mode & stat.S_IROTH:
        return f"{path} is readable by others (mode {mode:04o}); chmod o-rwx it"
    return None


def secrets_in(config: object) -> Iterator[Secret]:
    """Give every secret that a config holds, whatever it is made of; late ones it does not hold."""
    return (value for _, value in leaves(config) if isinstance(value, Secret))


def read_secret_or_nothing(value: object, info: ValidationInfo) -> Secret:
    """Validate as SecretFile does, but let an empty file be an empty secret."""
    return _read(value, info, lambda path: Secret(_text_of(path)))


def _read_filled(value: object, info: ValidationInfo) -> Secret:
    return _read(value, info, read_secret)


def _read(value: object, info: ValidationInfo, read: Callable[[Path], Secret]) -> Secret:
    if isinstance(value, Secret):
        return value
    path = path_of(value, info)
    try:
        secret = read(path)
    except SecretUnreadable as error:
        raise ValueError(str(error)) from None
    if exposed := exposure(path):
        warn(info, secret, exposed)
    return secret


def _look(value: object, info: ValidationInfo) -> Path:
    path = path_of(value, info)
    try:
        read_secret(path)
    except SecretUnreadable as error:
        warn(info, path, f"{error} (it will be read again when it is needed)")
    if exposed := exposure(path):
        warn(info, path, exposed)
    return path


SecretFile = Annotated[Secret, PlainValidator(_read_filled)]
"""A secret whose file the config names: unreadable is a fault, readable by others a warning."""

LateSecretFile = Annotated[Path, PlainValidator(_look)]
"""The path of a secret that may be made later; `read_secret` reads it when it is needed."""
