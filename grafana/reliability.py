"""Owns the dashboard Reliability: the indices of IEEE 1366, homes and groups side by side, days."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models

from grafana.indices import CHOSEN, WINDOWS, Indices
from grafana.kit.board import ALL, Board
from grafana.kit.layout import Placed, Section
from grafana.kit.looks import AVAILABILITY, OFF, ON, WARN, thresholds
from grafana.kit.panels import About, stat_panel
from grafana.kit.queries import PROMETHEUS, Prom
from grafana.reliability_compared import by_group, by_home, by_window, classes, hours_by_home
from grafana.reliability_in_time import asai_by_home, asai_over_time, hours_by_day, worst_days

UID = "power-reliability"
DEFAULT = "30d"
# Of a month, 1 % is 7 hours: as much as all of its outages, where these are few.
COVERAGE = thresholds(OFF, (0.9, WARN), (0.99, ON))
YOUNG = (
    "Empty while Prometheus has no data from when the window began, though the home is older, and "
    "while no exporter answers: nothing is better than a wrong figure. A home younger than the "
    "window counts from its first observation."
)


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=UID,
        title="Power: reliability",
        description="How often and for how long power fails, in the indices of IEEE 1366.",
        sections=[
            Section("", _figures()),
            Section("7, 30 and 365 days side by side", _windows()),
            Section("Homes and groups, in the chosen window", _compared()),
            Section("Days, in the time range at the top right", _days()),
        ],
        since="now-30d",
        refresh="1m",
        more_variables=[_group(), _window()],
    )


def _group() -> models.VariableModel:
    made = (
        builders.QueryVariable("group")
        .label("Group")
        .description("Homes on the same line, as `group` of the config names it")
        .datasource(PROMETHEUS)
        .query({"query": "label_values(power_home_info, group)", "refId": "group"})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .build()
    )
    made.all_value = ".*"
    made.current = models.VariableOption(selected=True, text="All", value=ALL)
    return made


def _window() -> models.VariableModel:
    """Return the choice of the window: the suffixes of the recording rules."""
    made = (
        builders.CustomVariable("window")
        .label("Window")
        .description(
            "The days up to now, or up to the end of the time range, that figures speak of"
        )
        .values(", ".join(f"{days} days : {days}d" for days in WINDOWS))
        .options([_option(days) for days in WINDOWS])
        .build()
    )
    made.current = models.VariableOption(selected=True, text="30 days", value=DEFAULT)
    return made


def _option(days: int) -> models.VariableOption:
    value = f"{days}d"
    return models.VariableOption(selected=value == DEFAULT, text=f"{days} days", value=value)


def _figures() -> list[Placed]:
    panels = [_asai(), _saidi(), _saifi(), _caidi(), _maifi(), _coverage(), _counted()]
    widths = [6, 6, 6, 6, 8, 8, 8]
    return [Placed(panel, width, 4) for panel, width in zip(panels, widths, strict=True)]


def _figure(about: About, expr: str, legend: str) -> models.Panel:
    return stat_panel(about, Prom(expr, legend=legend, instant=True))


def _asai() -> models.Panel:
    about = About(
        title="ASAI",
        description=(
            "Average Service Availability Index: the part of the observed time with power, over "
            "the chosen homes and the chosen window; momentary outages count in it too. Red: below "
            "99 %, more than 7 hours of 30 days; orange: below 99.9 %, more than 43 minutes. Look "
            f"at the coverage with it: time that nobody saw is left out. {YOUNG}"
        ),
        unit="percentunit",
        decimals=3,
        no_value="no data yet",
        levels=AVAILABILITY,
    )
    return _figure(about, Indices().asai(), "ASAI")


def _saidi() -> models.Panel:
    about = About(
        title="SAIDI",
        description=(
            "System Average Interruption Duration Index: minutes without power of the average "
            "home, in sustained outages (those longer than the home's sustained_after, 5 minutes "
            f"unless it says otherwise). It grows with the window. {YOUNG}"
        ),
        unit="suffix: min",
        decimals=1,
        no_value="no data yet",
    )
    return _figure(about, Indices().saidi_minutes(), "SAIDI")


def _saifi() -> models.Panel:
    about = About(
        title="SAIFI",
        description=(
            "System Average Interruption Frequency Index: how many sustained outages the average "
            f"home had. It grows with the window. {YOUNG}"
        ),
        unit="none",
        decimals=2,
        no_value="no data yet",
    )
    return _figure(about, Indices().saifi(), "SAIFI")


def _caidi() -> models.Panel:
    about = About(
        title="CAIDI",
        description=(
            "Customer Average Interruption Duration Index: how long the average sustained outage "
            "lasted, which is SAIDI divided by SAIFI. Empty where there was no sustained outage, "
            f"and where SAIDI is empty. {YOUNG}"
        ),
        unit="suffix: min",
        decimals=1,
        no_value="no outage",
    )
    return _figure(about, Indices().caidi_minutes(), "CAIDI")


def _maifi() -> models.Panel:
    about = About(
        title="MAIFI",
        description=(
            "Momentary Average Interruption Frequency Index: how many momentary outages the "
            "average home had, those no longer than sustained_after. Many of them point to a bad "
            f"line or a bad contact: compare the homes of a group. {YOUNG}"
        ),
        unit="none",
        decimals=2,
        no_value="no data yet",
    )
    return _figure(about, Indices().maifi(), "MAIFI")


def _coverage() -> models.Panel:
    about = About(
        title="Coverage",
        description=(
            "The part of the window of which it is known whether there was power: observed time of "
            "observed and unknown time. The figures beside speak of this part alone. Below 99 % "
            "(orange) what is missing can be as long as all outages; below 90 % (red) the figures "
            "are a guess: see on Self-monitoring which probes fail. A young home's window begins "
            f"with its first observation. {YOUNG}"
        ),
        unit="percentunit",
        decimals=2,
        no_value="no data yet",
        levels=COVERAGE,
    )
    return _figure(about, Indices().coverage(), "coverage")


def _counted() -> models.Panel:
    about = About(
        title="Homes in these figures",
        description=(
            "How many of the chosen homes count in the figures beside, and how many were chosen. "
            "A home is left out while Prometheus has no data from when the window began, or when "
            "it was not observed at all in the window."
        ),
        unit="none",
        no_value="no home",
    )
    all_homes = 'power_home_info{home=~"$home", group=~"$group"}'
    return stat_panel(
        about,
        Prom(f"{Indices(CHOSEN).homes()} or vector(0)", legend="counted", instant=True),
        Prom(f"count(max by (home) ({all_homes}))", legend="chosen", instant=True),
    )


def _windows() -> list[Placed]:
    return [Placed(by_window(COVERAGE, YOUNG), 24, 5), Placed(classes(YOUNG), 24, 5)]


def _compared() -> list[Placed]:
    return [
        Placed(by_home(COVERAGE, YOUNG), 24, 12),
        Placed(by_group(COVERAGE, YOUNG), 24, 8),
        Placed(hours_by_home(), 24, 10),
    ]


def _days() -> list[Placed]:
    return [
        Placed(worst_days(), 12, 10),
        Placed(hours_by_day(), 12, 10),
        Placed(asai_over_time(YOUNG), 12, 9),
        Placed(asai_by_home(YOUNG), 12, 9),
    ]
