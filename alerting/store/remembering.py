"""Owns what is remembered under a key: how far the bot has come, whose shift it is, and more."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerting.store.schema import settings


def setting(connection: Connection, key: str) -> str | None:
    """Return what is remembered under a key."""
    query = sa.select(settings.c.value).where(settings.c.key == key)
    return connection.execute(query).scalar_one_or_none()


def set_setting(connection: Connection, key: str, value: str) -> None:
    """Remember a value."""
    known = settings.update().where(settings.c.key == key).values(value=value)
    if connection.execute(known).rowcount == 0:
        connection.execute(settings.insert().values(key=key, value=value))
