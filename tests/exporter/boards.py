"""Boards made up for tests: homes in every condition, with names and titles that need escaping."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from chassis.instants import Instant
from exporter.board import Board, HomeView, ProbeView, SinkView
from exporter.books import Books, post
from exporter.config import HomeConfig
from exporter.power import Belief, Cause, State
from exporter.probes.protocol import Finding
from exporter.transitions import Transition

EPOCH = 1_795_514_523_120
SUSTAINED_AFTER = 300_000
READING_NAMES = (
    "volts",
    "watts",
    "amperes",
    "hertz",
    "energy_wh",
    "battery_charge_ratio",
    "battery_runtime_seconds",
)


def home_config(name: str = "flat", **keys: str | None) -> HomeConfig:
    """Return a home's config with the keys that readers of the board look at, unchecked."""
    shape: dict[str, Any] = {
        "title": "Our flat",
        "timezone": "Europe/Kyiv",
        "group": None,
        "sustained_after": SUSTAINED_AFTER,
        "probes": (),
    }
    return HomeConfig.model_construct(name=name, **{**shape, **keys})


def row(state: State, at: int, previous: State | None = None, id_: int | None = 1) -> Transition:
    """Return a row of the journal; one without an id is not durable."""
    return Transition(id_, "flat", state, previous, at, None, at, Cause.MEASURED)


def rows_of(*states: State, start: int = EPOCH, step: int = 60_000) -> list[Transition]:
    """Return successive rows of these states, a step apart."""
    before: list[State | None] = [None, *states]
    return [
        row(state, start + index * step, before[index], index + 1)
        for index, state in enumerate(states)
    ]


def home_with(
    rows: list[Transition], undurable: tuple[Transition, ...] = (), **keys: str
) -> HomeView:
    """Return a home as it is published after these rows."""
    books: Books | None = None
    for each in rows:
        books = post(books, each, SUSTAINED_AFTER)
    every = (*rows, *undurable)
    last = every[-1] if every else None
    belief = Belief(last.state, last.at, evidence=last.at + 1) if last else Belief()
    return HomeView(home_config(**keys), belief, last, books, undurable)


def probe_view(
    vote: State | None, kind: str = "tcp", name: str = "plug", **readings: float
) -> ProbeView:
    """Return a probe that was asked once, or never where it has no vote."""
    view = ProbeView(name, kind, "mains")
    if vote is not None:
        view.finding = Finding(vote, "said", Instant(EPOCH, 0), readings=readings or None)
        view.vote = vote
        view.attempts = 1
        view.failures = int(vote is not State.ON)
        view.duration_seconds = 0.25
    return view


def board_with(*homes: HomeView, sinks: tuple[SinkView, ...] = ()) -> Board:
    """Return a board of these homes and sinks."""
    return Board(
        version="1.2.3",
        homes={home.config.name: home for home in homes},
        sinks={sink.name: sink for sink in sinks},
    )


# ---------------------------------------------------------------- any board

_counts = st.integers(0, 10**12)
_moments = st.integers(1, 4_102_444_800_000)  # until 2100
_states = st.sampled_from(State)
_names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,10}", fullmatch=True)
_numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
_seconds = st.integers(0, 10**9).map(lambda microseconds: microseconds / 10**6)
_findings = st.builds(
    Finding,
    vote=_states,
    detail=st.just("said"),
    at=st.just(Instant(EPOCH, 0)),
    readings=st.none() | st.dictionaries(st.sampled_from(READING_NAMES), _numbers),
)
_books = st.builds(
    Books,
    first_at=_moments,
    until=_moments,
    state=_states,
    outage_start=st.none() | _moments,
    ended_start=st.none() | _moments,
    ended_at=st.none() | _moments,
    **dict.fromkeys(
        (
            *("on", "outage", "unknown", "sustained_outage"),
            *("momentary_count", "sustained_count", "to_on", "to_off", "to_unknown"),
        ),
        _counts,
    ),
)


@dataclass(frozen=True)
class _Named:
    """What Hypothesis gives a home besides its name."""

    config: dict[str, Any]
    view: dict[str, Any]
    probes: list[ProbeView]


_rows = st.builds(
    row, _states, _moments, previous=st.none() | st.sampled_from([State.ON, State.OFF])
)
_probe_views = st.builds(
    ProbeView,
    name=st.text(min_size=1, max_size=8),
    kind=st.sampled_from(["tcp", "http", "nut"]),
    role=st.just("mains"),
    finding=st.none() | _findings,
    vote=st.none() | _states,
    duration_seconds=_seconds,
    attempts=_counts,
    failures=_counts,
)
_homes = st.builds(
    _Named,
    config=st.fixed_dictionaries(
        {
            "title": st.text(max_size=12),
            "timezone": st.sampled_from(["Europe/Kyiv", "UTC"]),
            "group": st.none() | st.text(max_size=5),
        }
    ),
    view=st.fixed_dictionaries(
        {
            "belief": st.builds(Belief, state=st.none() | _states, evidence=st.none() | _moments),
            "last": st.none() | _rows,
            "books": st.none() | _books,
            "held": st.booleans(),
        }
    ),
    probes=st.lists(_probe_views, max_size=3, unique_by=lambda probe: probe.name),
)
_sinks = st.lists(
    st.builds(
        SinkView,
        name=st.sampled_from(["influxdb", "notify"]),
        up=st.booleans(),
        pending=_counts,
        oldest=st.none() | _moments,
        rejected=_counts,
    ),
    unique_by=lambda sink: sink.name,
)


def _board(homes: dict[str, _Named], sinks: list[SinkView], figures: dict[str, Any]) -> Board:
    return Board(
        homes={
            name: HomeView(
                home_config(name, **home.config),
                probes={probe.name: probe for probe in home.probes},
                **home.view,
            )
            for name, home in homes.items()
        },
        sinks={sink.name: sink for sink in sinks},
        **figures,
    )


boards = st.builds(
    _board,
    st.dictionaries(_names, _homes, max_size=3),
    _sinks,
    st.fixed_dictionaries(
        {
            "version": st.text(max_size=6),
            "journal_up": st.booleans(),
            "reload_successful": st.booleans(),
            "schedule_lag_seconds": _seconds,
            "clock_steps": _counts,
        }
    ),
)
