"""A webhook body becomes alerts, or a named fault."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.alerts import (
    Ignored,
    Malformed,
    Notice,
    PowerOutage,
    PowerRestored,
    Rejected,
    parse_webhook,
)
from chassis.instants import to_rfc3339
from exporter.sinks.alerts import payload_of
from tests.exporter.memory_outbox import entries_of_rows, rows_of

SINCE, ENDED = 1_795_514_523_120, 1_795_518_123_000
STARTS_AT = "2026-11-24T10:02:03.120456789Z"
NEVER = "0001-01-01T00:00:00Z"
FAILED = "<error expanding template: template: __alert_PowerOutage:1:2: oh>"


def _alert(name: str = "PowerOutage", **fields: object) -> dict[str, Any]:
    """One alert as Alertmanager spells it; texts are labels, `ended` and the like annotations."""
    alert: dict[str, Any] = {"status": "firing", "startsAt": STARTS_AT, "endsAt": NEVER}
    alert["fingerprint"] = "00000000000000af"
    alert["labels"] = {"alertname": name, "audience": "subscribers", "home": "flat"}
    alert["annotations"] = {"summary": "s", "description": "d"}
    if name.startswith("Power"):
        alert["labels"]["since"] = "1795514523.120"
    if name == "PowerRestored":
        alert["annotations"]["ended"] = "1795518123"
    for key, value in fields.items():
        if key in alert:
            alert[key] = value
        elif key in {"ended", "start_earliest", "end_earliest", "cause"}:
            alert["annotations"][key] = value
        else:
            alert["labels"][key] = value
    return alert


def _parsed(*alerts: object, **more: object) -> tuple[object, ...]:
    payload = {"version": "4", "groupKey": "{}", "alerts": list(alerts), "routeLabels": {}, **more}
    return parse_webhook(json.dumps(payload).encode()).alerts


OUTAGE = PowerOutage("flat", SINCE, audience="subscribers")
RESTORED = PowerRestored("flat", SINCE, ENDED, audience="subscribers")


def test_alertmanagers_copy_of_an_outage_has_no_bounds() -> None:
    """Home, start and end are all that Prometheus knows."""
    assert _parsed(_alert(), _alert("PowerRestored")) == (OUTAGE, RESTORED)


def test_what_the_exporter_posts_is_understood() -> None:
    """The fast path's own payload, bounds and cause included, bytes or not."""
    rows = [("flat", "on", 0), ("flat", "off", 60), ("flat", "on", 1265), ("flat", "off", 2000)]
    payload = payload_of(entries_of_rows(rows_of(*rows)))
    alerts = parse_webhook(payload).alerts
    off, on, again = SINCE + 60_000, SINCE + 1_265_000, SINCE + 2_000_000
    assert alerts == (
        PowerRestored("flat", off, on, off - 5000, on - 5000, "measured", "subscribers"),
        PowerOutage("flat", again, again - 5000, "measured", "subscribers"),
    )
    assert parse_webhook(json.dumps(payload).encode()).alerts == alerts


def test_any_other_alert_is_a_notice() -> None:
    """It is known by its labels, in whatever order they come, not by times or annotations."""
    resolved = _alert(
        "UpsBatteryLow", status="resolved", endsAt="2026-11-24T12:02:03+02:00", severity="warning"
    )
    (first,) = _parsed(resolved)
    assert isinstance(first, Notice)
    assert (first.alertname, first.home, first.severity) == ("UpsBatteryLow", "flat", "warning")
    assert (first.audience, first.firing) == ("subscribers", False)
    assert (first.starts_at, first.ends_at) == (SINCE, SINCE)  # no end lies before its start
    resolved["labels"] = dict(reversed(resolved["labels"].items()))
    (same,) = _parsed(resolved | {"status": "firing", "annotations": {}})
    assert isinstance(same, Notice)
    assert same == replace(first, firing=True, annotations={}, ends_at=None)
    assert same.key == first.key
    (other,) = _parsed(_alert("UpsBatteryLow", severity="critical"))
    assert isinstance(other, Notice)
    assert other.key != first.key


def test_a_firing_alert_has_no_end() -> None:
    """Alertmanager says so with Go's zero time; Prometheus says until when it would hold."""
    for said in (NEVER, "2026-11-24T11:02:03Z", "nonsense", None):
        (notice,) = _parsed(_alert("Watchdog", endsAt=said))
        assert isinstance(notice, Notice)
        assert notice.ends_at is None


def test_a_resolved_without_an_end_does_not_say() -> None:
    """Its end is not needed: it is taken without one."""
    for said in (NEVER, "", None, "nonsense", 17):
        (notice,) = _parsed(_alert("Watchdog", status="resolved", endsAt=said))
        assert isinstance(notice, Notice)
        assert (notice.firing, notice.ends_at) == (False, None)


