"""Owns what one chat is told at one moment: its deliveries become a message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from alerting.config import AlertingConfig
from alerting.incidents import EventKind
from alerting.messages import Told, ToldNotice, compose
from alerting.muting import is_muted
from alerting.store.records import Delivery
from alerting.subscribers import Subscriber
from alerting.told import Place
from chassis.timezones import host_timezone


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What texts are made by: the homes of the config, and what holds where nothing is said."""

    places: Mapping[str, Place]
    language: str
    timezone: str

    def place(self, home: str) -> Place:
        """Return how people know a home; one that is not in the config by its bare name."""
        return self.places.get(home) or Place(home, self.timezone)


def surroundings_of(config: AlertingConfig) -> Surroundings:
    """Return what texts are made by, by a config."""
    places = {home.name: Place(home.title, home.timezone) for home in config.homes}
    return Surroundings(places, config.alerting.language, host_timezone())


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out: HTML in parts, and whether without a sound."""

    parts: tuple[str, ...]
    silent: bool


def message_of(
    deliveries: Sequence[Delivery], subscriber: Subscriber | None, around: Surroundings, now: int
) -> Message:
    """Tell all that waits for one chat, or one topic of it, from what is known now (wall ms)."""
    language = around.language if subscriber is None else subscriber.language
    parts = compose(told(deliveries, around), language, now, zone=around.timezone)
    return Message(parts, _silent(subscriber, around, now))


def told(deliveries: Sequence[Delivery], around: Surroundings) -> list[Told | ToldNotice]:
    """Make one item of each outage and each notice, whichever of their events are to be told."""
    outages: dict[tuple[str, int], Told] = {}
    items: list[Told | ToldNotice] = []
    for delivery in deliveries:
        event = delivery.event
        if event.notice is not None:
            notice = event.notice
            home = notice.labels.get("home")
            items.append(
                ToldNotice(
                    labels=notice.labels,
                    annotations=notice.annotations,
                    firing=event.kind is EventKind.FIRED,
                    starts_at=notice.starts_at,
                    ends_at=notice.ends_at,
                    place=None if home is None else around.place(home),
                )
            )
        elif delivery.outage is not None:
            outages[delivery.outage.home, delivery.outage.since] = _outage(
                delivery, outages, around
            )
    return [*outages.values(), *items]


def _outage(
    delivery: Delivery, before: Mapping[tuple[str, int], Told], around: Surroundings
) -> Told:
    outage = delivery.outage
    assert outage is not None
    other = before.get((outage.home, outage.since))
    return Told(
        place=around.place(outage.home),
        outage=outage,
        began=delivery.event.kind is EventKind.BEGAN or (other is not None and other.began),
        ended=delivery.event.kind is EventKind.ENDED or (other is not None and other.ended),
        on_since=delivery.on_since,
        before=delivery.before,
        running=delivery.running,
    )


def _silent(subscriber: Subscriber | None, around: Surroundings, now: int) -> bool:
    if subscriber is None or not subscriber.mute:
        return False
    return is_muted(subscriber.mute, ZoneInfo(zone_of(subscriber, around)), now)


def zone_of(subscriber: Subscriber, around: Surroundings) -> str:
    """Return the zone of a chat's first home."""
    names = list(around.places) if subscriber.homes is None else list(subscriber.homes)
    return around.place(names[0]).timezone if names else around.timezone
