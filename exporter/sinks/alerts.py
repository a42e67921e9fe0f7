"""Owns how outages are told to the relay: entries become Alertmanager's webhook version 4; pure.

Each alert is evidence, so all of them fire; what is over is said by an alert of
its own, PowerRestored.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chassis.instants import MS_PER_SECOND, to_rfc3339
from exporter.entries import Entry
from exporter.outages import Outage

RECEIVER = "power-status"
_NEVER = "0001-01-01T00:00:00Z"  # how Alertmanager says that an alert has no end yet
_FNV_OFFSET = 14695981039346656037
_FNV_PRIME = 1099511628211
_SEPARATOR = 255


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; `at` is when it began to be true (wall ms)."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    at: int


def payload_of(entries: Sequence[Entry], external_url: str = "") -> dict[str, Any] | None:
    """Return one webhook payload that tells all the entries, or None for nothing to tell."""
    alerts = alerts_of(entries)
    if not alerts:
        return None
    return {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": RECEIVER,
        "groupLabels": {},
        "commonLabels": _common([alert.labels for alert in alerts]),
        "commonAnnotations": _common([alert.annotations for alert in alerts]),
        "externalURL": external_url,
        "alerts": [_to_json(alert, external_url) for alert in alerts],
    }


def alerts_of(entries: Sequence[Entry]) -> list[Alert]:
    """Return what the entries tell, oldest first; what is over is told by its end alone."""
    over = {(ended.home, ended.start) for entry in entries if (ended := entry.ends)}
    alerts = []
    for entry in entries:
        if ended := entry.ends:
            alerts.append(_restored(entry, ended))
        elif (begun := entry.opens) and begun.running and (begun.home, begun.start) not in over:
            alerts.append(_outage(entry, begun))
    return alerts


def _outage(entry: Entry, outage: Outage) -> Alert:
    home = outage.home
    return Alert(
        _labels("PowerOutage", "critical", outage),
        {
            "summary": f"Power is off at {home}",
            "description": f"{home} has had no power since {to_rfc3339(outage.start)}.",
            **_evidence(entry, outage),
        },
        outage.start,
    )


def _restored(entry: Entry, outage: Outage) -> Alert:
    home, end = outage.home, entry.transition.at
    off_for = timedelta(seconds=round(outage.best / MS_PER_SECOND))
    return Alert(
        _labels("PowerRestored", "info", outage),
        {
            "summary": f"Power is back at {home}",
            "description": f"{home} has had power since {to_rfc3339(end)}. "
            f"It was off for {off_for}, since {to_rfc3339(outage.start)}.",
            "ended": unix_seconds(end),
            **_evidence(entry, outage),
        },
        end,
    )


def _labels(name: str, severity: str, outage: Outage) -> dict[str, str]:
    return {
        "alertname": name,
        "audience": "subscribers",
        "home": outage.home,
        "severity": severity,
        "since": unix_seconds(outage.start),
    }


def _evidence(entry: Entry, outage: Outage) -> dict[str, str]:
    """Say what is known of the outage's bounds; what is not known is left out."""
    said = {"cause": outage.cause.value}
    if outage.start_earliest is not None:
        said["start_earliest"] = unix_seconds(outage.start_earliest)
    if outage.end_earliest is not None:
        said["end_earliest"] = unix_seconds(outage.end_earliest)
    if not entry.transition.durable:
        said["durable"] = "false"
    return said


def unix_seconds(wall_ms: int) -> str:
    """Spell a wall time as decimal Unix seconds with milliseconds."""
    seconds, ms = divmod(wall_ms, MS_PER_SECOND)
    return f"{seconds}.{ms:03d}"


def _common(sets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = sets
    return {
        key: value
        for key, value in first.items()
        if all(other.get(key) == value for other in others)
    }


def _to_json(alert: Alert, external_url: str) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": to_rfc3339(alert.at),
        "endsAt": _NEVER,
        "generatorURL": external_url,
        "fingerprint": fingerprint(alert.labels),
    }


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return what Prometheus calls the fingerprint of labels: FNV-1a of their sorted pairs."""
    return f"{_fnv1a(_pairs(labels)):016x}"


def _pairs(labels: Mapping[str, str]) -> Iterable[int]:
    for name in sorted(labels):
        for text in (name, labels[name]):
            yield from text.encode()
            yield _SEPARATOR


def _fnv1a(data: Iterable[int]) -> int:
    value = _FNV_OFFSET
    for byte in data:
        value = (value ^ byte) * _FNV_PRIME % 2**64
    return value
