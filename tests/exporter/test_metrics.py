"""What /metrics says of a board, read back by the parsers of prometheus_client."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from chassis.own_metrics import END_MARK
from exporter.board import Board, HomeView, SinkView
from exporter.metrics import FAMILIES, render
from exporter.metrics_text import Exposition
from exporter.power import State
from tests.exporter.boards import (
    EPOCH,
    board_with,
    boards,
    home_config,
    home_with,
    probe_view,
    row,
    rows_of,
)

ON, OFF, UNKNOWN = State.ON, State.OFF, State.UNKNOWN

Key = tuple[str, frozenset[tuple[str, str]]]
Samples = dict[Key, float]


def key(name: str, **labels: str) -> Key:
    """Name a sample."""
    return name, frozenset(labels.items())


def parsed(page: bytes, *, openmetrics: bool) -> Samples:
    """Read a page back; a sample that stands twice is a fault."""
    text = (page + END_MARK if openmetrics else page).decode()
    read = (
        openmetrics_parser.text_string_to_metric_families
        if openmetrics
        else text_string_to_metric_families
    )
    samples = [sample for family in read(text) for sample in family.samples]
    keys = [key(sample.name, **sample.labels) for sample in samples]
    assert Counter(keys).most_common(1)[0][1] == 1
    return {name: sample.value for name, sample in zip(keys, samples, strict=True)}


def shown(board: Board, name: str) -> dict[tuple[str, ...], float]:
    """Return the samples of one metric by the values of the labels that follow `home`."""
    samples = parsed(render(board, openmetrics=False), openmetrics=False)
    return {
        tuple(value for label, value in sorted(labels) if label != "home"): value
        for (sample, labels), value in samples.items()
        if sample == name
    }


# ---------------------------------------------------------------- any board


def said_of_exporter(board: Board) -> Iterator[tuple[Key, float | None]]:
    """Say what the page must say of the exporter itself; None is absent."""
    yield key("power_exporter_build_info", version=board.version), 1
    yield key("power_exporter_config_last_reload_successful"), board.reload_successful
    yield key("power_exporter_journal_up"), board.journal_up
    yield key("power_exporter_schedule_lag_seconds"), board.schedule_lag_seconds
    yield key("power_exporter_clock_steps_total"), board.clock_steps
    for name, sink in board.sinks.items():
        oldest = (sink.oldest or 0) / 1000
        yield key("power_exporter_outbox_pending", sink=name), sink.pending
        yield key("power_exporter_outbox_oldest_timestamp_seconds", sink=name), oldest
        yield key("power_exporter_sink_up", sink=name), sink.up
        yield key("power_exporter_rejected_total", sink=name), sink.rejected


def said_of_belief(home: HomeView) -> Iterator[tuple[Key, float | None]]:
    """Say what the page must say of what is believed of a home; None is absent."""
    name, config, last = home.config.name, home.config, home.last
    evidence = home.belief.evidence
    info = {"title": config.title, "timezone": config.timezone, "group": config.group or ""}
    yield key("power_home_info", home=name, **info), 1
    yield key("power_on", home=name), {ON: 1, OFF: 0}.get(home.last_known or UNKNOWN)
    for state in ("on", "off", "unknown"):
        yield key("power_state", home=name, power_state=state), home.state.value == state
    yield (
        key("power_last_transition_timestamp_seconds", home=name),
        last.at / 1000 if last else None,
    )
    yield (
        key("power_last_evidence_timestamp_seconds", home=name),
        None if evidence is None else evidence / 1000,
    )


def said_of_books(home: HomeView) -> Iterator[tuple[Key, float | None]]:
    """Say what the page must say of a home's outages and totals; None is absent."""
    name, books = home.config.name, home.books
    times = {
        "power_outage_start": books and books.outage_start,
        "power_last_outage_start": books and books.ended_start,
        "power_last_outage_end": books and books.ended_at,
    }
    for metric, at in times.items():
        yield key(f"{metric}_timestamp_seconds", home=name), (at or 0) / 1000
    first = books.first_at / 1000 if books else None
    yield key("power_first_observed_timestamp_seconds", home=name), first
    totals = {
        "power_outage_seconds_total": books and books.outage,
        "power_sustained_outage_seconds_total": books and books.sustained_outage,
        "power_observed_seconds_total": books and books.on + books.outage,
        "power_unknown_seconds_total": books and books.unknown,
    }
    for metric, total in totals.items():
        yield key(metric, home=name), (total or 0) / 1000
    for duration_class in ("momentary", "sustained"):
        count = getattr(books, f"{duration_class}_count") if books else 0
        yield key("power_outages_total", home=name, duration_class=duration_class), count
    for to in ("on", "off", "unknown"):
        count = getattr(books, f"to_{to}") if books else 0
        yield key("power_transitions_total", home=name, to=to), count


