"""Owns how subscribers are written down for people and other programs: CSV and JSON; pure."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping

from alerting.subscribers import Homes, State, Subscriber
from chassis.instants import from_rfc3339, to_rfc3339

COLUMNS = (
    "chat_id", "topic", "username", "name", "homes", "language", "state", "mute", "created",
)  # fmt: skip
LANGUAGES = ("uk", "en")

_ID = re.compile(r"-?\d{1,18}", re.ASCII)
_HOME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
_MUTE = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", re.ASCII)


class BadTable(Exception):
    """A table is not what is imported; the text names line and column, never what is in them."""


def to_json(subscriber: Subscriber) -> dict[str, object]:
    """Return what `list --json` says of a subscriber; homes are null for all."""
    return {
        "chat_id": subscriber.chat_id,
        "topic": subscriber.topic,
        "username": subscriber.username,
        "name": subscriber.name,
        "homes": None if subscriber.homes is None else list(subscriber.homes),
        "language": subscriber.language,
        "state": subscriber.state.value,
        "mute": subscriber.mute,
        "created": to_rfc3339(subscriber.created),
    }


def to_csv(subscribers: Iterable[Subscriber]) -> str:
    """Write a table, one subscriber a row; no homes are all homes, no topic is none."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for subscriber in subscribers:
        table.writerow(to_json(subscriber) | {"homes": " ".join(subscriber.homes or ())})
    return text.getvalue()


def from_csv(text: str) -> list[Subscriber]:
    """Read a table that `to_csv` wrote, columns in any order. Raises BadTable."""
    table = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
        if missing:
            raise BadTable(f"line 1: the column {missing[0]} is missing")
        return list(_read(table))
    except csv.Error as fault:
        raise BadTable(f"line {table.reader.line_num}: {fault}") from fault


def _read(table: "csv.DictReader[str]") -> Iterator[Subscriber]:
    for row in table:
        if None in row.values() or None in row:
            raise BadTable(f"line {table.line_num}: its columns are not as many as line 1's")
        try:
            yield _subscriber(row)
        except _BadCell as fault:
            raise BadTable(f"line {table.line_num}: {fault}") from None


class _BadCell(Exception):
    """Names the column, and what it must be."""


def _subscriber(row: Mapping[str, str]) -> Subscriber:
    return Subscriber(
        chat_id=_id(row, "chat_id"),
        topic=(_id(row, "topic") or None) if row["topic"] else None,
        username=row["username"],
        name=row["name"],
        homes=_homes(row["homes"]),
        language=_one_of(row, "language", LANGUAGES),
        state=State(_one_of(row, "state", tuple(State))),
        mute=_mute(row["mute"]),
        created=_created(row["created"]),
    )


def _id(row: Mapping[str, str], column: str) -> int:
    if not _ID.fullmatch(row[column]):
        raise _BadCell(f"{column} is no whole number")
    return int(row[column])


def _homes(cell: str) -> Homes:
    names = tuple(dict.fromkeys(cell.split()))
    if not all(map(_HOME.fullmatch, names)):
        raise _BadCell("homes are no names of homes")
    return names or None


def _one_of(row: Mapping[str, str], column: str, words: Iterable[str]) -> str:
    if row[column] not in words:
        raise _BadCell(f"{column} is none of {', '.join(words)}")
    return row[column]


def _mute(cell: str) -> str:
    if cell and not _MUTE.fullmatch(cell):
        raise _BadCell("mute is no span such as 22:00-07:00")
    return cell


def _created(cell: str) -> int:
    try:
        return from_rfc3339(cell)
    except ValueError:
        raise _BadCell("created is no RFC 3339 time") from None
