"""The files that are shipped for Prometheus and Alertmanager, as a test on loopback can use them.

Two things are substituted in their text and no other: the addresses and paths of the compose
file's containers, and, where a test has no time, the times. What is to be substituted must be
there, and no address or path may be left that is not known: a slip in a shipped file shows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.real_programs import ROOT

PROMETHEUS = ROOT / "prometheus.yml"
ALERTMANAGER = ROOT / "alertmanager.yml"
RULES = ROOT / "rules"

Substitutes = Mapping[str, str]

# A URL's host, with its port if it has one; any other host with a port; an absolute path.
_PLACE = re.compile(
    r"(?<=://)[\w.-]+(?::\d+)?"
    r"|(?<![\w.-])[\w.-]+:\d{2,5}(?![\w.])"
    r"|(?<![\w:/.-])/[\w./-]+"
)
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pace:
    """Which times are substituted in which file, and the flags of Prometheus that go with it.

    `judged`: how often every group of alerts is; `hold`: how long an outage is believed to go on
    when nobody exports its home any more.
    """

    prometheus: Substitutes = field(default_factory=dict)
    alertmanager: Substitutes = field(default_factory=dict)
    judged: str | None = None
    hold: str | None = None
    flags: tuple[str, ...] = ()


AS_SHIPPED = Pace()
# Faster is only how often something is looked at and said again: every `for` and every window
# stays. What Prometheus does not say any more is over for Alertmanager after 4 s, not 4 min.
HASTY = Pace(
    prometheus={
        "scrape_interval: 5s": "scrape_interval: 500ms",
        "scrape_timeout: 5s": "scrape_timeout: 500ms",
        "evaluation_interval: 5s": "evaluation_interval: 1s",
    },
    alertmanager={"group_interval: 5s": "group_interval: 1s"},
    judged="1s",
    flags=("--rules.alert.resend-delay=1s",),
)


def placed(text: str, places: Substitutes) -> str:
    """Return a configuration with other addresses and paths, and without comments.

    Raises LookupError for an address or path of the text that is not in `places`.
    """

    def other(found: re.Match[str]) -> str:
        if found[0] not in places:
            raise LookupError(f"{found[0]} is nothing that the containers have")
        return places[found[0]]

    return _PLACE.sub(other, _COMMENT.sub("", text))


def hastened(text: str, times: Substitutes) -> str:
    """Return a text with other times. Raises LookupError for one that is not there once."""
    for shipped, other in times.items():
        if text.count(shipped) != 1:
            raise LookupError(f"{shipped!r} stands there {text.count(shipped)} times, not once")
        text = text.replace(shipped, other)
    return text


def with_choices(text: str) -> str:
    """Return a configuration with all settings that are commented out as something to choose.

    Such a line has its `#` first, and then the indentation that it needs.
    """
    chosen, count = re.subn("^#(?=  )", "", text, flags=re.MULTILINE)
    assert count, "there is something to choose"
    return chosen


def prometheus_config(places: Substitutes, pace: Pace = HASTY) -> str:
    """Return prometheus.yml."""
    return placed(hastened(PROMETHEUS.read_text(encoding="utf-8"), pace.prometheus), places)


def alertmanager_config(places: Substitutes, pace: Pace = HASTY) -> str:
    """Return alertmanager.yml."""
    return placed(hastened(ALERTMANAGER.read_text(encoding="utf-8"), pace.alertmanager), places)


def write_rules(folder: Path, pace: Pace = HASTY) -> None:
    """Write all rules into a folder; the times are those of the alerts."""
    folder.mkdir(exist_ok=True)
    for file in RULES.glob("*.yml"):
        text = file.read_text(encoding="utf-8")
        if file.name == "alerts.yml":
            text = _at_pace(text, pace)
        (folder / file.name).write_text(text, encoding="utf-8")


def _at_pace(alerts: str, pace: Pace) -> str:
    if pace.hold is not None:
        alerts = hastened(alerts, {"[6h]": f"[{pace.hold}]"})
    if pace.judged is not None:
        often = rf"\g<1>{pace.judged}"
        alerts, count = re.subn(r"^(    interval: )\S+$", often, alerts, flags=re.MULTILINE)
        assert count == alerts.count("  - name: "), "every group says how often it is judged"
    return alerts
