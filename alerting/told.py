"""Owns what a message is made from: events as one chat is told them at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from alerting.incidents import Outage


@dataclass(frozen=True, slots=True)
class Place:
    """A home as people know it, and the IANA name of its time zone."""

    title: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Told:
    """One outage as one message tells it.

    `began`, `ended`: which of its events this message tells. `on_since`: when power
    had come back before it (wall ms, None: unknown), at the end of `before`.
    `running`: a newer outage of the home that runs now.
    """

    place: Place
    outage: Outage
    began: bool
    ended: bool
    on_since: int | None = None
    before: Outage | None = None
    running: Outage | None = None


@dataclass(frozen=True, slots=True)
class ToldNotice:
    """Any other alert as one message tells it; `place` is that of the home it names."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    firing: bool
    starts_at: int
    ends_at: int | None = None
    place: Place | None = None
