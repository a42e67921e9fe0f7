"""Measures the relay's door: how soon a webhook is committed and answered, while it also sends."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import time

from bench.figures import Goal, Line
from bench.posting import HOME, posted
from bench.telling import Told, telling
from tests.e2e.relays import Reader
from tests.e2e.servers import RELAY_TOKEN

HOMES = 1_000
RATE = 200  # requests a second
PACE = 28  # messages a second
WARM_UP = 5.0  # seconds


def webhook(*, seconds: float) -> Iterator[Line]:
    """Measure POST /alerts, each a new outage of its home, with a chat for every home."""
    homes = [HOME.format(number) for number in range(HOMES)]
    readers = [Reader(number + 1, (home,)) for number, home in enumerate(homes)]
    with TemporaryDirectory(prefix="bench-") as folder, telling(Path(folder), homes, readers) as to:
        _post(to, WARM_UP)
        began = time()
        times = _post(to, seconds)
        ended = time()
        assert not to.refusals(), "more was sent than Telegram takes"
        sent = sum(began <= message["time"] < ended for message in to.messages())
    row = f"POST /alerts at {RATE}/s beside delivery at {PACE}/s, {len(times):,} requests"
    yield Line(f"{row}, p50", "ms", median(times))
    yield Line(f"{row}, p99", "ms", quantiles(times, n=100)[98], goal=Goal(at_most=20))
    yield Line("the delivery meanwhile", "messages/s", sent / (ended - began))


def _post(to: Told, seconds: float) -> list[float]:
    return posted(to.relay.port, RELAY_TOKEN, homes=HOMES, rate=RATE, seconds=seconds)