def said_of_probes(home: HomeView) -> Iterator[tuple[Key, float | None]]:
    """Say what the page must say of a home's probes and their readings; None is absent."""
    metrics = {
        "volts": "power_voltage_volts",
        "watts": "power_load_watts",
        "amperes": "power_current_amperes",
        "hertz": "power_frequency_hertz",
        "energy_wh": "power_energy_joules_total",
        "battery_charge_ratio": "power_battery_charge_ratio",
        "battery_runtime_seconds": "power_battery_runtime_seconds",
    }
    for probe in home.probes.values():
        names = {"home": home.config.name, "probe": probe.name}
        labels = {**names, "kind": probe.kind}
        yield key("power_probe_attempts_total", **labels), probe.attempts
        yield key("power_probe_failures_total", **labels), probe.failures
        if probe.vote is not None:
            vote = {"on": 1, "off": 0, "unknown": -1}[probe.vote]
            yield key("power_probe_vote", **labels), vote
        if probe.finding is not None:
            yield key("power_probe_success", **labels), probe.finding.vote is ON
            yield key("power_probe_duration_seconds", **labels), probe.duration_seconds
            for reading, value in (probe.finding.readings or {}).items():
                if reading != "energy_wh":
                    yield key(metrics[reading], **names), value
                elif value >= 0:
                    yield key(metrics[reading], **names), value * 3600


def said_of(board: Board) -> Samples:
    """Work out every sample of a board from the contract's words, without the table."""
    said = list(said_of_exporter(board))
    for home in board.homes.values():
        said += [*said_of_belief(home), *said_of_books(home), *said_of_probes(home)]
    return {name: float(value) for name, value in said if value is not None}


@given(boards)
def test_the_text_says_what_the_board_says(board: Board) -> None:
    """Read back, 0.0.4 has every sample of the board with its labels, and no other."""
    assert parsed(render(board, openmetrics=False), openmetrics=False) == said_of(board)


@given(boards)
def test_openmetrics_says_what_the_board_says(board: Board) -> None:
    """Read back, OpenMetrics has every sample of the board with its labels, and no other."""
    assert parsed(render(board, openmetrics=True), openmetrics=True) == said_of(board)


@given(boards, boards)
def test_what_is_kept_between_scrapes_never_shows(before: Board, after: Board) -> None:
    """A page is the same whether or not another board was written before it."""
    exposition = Exposition(FAMILIES)
    exposition.write(exposition.read(before), openmetrics=False)
    kept = exposition.write(exposition.read(after), openmetrics=True)
    assert kept == render(after, openmetrics=True)


@pytest.mark.parametrize("openmetrics", [False, True])
@given(board=boards)
def test_a_family_is_introduced_once(board: Board, openmetrics: bool) -> None:  # noqa: FBT001
    """HELP and TYPE stand once for each family that has samples, before all of them."""
    lines = render(board, openmetrics=openmetrics).decode().split("\n")
    for word in ("HELP", "TYPE"):
        introduced = [line.split(" ")[2] for line in lines if line.startswith(f"# {word} ")]
        assert len(introduced) == len(set(introduced))
        assert len(introduced) > 4


# ---------------------------------------------------------------- what counters and times trust


def test_before_the_first_row_totals_are_0_and_what_is_not_known_is_absent() -> None:
    """A home without a row is unknown: its counters and outage times are 0, the rest absent."""
    samples = parsed(render(board_with(home_with([])), openmetrics=False), openmetrics=False)
    of_home = {
        name: value for (name, labels), value in samples.items() if ("home", "flat") in labels
    }
    assert shown(board_with(home_with([])), "power_state") == {
        ("off",): 0,
        ("on",): 0,
        ("unknown",): 1,
    }
    assert {name for name in of_home if name not in ("power_state", "power_home_info")} == {
        "power_outage_start_timestamp_seconds",
        "power_last_outage_start_timestamp_seconds",
        "power_last_outage_end_timestamp_seconds",
        "power_outages_total",
        "power_outage_seconds_total",
        "power_sustained_outage_seconds_total",
        "power_observed_seconds_total",
        "power_unknown_seconds_total",
        "power_transitions_total",
    }
    assert {value for name, value in of_home.items() if "total" in name or "outage" in name} == {0}


