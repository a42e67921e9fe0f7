"""Owns the dashboard Overview: every home's state now. It is where Grafana opens."""

from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.board import TO_HOME_OF_ROW, TO_HOME_OF_SERIES, Board
from grafana.kit.layout import Placed, Section
from grafana.kit.looks import AVAILABILITY, OFF, ON, STATES, UNKNOWN, WARN, thresholds
from grafana.kit.panels import About, stat_panel, state_timeline, table_panel
from grafana.kit.promql import HOME, by_home, state, titled, worst_state
from grafana.kit.queries import Prom, at_end
from grafana.kit.tables import Column, with_columns

UID = "power-overview"


def board() -> Board:
    """Return the dashboard."""
    panels = [
        Placed(_count("off", OFF, "Somebody is in the dark now."), 8, 4),
        Placed(
            _count("unknown", WARN, "Whether they have power, nobody can say: look there."), 8, 4
        ),
        Placed(_count("on", ON, "All is well there."), 8, 4),
        Placed(_homes(), 24, 12),
        Placed(_timeline(), 24, 14),
    ]
    return Board(
        uid=UID,
        title="Power: overview",
        description="Every home's state now, since when, and how it was lately.",
        sections=[Section("", panels)],
        since="now-24h",
        refresh="10s",
    )


def _count(which: str, colour: str, meaning: str) -> models.Panel:
    expr = f'sum(max by (home) (power_state{{{HOME}, power_state="{which}"}}))'
    about = About(
        title=f"Homes {which}",
        description=f"How many of the chosen homes are {which} now. {meaning}",
        unit="none",
        no_value="no exporter",
        levels=thresholds(UNKNOWN, (1, colour)),
    )
    return stat_panel(about, Prom(expr, legend=which, instant=True))


def _homes() -> models.Panel:
    about = About(
        title="Homes",
        description=(
            "A line a home: those without power first, then those that nobody can see. "
            "The state is what the last rounds of probes found; unknown means that nobody could "
            "look. Availability leaves unknown time out, and is empty while the data do not reach "
            "back far enough. Red: below 99 %, more than 1 h 41 min of a week; orange: below "
            "99.9 %, more than 10 minutes. A home's title leads to its own dashboard."
        ),
        unit="none",
        no_value="no home is exported",
    )
    panel = table_panel(
        about,
        at_end(titled(f"({state()})")),
        at_end(f"{by_home('power_last_transition_timestamp_seconds')} * 1000"),
        at_end(f"({by_home('power_last_outage_end_timestamp_seconds')} > 0) * 1000"),
        at_end(
            f"({by_home('power_last_outage_end_timestamp_seconds')} > 0)"
            f" - {by_home('power_last_outage_start_timestamp_seconds')}"
        ),
        at_end(f"home:power_availability:ratio7d{{{HOME}}}"),
        at_end(f"home:power_availability:ratio30d{{{HOME}}}"),
    )
    return with_columns(panel, _columns(), first=[("State", False), ("Home", False)])


def _columns() -> list[Column]:
    return [
        Column("home", "home", hidden=True),
        Column("title", "Home", links=[TO_HOME_OF_ROW]),
        Column("Value #A", "State", words=STATES, width=110),
        Column("Value #B", "Since", unit="dateTimeFromNow"),
        Column("Value #C", "Last outage ended", unit="dateTimeFromNow", null="none yet"),
        Column("Value #D", "It lasted", unit="dtdurations", decimals=1),
        _availability("Value #E", "Availability, 7 days"),
        _availability("Value #F", "Availability, 30 days"),
    ]


def _availability(name: str, head: str) -> Column:
    return Column(name, head, unit="percentunit", decimals=2, levels=AVAILABILITY)


def _timeline() -> models.Panel:
    about = About(
        title="States over time",
        description=(
            "Each home's worst state within each step, so that a short outage does not vanish on "
            "a long range. A gap: no exporter told anything. Twenty homes a page; choose some at "
            "the top."
        ),
        unit="none",
        words=STATES,
        links=[TO_HOME_OF_SERIES],
    )
    return state_timeline(about, Prom(worst_state(), legend="{{home}}"))
