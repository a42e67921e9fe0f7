"""Owns what the dashboard Home says of readings, where a device of the home gives any."""

from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.layout import Placed
from grafana.kit.looks import FAINT, OFF, thresholds
from grafana.kit.panels import About, time_series
from grafana.kit.promql import HOME
from grafana.kit.queries import Prom

# Where the alert UpsBatteryLow begins, in rules/alerts.yml.
LOW_CHARGE, LOW_RUNTIME = 0.2, 300
# As many points as hours in a year: an hour is a bar, however long the range.
HOURS_A_YEAR = 8784


def reading_panels() -> list[Placed]:
    """Return a panel for each kind of reading."""
    return [
        Placed(_voltage(), 12, 8),
        Placed(_load(), 12, 8),
        Placed(_current(), 12, 8),
        Placed(_frequency(), 12, 8),
        Placed(_charge(), 12, 8),
        Placed(_runtime(), 12, 8),
    ]


def consumption_panels() -> list[Placed]:
    """Return what the home's devices used, hour by hour."""
    return [Placed(_energy(), 24, 8), Placed(_hourly_load(), 24, 8)]


def _by_probe(which: str, metric: str, span: str = "$__interval") -> str:
    """Return the `min`, `avg` or `max` of a reading within each step, a series a device."""
    over = "min" if which == "min" else "max"  # of two exporters that tell the same
    return f"{over} by (home, probe) ({which}_over_time({metric}{{{HOME}}}[{span}]))"


def _lowest(metric: str) -> Prom:
    return Prom(_by_probe("min", metric), legend="{{probe}}, lowest")


def _mean(metric: str) -> Prom:
    return Prom(_by_probe("avg", metric), legend="{{probe}}, mean")


def _highest(metric: str) -> Prom:
    return Prom(_by_probe("max", metric), legend="{{probe}}, highest")


def _voltage() -> models.Panel:
    about = About(
        title="Voltage",
        description=(
            "The lowest and the highest within each step. In Europe it should stay within 10 % of "
            "230 V: 207 to 253 V; elsewhere within as much of the voltage there, so no limit is "
            "drawn. Outside for long: tell your grid operator, and unplug what is delicate."
        ),
        unit="volt",
        no_value="no device of this home tells its voltage",
    )
    metric = "power_voltage_volts"
    return time_series(about, _lowest(metric), _highest(metric), from_zero=False)


def _load() -> models.Panel:
    about = About(
        title="Load",
        description=(
            "The power that each device draws, or measures for what is behind it: the mean and the "
            "highest within each step. Compare it with what the plug, the fuse and the UPS allow."
        ),
        unit="watt",
        no_value="no device of this home tells its load",
    )
    return time_series(about, _mean("power_load_watts"), _highest("power_load_watts"))


def _current() -> models.Panel:
    about = About(
        title="Current",
        description=(
            "The highest current within each step. Compare it with what the plug and the fuse "
            "allow; more than that for long is a fire hazard."
        ),
        unit="amp",
        no_value="no device of this home tells its current",
    )
    return time_series(about, _highest("power_current_amperes"))


def _frequency() -> models.Panel:
    about = About(
        title="Frequency",
        description=(
            "The lowest and the highest within each step. A large grid stays within 0.2 Hz of 50 "
            "(or 60) Hz; a generator or a UPS on its battery does not. Far off on the mains: the "
            "grid is short of power, and outages may follow. No limit is drawn, as it depends on "
            "the country."
        ),
        unit="hertz",
        no_value="no device of this home tells its frequency",
    )
    metric = "power_frequency_hertz"
    return time_series(about, _lowest(metric), _highest(metric), from_zero=False)


def _charge() -> models.Panel:
    about = About(
        title="Battery charge",
        description=(
            "The lowest charge within each step. The dashed line at 20 % is where the alert "
            "UpsBatteryLow begins: shut down what hangs on the UPS."
        ),
        unit="percentunit",
        no_value="no device of this home tells the charge of a battery",
        levels=thresholds(FAINT, (LOW_CHARGE, OFF)),
    )
    return time_series(about, _lowest("power_battery_charge_ratio"))


def _runtime() -> models.Panel:
    about = About(
        title="Battery runtime",
        description=(
            "How long the battery will last, as its UPS says: the lowest within each step. The "
            "dashed line at 5 minutes is where the alert UpsBatteryLow begins while power is off. "
            "A full battery that falls below it is worn out, or has too much to feed."
        ),
        unit="s",
        no_value="no device of this home tells how long its battery lasts",
        levels=thresholds(FAINT, (LOW_RUNTIME, OFF)),
    )
    return time_series(about, _lowest("power_battery_runtime_seconds"))


def _energy() -> models.Panel:
    expr = f"max by (home, probe) (increase(power_energy_joules_total{{{HOME}}}[1h])) / 3600"
    about = About(
        title="Consumption by hour",
        description=(
            "Watt-hours that each device's own meter counted; the bar at 15:00 is the hour that "
            "ended then. Devices may stand behind one another, so they are not added up. An hour "
            "in which the device did not answer throughout shows what was seen of it."
        ),
        unit="watth",
        no_value="no device of this home has an energy meter",
    )
    return _by_hour(about, Prom(expr, legend="{{probe}}", min_step="1h"))


def _hourly_load() -> models.Panel:
    expr = _by_probe("avg", "power_load_watts", "1h")
    about = About(
        title="Mean load by hour",
        description=(
            "The mean power of each device in the hour that ended at the bar, also of devices "
            "without a meter. Its watts are the watt-hours of that hour, if the device answered "
            "throughout; a large difference to the panel above: it did not."
        ),
        unit="watt",
        no_value="no device of this home tells its load",
    )
    return _by_hour(about, Prom(expr, legend="{{probe}}", min_step="1h"))


def _by_hour(about: About, query: Prom) -> models.Panel:
    panel = time_series(about, query, min_step="1h", bars=True)
    panel.max_data_points = HOURS_A_YEAR
    return panel
