"""The relay's database: incidents, events, deliveries, subscribers, in SQLite or PostgreSQL."""

from alerting.store.engine import StoreDown
from alerting.store.records import (
    Change,
    Chat,
    Delivery,
    DeliveryRow,
    Done,
    Event,
    Incidents,
    Shift,
    WaitingChat,
)
from alerting.store.store import Store

__all__ = [
    "Change",
    "Chat",
    "Delivery",
    "DeliveryRow",
    "Done",
    "Event",
    "Incidents",
    "Shift",
    "Store",
    "StoreDown",
    "WaitingChat",
]
