"""Measures whom an outage of Telegram costs its message: of our chats, and of Alertmanager's."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep, time
from typing import Any

import requests

from bench.figures import Goal, Line
from bench.telling import Told, refusals, telling
from chassis.instants import MS_PER_SECOND, to_rfc3339
from tests.alerting.rig import outage, restored
from tests.e2e.alertmanager import Alertmanager, to_telegram
from tests.e2e.relays import Reader, Telegram
from tests.fakes.telegram import TOKEN

HOME = "flat"
PEER = "Alertmanager"
BEFORE = 2.0  # seconds of sending before Telegram goes away
AWAY = 3.0  # seconds
CHATS_PER_SECOND = 100  # of the blackout: Telegram takes 30
LEAST_PER_SECOND = 15  # messages; with fewer ours has failed
LOOKED_AT_EVERY = 1.0  # seconds
# What a message says of the end: ours, and Alertmanager's own template.
ENDED = ("is back", "Alerts Resolved")
_ROUTE = "    - {{receiver: 'c{chat}', matchers: ['home=flat'], continue: true}}\n"
_ALERTMANAGER = """\
route:
  receiver: nobody
  group_by: [alertname, home]
  group_wait: 0s
  group_interval: 10s
  repeat_interval: 4h
  routes:
{routes}receivers:
  - name: nobody
{receivers}"""


@dataclass(frozen=True, slots=True)
class Reached:
    """What a Bot API took: chats told of anything and of the end, texts sent twice, and 429s."""

    began: int
    ended: int
    again: int
    refused: int

    @classmethod
    def of(cls, api: Telegram, ended: str) -> "Reached":
        """Count; a text that holds `ended` tells the end."""
        taken = [(message["chat_id"], message["text"]) for message in api.messages()]
        chats = {chat for chat, _ in taken}
        told = {chat for chat, text in taken if ended in text}
        return cls(len(chats), len(told), len(taken) - len(set(taken)), refusals(api))


@dataclass(frozen=True, slots=True)
class Sides:
    """Our relay and Alertmanager, each with its own Bot API and the same chats."""

    ours: Told
    peer: Alertmanager
    api: Telegram

    def begins(self, since: float) -> None:
        """Let both hear of an outage."""
        self._take(outage(HOME, f"{since:.3f}"))

    def ends(self, since: float, ended: float) -> None:
        """Let both hear of its end: ours by an alert of its own, the peer as resolved."""
        self._take(restored(HOME, f"{since:.3f}", ended=f"{ended:.3f}"), endsAt=_spelled(ended))

    def _take(self, alert: dict[str, Any], **more: str) -> None:
        assert self.ours.relay.post(alert) == requests.codes.ok
        labels = {"alertname": "PowerOutage", "home": HOME}
        url = f"{self.peer.url}/api/v2/alerts"
        requests.post(url, json=[{"labels": labels, **more}], timeout=10).raise_for_status()


def telegram_outage(*, chats: int) -> Iterator[Line]:
    """Measure one outage to many chats, while Telegram is away for 3 s of it; both sides at once.

    First it goes on, then it ends before anybody could have told all chats of it.
    """
    row = f"{chats:,} chats, Telegram away for {AWAY:g} s"
    ours, its, took = _tell(chats, None)
    yield Line(f"{row}: told", "chats", ours.began, its.began, PEER, Goal(at_least=chats))
    yield Line(f"{row}: 429s", "answers", ours.refused, its.refused, PEER, Goal(at_most=0))
    yield Line(f"{row}: told twice", "messages", ours.again, its.again, PEER)
    yield Line(f"{row}: until all were told", "s", took)
    lasting = chats / CHATS_PER_SECOND
    row = f"{row}, power back after {lasting:g} s"
    ours, its, _ = _tell(chats, lasting)
    yield Line(f"{row}: told of it", "chats", ours.ended, its.ended, PEER, Goal(at_least=chats))
    yield Line(f"{row}: 429s", "answers", ours.refused, its.refused, PEER, Goal(at_most=0))


def _tell(chats: int, lasting: float | None) -> tuple[Reached, Reached, float]:
    """Return what both have reached when ours has reached all, and the seconds until then."""
    with TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        sides = _sides(Path(folder), chats, stack)
        since, began = time(), monotonic()
        sides.begins(since)
        sleep(BEFORE)
        for api in (sides.ours.api, sides.api):
            api.do("outage", seconds=AWAY)
        if lasting is not None:
            sleep(max(0.0, began + lasting - monotonic()))
            sides.ends(since, time())
        sleep(max(0.0, began + BEFORE + AWAY + 1 - monotonic()))
        _wait_for_ours(sides, chats, lasting)
        took = max(message["time"] for message in sides.ours.messages()) - since
        ours, its = (
            Reached.of(api, said)
            for api, said in zip((sides.ours.api, sides.api), ENDED, strict=True)
        )
        return ours, its, took


def _wait_for_ours(sides: Sides, chats: int, lasting: float | None) -> None:
    """Wait until ours has told all chats, or until it is too late."""
    deadline = monotonic() + 30 + 2 * chats / LEAST_PER_SECOND
    while monotonic() < deadline:
        reached = Reached.of(sides.ours.api, ENDED[0])
        if chats == (reached.began if lasting is None else reached.ended):
            return
        sleep(LOOKED_AT_EVERY)


def _sides(folder: Path, chats: int, stack: ExitStack) -> Sides:
    readers = [Reader(chat) for chat in range(1, chats + 1)]
    ours = stack.enter_context(telling(folder / "ours", [HOME], readers))
    api = stack.enter_context(Telegram())
    return Sides(ours, stack.enter_context(_native(folder / "peer", api, chats)), api)


def _native(folder: Path, api: Telegram, chats: int) -> Alertmanager:
    """Return an Alertmanager that writes to every chat itself: a receiver each."""
    numbers = range(1, chats + 1)
    receivers = [
        f"  - {{name: 'c{chat}', {to_telegram(api.url, TOKEN, chat)}}}\n" for chat in numbers
    ]
    routes = "".join(_ROUTE.format(chat=chat) for chat in numbers)
    text = _ALERTMANAGER.format(routes=routes, receivers="".join(receivers))
    return Alertmanager("alertmanager-newest", folder, text)


def _spelled(moment: float) -> str:
    return to_rfc3339(round(moment * MS_PER_SECOND))
