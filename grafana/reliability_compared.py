"""Owns the comparisons on the dashboard Reliability: of windows, of homes, of groups of homes."""

from grafana_foundation_sdk.models import dashboard as models

from grafana.indices import IN_GROUP, Indices, of_each_window, windows
from grafana.kit.board import TO_HOME_OF_ROW
from grafana.kit.looks import AVAILABILITY
from grafana.kit.panels import About, bar_chart, table_panel
from grafana.kit.queries import Prom, at_end
from grafana.kit.tables import Column, greatest_first, with_columns

HOURS = "h"
MINUTES = "suffix: min"
MOST_HOMES = 20
CHOSEN_HOMES = 'power_home_info{home=~"$home", group=~"$group"}'
AVERAGES = (
    "ASAI: the part of the observed time with power. SAIDI: minutes in sustained outages. SAIFI "
    "and MAIFI: sustained and momentary outages. CAIDI: minutes of the average sustained outage, "
    "empty where there was none. Red and orange ASAI: below 99 and 99.9 %. Red and orange "
    "coverage: below 90 and 99 % of the time is known."
)


def by_window(coverage: models.ThresholdsConfig, young: str) -> models.Panel:
    """Return the indices over the chosen homes, a line a window."""
    about = About(
        title="Indices over the chosen homes",
        description=f"SAIDI, SAIFI and MAIFI are those of the average home. {AVERAGES} {young}",
        unit="none",
    )
    panel = table_panel(
        about,
        at_end(windows()),
        *_indices(of_each_window(Indices.asai), of_each_window(Indices.saidi_minutes)),
        *_indices(of_each_window(Indices.saifi), of_each_window(Indices.caidi_minutes)),
        *_indices(of_each_window(Indices.maifi), of_each_window(Indices.coverage)),
        at_end(of_each_window(Indices.homes)),
    )
    columns = [_window(), *_index_columns("BCDEFG", coverage), Column("Value #H", "Homes")]
    return with_columns(panel, columns, first=[("Window", False)])


def classes(young: str) -> models.Panel:
    """Return sustained outages beside momentary ones, a line a window."""
    about = About(
        title="Sustained against momentary outages",
        description=(
            "All outages of the chosen homes added up, and the hours that they lasted. Sustained "
            "ones are longer than sustained_after, 5 minutes unless a home says otherwise, as in "
            "IEEE 1366. A running outage counts in the momentary hours until it is as long. Few "
            f"but long outages are the grid's; many short ones are often a line's. {young}"
        ),
        unit="none",
    )
    panel = table_panel(
        about,
        at_end(windows()),
        at_end(of_each_window(lambda each: each.outages("sustained"))),
        at_end(of_each_window(lambda each: each.outages("momentary"))),
        at_end(of_each_window(lambda each: f"{each.sustained_seconds()} / 3600")),
        at_end(of_each_window(lambda each: f"{each.momentary_seconds()} / 3600")),
    )
    columns = [
        _window(),
        Column("Value #B", "Sustained"),
        Column("Value #C", "Momentary"),
        Column("Value #D", "Hours in sustained", decimals=2),
        Column("Value #E", "Hours in momentary", decimals=2),
    ]
    return with_columns(panel, columns, first=[("Window", False)])


def by_home(coverage: models.ThresholdsConfig, young: str) -> models.Panel:
    """Return the indices of each home."""
    about = About(
        title="Homes",
        description=(
            f"Each home by itself, the least available first. {AVERAGES} Known for: how much of "
            f"the window the home is older than. A home's title leads to its dashboard. {young}"
        ),
        unit="none",
        no_value="no home is exported",
    )
    of = Indices(by="home")
    panel = table_panel(
        about,
        at_end(f"max by (home, title, group) (topk by (home) (1, {CHOSEN_HOMES}))"),
        *_indices(of.asai(), of.saidi_minutes(), of.saifi(), of.caidi_minutes()),
        *_indices(of.maifi(), of.coverage(), of.known_for()),
    )
    columns = [
        Column("home", "home", hidden=True),
        Column("title", "Home", links=[TO_HOME_OF_ROW]),
        Column("group", "Group"),
        *_index_columns("BCDEFG", coverage),
        Column("Value #H", "Known for", unit="dtdurations", decimals=1),
    ]
    return with_columns(panel, columns, first=[("ASAI", False), ("Home", False)])


def by_group(coverage: models.ThresholdsConfig, young: str) -> models.Panel:
    """Return the indices over the homes of each group."""
    about = About(
        title="Groups",
        description=(
            "Homes on the same line (`group` in the config), the least available group first; "
            "SAIDI, SAIFI and MAIFI are those of its average home. A home much worse than its "
            f"group has a fault of its own; a whole group that is worse, its feeder. {AVERAGES} "
            f"{young}"
        ),
        unit="none",
        no_value="no data yet",
    )
    of = Indices(by="group")
    panel = table_panel(
        about,
        at_end(of.homes()),
        *_indices(of.asai(), of.saidi_minutes(), of.saifi(), of.caidi_minutes()),
        *_indices(of.maifi(), of.coverage()),
    )
    columns = [
        Column("group", "Group"),
        Column("Value #A", "Homes"),
        *_index_columns("BCDEFG", coverage),
    ]
    return with_columns(panel, columns, first=[("ASAI", False), ("Group", False)])


def hours_by_home() -> models.Panel:
    """Return the hours without power of the homes that had the most."""
    about = About(
        title=f"Hours without power by home, the {MOST_HOMES} with the most",
        description=(
            "Time in outages in the chosen window: in sustained ones, and on top of it in "
            "momentary ones. Homes without any are left out; hours of different homes can be "
            "compared where their coverage, in the table above, is alike."
        ),
        unit=HOURS,
        no_value="no outage, or no data yet",
    )
    panel = bar_chart(
        about,
        at_end(_hours(Indices(by="home").sustained_seconds())),
        at_end(_hours(Indices(by="home").momentary_seconds())),
        x="Home",
        stacked=True,
    )
    columns = [
        Column("title", "Home"),
        Column("Value #A", "sustained", unit=HOURS, null=None),
        Column("Value #B", "momentary", unit=HOURS, null=None),
    ]
    return greatest_first(with_columns(panel, columns), "sustained")


def _hours(seconds: str) -> str:
    """Return hours by the home's title, of the homes with most time in outages."""
    outage = 'home:power_outage_seconds:increase${window}{home=~"$home"}'
    most = f"topk({MOST_HOMES}, {outage} > 0 and on (home) {IN_GROUP})"
    hours = f"({seconds} / 3600 and on (home) {most})"
    return f"{hours} * on (home) group_left (title) topk by (home) (1, power_home_info)"


def _window() -> Column:
    return Column("Value #A", "Window", unit="suffix: days")


def _indices(*exprs: str) -> list[Prom]:
    return [at_end(expr) for expr in exprs]


def _index_columns(queries: str, coverage: models.ThresholdsConfig) -> list[Column]:
    """Return the columns of ASAI, SAIDI, SAIFI, CAIDI, MAIFI and coverage, of these queries."""
    asai, saidi, saifi, caidi, maifi, covered = (f"Value #{query}" for query in queries)
    return [
        Column(asai, "ASAI", unit="percentunit", decimals=3, levels=AVAILABILITY),
        Column(covered, "Coverage", unit="percentunit", decimals=2, levels=coverage),
        Column(saidi, "SAIDI", unit=MINUTES, decimals=1),
        Column(saifi, "SAIFI", decimals=2),
        Column(caidi, "CAIDI", unit=MINUTES, decimals=1),
        Column(maifi, "MAIFI", decimals=2),
    ]
