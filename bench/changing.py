"""Measures what changes cost: a whole neighbourhood at once, and a change's way to the relay."""

import asyncio
import os
import re
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import monotonic, sleep, time

from bench.figures import Goal, Line
from bench.ours import Scraper, homes_of, watching
from chassis.instants import MS_PER_SECOND, from_rfc3339
from tests.e2e.exporters import Exporter
from tests.fakes.relay import TOKEN, FakeRelay

NEIGHBOURS = 1_000
INTERVAL = 1  # seconds
OFF_AFTER = 2  # seconds
GIVEN_UP_AFTER = 60.0  # seconds
LOOKED_AT_EVERY = 0.005  # seconds
_DARK = re.compile(rb"^power_on\{[^}]*\} 0$", re.MULTILINE)


def _write(file: Path, text: str) -> None:
    """Write a file in one step, so that nobody reads a half."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="ascii")
    fresh.replace(file)


def _probe(file: Path) -> str:
    return f"{{kind: file, path: {file}, on: 'on', off: 'off'}}"


# ---------------------------------------------------------------- a whole neighbourhood


@dataclass(frozen=True, slots=True)
class Street:
    """Homes that are all told by one file, and the exporter that watches them."""

    exporter: Exporter
    scraper: Scraper
    file: Path
    journal: sqlite3.Connection

    def all_committed(self) -> bool:
        """Tell whether the journal's file holds the off row of every home."""
        query = "SELECT count(*) FROM transitions WHERE state = 'off'"
        return bool(self.journal.execute(query).fetchone()[0] == NEIGHBOURS)

    def all_shown(self) -> bool:
        """Tell whether /metrics shows every home as dark."""
        return len(_DARK.findall(self.scraper.page())) == NEIGHBOURS


def neighbourhood(*, times: int) -> Iterator[Line]:
    """Measure 1,000 homes that lose power at once: on their rounds, then all in one moment."""
    paced = [_on_their_rounds() for _ in range(times)]
    rates = [NEIGHBOURS / _in_one_moment() for _ in range(times)]
    dark = f"{NEIGHBOURS:,} homes dark at once"
    after = "after off_after"
    committed, shown = zip(*paced, strict=True)
    yield Line(f"{dark}: all committed, {after}", "s", median(committed))
    yield Line(f"{dark}: all on /metrics, {after}", "s", median(shown))
    yield Line(f"{dark}, all rounds due: rows committed", "rows/s", median(rates))


def _on_their_rounds() -> tuple[float, float]:
    """Return how long after off_after all was committed, and shown (s)."""
    with _street(f"{OFF_AFTER}s") as street:
        began = monotonic() + OFF_AFTER
        _write(street.file, "off")
        _until(street.all_committed)
        committed = monotonic()
        _until(street.all_shown)
        return committed - began, monotonic() - began


def _in_one_moment() -> float:
    """Return the seconds to commit all when the rounds of all homes are due, as after a sleep."""
    with _street("0s") as street:
        os.kill(street.exporter.pid, signal.SIGSTOP)
        sleep(2 * INTERVAL)
        _write(street.file, "off")
        began = monotonic()
        os.kill(street.exporter.pid, signal.SIGCONT)
        _until(street.all_committed)
        return monotonic() - began


@contextmanager
def _street(off_after: str) -> Iterator[Street]:
    with ExitStack() as stack:
        file = Path(stack.enter_context(TemporaryDirectory(prefix="bench-"))) / "mains"
        _write(file, "on")
        homes = homes_of([_probe(file)] * NEIGHBOURS, interval=f"{INTERVAL}s", off_after=off_after)
        exporter, scraper = stack.enter_context(watching(homes))
        journal = f"file:{exporter.folder / 'data' / 'exporter.db'}?mode=ro"
        db = stack.enter_context(closing(sqlite3.connect(journal, uri=True)))
        yield Street(exporter, scraper, file, db)


def _until(so: Callable[[], bool]) -> None:
    deadline = monotonic() + GIVEN_UP_AFTER
    while not so():
        assert monotonic() < deadline, f"not so within {GIVEN_UP_AFTER:g} s"
        sleep(LOOKED_AT_EVERY)


# ---------------------------------------------------------------- to the relay

_NOTIFY = "  notify: {{url: '{url}', token_file: token}}"
_HOMES = 10
_CHANGED_EVERY = 0.05  # seconds, each time another home


def relay(*, changes: int) -> Iterator[Line]:
    """Measure from a change's confirmation to its arrival at a relay."""
    with TemporaryDirectory(prefix="bench-") as folder:
        delays = asyncio.run(_relayed(Path(folder), changes))
    row = f"confirmed change to the relay's door, {len(delays)} changes"
    yield Line(f"{row}, p50", "ms", median(delays))
    yield Line(f"{row}, p99", "ms", quantiles(delays, n=100)[98], goal=Goal(at_most=50))


async def _relayed(folder: Path, changes: int) -> list[float]:
    """Let homes change; return each change's way in ms."""
    files = [folder / f"mains-{number}" for number in range(_HOMES)]
    for file in files:
        _write(file, "on")
    (folder / "token").write_text(TOKEN, encoding="ascii")
    (folder / "token").chmod(0o600)
    keys = {"interval": "100ms", "off_after": "0s", "on_after": "0s"}
    homes = homes_of([_probe(file) for file in files], **keys)
    async with FakeRelay() as fake:
        with Exporter(folder, homes, _NOTIFY.format(url=fake.url)) as exporter:
            stamps: list[float] = []
            noting = asyncio.create_task(_note_arrivals(fake, stamps))
            for number in range(changes):
                home, turn = number % _HOMES, number // _HOMES
                _write(files[home], "on" if turn % 2 else "off")
                await asyncio.sleep(_CHANGED_EVERY)
            async with asyncio.timeout(GIVEN_UP_AFTER):
                while len(fake.alerts) < changes:
                    await fake.arrived(len(fake.posted) + 1)
            noting.cancel()
            rows = await asyncio.to_thread(exporter.rows)
    confirmed = {(row["home"], from_rfc3339(row["at"])): row["confirmed_at"] for row in rows}
    return [
        (at - from_rfc3339(confirmed[key]) / MS_PER_SECOND) * MS_PER_SECOND
        for posted, at in zip(fake.posted, stamps, strict=True)
        for key in _told(posted.payload)
    ]


async def _note_arrivals(fake: FakeRelay, stamps: list[float]) -> None:
    while True:
        await fake.arrived(len(stamps) + 1)
        stamps.append(time())


def _told(payload: dict[str, list[dict[str, dict[str, str]]]]) -> Iterator[tuple[str, int]]:
    """Return of each alert the home and the moment (ms) of the row that it tells."""
    for alert in payload["alerts"]:
        restored = alert["labels"]["alertname"] == "PowerRestored"
        at = alert["annotations"]["ended"] if restored else alert["labels"]["since"]
        yield alert["labels"]["home"], round(float(at) * MS_PER_SECOND)
