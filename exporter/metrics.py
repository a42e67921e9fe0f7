"""Owns which metrics there are: one row of FAMILIES each, with how its value is read off the board.

To add one, add its row here and in docs/metrics.md. Where a reader returns None
there is no sample. FROM_MS: milliseconds on the board, seconds in the metric.
"""

from collections.abc import Mapping
from sys import float_info
from typing import Any

from exporter.board import Board, HomeView, ProbeView
from exporter.metrics_scopes import (
    COMMITTED,
    DECIDED,
    EXPORTER,
    HOMES,
    PROBES,
    READINGS,
    SINKS,
    TITLED,
    VERSIONED,
)
from exporter.metrics_text import Exposition, Family, Kind, Read, Spelling
from exporter.power import State

GAUGE, COUNTER, INFO, STATESET = Kind.GAUGE, Kind.COUNTER, Kind.INFO, Kind.STATESET
ON, OFF, UNKNOWN = State.ON, State.OFF, State.UNKNOWN

FROM_MS = Spelling("%.3f", per_unit=1000)
MICROSECONDS = Spelling("%.6f")
JOULES_PER_WATT_HOUR = 3600
LARGEST = float_info.max
POWER: Mapping[State | None, int] = {ON: 1, OFF: 0}
VOTE: Mapping[State | None, int] = {ON: 1, OFF: 0, UNKNOWN: -1}


def _reading(name: str, *, factor: int = 1, lowest: float = -LARGEST) -> Read[Mapping[str, float]]:
    """Read one reading by its name; one that is not finite or too low is none."""

    def read(readings: Mapping[str, float]) -> float | None:
        value = readings.get(name)
        if value is None:
            return None
        scaled = value * factor
        return scaled if lowest <= scaled <= LARGEST else None

    return read


def _believed(state: State) -> Read[HomeView]:
    return lambda home: int(home.state is state)


def _success(probe: ProbeView) -> int | None:
    return None if probe.finding is None else int(probe.finding.vote is ON)


def _duration(probe: ProbeView) -> float | None:
    return None if probe.finding is None else probe.duration_seconds