@pytest.mark.parametrize(
    "states,held",
    [((ON,), 1), ((ON, OFF), 0), ((ON, UNKNOWN), 1), ((ON, OFF, UNKNOWN), 0)],
)
def test_power_on_is_held_while_the_state_is_unknown(states: tuple[State, ...], held: int) -> None:
    """`power_on` is the last state that was on or off."""
    board = board_with(home_with(rows_of(*states)))
    assert shown(board, "power_on") == {(): held}
    assert shown(board, "power_state")[(states[-1].value,)] == 1


def test_a_home_is_unknown_while_the_clock_is_in_doubt() -> None:
    """A home that is held back shows unknown, and its totals all the same."""
    home = home_with(rows_of(ON, OFF, ON))
    home.held = True
    assert shown(board_with(home), "power_state") == {("off",): 0, ("on",): 0, ("unknown",): 1}
    assert shown(board_with(home), "power_on") == {(): 1}
    assert shown(board_with(home), "power_outage_seconds_total") == {(): 60}


def test_times_stand_to_the_millisecond() -> None:
    """A time is written with its three decimals, never in powers of ten."""
    page = render(board_with(home_with(rows_of(ON))), openmetrics=False).decode()
    assert 'power_last_transition_timestamp_seconds{home="flat"} 1795514523.120\n' in page
    assert 'power_last_evidence_timestamp_seconds{home="flat"} 1795514523.121\n' in page
    assert "e+" not in page


def test_an_outage_is_told_while_it_runs_and_after_it_has_ended() -> None:
    """The start of the running outage and both ends of the one before are told apart."""
    running = board_with(home_with(rows_of(ON, OFF, ON, OFF)))
    assert shown(running, "power_outage_start_timestamp_seconds") == {(): EPOCH / 1000 + 180}
    assert shown(running, "power_last_outage_start_timestamp_seconds") == {(): EPOCH / 1000 + 60}
    assert shown(running, "power_last_outage_end_timestamp_seconds") == {(): EPOCH / 1000 + 120}
    assert shown(running, "power_outages_total") == {("momentary",): 1, ("sustained",): 0}
    assert shown(running, "power_transitions_total") == {("off",): 2, ("on",): 2, ("unknown",): 0}


def test_rows_that_the_disk_refused_show_in_times_and_states_but_not_in_counters() -> None:
    """What is decided shows at once; a counter waits for the commit, or it might go back."""
    off_at = EPOCH + 90_000
    home = home_with(rows_of(ON), (row(OFF, off_at, ON, None),))
    board = board_with(home)
    board.journal_up = False
    assert shown(board, "power_on") == {(): 0}
    assert shown(board, "power_last_transition_timestamp_seconds") == {(): off_at / 1000}
    assert shown(board, "power_outage_start_timestamp_seconds") == {(): off_at / 1000}
    assert shown(board, "power_transitions_total") == {("off",): 0, ("on",): 1, ("unknown",): 0}
    assert shown(board, "power_observed_seconds_total") == {(): 0}
    assert shown(board, "power_exporter_journal_up") == {(): 0}


def test_the_first_row_shows_its_times_even_if_the_disk_refused_it() -> None:
    """A home's first observation is told before it is committed."""
    board = board_with(home_with([], (row(OFF, EPOCH, None, None),)))
    assert shown(board, "power_first_observed_timestamp_seconds") == {(): EPOCH / 1000}
    assert shown(board, "power_outage_start_timestamp_seconds") == {(): EPOCH / 1000}
    assert shown(board, "power_transitions_total") == {("off",): 0, ("on",): 0, ("unknown",): 0}


# ---------------------------------------------------------------- probes, readings, sinks


@pytest.mark.parametrize("vote,success,figure", [(ON, 1, 1), (OFF, 0, 0), (UNKNOWN, 0, -1)])
def test_a_probe_tells_its_success_and_its_vote(vote: State, success: int, figure: int) -> None:
    """Could not look (-1) is told apart from off (0); neither is a success."""
    home = home_with([])
    home.probes["plug"] = probe_view(vote)
    assert shown(board_with(home), "power_probe_success") == {("tcp", "plug"): success}
    assert shown(board_with(home), "power_probe_vote") == {("tcp", "plug"): figure}
    assert shown(board_with(home), "power_probe_duration_seconds") == {("tcp", "plug"): 0.25}


