"""The events that messages are made from in tests, and when they are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from alerting.incidents import Outage, OutageState
from alerting.told import Place, Told, ToldNotice

TITLES = {
    "en": {"flat": "Our flat", "cottage": "Cottage", "shop": "<Shop> & Sons"},
    "uk": {"flat": "Наша квартира", "cottage": "Дача", "shop": "<Крамниця> & сини"},
}
HOUR = 3_600_000
DOWN = {"alertname": "PowerExporterDown", "severity": "critical", "job": "exporter"}
BATTERY = {"alertname": "UpsBatteryLow", "severity": "warning", "home": "flat"}
TEXTS = {
    "PowerExporterDown": {
        "summary": "The exporter is away",
        "description": "Nothing answers at <its> address.",
    },
    "UpsBatteryLow": {"summary": "Battery at 20 %"},
}


@dataclass(frozen=True, slots=True)
class Case:
    """What is told at `now`; titles are those of the language."""

    items: Sequence[Told | ToldNotice]
    now: int


def at(clock: str, day: str = "2026-11-24") -> int:
    """Return a wall time (ms); the clock is that of Kyiv in winter."""
    moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000) - 2 * HOUR


def outage(since: int, ended: int | None = None, home: str = "flat", **more: Any) -> Outage:  # noqa: ANN401  as the type has them
    """Return an outage that runs, or that ended."""
    state = OutageState.OPEN if ended is None else OutageState.CLOSED
    return Outage(home=home, since=since, ended=ended, **{"state": state, **more})


def told(language: str, events: str, what: Outage, **more: Any) -> Told:  # noqa: ANN401  as the type has them
    """Return an outage as told: `events` names which, "began", "ended" or both."""
    place = Place(TITLES[language][what.home], "Europe/Kyiv")
    return Told(place, what, began="began" in events, ended="ended" in events, **more)


def cases(language: str) -> Mapping[str, Case]:
    """Return all cases by the names of their snapshots."""
    return {**_single(language), **_uncertain(language), **_several(language), **_notices(language)}


def _single(lang: str) -> dict[str, Case]:
    out = outage(at("20:12:03"))
    back = outage(at("20:12:03"), at("23:32:10"))
    whole = outage(at("14:02"), at("17:22"))
    old = outage(at("22:10", "2025-12-30"), at("01:30", "2025-12-31"))
    night = outage(at("22:10", "2026-11-23"), at("01:30"))
    # Clocks go back at 04:00 of 25 October 2026, 01:00 UTC.
    twice = outage(at("02:30", "2026-10-25"), at("03:40", "2026-10-25"))
    newer = outage(at("11:00"))
    older = outage(at("10:00"), at("10:30"))
    return {
        "out": Case([told(lang, "began", out)], at("20:12:20")),
        "out_after_on": Case([told(lang, "began", out, on_since=at("16:51"))], at("20:12:20")),
        "out_told_next_day": Case([told(lang, "began", out)], at("08:00", "2026-11-25")),
        "out_escaped": Case([told(lang, "began", outage(at("20:12"), home="shop"))], at("20:13")),
        "back": Case([told(lang, "ended", back)], at("23:32:30")),
        "back_of_last_year": Case([told(lang, "ended", old)], at("12:00", "2026-01-02")),
        "back_off_again": Case([told(lang, "ended", older, running=newer)], at("11:05")),
        "whole": Case([told(lang, "began ended", whole)], at("17:23")),
        "whole_began_only": Case([told(lang, "began", whole)], at("17:23")),
        "whole_overnight": Case([told(lang, "began ended", night)], at("01:31")),
        "whole_hour_twice": Case([told(lang, "began ended", twice)], at("04:00", "2026-10-25")),
        "whole_45_seconds": Case(
            [told(lang, "began ended", outage(at("20:12:05"), at("20:12:50")))], at("20:14")
        ),
    }


def _uncertain(lang: str) -> dict[str, Case]:
    bounds: dict[str, Any] = {"start_earliest": at("20:05"), "cause": "measured"}
    wide = outage(at("20:12"), at("23:32"), end_earliest=at("23:20"), **bounds)
    near = outage(
        at("20:12"), at("23:32"), start_earliest=at("20:11:55"), end_earliest=at("23:31:55")
    )
    blackout = outage(at("20:12"), at("23:32"), cause="inferred", start_earliest=at("20:12") - 1)
    lost = outage(at("10:00"), state=OutageState.SUPERSEDED)
    at_start = outage(at("20:12"), at("23:32"), cause="start")
    ahead = outage(at("23:00"), ahead=True)
    blackout_now = replace(blackout, ended=None, state=OutageState.OPEN)
    begun = outage(at("11:00"), cause="start")
    return {
        "out_between": Case([told(lang, "began", outage(at("20:12"), **bounds))], at("20:13")),
        "out_at_start": Case(
            [told(lang, "began", outage(at("20:12"), cause="start"))], at("20:13")
        ),
        "out_ahead": Case([told(lang, "began", ahead)], at("20:12")),
        "back_between": Case([told(lang, "ended", wide)], at("23:33")),
        "back_nearly_exact": Case([told(lang, "ended", near)], at("23:33")),
        "back_inferred": Case([told(lang, "ended", blackout)], at("23:33")),
        "back_at_start": Case([told(lang, "ended", at_start)], at("23:33")),
        "whole_between": Case([told(lang, "began ended", wide)], at("23:33")),
        "whole_inferred": Case([told(lang, "began ended", blackout)], at("23:33")),
        "out_inferred_after_on": Case(
            [told(lang, "began", blackout_now, on_since=at("16:51"))], at("20:13")
        ),
        "out_between_after_on": Case(
            [told(lang, "began", outage(at("20:12"), **bounds), on_since=at("16:51"))], at("20:13")
        ),
        "out_was_ahead": Case([told(lang, "began", ahead)], at("23:01")),
        "lost": Case([told(lang, "began", lost)], at("11:30")),
        "lost_off_again": Case(
            [told(lang, "began", lost, running=outage(at("11:00")))], at("11:30")
        ),
        "lost_off_at_start": Case([told(lang, "began", lost, running=begun)], at("11:30")),
    }


def _several(lang: str) -> dict[str, Case]:
    one, two, three = (
        outage(at(start), at(end))
        for start, end in (("10:00", "10:30"), ("12:00", "12:20"), ("14:02", "17:22"))
    )
    newer = outage(at("18:00"))
    lost = outage(at("09:00"), state=OutageState.SUPERSEDED)
    whole = "began ended"
    return {
        "several_over": Case([told(lang, whole, x) for x in (three, one, two)], at("18:30")),
        "several_and_off": Case(
            [
                told(lang, "ended", one, running=newer),
                told(lang, "began", lost, running=newer),
                told(lang, whole, three, running=newer),
                told(lang, "began", newer, on_since=at("17:22")),
            ],
            at("18:30"),
        ),
        "several_past_while_off": Case(
            [told(lang, whole, x, running=newer) for x in (one, two)], at("18:30")
        ),
        "several_and_ahead": Case(
            [told(lang, "ended", one), told(lang, "began", outage(at("15:00"), ahead=True))],
            at("14:00"),
        ),
        "several_and_off_at_start": Case(
            [told(lang, "ended", one), told(lang, "began", outage(at("12:00"), cause="start"))],
            at("14:00"),
        ),
        **_two_homes(lang, one, newer),
    }


def _two_homes(lang: str, one: Outage, newer: Outage) -> dict[str, Case]:
    cottage = outage(at("17:58"), home="cottage")
    cottage_back = outage(at("15:00"), at("16:00"), home="cottage")
    return {
        "two_homes_out": Case(
            [told(lang, "began", x, on_since=at("12:00")) for x in (newer, cottage)], at("18:30")
        ),
        "two_homes": Case(
            [
                told(lang, "began ended", one, running=newer),
                told(lang, "began", newer),
                told(lang, "began ended", cottage_back),
            ],
            at("18:30"),
        ),
    }


def notice(labels: Mapping[str, str], place: Place | None, ended: int | None = None) -> ToldNotice:
    """Return a notice that fires since 20:12, or that ended."""
    return ToldNotice(labels, TEXTS[labels["alertname"]], ended is None, at("20:12"), ended, place)


def _notices(lang: str) -> dict[str, Case]:
    flat = Place(TITLES[lang]["flat"], "Europe/Kyiv")
    public = {**BATTERY, "audience": "subscribers"}
    bare = replace(notice(DOWN, None), annotations={"summary": "<error expanding template: x>"})
    out = told(lang, "began", outage(at("20:10")))
    later = replace(notice(BATTERY, flat), starts_at=at("20:30"))
    return {
        "notice": Case([notice(DOWN, None)], at("20:13")),
        "notice_over": Case([notice(DOWN, None, at("21:00"))], at("21:01")),
        "notice_over_since": Case([replace(notice(DOWN, None), firing=False)], at("21:01")),
        "notice_without_summary": Case([bare], at("20:13")),
        "notice_of_home": Case([notice(BATTERY, flat)], at("20:31")),
        "notice_to_subscribers": Case([notice(public, flat)], at("20:31")),
        "notice_to_subscribers_over": Case([notice(public, flat, at("20:40"))], at("20:41")),
        "notices_and_outage": Case([later, notice(DOWN, None), out], at("20:31")),
    }
