"""Owns what the dashboard Home says of the home's state: now, over time, and its outages."""

from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.board import link, link_at
from grafana.kit.layout import Placed
from grafana.kit.looks import AVAILABILITY, OFF, ON, PLAIN, STATES, UNKNOWN, WARN, Word, thresholds
from grafana.kit.panels import About, stat_panel, state_timeline
from grafana.kit.promql import by_home, state, worst_state
from grafana.kit.queries import Prom
from grafana.outages import ENDED, ITS_TIME, LASTED, STATE, began, outages_table

UID = "power-home"
THIS_HOME = "${home}"
ZONE = "${timezone:queryparam}"
NO_EXPORTER = "no exporter"
NOT_SO_LONG = "not known for so long"
# Below 99 % of coverage more is unknown than the red of availability allows to be off.
COVERAGE = thresholds(UNKNOWN, (0.99, ON))


def state_panels() -> list[Placed]:
    """Return what a glance is for."""
    return [
        Placed(_state(), 6, 4),
        Placed(_since(), 6, 4),
        Placed(_running_outage(), 6, 4),
        Placed(_last_seen(), 6, 4),
        Placed(_last_outage_ended(), 4, 4),
        Placed(_last_outage_lasted(), 4, 4),
        Placed(_availability("7d", "7 days"), 4, 4),
        Placed(_coverage("7d", "7 days"), 4, 4),
        Placed(_availability("30d", "30 days"), 4, 4),
        Placed(_coverage("30d", "30 days"), 4, 4),
        Placed(_timeline(), 24, 5),
    ]


def outage_panels() -> list[Placed]:
    """Return the outages of the range, one by one."""
    return [Placed(_outages(), 24, 9)]


def _now(expr: str) -> Prom:
    return Prom(expr, legend="{{home}}", instant=True)


def _to(title: str, uid: str, *more: str) -> list[models.DashboardLink]:
    return [link(title, uid, THIS_HOME, *more)]


def _state() -> models.Panel:
    about = About(
        title="State",
        description=(
            "ON, OFF or unknown at the end of the time range, so now unless you look at the past. "
            "Unknown: no probe could tell for a while; look at the votes below to see which. "
            '"no exporter": Prometheus gets nothing of this home; see the self-monitoring.'
        ),
        unit="none",
        no_value=NO_EXPORTER,
        words=STATES,
        links=_to("All homes", "power-overview"),
    )
    return stat_panel(about, _now(state()))


def _since() -> models.Panel:
    about = About(
        title="Since",
        description="When the state last changed, in the time zone of your browser.",
        unit="dateTimeAsLocalNoDateIfToday",
        no_value="nothing seen yet",
        levels=thresholds(PLAIN),
    )
    return stat_panel(about, _now(f"{by_home('power_last_transition_timestamp_seconds')} * 1000"))


def _running_outage() -> models.Panel:
    start = by_home("power_outage_start_timestamp_seconds")
    about = About(
        title="Running outage",
        description=(
            "How long the outage that runs has lasted, time in which nobody could look included. "
            "Red whenever there is one: somebody is in the dark."
        ),
        unit="dtdurations",
        no_value=NO_EXPORTER,
        words={"0": Word("none", ON)},
        levels=thresholds(OFF),
        decimals=1,
        links=_to("Its history", "power-history", ZONE),
    )
    return stat_panel(about, _now(f"(time() - ({start} > 0)) or 0 * {start}"))


def _last_seen() -> models.Panel:
    about = About(
        title="Last seen",
        description=(
            "How old the last evidence of a state is: the last answer that said on or off. "
            "Orange from 60 seconds on: by then the state is, or soon will be, unknown (a home's "
            "unknown_after is 60 seconds or longer unless its config says otherwise). Look at the "
            "probes below, and at the network between them and the exporter."
        ),
        unit="dtdurations",
        no_value="nothing seen yet",
        levels=thresholds(ON, (60, WARN)),
        decimals=1,
    )
    evidence = by_home("power_last_evidence_timestamp_seconds")
    return stat_panel(about, _now(f"clamp_min(time() - {evidence}, 0)"))


