"""What an HTTP answer means."""

import pytest

from exporter.sinks.outcomes import (
    Accepted,
    Blocked,
    Broken,
    Refused,
    Unavailable,
    outcome_of,
    parse_retry_after,
    shortened,
)


@pytest.mark.parametrize(
    "status, kind",
    [
        (200, Accepted),
        (204, Accepted),
        (301, Blocked),
        (400, Refused),
        (401, Blocked),
        (403, Blocked),
        (404, Blocked),
        (405, Blocked),
        (408, Unavailable),
        (413, Refused),
        (422, Refused),
        (429, Unavailable),
        (500, Broken),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
def test_every_status_has_one_outcome(status: int, kind: type) -> None:
    """What nobody expects keeps everything and waits to be looked at."""
    assert type(outcome_of(status, "why")) is kind


def test_the_reason_names_the_status_and_what_was_said() -> None:
    """On one line."""
    assert outcome_of(404, 'bucket\n "x" not found') == Blocked('HTTP 404: bucket "x" not found')
    assert outcome_of(503, "", 3.0) == Unavailable("HTTP 503", 3.0)


def test_long_answers_are_cut() -> None:
    """A proxy's page does not fill the log."""
    assert len(shortened("word " * 1000)) == 301


@pytest.mark.parametrize(
    "header, seconds",
    [
        (None, None),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("Tue, 24 Nov 2026 10:02:13 GMT", 10.0),
        ("Tue, 24 Nov 2026 10:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("1.5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    """What is neither counts as not given; what is past is now."""
    assert parse_retry_after(header, 1_795_514_523.0) == seconds
