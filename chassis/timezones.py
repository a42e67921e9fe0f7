"""Owns the names of time zones: whether one exists, and which is the host's."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator

_LOCALTIME = Path("/etc/localtime")


def check_timezone(name: str) -> str:
    """Return the name of an IANA time zone; raises ValueError, which may suggest another."""
    if _exists(name):
        return name
    close = _closest(name[:80])
    hint = f"; did you mean {close}?" if close is not None else ""
    raise ValueError(f"unknown time zone {name[:80]!r}{hint}")


@lru_cache(maxsize=16)  # a thousand homes with the same mistake take no longer than one
def _closest(name: str) -> str | None:
    by_fold = {known.casefold(): known for known in available_timezones()}
    close = get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.7)
    return by_fold[close[0]] if close else None


def host_timezone(environ: Mapping[str, str] = os.environ, localtime: Path = _LOCALTIME) -> str:
    """Return the host's time zone: $TZ, where /etc/localtime leads to, or else UTC."""
    name = environ.get("TZ", "").removeprefix(":")
    if name and _exists(name):
        return name
    _, found, name = str(localtime.resolve()).partition("/zoneinfo/")
    name = name.removeprefix("posix/").removeprefix("right/")
    return name if found and _exists(name) else "UTC"


def _exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return True


TimeZone = Annotated[str, AfterValidator(check_timezone)]
"""The name of an IANA time zone, such as Europe/Kyiv."""
