"""Makes up histories and questions for the Flux queries, each by its seed."""

import random
from dataclasses import replace

from tests.grafana.flux_cases import ms_of
from tests.grafana.flux_truth import Asked, Row

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
ZONES = (
    "",
    "UTC",
    "Europe/Kyiv",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Honolulu",
    "Pacific/Kiritimati",
)
# One of each half year: most histories have a change of clocks in them.
STARTS = tuple(map(ms_of, ("2025-03-20T00:00:00Z", "2025-10-20T00:00:00Z", "2026-10-30T00:00:00Z")))
AFTER = {"on": ("off", "off", "unknown"), "off": ("on", "unknown"), "unknown": ("on", "off")}


def history(source: random.Random) -> tuple[tuple[Row, ...], int]:
    """Return the points of one to three homes, and the time that it is then."""
    begin = source.choice(STARTS) + source.randrange(DAY)
    points: list[Row] = []
    ends = []
    for home in ("a", "b", "c-1")[: source.randint(1, 3)]:
        made = _home(source, home, begin + source.randrange(3) * source.randrange(10 * DAY))
        points += made
        ends.append(max(point["time"] for point in made))
    return tuple(points), max(ends) + source.randrange(1, DAY)


def _home(source: random.Random, home: str, begin: int) -> list[Row]:
    points: list[Row] = []
    state, at = source.choice(["on", "off", "unknown"]), begin
    outage: Row | None = None
    for _ in range(source.randint(1, 30)):
        fields: Row = {"state": state, "cause": "measured"}
        if state != "unknown":
            fields["on"] = int(state == "on")
        points.append(_point("power_transition", home, at, fields))
        if state == "off" and outage is None:
            outage = _point("power_outage", home, at, {"cause": source.choice(["measured", "x"])})
            points.append(outage)
        elif state == "on" and outage is not None:
            length = (at - outage["time"]) / 1000
            outage["fields"] |= {"duration_s": length, "duration_min_s": length - 0.25}
            if source.random() < 0.7:
                outage["fields"]["duration_max_s"] = length + 5
            outage = None
        repeated = source.random() < 0.1
        state = state if repeated else source.choice(AFTER[state])
        at += _pause(source)
    return points


def _pause(source: random.Random) -> int:
    """Return ms until the next transition: whole hours now and then, so that edges meet edges."""
    if source.random() < 0.3:
        return source.randint(1, 30) * HOUR
    return source.choice([1, 999, MINUTE, HOUR, 12 * HOUR, 5 * DAY]) + source.randrange(DAY)


def _point(measurement: str, home: str, at: int, fields: Row) -> Row:
    return {"measurement": measurement, "home": home, "time": at, "fields": fields}


def questions(source: random.Random, points: tuple[Row, ...], now: int) -> list[Asked]:
    """Return some ranges over a history: many begin or end on a transition, some are not past."""
    times = [point["time"] for point in points] + [now, min(p["time"] for p in points) - DAY]
    found = []
    for _ in range(3):
        edges = [source.choice(times) + source.choice([0, 0, 1, -1, HOUR, -DAY]) for _ in "ab"]
        start, to = sorted(edges)
        asked = Asked(points, start, max(to, start + 1), now, ".*", source.choice(ZONES))
        found.append(replace(asked, homes=source.choice([".*", "(a|b)", "a", "c-1", "none"])))
    return [*found, Asked(points, now + 1, now + DAY, now, ".*", "Europe/Kyiv")]