def test_an_alert_without_an_audience_is_for_admins() -> None:
    """So is one with an audience that does not exist."""
    bare = _alert("Watchdog", annotations=None)
    del bare["labels"]["audience"], bare["labels"]["home"]
    notice, outage = _parsed(bare, _alert(audience="everybody"))
    assert isinstance(notice, Notice)
    assert (notice.audience, notice.home, notice.severity) == ("admins", None, "")
    assert outage == replace(OUTAGE, audience="admins")


@pytest.mark.parametrize("name", ["PowerOutage", "PowerRestored"])
def test_a_resolved_outage_is_ignored(name: str) -> None:
    """Alertmanager says it also when Prometheus died; nothing more is asked of it."""
    assert _parsed(_alert(name, status="resolved", since="")) == (Ignored(name),)


@pytest.mark.parametrize(
    "since",
    ["1795514523.12", "1795514523.1203", "1.79551452312e+09", "1795514523.1195000000000000001"],
)
def test_since_is_compared_in_milliseconds(since: str) -> None:
    """However a rule prints a number, it is the same outage."""
    assert _parsed(_alert(since=since)) == (OUTAGE,)


def test_whole_seconds_are_a_since() -> None:
    """A dot is not needed, and one without digits does no harm."""
    whole = replace(OUTAGE, since=SINCE - 120)
    assert _parsed(_alert(since="1795514523"), _alert(since="1795514523.")) == (whole, whole)


@pytest.mark.parametrize(
    "since, reason",
    [
        ("", "since is missing"),
        (FAILED, "since is missing"),
        ("<no value>", "since is no Unix time in seconds"),
        ("nan", "since is no Unix time in seconds"),
        ("+Inf", "since is no Unix time in seconds"),
        ("-1795514523", "since is no Unix time in seconds"),
        ("1_795_514_523", "since is no Unix time in seconds"),
        (" 1795514523", "since is no Unix time in seconds"),
        ("\N{ARABIC-INDIC DIGIT ONE}795514523", "since is no Unix time in seconds"),
        ("2026-11-24T10:02:03Z", "since is no Unix time in seconds"),
        ("0", "since is out of range"),
        ("1e-99", "since is out of range"),
        ("9e99", "since is out of range"),
        ("1795514523120", "since is out of range"),
        ("1" * 65, "since is longer than 64 characters"),
        (1795514523, "labels are no object of texts"),
    ],
)
def test_a_since_that_is_none_is_rejected(since: object, reason: str) -> None:
    """An outage cannot be told from another without it."""
    assert _parsed(_alert(since=since)) == (Rejected("PowerOutage", reason),)


@pytest.mark.parametrize(
    "fields, reason",
    [
        ({"status": "pending"}, "status is neither firing nor resolved"),
        ({"status": []}, "status is neither firing nor resolved"),
        ({"startsAt": None}, "startsAt is missing"),
        ({"startsAt": ""}, "startsAt is missing"),
        ({"startsAt": 1795514523}, "startsAt is no RFC 3339 time"),
        ({"startsAt": "2026-11-24T10:02:03"}, "startsAt is no RFC 3339 time"),
        ({"startsAt": "2026-02-30T10:02:03Z"}, "startsAt is no RFC 3339 time"),
        ({"startsAt": NEVER}, "startsAt is out of range"),
        ({"startsAt": "9999-12-31T23:59:59-23:59"}, "startsAt is out of range"),
        ({"labels": None}, "labels are no object of texts"),
        ({"labels": []}, "labels are no object of texts"),
        ({"alertname": ""}, "alertname is missing"),
        ({"home": FAILED}, "home is missing"),
        ({"home": "x" * 201}, "home is longer than 200 characters"),
        ({"ended": FAILED}, "ended is missing"),
        ({"ended": 1795518123}, "ended is missing"),
        ({"ended": "soon"}, "ended is no Unix time in seconds"),
        ({"ended": "1795514523.119"}, "ended is before since"),
    ],
)
def test_an_alert_that_lacks_something_is_rejected(fields: dict[str, Any], reason: str) -> None:
    """The fault is named; the alerts beside it are taken."""
    rejected, taken = _parsed(_alert("PowerRestored", **fields), _alert())
    assert isinstance(rejected, Rejected)
    assert rejected.reason == reason
    assert taken == OUTAGE


def test_a_rejected_alert_is_named_as_far_as_possible() -> None:
    """Something that is no alert at all has no name, and a name is cut."""
    assert _parsed(None, "PowerOutage", _alert("X" * 1000, status="no")) == (
        Rejected("", "the alert is no object"),
        Rejected("", "the alert is no object"),
        Rejected("X" * 200, "status is neither firing nor resolved"),
    )


