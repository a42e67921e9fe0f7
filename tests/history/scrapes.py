"""Owns what Prometheus would have scraped: pages of the exporter's own text, with their times.

The text is OpenMetrics with timestamps, as `promtool tsdb create-blocks-from
openmetrics` reads it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.board import Board
from exporter.metrics import FAMILIES
from exporter.metrics_text import Exposition
from tests.history.story import SECOND, Story
from tests.history.watching import Watching

COMMENTS = re.compile(rb"^#.*\n", re.MULTILINE)
UNLABELLED = re.compile(rb"^(\w+) ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scraped:
    """Prometheus asks the exporter by this job and instance in [start, end]."""

    start: int
    end: int
    instance: str = "exporter:10910"
    job: str = "power-exporter"


@dataclass(frozen=True, slots=True)
class Exporter:
    """One exporter with its journal: the homes it watches, and when it is scraped.

    `moments` are those of all scrapes, oldest first; which of them came to pass, and
    by which names, is `scraped`.
    """

    stories: tuple[Story, ...]
    scraped: tuple[Scraped, ...]
    moments: Sequence[int]


def regularly(start: int, end: int, every: int) -> range:
    """Return the multiples of `every` in [start, end]: moments to scrape at."""
    return range(-(-start // every) * every, end + 1, every)


def write_history(
    file: Path, exporters: Iterable[Exporter], metrics: Collection[str] | None = None
) -> None:
    """Write all that is scraped of these exporters; `metrics` names the wanted ones (None: all)."""
    with file.open("wb") as out:
        for exporter in exporters:
            out.writelines(pages(exporter, metrics))
        out.write(b"# EOF\n")


def pages(exporter: Exporter, metrics: Collection[str] | None = None) -> Iterator[bytes]:
    """Yield each page that is scraped of an exporter, oldest first."""
    exposition = Exposition(f for f in FAMILIES if metrics is None or f.name in metrics)
    watched = [Watching(story) for story in exporter.stories]
    board = Board(version="0", homes={one.view.config.name: one.view for one in watched})
    for at in exporter.moments:
        for one in watched:
            one.advance(at)
        targets = [one for one in exporter.scraped if one.start <= at <= one.end]
        if targets:
            page = exposition.write(exposition.read(board), openmetrics=True)
            yield from (_stamped(page, target, at) for target in targets)


def _stamped(page: bytes, target: Scraped, at: int) -> bytes:
    """Give every sample its target's labels and its time; no label's value may hold a brace."""
    labels = f'{{job="{target.job}",instance="{target.instance}"'.encode()
    samples = COMMENTS.sub(b"", page).replace(b"{", labels + b",")
    samples = UNLABELLED.sub(rb"\1" + labels + b"} ", samples)
    return samples.replace(b"\n", b" %d\n" % (at // SECOND))
