"""Owns how something is brought into .tools: once, one at a time, and with a reason if not."""

import fcntl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from debian_archive import NotToBeHad


def bring(
    lock: Path, is_done: Callable[[], bool], doing: str, fetch: Callable[[], None], what: str = ""
) -> bool:
    """Fetch what is not there yet, saying what is being done; return whether it is there now.

    `what` stands before the reason where it cannot be had.
    """
    with _locked(lock):
        if is_done():
            return True
        print(f"{doing} …", flush=True)
        try:
            fetch()
        except NotToBeHad as reason:
            named = f"{what}: " if what else ""
            print(f"not to be had: {named}{reason}", file=sys.stderr)
            return False
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one fetch at a time into the folder; the others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