def test_an_outage_may_end_when_it_began() -> None:
    """`ended` is not before `since`: that is enough."""
    (restored,) = _parsed(_alert("PowerRestored", ended="1795514523.120"))
    assert restored == replace(RESTORED, ended=SINCE)


@pytest.mark.parametrize(
    "fields",
    [
        {"start_earliest": "1795514523.121"},
        {"start_earliest": "nan"},
        {"start_earliest": FAILED},
        {"start_earliest": 17},
        {"end_earliest": "1795518123.001"},
        {"end_earliest": "1795514523.119"},
        {"cause": ""},
        {"cause": "x" * 201},
        {"annotations": {"ended": "1795518123", "summary": None}},
    ],
)
def test_bounds_that_are_faulty_are_left_out(fields: dict[str, Any]) -> None:
    """They are optional: an outage is worth more than they are."""
    assert _parsed(_alert("PowerRestored", **fields)) == (RESTORED,)


def test_bounds_may_touch_the_outage() -> None:
    """The earliest moments can be the best estimates themselves."""
    fields = {"start_earliest": "1795514523.12", "end_earliest": "1795518123", "cause": "inferred"}
    (restored,) = _parsed(_alert("PowerRestored", **fields))
    assert restored == replace(RESTORED, start_earliest=SINCE, end_earliest=ENDED, cause="inferred")


def test_fractions_of_any_length_are_a_time() -> None:
    """Only milliseconds are kept."""
    for fraction in (".1", ".12", ".120", ".120456789", ".120456789123456"):
        (notice,) = _parsed(_alert("Watchdog", startsAt=f"2026-11-24T12:02:03{fraction}+02:00"))
        assert isinstance(notice, Notice)
        assert to_rfc3339(notice.starts_at).startswith("2026-11-24T10:02:03.1")


def test_failed_templates_are_no_texts() -> None:
    """A message shows what there is, never a template's fault."""
    alert = _alert("Watchdog", home=FAILED, annotations={"summary": FAILED, "description": "d"})
    (notice,) = _parsed(alert)
    assert isinstance(notice, Notice)
    assert (notice.home, notice.annotations) == (None, {"description": "d"})


def test_texts_can_be_stored() -> None:
    """JSON can spell what no database takes."""
    body = json.dumps({"version": "4", "alerts": [_alert("Watchdog", home="HOME")]})
    (notice,) = parse_webhook(body.replace("HOME", "a\\u0000b\\ud800c").encode()).alerts
    assert isinstance(notice, Notice)
    assert notice.home == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"


@pytest.mark.parametrize(
    "body, fault",
    [
        (b"", "the body is no JSON"),
        (b'{"version": "4", "alerts": [', "the body is no JSON"),
        (b"\xff\xfe\xff", "the body is no JSON"),
        (b"[" * 100_000, "the body is no JSON"),
        (b"1" * 5_000, "the body is no JSON"),
        (b"null", "the body is no JSON object"),
        (b'["secret"]', "the body is no JSON object"),
        (b'{"alerts": []}', 'version is not "4"'),
        (b'{"version": 4, "alerts": []}', 'version is not "4"'),
        (b'{"version": "3", "alerts": []}', 'version is not "4"'),
        (b'{"version": "4"}', "alerts is no list"),
        (b'{"version": "4", "alerts": null}', "alerts is no list"),
        (b'{"version": "4", "alerts": {}}', "alerts is no list"),
    ],
)
def test_what_is_no_payload_is_malformed(body: bytes, fault: str) -> None:
    """The fault is named, and nothing of the body is repeated."""
    with pytest.raises(Malformed) as caught:
        parse_webhook(body)
    assert str(caught.value) == fault
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "said, count",
    [(0, 0), (3, 3), (None, 0), ("3", 0), (-1, 0), (True, 0), (1.5, 0), (10**30, 0)],
)
def test_truncated_alerts_are_counted(said: object, count: int) -> None:
    """A count that is none costs no alert."""
    webhook = parse_webhook({"version": "4", "alerts": [_alert()], "truncatedAlerts": said})
    assert (webhook.truncated, webhook.alerts) == (count, (OUTAGE,))


def test_an_empty_payload_is_a_payload() -> None:
    """No alerts are no fault."""
    assert parse_webhook(b'{"version": "4", "alerts": []}').alerts == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(
    kind=st.sampled_from(["PowerOutage", "PowerRestored", "Watchdog"]),
    place=st.sampled_from(["status", "startsAt", "endsAt", "labels", "annotations"]),
    label=st.sampled_from(["alertname", "home", "since", "audience"]),
    value=JSON,
)
def test_no_value_breaks_the_rest(kind: str, place: str, label: str, value: object) -> None:
    """Whatever stands in one alert, the next one is taken."""
    assert _parsed(_alert(kind, **{place: value}), _alert())[1] == OUTAGE
    assert _parsed(_alert(kind, **{label: value}), _alert())[1] == OUTAGE
