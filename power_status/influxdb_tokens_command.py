"""Owns `power-status influxdb-tokens`: Grafana may only read the bucket, the exporter only write.

A token that does what it is for is left alone, so running it again changes nothing.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic

from power_status.influxdb_api import Action, Away, InfluxDb, Refused
from power_status.secret_files import NotKept, keep, owner_of, text_in

PAUSE = 1.0  # seconds between two looks whether InfluxDB is there
GRACE = 15.0  # seconds for InfluxDB to come where nobody lacks a token

Sleep = Callable[[float], object]


class NoTokens(Exception):
    """Somebody lacks a token and none can be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token that somebody needs; it stands in `file`, in a folder that belongs to them."""

    action: Action
    description: str
    file: Path


def influxdb_tokens(asked: argparse.Namespace) -> Iterator[str]:
    """Do it, and yield what is to be printed. Raises NoTokens."""
    wanted = [
        Wanted(Action.READ, "power-status: Grafana, read only", asked.read_token_file),
        Wanted(Action.WRITE, "power-status: exporter, write only", asked.write_token_file),
    ]
    try:
        operator = text_in(asked.operator_token_file)
        if not operator:
            raise NoTokens(f"{asked.operator_token_file} holds no token: see make-secrets")
        database = InfluxDb(asked.url, asked.org, asked.bucket, operator)
        yield from _provide_all(database, wanted, operator, asked.wait / 1000)
    except (Away, NotKept, Refused) as fault:
        raise NoTokens(str(fault)) from None


def _provide_all(
    database: InfluxDb, wanted: Sequence[Wanted], operator: str, seconds: float
) -> Iterator[str]:
    """Provide all that are wanted; an InfluxDB that is away is a fault only if one is lacking."""
    lacking = not all(text_in(one.file) for one in wanted)
    try:
        wait_for(database, seconds if lacking else min(seconds, GRACE))
        for one in wanted:
            yield provide(database, one, operator)
    except Away as fault:
        if lacking:
            raise
        yield f"{fault}; the tokens stay as they are"


def wait_for(database: InfluxDb, seconds: float, sleep: Sleep | None = None) -> None:
    """Wait until it is well; raises Away after so many seconds."""
    deadline = monotonic() + seconds
    while True:
        try:
            return database.ready()
        except Away:
            if monotonic() >= deadline:
                raise
        (sleep or Event().wait)(PAUSE)


def provide(database: InfluxDb, wanted: Wanted, operator: str) -> str:
    """Let the file hold a token for that and nothing more; say what was done.

    The new one is written before old ones are forgotten: nobody is ever left with a dead token.
    """
    there = text_in(wanted.file)
    if there not in {"", operator} and database.opens(there, wanted.action):
        return f"{wanted.description}: is there"
    old = database.tokens(wanted.description)
    token = database.allow(wanted.action, wanted.description)
    keep(wanted.file, token, owner_of(wanted.file.parent))
    for one in old:
        database.forget(one)
    return f"{wanted.description}: made"
