"""Owns which databases can be named, and how; connects to none."""

from pathlib import Path
from urllib.parse import urlsplit

SQLITE = "sqlite:///"
POSTGRESQL = "postgresql+psycopg://"


def check_database(url: str, folder: Path) -> str:
    """Return the URL of a database, SQLite's path relative to a folder; raises ValueError."""
    if url.startswith(SQLITE):
        path = url.removeprefix(SQLITE)
        if not path or path == ":memory:" or "?" in path:
            raise ValueError("must name a file: sqlite:///data/alerting.db")
        return f"{SQLITE}{folder / path}"
    if not url.startswith(POSTGRESQL):
        raise ValueError(f"must begin with {SQLITE} or {POSTGRESQL}")
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname or "host=" in parts.query) and len(parts.path) > 1
        password = parts.password
        _ = parts.port
    except ValueError:
        raise ValueError(f"is no URL such as {POSTGRESQL}user@host:5432/name") from None
    if not named:
        raise ValueError(f"must name a host and a database: {POSTGRESQL}user@host:5432/name")
    if password is not None or "password=" in parts.query:
        raise ValueError("must hold no password: give database_password_file")
    return url
