"""Makes the first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Type = sa.types.TypeEngine[Any]

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make all."""
    _make_gate_and_settings()
    _make_incidents()
    _make_events()
    _make_deliveries()
    _make_subscribers()
    _make_chats()


def downgrade() -> None:
    """Drop all."""
    for table in (
        "chats", "subscriber_homes", "subscribers", "deliveries",
        "events", "notices", "outages", "settings", "gate",
    ):  # fmt: skip
        op.drop_table(table)


def _needed(name: str, type_: Type) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=False)


def _key(name: str, type_: Type | None = None) -> sa.Column[Any]:
    return sa.Column(name, type_ or sa.BigInteger(), primary_key=True, autoincrement=False)


def _make_gate_and_settings() -> None:
    gate = op.create_table("gate", _key("id", sa.SmallInteger()), _needed("turns", sa.BigInteger()))
    op.bulk_insert(gate, [{"id": 1, "turns": 0}])
    op.create_table("settings", _key("key", sa.Text()), _needed("value", sa.Text()))


def _make_incidents() -> None:
    op.create_table(
        "outages",
        _key("home", sa.Text()),
        _key("since"),
        _needed("state", sa.Text()),
        sa.Column("ended", sa.BigInteger()),
        sa.Column("start_earliest", sa.BigInteger()),
        sa.Column("end_earliest", sa.BigInteger()),
        sa.Column("cause", sa.Text()),
        _needed("ahead", sa.Boolean()),
        _needed("began_told", sa.Boolean()),
        _needed("ended_told", sa.Boolean()),
    )
    op.create_index("outages_by_state", "outages", ["home", "state"])
    op.create_index("outages_by_since", "outages", ["since"])
    op.create_table(
        "notices",
        _key("key", sa.Text()),
        _needed("labels", sa.Text()),
        _needed("annotations", sa.Text()),
        _needed("firing", sa.Boolean()),
        _needed("starts_at", sa.BigInteger()),
        sa.Column("ends_at", sa.BigInteger()),
    )


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _ID, primary_key=True),
        _needed("kind", sa.Text()),
        _needed("audience", sa.Text()),
        sa.Column("home", sa.Text()),
        sa.Column("since", sa.BigInteger()),
        sa.Column("notice", sa.Text()),
        _needed("created", sa.BigInteger()),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_created", "events", ["created"])


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("event_id", _ID, sa.ForeignKey("events.id"), nullable=False),
        _needed("chat_id", sa.BigInteger()),
        _needed("topic", sa.BigInteger()),
        _needed("state", sa.Text()),
        _needed("attempts", sa.Integer()),
        _needed("created", sa.BigInteger()),
        sa.Column("done", sa.BigInteger()),
        sa.UniqueConstraint("event_id", "chat_id", "topic", name="deliveries_are_told_once"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "deliveries_not_done",
        "deliveries",
        ["chat_id", "event_id", "topic", "state", "created"],
        sqlite_where=sa.text("done IS NULL"),
        postgresql_where=sa.text("done IS NULL"),
    )
    op.create_index(
        "deliveries_done",
        "deliveries",
        ["done"],
        sqlite_where=sa.text("done IS NOT NULL"),
        postgresql_where=sa.text("done IS NOT NULL"),
    )


def _make_subscribers() -> None:
    op.create_table(
        "subscribers",
        _key("chat_id"),
        _key("topic"),
        _needed("username", sa.Text()),
        _needed("name", sa.Text()),
        _needed("all_homes", sa.Boolean()),
        _needed("language", sa.Text()),
        _needed("state", sa.Text()),
        _needed("mute", sa.Text()),
        _needed("created", sa.BigInteger()),
        _needed("kind", sa.Text()),
        _needed("approved", sa.Text()),
        _needed("wanted", sa.Text()),
    )
    op.create_table(
        "subscriber_homes",
        _key("chat_id"),
        _key("topic"),
        _key("home", sa.Text()),
        _needed("position", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["chat_id", "topic"],
            ["subscribers.chat_id", "subscribers.topic"],
            ondelete="CASCADE",
        ),
    )
    op.create_index("subscribers_of_home", "subscriber_homes", ["home"])


def _make_chats() -> None:
    op.create_table(
        "chats",
        _key("chat_id"),
        _key("topic"),
        _needed("kind", sa.Text()),
        _needed("title", sa.Text()),
        _needed("username", sa.Text()),
        _needed("name", sa.Text()),
        _needed("last_seen", sa.BigInteger()),
    )
    op.create_index("chats_by_last_seen", "chats", ["last_seen"])
