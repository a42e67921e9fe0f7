"""Owns what the dashboard Reliability shows over time: the worst days, and how ASAI went."""

from grafana_foundation_sdk.models import dashboard as models

from grafana.indices import Indices, in_day
from grafana.kit.looks import AVAILABILITY
from grafana.kit.panels import About, table_panel, time_series
from grafana.kit.queries import Prom
from grafana.kit.tables import Column, greatest_first, with_columns

DAY = "1d"
WORST_DAYS = 10
WORST_HOMES = 10
OUTAGE = "power_outage_seconds_total"
DAYS = (
    "A day begins at midnight, in UTC or, in the Grafana versions that send their offset, in the "
    "time zone at the top right; today is not over, and not shown. A home counts where Prometheus "
    "scraped it around both ends of the day. The dashboard History, which needs InfluxDB, cuts "
    "days in the home's own time zone."
)


def worst_days() -> models.Panel:
    """Return the days with most time without power."""
    about = About(
        title=f"Worst days: the {WORST_DAYS} with most time without power",
        description=(
            "Hours without power of all chosen homes added up, how many of them had any, and how "
            f"much of the day is known. {DAYS}"
        ),
        unit="none",
        no_value="no day without power in this range",
    )
    panel = table_panel(
        about,
        _daily(f"sum({in_day(OUTAGE)}) / 3600 > 0"),
        _daily(f"count({in_day(OUTAGE)} > 0)"),
        _daily(
            f"{_sum_of('observed')} / ({_sum_of('observed')} + {_sum_of('unknown')} > 0)"
            f" and sum({in_day(OUTAGE)}) > 0"
        ),
    )
    columns = [
        Column("Time", "Day", unit="time:YYYY-MM-DD"),
        Column("Value #A", "Hours", decimals=2),
        Column("Value #B", "Homes affected"),
        Column("Value #C", "Coverage", unit="percentunit", decimals=1),
    ]
    return greatest_first(with_columns(panel, columns), "Hours", WORST_DAYS)


def hours_by_day() -> models.Panel:
    """Return a bar a day."""
    about = About(
        title="Hours without power by day",
        description=(
            "All chosen homes added up; the day stands at its beginning. A day without a bar had "
            f"no outage, or nothing was scraped. {DAYS}"
        ),
        unit="h",
        no_value="no whole day in this range yet",
    )
    hours = Prom(f"sum({in_day(OUTAGE)}) / 3600", legend="without power", min_step=DAY)
    return time_series(about, hours, min_step=DAY, bars=True)


def asai_over_time(young: str) -> models.Panel:
    """Return ASAI over the chosen homes, a line a window."""
    about = About(
        title="ASAI over time, the chosen homes",
        description=(
            "At each moment: the part of the observed time with power in the 7, 30 and 365 days "
            "before it. The line of 7 days tells of last week; that of 365 days moves slowly. "
            f"Dashed: 99 % and 99.9 %. {young}"
        ),
        unit="percentunit",
        decimals=3,
        no_value="no data yet",
        levels=AVAILABILITY,
    )
    lines = [
        Prom(Indices(f"{days}d").asai(), legend=f"{days} days", min_step="1m")
        for days in (7, 30, 365)
    ]
    return time_series(about, *lines, min_step="1m", from_zero=False)


def asai_by_home(young: str) -> models.Panel:
    """Return availability of the homes that are now worst."""
    about = About(
        title=f"Availability over time, the {WORST_HOMES} homes that are now worst",
        description=(
            "At each moment: the part of each home's observed time with power in the chosen window "
            "before it, of the homes that have least at the end of the time range. Falling lines "
            f"are where to look. Dashed: 99 % and 99.9 %. {young}"
        ),
        unit="percentunit",
        decimals=3,
        no_value="no data yet",
        levels=AVAILABILITY,
    )
    rule = 'home:power_availability:ratio${window}{home=~"$home"}'
    group = 'power_home_info{group=~"$group"} @ end()'
    worst = f"bottomk({WORST_HOMES}, {rule} @ end() and on (home) {group})"
    line = Prom(f"{rule} and on (home) {worst}", legend="{{home}}", min_step="1m")
    return time_series(about, line, min_step="1m", from_zero=False)


def _daily(expr: str) -> Prom:
    return Prom(expr, shape="table", min_step=DAY)


def _sum_of(kind: str) -> str:
    return f"sum({in_day(f'power_{kind}_seconds_total')})"
