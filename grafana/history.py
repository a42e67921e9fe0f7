"""Owns the dashboard History: every outage there was, and how they lie in days, weeks and years."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.board import Board, link_at
from grafana.kit.layout import Placed, Section
from grafana.kit.looks import (
    DARK,
    FAINT,
    OFF,
    ON,
    PALE,
    PLAIN,
    UNKNOWN,
    WARN,
    thresholds,
)
from grafana.kit.panels import About, bar_chart, stat_panel, table_panel, time_series
from grafana.kit.queries import PROMETHEUS, Flux
from grafana.kit.tables import Column, with_columns
from grafana.outages import ENDED, ITS_TIME, LASTED, POINTS, STATE, began, outages_table

UID = "power-history"
NOTHING = "no history of these homes in InfluxDB"
ZONE = (
    "Days are those of the time zone at the top: that of the chosen homes, the first of them where "
    "they have several. "
)
ADDED = "Several homes are added up. "
KNOWN = (
    "Grey: hours that nobody knows, because no exporter looked or none could see. No bar at all: "
    "nothing is known of that time, or it lies outside the range; the coverage, at the pointer, is "
    "the known share of the whole period. "
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# A tenth of an hour is 6 minutes of each such hour, a quarter 15, a half 30.
SHARES = thresholds(FAINT, (0.001, PALE), (0.1, WARN), (0.25, OFF), (0.5, DARK))


def board() -> Board:
    """Return the dashboard."""
    by_period = [
        Placed(_bars("day", "Hours without power by day"), 24, 9),
        Placed(_bars("week", "Hours without power by week"), 12, 9),
        Placed(_bars("month", "Hours without power by month"), 12, 9),
    ]
    over_time = [Placed(_years(), 12, 9), Placed(_cumulative(), 12, 9)]
    return Board(
        uid=UID,
        title="Power: history",
        description="Every outage there was, and how they lie in days, weeks and years.",
        sections=[
            Section("", [Placed(_figures(), 24, 6), Placed(_outages(), 24, 12)]),
            Section("By day, week and month", by_period),
            Section("Over time", over_time),
            Section("By hour of the week", [Placed(_hours_of_week(), 24, 26)]),
        ],
        since="now-30d",
        refresh="5m",
        more_variables=[_time_zone()],
    )


def _time_zone() -> models.VariableModel:
    made = (
        builders.QueryVariable("timezone")
        .label("Time zone")
        .description("Whose days are counted: the time zones of the chosen homes; none is UTC")
        .datasource(PROMETHEUS)
        .query(
            {
                "query": 'label_values(power_home_info{home=~"$home"}, timezone)',
                "refId": "timezone",
            }
        )
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .build()
    )
    made.hide = models.VariableHide.DONT_HIDE
    return made


def _figures() -> models.Panel:
    about = About(
        title="In this range",
        description=(
            "Outages: those that began in the range; off now: those that run. Time without power "
            "counts what lies in the range, several homes added up. The longest and the median are "
            "of whole outages, also of one that began before the range, and of a running one up to "
            "now. Known: the share of the time since each home was first seen of which its state "
            "is known; the lower it is, the more the other figures may be too low: see the "
            "dashboard Self-monitoring for why nobody looked. Below 99 % it is orange: more than "
            "14 minutes a day are not known."
        ),
        unit="none",
        no_value=NOTHING,
        levels=thresholds(PLAIN),
    )
    columns = [
        Column("outages", "Outages", unit="none", decimals=0),
        Column("running", "Off now", unit="none", decimals=0, levels=thresholds(ON, (1, OFF))),
        Column("off_s", "Time without power", unit="dtdurations", decimals=1),
        Column("longest_s", "Longest", unit="dtdurations", decimals=1),
        Column("median_s", "Median", unit="dtdurations", decimals=1),
        Column(
            "coverage",
            "Known",
            unit="percentunit",
            decimals=1,
            levels=thresholds(WARN, (0.99, ON)),
        ),
    ]
    return with_columns(stat_panel(about, Flux("summary")), columns)


def _outages() -> models.Panel:
    about = About(
        title="Outages",
        description=(
            "All outages that overlap the range, the newest first; one that is not over counts up "
            "to now. An outage lasts from the first sign of no power to the first sign of power, "
            "whatever was unknown in between. At least and at most: the time that was seen off, "
            "and the time between the last and the next sign of power; empty while it runs, or "
            "where nothing was seen before. Cause: measured by probes; inferred from this "
            "machine's own blackout; not_observed: nobody looked; start: the first thing seen. A "
            "home's name leads to its dashboard, at the time of that outage."
        ),
        unit="none",
        no_value="no outage in this range, or no history in InfluxDB",
    )
    there = link_at("Open this home at that time", "power-home", "${__data.fields.Home}", ITS_TIME)
    home = Column("home", "Home", links=[there])
    return outages_table(about, [began(), home, LASTED, STATE, ENDED])


def _bars(period: str, title: str) -> models.Panel:
    about = About(
        title=title,
        description=ADDED + KNOWN + ZONE + "A week begins on Monday." * (period == "week"),
        unit="h",
        no_value=NOTHING,
        decimals=1,
    )
    panel = bar_chart(about, Flux(f"per-{period}"), x=period.capitalize(), stacked=True)
    columns = [
        Column(period, period.capitalize()),
        Column("hours", "Without power", unit="h", colour=OFF),
        Column("unknown_hours", "Not known", unit="h", colour=UNKNOWN),
        Column("coverage", "Coverage", unit="percentunit", decimals=1, hidden=True),
    ]
    return with_columns(panel, columns)


def _years() -> models.Panel:
    about = About(
        title="This year against last",
        description=(
            "Hours without power by month, in the year in which the range ends and in the year "
            "before it, whatever the range's start. No bar: nothing is known of that month. The "
            "month that runs is not over, and a month known in part (see by month) shows only "
            "what is known. " + ADDED + ZONE
        ),
        unit="h",
        no_value=NOTHING,
        decimals=1,
    )
    panel = bar_chart(about, Flux("this-year-against-last"), x="Month")
    columns = [
        Column("month", "Month"),
        Column("last_year", "Last year", unit="h", colour=PLAIN),
        Column("this_year", "This year", unit="h", colour=OFF),
    ]
    return with_columns(panel, columns)


def _cumulative() -> models.Panel:
    about = About(
        title="Hours without power, added up",
        description=(
            "A line a home, from the start of the range: it climbs during an outage, and is level "
            "while there is power or nothing is known. Of more than 20 homes those with the most. "
            "A line that climbs faster than the others: ask why that home fares worse."
        ),
        unit="h",
        no_value=NOTHING,
    )
    panel = time_series(about, Flux("cumulative"))
    panel.max_data_points = POINTS
    return panel


def _hours_of_week() -> models.Panel:
    about = About(
        title="When the power goes",
        description=(
            "The share of each hour of the week that was without power, of the time that is known; "
            "a dash where nothing is. Yellow: any at all, from 0.1 % on; orange: from 10 % on, 6 "
            "minutes of the hour; red: from 25 % on; dark red: from 50 % on. A longer range tells "
            "more: a month has each hour four times. " + ADDED + ZONE
        ),
        unit="percentunit",
        no_value=NOTHING,
    )
    days = [
        Column(day, day[:3], unit="percentunit", decimals=0, levels=SHARES, filled=True)
        for day in WEEKDAYS
    ]
    panel = table_panel(about, Flux("hours-of-week"))
    return with_columns(panel, [Column("hour", "Hour", width=50), *days])
