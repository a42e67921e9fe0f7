"""Owns `power-status make-secrets`: every secret of the stack is there, each copy for its user.

Below the folder it is given stand `secrets/CONSUMER` and `data/CONSUMER`, one volume each. It makes
what is missing, restores a lost copy from another, and leaves alone what is there. It prints no
secret.
"""

import argparse
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from power_status.secret_files import (
    FILE_MODE,
    FOLDER_MODE,
    NotKept,
    Owner,
    bytes_in,
    give,
    keep,
    text_in,
)
from power_status.shared_secrets import consumer_of, names_of_all, to_write

HOMES = "homes"  # the consumer of what config.yaml calls secrets/…
TELEGRAM_TOKEN = "alerting/telegram_token"  # noqa: S105  the name of a copy
GRAFANA_PASSWORD = "grafana/admin_password"  # noqa: S105  as above
NOT_BROUGHT = {*names_of_all(), TELEGRAM_TOKEN, "grafana/influxdb_token"}
HOW_TO_READ = """\
Passwords were made. To read them:
  Grafana (user admin):        docker compose exec grafana cat /run/secrets/admin_password
  the relay's pages (admin):   docker compose exec alerting cat /data/admin_password
  InfluxDB (user admin):       docker compose exec influxdb cat /run/secrets/admin_password"""


@dataclass(frozen=True, slots=True)
class Volumes:
    """Where the volumes of all consumers are, and to whom they belong."""

    folder: Path
    owners: Mapping[str, Owner]
    new: Callable[[], str] = field(default=lambda: secrets.token_urlsafe(32))

    def copy(self, name: str) -> Path:
        """Return where a copy stands."""
        return self.folder / "secrets" / name

    def consumers(self) -> set[str]:
        """Return those who have a volume for secrets."""
        return {name for name in self.owners if self.copy(name).is_dir()}


def make_secrets(asked: argparse.Namespace) -> Iterator[str]:
    """Do it, and yield what is to be printed. Raises NotKept."""
    volumes = Volumes(asked.folder, dict(asked.owner))
    yield from give_folders(volumes)
    made = make_missing(volumes)
    yield f"made: {', '.join(made)}" if made else "every secret is there"
    if asked.telegram_token_file is not None:
        yield from take_over_telegram_token(volumes, asked.telegram_token_file)
    if asked.home_secrets is not None:
        yield from take_over_brought(volumes, asked.home_secrets, asked.telegram_token_file)
    if GRAFANA_PASSWORD in made:
        yield HOW_TO_READ


def give_folders(volumes: Volumes) -> Iterator[str]:
    """Let every volume that is there belong to its consumer's user."""
    for consumer, owner in volumes.owners.items():
        data, copies = volumes.folder / "data" / consumer, volumes.copy(consumer)
        if data.is_dir():
            give(data, owner)
        if copies.is_dir():
            give(copies, owner, FOLDER_MODE)
        if not data.is_dir() and not copies.is_dir():
            yield f"{consumer} has no volume here, and gets nothing"


def make_missing(volumes: Volumes) -> list[str]:
    """Write the copies that are missing or differ; return their names."""
    consumers = volumes.consumers()
    names = [name for name in names_of_all() if consumer_of(name) in consumers]
    there = {name: text_in(volumes.copy(name)) for name in names}
    changes = to_write(there, consumers, volumes.new, os.urandom)
    for name, text in changes.items():
        keep(volumes.copy(name), text, volumes.owners[consumer_of(name)])
    for name in names:
        if volumes.copy(name).exists():
            give(volumes.copy(name), volumes.owners[consumer_of(name)], FILE_MODE)
    return sorted(changes)


def take_over_telegram_token(volumes: Volumes, source: Path) -> Iterator[str]:
    """Let the relay's copy be what the file holds; none of its faults keeps the stack down."""
    if consumer_of(TELEGRAM_TOKEN) not in volumes.consumers():
        return
    copy = volumes.copy(TELEGRAM_TOKEN)
    try:
        text = text_in(source).strip()
    except NotKept as fault:
        yield f"the bot's token stays as it was: {fault}"
        text = text_in(copy)
    if text != text_in(copy) or not copy.exists():
        keep(copy, text, volumes.owners[consumer_of(TELEGRAM_TOKEN)])


def take_over_brought(
    volumes: Volumes, source: Path, relays_alone: Path | None = None
) -> Iterator[str]:
    """Let the volumes hold the files of this folder, and no others but those made here.

    What is right in it is for the homes; what is in a folder named after a consumer, for that one.
    The bot's token is for the relay alone, even where it stands among those of the homes.
    """
    brought = {
        f"{consumer}/{path.name}": path
        for consumer, path in _brought(volumes, source)
        if not _are_one(path, relays_alone)
    }
    for name, path in brought.items():
        try:
            if name in NOT_BROUGHT:
                raise NotKept(f"{path} has the name of one that is made")
            keep(volumes.copy(name), bytes_in(path), volumes.owners[consumer_of(name)])
        except NotKept as fault:
            yield f"not taken over: {fault}"
    for consumer in volumes.consumers():
        for left in volumes.copy(consumer).iterdir():
            if left.is_file() and f"{consumer}/{left.name}" not in NOT_BROUGHT | {*brought}:
                left.unlink()


def _brought(volumes: Volumes, source: Path) -> Iterator[tuple[str, Path]]:
    consumers = volumes.consumers()
    if HOMES in consumers:
        yield from ((HOMES, path) for path in _files_in(source))
    for consumer in sorted(consumers - {HOMES}):
        yield from ((consumer, path) for path in _files_in(source / consumer))


def _are_one(path: Path, other: Path | None) -> bool:
    return other is not None and other.exists() and path.samefile(other)


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield the files right in a folder, without hidden ones and links."""
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                yield path
