"""Alerts, subscribers and short ways that the store's tests share."""

from dataclasses import replace

from alerting.alerts import Audience, Notice, PowerOutage, PowerRestored
from alerting.store import Delivery, Store
from alerting.subscribers import Homes, State, Subscriber
from chassis.instants import from_rfc3339

NOW = from_rfc3339("2026-11-24T12:00:00Z")
MINUTE = 60_000
ADMINS = (900, 901)


def outage(since: int, home: str = "flat", audience: Audience = "subscribers") -> PowerOutage:
    """Power is off."""
    return PowerOutage(home, since, since - 5000, "measured", audience)


def restored(since: int, ended: int, home: str = "flat") -> PowerRestored:
    """Power is back."""
    return PowerRestored(home, since, ended, since - 5000, ended - 5000, "measured", "subscribers")


def notice(starts_at: int, ends_at: int | None = None, **labels: str) -> Notice:
    """Return another alert, resolved if it has an end."""
    named = {"alertname": "PowerExporterDown", **labels}
    return Notice(named, {"summary": "Є новини"}, ends_at is None, starts_at, ends_at)


def subscriber(
    chat_id: int, homes: Homes = None, state: State = State.ACTIVE, topic: int | None = None
) -> Subscriber:
    """Return an approved subscriber."""
    return Subscriber(
        chat_id=chat_id,
        topic=topic,
        username="olena",
        name="Олена",
        homes=homes,
        language="uk",
        state=state,
        created=NOW - 1000,
        kind="private",
        approved=homes,
    )


def subscribe(store: Store, *subscribers: Subscriber) -> None:
    """Save subscribers."""
    for each in subscribers:
        store.save(each, NOW)


def accept(
    store: Store, *alerts: PowerOutage | PowerRestored | Notice, now: int = NOW
) -> list[str]:
    """Accept alerts, in one transaction, while a bot is configured."""
    return store.accept(alerts, now, queue=True, admins=ADMINS)


def told(store: Store, chat_id: int) -> list[str]:
    """Return what waits for a chat, as kinds."""
    return [delivery.event.kind.value for delivery in store.pending_of(chat_id)]


def ids(deliveries: list[Delivery]) -> list[int]:
    """Return the deliveries' ids."""
    return [delivery.id for delivery in deliveries]


def in_topic(of: Subscriber, topic: int) -> Subscriber:
    """Return the same subscription of a topic."""
    return replace(of, topic=topic)
