"""Owns the tables of the relay's database, as they are made new; migrations bring older ones here.

Moments are wall milliseconds since the epoch. A topic is 0 where a chat has none.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

NEWEST = "0001"
"""The revision of `alerting.migrations` that makes these tables."""

metadata = MetaData()

# SQLite gives ids by itself for INTEGER alone.
_ID = BigInteger().with_variant(Integer, "sqlite")

gate = Table(
    "gate",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("turns", BigInteger, nullable=False),
)
"""One row. Who changes more than its own deliveries writes it first: one after another."""

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

outages = Table(
    "outages",
    metadata,
    Column("home", Text, primary_key=True),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("ended", BigInteger),
    Column("start_earliest", BigInteger),
    Column("end_earliest", BigInteger),
    Column("cause", Text),
    Column("ahead", Boolean, nullable=False),
    Column("began_told", Boolean, nullable=False),
    Column("ended_told", Boolean, nullable=False),
    Index("outages_by_state", "home", "state"),
    Index("outages_by_since", "since"),
)

notices = Table(
    "notices",
    metadata,
    Column("key", Text, primary_key=True),
    Column("labels", Text, nullable=False),
    Column("annotations", Text, nullable=False),
    Column("firing", Boolean, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger),
)

events = Table(
    "events",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("home", Text),
    Column("since", BigInteger),
    Column("notice", Text),
    Column("created", BigInteger, nullable=False),
    Index("events_by_created", "created"),
    sqlite_autoincrement=True,
)
"""`since` where it is an outage's; `notice` is the notice as the event left it, as JSON."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("event_id", _ID, ForeignKey("events.id"), nullable=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("topic", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("done", BigInteger),
    UniqueConstraint("event_id", "chat_id", "topic", name="deliveries_are_told_once"),
    # Few of many: what waits must be found at once among all that was ever delivered.
    Index(
        "deliveries_not_done",
        "chat_id",
        "event_id",
        "topic",
        "state",
        "created",
        sqlite_where=text("done IS NULL"),
        postgresql_where=text("done IS NULL"),
    ),
    Index(
        "deliveries_done",
        "done",
        sqlite_where=text("done IS NOT NULL"),
        postgresql_where=text("done IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", BigInteger, primary_key=True, autoincrement=False),
    Column("username", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("all_homes", Boolean, nullable=False),
    Column("language", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("mute", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("approved", Text, nullable=False),
    Column("wanted", Text, nullable=False),
)
"""`approved` and `wanted` are JSON: a list of homes, or null for all."""

subscriber_homes = Table(
    "subscriber_homes",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", BigInteger, primary_key=True, autoincrement=False),
    Column("home", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    ForeignKeyConstraint(
        ["chat_id", "topic"],
        ["subscribers.chat_id", "subscribers.topic"],
        ondelete="CASCADE",
    ),
    Index("subscribers_of_home", "home"),
)

chats = Table(
    "chats",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("username", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Index("chats_by_last_seen", "last_seen"),
)
