"""Owns what the dashboard Home says of the home's probes: what each says now, and over time."""

from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.layout import Placed
from grafana.kit.looks import OFF, ON, VOTES, Word
from grafana.kit.panels import About, state_timeline, table_panel, time_series
from grafana.kit.promql import HOME
from grafana.kit.queries import Prom, at_end
from grafana.kit.tables import Column, with_columns

ALIVE = {"1": Word("yes", ON), "0": Word("no", OFF)}
NO_PROBE = "no probe has been asked yet"
PROBE = "{{probe}}"


def probe_panels() -> list[Placed]:
    """Return all of them."""
    return [
        Placed(_probes(), 24, 8),
        Placed(_votes(), 24, 7),
        Placed(_durations(), 12, 8),
        Placed(_failures(), 12, 8),
    ]


def _by_probe(expr: str) -> str:
    return f"max by (home, probe, kind) ({expr})"


def _of(metric: str) -> str:
    return f"{metric}{{{HOME}}}"


def _in_range(metric: str) -> str:
    """Return by how much a counter of those probes grew that are there at the end of the range."""
    return f"increase({_of(metric)}[$__range]) and {_of('power_probe_vote')}"


def _probes() -> models.Panel:
    failed = _by_probe(_in_range("power_probe_failures_total"))
    attempts = _by_probe(_in_range("power_probe_attempts_total"))
    about = About(
        title="Probes and their votes",
        description=(
            "A line a probe, with its last attempt, and how many of its attempts in the range were "
            "no success. One vote for on decides; a reference is listed too, but never votes on "
            'power: its "on" says that the network is fine. During an outage attempts fail as they '
            "should, so no limit is drawn; if they fail while power is on, the network loses "
            "packets or the device is busy: give this probe a longer timeout, or the home another."
        ),
        unit="none",
        no_value=NO_PROBE,
    )
    panel = table_panel(
        about,
        at_end(_by_probe(_of("power_probe_vote"))),
        at_end(_by_probe(_of("power_probe_success"))),
        at_end(_by_probe(_of("power_probe_duration_seconds"))),
        at_end(failed),
        at_end(f"{failed} / ({attempts} > 0)"),
    )
    return with_columns(panel, _columns(), first=[("Vote", False), ("Probe", False)])


def _columns() -> list[Column]:
    return [
        Column("probe", "Probe"),
        Column("kind", "Kind"),
        Column("Value #A", "Vote", words=VOTES),
        Column("Value #B", "Success", words=ALIVE),
        Column("Value #C", "It took", unit="s"),
        Column("Value #D", "Failures in the range", unit="short", decimals=0),
        Column("Value #E", "Failed", unit="percentunit", decimals=1),
    ]


def _worst_vote() -> str:
    """Return each probe's worst vote within each step: 0 off, else -1 unknown, else 1 on.

    Of votes of 1, 0 and -1 the mean of the squares is 1, unless an off is among them.
    """
    votes = f"{_of('power_probe_vote')}[$__interval]"
    no_off = f"(avg_over_time({votes}) ^ 2 + stdvar_over_time({votes}) > bool 0.999999)"
    return f"min by (home, probe, kind) (min_over_time({votes}) * {no_off})"


def _votes() -> models.Panel:
    about = About(
        title="Votes over time",
        description=(
            "Each probe's worst vote within each step: off before unknown before on. Probes that "
            "disagree for long are not fed by the same line, or one of them is broken. Unknown: "
            "the attempt failed here, or no reference vouched for a silence."
        ),
        unit="none",
        no_value=NO_PROBE,
        words=VOTES,
    )
    return state_timeline(about, Prom(_worst_vote(), legend=PROBE))


def _durations() -> models.Panel:
    longest = _by_probe(f"max_over_time({_of('power_probe_duration_seconds')}[$__interval])")
    about = About(
        title="How long attempts take",
        description=(
            "The longest of the attempts that were scraped within each step. It ends at the home's "
            "timeout: a line that nears it will soon be failures. Look at the device's network, or "
            "give the home a longer timeout."
        ),
        unit="s",
        no_value=NO_PROBE,
    )
    return time_series(about, Prom(longest, legend=PROBE))


def _failures() -> models.Panel:
    failures = f"rate({_of('power_probe_failures_total')}[$__rate_interval])"
    attempts = f"rate({_of('power_probe_attempts_total')}[$__rate_interval])"
    about = About(
        title="Failed attempts",
        description=(
            "The part of each probe's attempts that found neither power nor a live device. All of "
            "them while power is off; some of them while it is on: the network loses packets, or "
            "the device is too slow for the timeout."
        ),
        unit="percentunit",
        no_value=NO_PROBE,
    )
    return time_series(about, Prom(_by_probe(f"{failures} / {attempts}"), legend=PROBE))