def test_a_probe_that_was_never_asked_has_counters_only() -> None:
    """No attempt is neither success nor failure."""
    home = home_with([])
    home.probes["plug"] = probe_view(None)
    board = board_with(home)
    assert shown(board, "power_probe_attempts_total") == {("tcp", "plug"): 0}
    assert shown(board, "power_probe_failures_total") == {("tcp", "plug"): 0}
    assert shown(board, "power_probe_success") == shown(board, "power_probe_vote") == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_reading_that_is_no_number_is_left_out(value: float) -> None:
    """A device that answers nonsense for one reading spoils neither the others nor the page."""
    home = home_with([])
    home.probes["plug"] = probe_view(ON, volts=value, watts=5)
    assert shown(board_with(home), "power_voltage_volts") == {}
    assert shown(board_with(home), "power_load_watts") == {("plug",): 5}


@pytest.mark.parametrize(
    "watt_hours,shown_as", [(1.5, {("plug",): 5400}), (0, {("plug",): 0}), (-1, {})]
)
def test_energy_is_told_in_joules_and_only_where_it_can_be_a_counter(
    watt_hours: float, shown_as: dict[tuple[str, ...], float]
) -> None:
    """A watt-hour is 3,600 joules; a meter below zero counts something else."""
    home = home_with([])
    home.probes["plug"] = probe_view(ON, energy_wh=watt_hours)
    assert shown(board_with(home), "power_energy_joules_total") == shown_as


def test_a_sink_with_nothing_waiting_has_0_for_the_oldest() -> None:
    """`oldest` is 0, not absent, so that an alert can compare it."""
    waiting = SinkView("influxdb", pending=2, oldest=EPOCH, rejected=1)
    board = board_with(sinks=(waiting, SinkView("notify", up=True)))
    name = "power_exporter_outbox_oldest_timestamp_seconds"
    assert shown(board, name) == {("influxdb",): EPOCH / 1000, ("notify",): 0}
    assert shown(board, "power_exporter_sink_up") == {("influxdb",): 0, ("notify",): 1}


# ---------------------------------------------------------------- what is kept between scrapes


def test_a_reload_shows_in_labels_at_once() -> None:
    """An edited title, a home that is gone and a new probe show in the next page."""
    flat, shed = home_with(rows_of(ON)), home_with([], name="shed")
    board, exposition = board_with(flat, shed), Exposition(FAMILIES)
    exposition.write(exposition.read(board), openmetrics=False)
    flat.config = home_config(title="Grandma's")
    flat.probes = {"ups": probe_view(ON, "nut", "ups")}
    board.homes = {"flat": flat}
    page = exposition.write(exposition.read(board), openmetrics=False)
    assert page == render(board, openmetrics=False)
    assert b"shed" not in page
    assert b'title="Grandma\'s"' in page


def test_samples_come_and_go_without_a_reload() -> None:
    """A reading that is missing once is absent from that page alone; a new probe shows at once."""
    home = home_with(rows_of(ON))
    home.probes["plug"] = probe_view(ON, volts=230)
    board, exposition = board_with(home), Exposition(FAMILIES)
    full = exposition.write(exposition.read(board), openmetrics=False)
    home.probes["plug"] = probe_view(ON)
    bare = exposition.write(exposition.read(board), openmetrics=False)
    assert (b"power_voltage_volts" in full, b"power_voltage_volts" in bare) == (True, False)
    home.probes["plug"] = probe_view(ON, volts=230)
    assert exposition.write(exposition.read(board), openmetrics=False) == full
    home.probes["ups"] = probe_view(OFF, "nut", "ups")
    both = exposition.write(exposition.read(board), openmetrics=False)
    assert b'power_probe_vote{home="flat",probe="ups",kind="nut"} 0\n' in both


def test_a_page_is_of_the_moment_when_it_was_read() -> None:
    """What changes between reading and writing waits for the next scrape."""
    home = home_with(rows_of(ON))
    board, exposition = board_with(home), Exposition(FAMILIES)
    before = render(board, openmetrics=False)
    readings = exposition.read(board)
    home.last = row(OFF, EPOCH + 1, ON)
    home.config = home_config(title="Moved")
    assert exposition.write(readings, openmetrics=False) == before


def test_a_label_that_utf_8_cannot_spell_does_not_take_the_page_down() -> None:
    """Half a surrogate pair, which YAML can spell, becomes a question mark."""
    board = board_with(home_with([], title="\ud800 100%"))
    assert b'title="? 100%"' in render(board, openmetrics=False)


def test_openmetrics_names_types_and_units() -> None:
    """A state is a StateSet, a home an Info, and a unit is named where the name ends with it."""
    page = render(board_with(home_with(rows_of(ON))), openmetrics=True).decode()
    assert "# TYPE power_state stateset\n" in page
    assert "# TYPE power_home info\n" in page
    assert "# TYPE power_outages counter\n" in page
    assert "# UNIT power_observed_seconds seconds\n" in page
