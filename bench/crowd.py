"""Measures how long 10,000 chats take, by a clock that skips the waiting, not the work."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time_ns

from prometheus_client import CollectorRegistry

from alerting.alerts import PowerOutage
from alerting.delivery import Courier
from alerting.metrics import RelayMetrics
from alerting.outcomes import Outcome, Sent
from alerting.pacing import SECOND, Pace
from alerting.sending import Sending
from alerting.store import Store
from alerting.subscribers import State, Subscriber
from alerting.telegram_updates import Buttons
from alerting.telling import Surroundings
from alerting.told import Place
from bench.figures import Goal, Line
from bench.skipping import SkippingClock, SkippingLoop
from chassis.loops import Stop, run_loop

HOME = "flat"
PER_SECOND = 28
SLOW = 0.08  # seconds, as api.telegram.org from Europe


class Silent:
    """A Bot API that takes everything, `latency` seconds after it has arrived."""

    def __init__(self, chats: int, latency: float) -> None:
        self.arrivals: list[float] = []
        self.all_told = asyncio.Event()
        self._chats = chats
        self._latency = latency

    async def send(
        self,
        chat_id: int,
        text: str,
        *,
        topic: int | None = None,
        silent: bool = False,
        buttons: Buttons = (),
        plain: bool = False,
    ) -> Outcome:
        """Take a text."""
        del chat_id, text, topic, silent, buttons, plain
        self.arrivals.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self._latency)
        if len(self.arrivals) == self._chats:
            self.all_told.set()
        return Sent(len(self.arrivals))

    async def send_photo(
        self, chat_id: int, png: bytes, caption: str = "", *, topic: int | None = None
    ) -> Outcome:
        """Take a picture; nobody sends any."""
        raise NotImplementedError


def crowd(*, chats: int) -> Iterator[Line]:
    """Measure the way of one outage to many private chats at the shipped pace."""
    row = f"{chats:,} chats at {PER_SECOND}/s, simulated clock"
    at_once, busiest = _told(chats, 0.0)
    goal = Goal(at_most=361 * chats / 10_000)
    yield Line(f"{row}: all told", "s", at_once, goal=goal)
    yield Line(f"{row}: most in a second", "messages", busiest, goal=Goal(at_most=PER_SECOND))
    slow, _ = _told(chats, SLOW)
    yield Line(f"{row}: all told, where an answer takes {SLOW * 1000:g} ms", "s", slow)


def _told(chats: int, latency: float) -> tuple[float, int]:
    """Return the seconds from the commit until all were told, and the most in any second."""
    with (
        TemporaryDirectory(prefix="bench-") as folder,
        closing(Store(f"sqlite:///{Path(folder) / 'alerting.db'}")) as store,
        asyncio.Runner(loop_factory=SkippingLoop) as runner,
    ):
        arrivals = runner.run(_tell(store, chats, latency))
    return arrivals[-1] - arrivals[0], _most_within(SECOND, arrivals)


async def _tell(store: Store, chats: int, latency: float) -> list[float]:
    """Tell all of an outage; return the moment of its commit and those of the arrivals."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkippingLoop)
    clock = SkippingClock(loop, time_ns() // 1_000_000)
    now = clock.now().wall
    store.restore([_subscriber(number) for number in range(1, chats + 1)], now)
    bot, metrics = Silent(chats, latency), RelayMetrics(CollectorRegistry(), "bench")
    around = Surroundings({HOME: Place("Our flat", "Europe/Kyiv")}, "en", "Europe/Kyiv")
    sending = Sending(bot, Pace(PER_SECOND), now=loop.time)
    courier = Courier(store, sending, clock, metrics, lambda: around)
    store.accept([PowerOutage(HOME, now, now, None, "subscribers")], now, queue=True, admins=())
    began = loop.time()
    await courier.begin()
    task = asyncio.create_task(run_loop("deliveries", courier.once, Stop()))
    await bot.all_told.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await courier.stop(SECOND)
    return [began, *bot.arrivals]


def _subscriber(chat: int) -> Subscriber:
    return Subscriber(chat, None, language="en", state=State.ACTIVE, kind="private", approved=None)


def _most_within(seconds: float, moments: Sequence[float]) -> int:
    """Return the most arrivals in any sliding window; the first moment is none."""
    most = first = 0
    arrivals = moments[1:]
    for last, moment in enumerate(arrivals):
        while arrivals[first] <= moment - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