def _last_outage_ended() -> models.Panel:
    about = About(
        title="Last outage ended",
        description="When the last outage ended that is over. The table below tells all of them.",
        unit="dateTimeFromNow",
        no_value=NO_EXPORTER,
        words={"0": Word("none yet", ON)},
        levels=thresholds(PLAIN),
        links=_to("Its history", "power-history", ZONE),
    )
    end = by_home("power_last_outage_end_timestamp_seconds")
    return stat_panel(about, _now(f"{end} * 1000"))


def _last_outage_lasted() -> models.Panel:
    about = About(
        title="It lasted",
        description=(
            "From the first sign that power was off to the first that it was on again. How far "
            "that may be from the truth, the table below tells."
        ),
        unit="dtdurations",
        no_value=NO_EXPORTER,
        words={"0": Word("none yet", ON)},
        levels=thresholds(PLAIN),
        decimals=1,
        links=_to("Its history", "power-history", ZONE),
    )
    end = by_home("power_last_outage_end_timestamp_seconds")
    return stat_panel(
        about, _now(f"{end} - {by_home('power_last_outage_start_timestamp_seconds')}")
    )


def _availability(window: str, words: str) -> models.Panel:
    about = About(
        title=f"Availability, {words}",
        description=(
            f"The part of the last {words} with power, of the time of which that is known: read it "
            "beside the coverage. A younger home counts from when it was first seen. Red: below "
            "99 %, which is more than 1 h 41 min off in a week; orange: below 99.9 %, more than "
            "10 minutes. Empty where Prometheus has no data from the window's start, or lacks "
            "rules/recording.yml."
        ),
        unit="percentunit",
        no_value=NOT_SO_LONG,
        levels=AVAILABILITY,
        decimals=2,
        links=_to("Its reliability", "power-reliability"),
    )
    return stat_panel(about, _now(by_home(f"home:power_availability:ratio{window}")))


def _coverage(window: str, words: str) -> models.Panel:
    observed = by_home(f"home:power_observed_seconds:increase{window}")
    unknown = by_home(f"home:power_unknown_seconds:increase{window}")
    about = About(
        title=f"Coverage, {words}",
        description=(
            f"How much of the last {words} is known: the time on or in an outage, of all time "
            "since the home was first seen. Grey: below 99 %; then more is unknown than it takes "
            "to turn the availability red, and it says little. See why the state was unknown: a "
            "dead exporter, a dead network, too few probes."
        ),
        unit="percentunit",
        no_value=NOT_SO_LONG,
        levels=COVERAGE,
        decimals=2,
        links=_to("Its reliability", "power-reliability"),
    )
    return stat_panel(about, _now(f"{observed} / ({observed} + {unknown} > 0)"))


def _timeline() -> models.Panel:
    about = About(
        title="State over time",
        description=(
            "The worst state within each step, so that a short outage does not vanish on a long "
            "range. A gap: no exporter told anything. Outages are marked from InfluxDB; without "
            "one, switch them off at the top, and the coarse ones from Prometheus on."
        ),
        unit="none",
        no_value=NO_EXPORTER,
        words=STATES,
    )
    return state_timeline(about, Prom(worst_state(), legend="{{home}}"))


def _outages() -> models.Panel:
    about = About(
        title="Outages in this range",
        description=(
            "Every outage that overlaps the range, the newest first; a running one counts up to "
            "now. Nobody sees the very moment at which power goes or returns: at least is the time "
            "that was seen off, at most the time between the last and the next sign of power; both "
            "are empty while it runs. Cause: measured by probes; inferred from a blackout of the "
            "machine that looks; not_observed: nobody looked; start: the first thing seen. Its "
            "beginning leads to that time on this dashboard."
        ),
        unit="none",
        no_value="no outage in this range, or no history in InfluxDB",
    )
    there = link_at("Look at that time", UID, THIS_HOME, ITS_TIME, ZONE)
    return outages_table(about, [began(there), ENDED, LASTED, STATE])