# A metric is two or three lines: what it is, how it is read, what it tells.
# fmt: off
FAMILIES: tuple[Family[Any], ...] = (
    # what is believed of each home
    Family("power_on", GAUGE, HOMES,
           lambda home: POWER.get(home.last_known),
           "Whether power was last seen on (1) or off (0); held while the state is unknown."),
    Family("power_state", STATESET, HOMES,
           {state: _believed(state) for state in State}, label="power_state",
           help="The state of power; exactly one of them is 1."),
    Family("power_home_info", INFO, TITLED,
           lambda _: 1,
           "A home as it is configured."),
    Family("power_last_transition_timestamp_seconds", GAUGE, HOMES, spelling=FROM_MS,
           read=lambda home: home.last and home.last.at,
           help="When the state last changed, whatever it changed to."),
    Family("power_last_evidence_timestamp_seconds", GAUGE, HOMES, spelling=FROM_MS,
           read=lambda home: home.belief.evidence,
           help="When the state was last seen; while it is unknown, the one before."),
    Family("power_first_observed_timestamp_seconds", GAUGE, DECIDED, spelling=FROM_MS,
           read=lambda books: books.first_at or None,
           help="When the state of the home was first known."),
    Family("power_outage_start_timestamp_seconds", GAUGE, DECIDED, spelling=FROM_MS,
           read=lambda books: books.outage_start or 0,
           help="When the outage that is running began; 0 when none is."),
    Family("power_last_outage_start_timestamp_seconds", GAUGE, DECIDED, spelling=FROM_MS,
           read=lambda books: books.ended_start or 0,
           help="When the last outage that has ended began; 0 when none has."),
    Family("power_last_outage_end_timestamp_seconds", GAUGE, DECIDED, spelling=FROM_MS,
           read=lambda books: books.ended_at or 0,
           help="When the last outage that has ended did; 0 when none has."),

    # totals that survive a restart
    Family("power_outages_total", COUNTER, COMMITTED, label="duration_class",
           read={"momentary": lambda books: books.momentary_count,
                 "sustained": lambda books: books.sustained_count},
           help="Outages; one counts when it has become sustained, or ends as momentary."),
    Family("power_outage_seconds_total", COUNTER, COMMITTED, spelling=FROM_MS,
           read=lambda books: books.outage,
           help="Time in outages, the running one included."),
    Family("power_sustained_outage_seconds_total", COUNTER, COMMITTED, spelling=FROM_MS,
           read=lambda books: books.sustained_outage,
           help="Time in sustained outages, each from its beginning."),
    Family("power_observed_seconds_total", COUNTER, COMMITTED, spelling=FROM_MS,
           read=lambda books: books.observed,
           help="Time that power was on or in an outage."),
    Family("power_unknown_seconds_total", COUNTER, COMMITTED, spelling=FROM_MS,
           read=lambda books: books.unknown,
           help="Time outside outages that nothing is known of."),
    Family("power_transitions_total", COUNTER, COMMITTED, label="to",
           read={ON: lambda books: books.to_on,
                 OFF: lambda books: books.to_off,
                 UNKNOWN: lambda books: books.to_unknown},
           help="Changes of the state, by what it changed to."),

    # probes
    Family("power_probe_success", GAUGE, PROBES, _success,
           "Whether the last attempt found power on, or its device alive."),
    Family("power_probe_duration_seconds", GAUGE, PROBES, _duration, spelling=MICROSECONDS,
           help="How long the last attempt took."),
    Family("power_probe_attempts_total", COUNTER, PROBES,
           lambda probe: probe.attempts,
           "Attempts since the exporter began."),
    Family("power_probe_failures_total", COUNTER, PROBES,
           lambda probe: probe.failures,
           "Attempts since the exporter began that were no success."),
    Family("power_probe_vote", GAUGE, PROBES,
           lambda probe: VOTE.get(probe.vote),
           "What the probe says of power: on (1), off (0) or unknown (-1)."),

    # readings
    Family("power_voltage_volts", GAUGE, READINGS, _reading("volts"),
           "Voltage of the mains."),
    Family("power_load_watts", GAUGE, READINGS, _reading("watts"),
           "Power drawn."),
    Family("power_current_amperes", GAUGE, READINGS, _reading("amperes"),
           "Current drawn."),
    Family("power_frequency_hertz", GAUGE, READINGS, _reading("hertz"),
           "Frequency of the mains."),
    Family("power_energy_joules_total", COUNTER, READINGS,
           _reading("energy_wh", factor=JOULES_PER_WATT_HOUR, lowest=0),
           "Energy drawn, by the device's own meter."),
    Family("power_battery_charge_ratio", GAUGE, READINGS, _reading("battery_charge_ratio"),
           "How full the battery is, from 0 to 1."),
    Family("power_battery_runtime_seconds", GAUGE, READINGS, _reading("battery_runtime_seconds"),
           "How long the battery will last, as its UPS says."),

    # the exporter itself
    Family("power_exporter_build_info", INFO, VERSIONED,
           lambda _: 1,
           "The exporter's version."),
    Family("power_exporter_config_last_reload_successful", GAUGE, EXPORTER,
           lambda board: int(board.reload_successful),
           "Whether the last reload of the config was taken (1), or refused or failed (0)."),
    Family("power_exporter_journal_up", GAUGE, EXPORTER,
           lambda board: int(board.journal_up),
           "Whether the journal can be written."),
    Family("power_exporter_schedule_lag_seconds", GAUGE, EXPORTER, spelling=MICROSECONDS,
           read=lambda board: board.schedule_lag_seconds,
           help="How late rounds of probes begin."),
    Family("power_exporter_clock_steps_total", COUNTER, EXPORTER,
           lambda board: board.clock_steps,
           "Steps of the wall clock by more than a second."),
    Family("power_exporter_outbox_pending", GAUGE, SINKS,
           lambda sink: sink.pending,
           "Rows that wait for the sink."),
    Family("power_exporter_outbox_oldest_timestamp_seconds", GAUGE, SINKS, spelling=FROM_MS,
           read=lambda sink: sink.oldest or 0,
           help="When the oldest row that waits for the sink was confirmed; 0 when none waits."),
    Family("power_exporter_sink_up", GAUGE, SINKS,
           lambda sink: int(sink.up),
           "Whether the sink took what it was last given."),
    Family("power_exporter_rejected_total", COUNTER, SINKS,
           lambda sink: sink.rejected,
           "Rows that the sink refused for good."),
)
# fmt: on


def render(board: Board, *, openmetrics: bool) -> bytes:
    """Spell a board once, without the process's own families and OpenMetrics' end mark."""
    exposition = Exposition(FAMILIES)
    return exposition.write(exposition.read(board), openmetrics=openmetrics)
