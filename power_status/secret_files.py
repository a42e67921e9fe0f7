"""Owns how a copy of a secret stands on disk: whole or not at all, and for its user alone."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o600, 0o700
MOST_BYTES = 64 * 1024


class NotKept(Exception):
    """A secret cannot be read or written; the text says which and why, never what."""


@dataclass(frozen=True, slots=True)
class Owner:
    """To whom a file belongs, by number: a container's users have no name outside."""

    uid: int
    gid: int


def owner_of(path: Path) -> Owner:
    """Return to whom a file or folder belongs; raises NotKept."""
    try:
        found = path.stat()
    except OSError as fault:
        raise _not_kept(path, "looked at", fault) from None
    return Owner(found.st_uid, found.st_gid)


def text_in(path: Path) -> str:
    """Return what a file holds without its trailing newline, "" where there is none.

    Raises NotKept.
    """
    try:
        text = bytes_in(path).decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise NotKept(f"{path} is not UTF-8 text") from None
    return text.rstrip("\r\n")


def bytes_in(path: Path) -> bytes:
    """Return what a file holds; raises FileNotFoundError, and NotKept for all else."""
    try:
        with path.open("rb") as file:
            held = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as fault:
        raise _not_kept(path, "read", fault) from None
    if len(held) > MOST_BYTES:
        raise NotKept(f"{path} holds more than {MOST_BYTES // 1024} KiB: that is no secret")
    return held


def keep(path: Path, held: str | bytes, owner: Owner) -> None:
    """Put something in a file's place at once, for its owner alone; a text gets its newline.

    Raises NotKept.
    """
    content = f"{held.removesuffix(chr(10))}\n".encode() if isinstance(held, str) else held
    new = path.with_name(f".{path.name}.new")
    try:
        new.unlink(missing_ok=True)  # of one that was killed here
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchown(descriptor, owner.uid, owner.gid)
            os.fsync(descriptor)
        new.replace(path)
        _flush(path.parent)
    except OSError as fault:
        raise _not_kept(path, "written", fault) from None


def give(path: Path, owner: Owner, mode: int | None = None) -> None:
    """Let a file or folder belong to its owner, with a mode if one is given. Raises NotKept.

    Only root may do so, and needs no more than the capability to chown: what it changes the mode
    of is its own for that moment.
    """
    try:
        found = path.stat()
        if mode is not None and stat.S_IMODE(found.st_mode) != mode:
            os.chown(path, os.geteuid(), os.getegid())
            path.chmod(mode)
        os.chown(path, owner.uid, owner.gid)
    except OSError as fault:
        raise _not_kept(path, "given to its user", fault) from None


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_kept(path: Path, what: str, fault: OSError) -> NotKept:
    return NotKept(f"{path} cannot be {what}: {fault.strerror or fault}")
