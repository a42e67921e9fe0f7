"""Outages become Alertmanager's webhook version 4."""

from dataclasses import replace

import pytest

from exporter.entries import Entry
from exporter.power import Cause
from exporter.sinks.alerts import fingerprint, payload_of, unix_seconds
from tests.exporter.memory_outbox import entries_of_rows, rows_of

ON, OFF, BACK = ("flat", "on", 0), ("flat", "off", 60), ("flat", "on", 1265)


def _payload(entries: list[Entry]) -> dict[str, object]:
    payload = payload_of(entries, "https://power.example.org")
    assert payload is not None
    return payload


def test_a_running_outage_is_one_firing_alert() -> None:
    """Every field of version 4 is there, and every label that the relay needs."""
    (entry,) = entries_of_rows(rows_of(ON, OFF))[1:]
    labels = {
        "alertname": "PowerOutage",
        "audience": "subscribers",
        "home": "flat",
        "severity": "critical",
        "since": "1795514583.120",
    }
    annotations = {
        "summary": "Power is off at flat",
        "description": "flat has had no power since 2026-11-24T10:03:03.120Z.",
        "cause": "measured",
        "start_earliest": "1795514578.120",
    }
    assert _payload([entry]) == {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "power-status",
        "groupLabels": {},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "https://power.example.org",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": annotations,
                "startsAt": "2026-11-24T10:03:03.120Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "https://power.example.org",
                "fingerprint": fingerprint(labels),
            }
        ],
    }


def _alerts(entries: list[Entry]) -> list[tuple[str, str, str]]:
    payload = payload_of(entries)
    found = payload["alerts"] if payload else []
    return [
        (alert["labels"]["alertname"], alert["labels"]["home"], alert["labels"]["since"])
        for alert in found
    ]


def test_the_end_fires_as_an_alert_of_its_own() -> None:
    """PowerRestored has the outage's since, says when it ended, and keeps all bounds."""
    entries = entries_of_rows(rows_of(ON, OFF, BACK))[2:]
    payload = payload_of(entries)
    assert payload is not None
    (alert,) = payload["alerts"]
    assert alert["status"] == "firing"
    assert alert["labels"]["severity"] == "info"
    assert alert["startsAt"] == "2026-11-24T10:23:08.120Z"
    assert alert["endsAt"] == "0001-01-01T00:00:00Z"
    assert alert["annotations"] == {
        "summary": "Power is back at flat",
        "description": "flat has had power since 2026-11-24T10:23:08.120Z. "
        "It was off for 0:20:05, since 2026-11-24T10:03:03.120Z.",
        "ended": "1795515788.120",
        "cause": "measured",
        "start_earliest": "1795514578.120",
        "end_earliest": "1795515783.120",
    }
    assert _alerts(entries) == [("PowerRestored", "flat", "1795514583.120")]


def test_an_outage_that_has_already_ended_is_told_by_its_end_alone() -> None:
    """Also when its end comes only with a later batch."""
    entries = entries_of_rows(rows_of(ON, OFF, BACK))
    assert _alerts(entries) == [("PowerRestored", "flat", "1795514583.120")]
    assert _alerts(entries[:2]) == []


def test_an_outage_whose_end_waits_beside_it_is_told_by_its_end_alone() -> None:
    """Even if it still ran when its own row was read."""
    running = entries_of_rows(rows_of(ON, OFF))[1]
    ended = entries_of_rows(rows_of(ON, OFF, BACK))[2]
    assert _alerts([running, ended]) == [("PowerRestored", "flat", "1795514583.120")]


def test_all_that_wait_are_in_one_request_oldest_first() -> None:
    """Two homes, one of them off twice."""
    rows = rows_of(ON, ("cabin", "on", 1), OFF, ("cabin", "off", 61), BACK, ("flat", "off", 2000))
    payload = _payload(entries_of_rows(rows))
    assert _alerts(entries_of_rows(rows)) == [
        ("PowerOutage", "cabin", "1795514584.120"),
        ("PowerRestored", "flat", "1795514583.120"),
        ("PowerOutage", "flat", "1795516523.120"),
    ]
    assert payload["commonLabels"] == {"audience": "subscribers"}
    assert payload["commonAnnotations"] == {"cause": "measured"}


def test_other_rows_tell_nothing() -> None:
    """The first on, and unknown spells outside and inside an outage."""
    rows = rows_of(
        ON,
        ("flat", "unknown", 10),
        ("flat", "on", 20),
        OFF,
        ("flat", "unknown", 70),
        ("flat", "off", 80),
    )
    entries = entries_of_rows(rows)
    assert payload_of(entries[:3]) is None
    assert payload_of(entries[4:]) is None


def test_an_end_after_an_unknown_spell_ends_the_outage() -> None:
    """off, unknown, on: restored, since the off."""
    entries = entries_of_rows(rows_of(ON, OFF, ("flat", "unknown", 100), ("flat", "on", 200)))
    assert _alerts(entries[3:]) == [("PowerRestored", "flat", "1795514583.120")]


def test_bounds_that_are_not_known_are_left_out() -> None:
    """No power was seen before the first outage."""
    (entry,) = entries_of_rows(rows_of(("flat", "off", 0)))
    payload = payload_of([entry])
    assert payload is not None
    assert "start_earliest" not in payload["alerts"][0]["annotations"]
    assert "end_earliest" not in payload["alerts"][0]["annotations"]


def test_a_row_that_is_not_durable_says_so() -> None:
    """Its labels are those that the durable one will have."""
    durable = entries_of_rows(rows_of(ON, OFF))[1]
    undurable = replace(durable, transition=replace(durable.transition, id=None))
    first, second = _payload([durable])["alerts"], _payload([undurable])["alerts"]
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert second[0]["labels"] == first[0]["labels"]
    assert second[0]["annotations"] == {**first[0]["annotations"], "durable": "false"}


def test_the_cause_is_that_of_the_outage() -> None:
    """An inferred outage says so at its end too."""
    rows = rows_of(ON, OFF, BACK)
    rows[1] = replace(rows[1], cause=Cause.INFERRED)
    payload = payload_of(entries_of_rows(rows))
    assert payload is not None
    assert payload["alerts"][0]["annotations"]["cause"] == "inferred"


@pytest.mark.parametrize(
    "ms, text", [(1_795_514_523_120, "1795514523.120"), (1_795_514_523_005, "1795514523.005")]
)
def test_times_are_decimal_seconds_with_milliseconds(ms: int, text: str) -> None:
    """Leading zeros of the milliseconds included."""
    assert unix_seconds(ms) == text


def test_fingerprints_are_those_of_prometheus() -> None:
    """The two values that prometheus/common's own TestLabelsToSignature names."""
    labels = {"name": "garland, briggs", "fear": "love is not enough"}
    assert fingerprint({}) == f"{14695981039346656037:016x}"
    assert fingerprint(labels) == f"{5799056148416392346:016x}"
