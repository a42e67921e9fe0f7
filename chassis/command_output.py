"""Owns how a command answers on standard output: to a reader who may have gone, in any script."""

import io
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path


class NotWritten(Exception):
    """An answer could not be written, and somebody waits for it; the text says why."""


def any_script() -> None:
    """Let both streams take any text: what they cannot spell stands there as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def in_utf8() -> None:
    """Let standard output be UTF-8, whatever the terminal's is: for what programs read again."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")


def written(text: str) -> None:
    """Print an answer; a reader who has gone, as behind `| head`, has had what it wanted.

    Raises NotWritten.
    """
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        _drop_output()
    except OSError as fault:
        _drop_output()
        raise NotWritten(f"the answer cannot be written: {fault.strerror}") from fault


def announce(text: str) -> None:
    """Print a line of a service that goes on, whether anybody reads it or not."""
    try:
        print(text, flush=True)
    except OSError:  # nobody does, as behind `| head -1`
        sys.stdout = Path(os.devnull).open("w", encoding="ascii")  # noqa: SIM115  it stays open


def warn(warnings: Iterable[object]) -> None:
    """Print what a config warns of, on standard error."""
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)


def spelled(document: object) -> str:
    """Spell one JSON document; beyond ASCII only where the output has room for any script."""
    in_ascii = (getattr(sys.stdout, "encoding", None) or "").lower() != "utf-8"
    return json.dumps(document, ensure_ascii=in_ascii, indent=2) + "\n"


def _drop_output() -> None:
    """Let what is still to be written go nowhere: the interpreter tries again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
