"""Owns what the relay is told: a body of Alertmanager's webhook version 4 becomes alerts; pure.

Tolerant of what it does not know, strict about what it uses. Times are wall
milliseconds since the epoch.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from alerting.fields import (
    Faulty,
    needed,
    rfc3339_time,
    some_texts,
    texts,
    unix_time,
    unix_time_within,
)

Audience = Literal["subscribers", "admins"]
_LONGEST_NAME = 200  # characters; a database indexes homes
_MOST_TRUNCATED = 2**64 - 1


class Malformed(Exception):
    """A body is no payload of version 4; the message names the fault."""


@dataclass(frozen=True, slots=True)
class PowerOutage:
    """Power is off at `home` since `since`; at `start_earliest` it was last seen on."""

    home: str
    since: int
    start_earliest: int | None = None
    cause: str | None = None
    audience: Audience = "admins"


@dataclass(frozen=True, slots=True)
class PowerRestored:
    """The outage of `home` since `since` is over; at `end_earliest` power was last seen off."""

    home: str
    since: int
    ended: int
    start_earliest: int | None = None
    end_earliest: int | None = None
    cause: str | None = None
    audience: Audience = "admins"


@dataclass(frozen=True, slots=True)
class Notice:
    """Any other alert, labels and annotations in the order of their names.

    `ends_at` is None while it fires, and of a resolved one that does not say.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    firing: bool
    starts_at: int
    ends_at: int | None = None

    @property
    def key(self) -> str:
        """What its labels make it: the same for the same labels, and short whatever they are."""
        return sha256(json.dumps(sorted(self.labels.items())).encode()).hexdigest()

    @property
    def alertname(self) -> str:
        """What kind of alert it is."""
        return self.labels["alertname"]

    @property
    def home(self) -> str | None:
        """The home that it concerns, if it names one."""
        return self.labels.get("home")

    @property
    def audience(self) -> Audience:
        """Whom it concerns."""
        return _audience(self.labels)

    @property
    def severity(self) -> str:
        """How bad it is in its own words; empty if it does not say."""
        return self.labels.get("severity", "")


@dataclass(frozen=True, slots=True)
class Ignored:
    """A resolved PowerOutage or PowerRestored: no evidence of anything."""

    alertname: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """An alert without what its kind needs; `reason` names the fault, `alertname` may be empty."""

    alertname: str
    reason: str


Alert = PowerOutage | PowerRestored | Notice


@dataclass(frozen=True, slots=True)
class Webhook:
    """One payload; `truncated` is how many alerts Alertmanager left out of it."""

    alerts: tuple[Alert | Ignored | Rejected, ...]
    truncated: int = 0


def parse_webhook(body: object) -> Webhook:
    """Read a payload: bytes are JSON, anything else is what JSON was decoded to.

    Raises Malformed if it is no payload of version 4; a faulty alert in one is Rejected.
    """
    payload = _decoded(body) if isinstance(body, bytes) else body
    if not isinstance(payload, dict):
        raise Malformed("the body is no JSON object")
    if payload.get("version") != "4":
        raise Malformed('version is not "4"')
    alerts = payload.get("alerts")
    if not isinstance(alerts, list):
        raise Malformed("alerts is no list")
    return Webhook(tuple(map(_alert, alerts)), _truncated(payload.get("truncatedAlerts")))


def _decoded(body: bytes) -> object:
    try:
        decoded: object = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("the body is no JSON") from None
    return decoded


def _truncated(count: object) -> int:
    """Return the count; a faulty one is not worth the alerts beside it."""
    if type(count) is int and 0 <= count <= _MOST_TRUNCATED:
        return count
    return 0


def _alert(raw: object) -> Alert | Ignored | Rejected:
    if not isinstance(raw, dict):
        return Rejected("", "the alert is no object")
    try:
        return _read(raw)
    except Faulty as fault:
        name = some_texts(raw.get("labels")).get("alertname", "")
        return Rejected(name[:_LONGEST_NAME], str(fault))


def _read(raw: dict[str, object]) -> Alert | Ignored:
    firing = _firing(raw.get("status"))
    labels = texts(raw.get("labels"))
    if labels is None:
        raise Faulty("labels are no object of texts")
    name = needed(labels, "alertname", _LONGEST_NAME)
    starts_at = rfc3339_time(raw.get("startsAt"), "startsAt")
    annotations = some_texts(raw.get("annotations"))
    if name not in {"PowerOutage", "PowerRestored"}:
        ends_at = None if firing else _ends_at(raw.get("endsAt"), starts_at)
        return Notice(labels, annotations, firing, starts_at, ends_at)
    if not firing:
        return Ignored(name)
    if name == "PowerOutage":
        return _outage(labels, annotations)
    return _restored(labels, annotations)


def _firing(status: object) -> bool:
    if status == "firing":
        return True
    if status == "resolved":
        return False
    raise Faulty("status is neither firing nor resolved")


def _ends_at(value: object, starts_at: int) -> int | None:
    """Return when a resolved alert ended, never before it began; None if it does not say."""
    try:
        return max(rfc3339_time(value, "endsAt"), starts_at)
    except Faulty:
        return None


def _outage(labels: Mapping[str, str], annotations: Mapping[str, str]) -> PowerOutage:
    home = needed(labels, "home", _LONGEST_NAME)
    since = unix_time(labels, "since")
    return PowerOutage(
        home=home,
        since=since,
        start_earliest=unix_time_within(annotations, "start_earliest", 0, since),
        cause=_cause(annotations),
        audience=_audience(labels),
    )


def _restored(labels: Mapping[str, str], annotations: Mapping[str, str]) -> PowerRestored:
    home = needed(labels, "home", _LONGEST_NAME)
    since = unix_time(labels, "since")
    ended = unix_time(annotations, "ended")
    if ended < since:
        raise Faulty("ended is before since")
    return PowerRestored(
        home=home,
        since=since,
        ended=ended,
        # Bounds that contradict the outage itself are worth less than it: they are left out.
        start_earliest=unix_time_within(annotations, "start_earliest", 0, since),
        end_earliest=unix_time_within(annotations, "end_earliest", since, ended),
        cause=_cause(annotations),
        audience=_audience(labels),
    )


def _cause(annotations: Mapping[str, str]) -> str | None:
    cause = annotations.get("cause", "")
    return cause if cause and len(cause) <= _LONGEST_NAME else None


def _audience(labels: Mapping[str, str]) -> Audience:
    return "subscribers" if labels.get("audience") == "subscribers" else "admins"
