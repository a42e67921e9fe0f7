"""Made-up outages of several homes, posted to a relay as two sources would until all are taken."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import requests

from tests.alerting.rig import outage, restored
from tests.e2e.relays import PowerAlerting

MINUTE = 60
STEP = 3 * MINUTE  # from one outage of a home to its next
LONG_AGO = 20 * 3600  # seconds; the end of an outage must be younger than a day
MOST = LONG_AGO // STEP - 1  # outages of a home, each in minutes of its own

CUT = 0  # instead of a status: no answer
AGAIN = (CUT, 503)
Alert = dict[str, Any]


def clock(moment: int) -> str:
    """Return a moment (Unix seconds) as a message of a home in UTC says it."""
    return time.strftime("%H:%M", time.gmtime(moment))


@dataclass
class Fact:
    """One outage. Moments of the posting are Unix seconds."""

    home: str
    since: int
    until: int
    began_posted: float = float("inf")
    ended_posted: float = float("inf")
    ended_accepted: float = float("inf")

    @property
    def began(self) -> Alert:
        """Spell its PowerOutage."""
        return outage(self.home, f"{self.since}.000")

    @property
    def ended(self) -> Alert:
        """Spell its PowerRestored."""
        return restored(self.home, f"{self.since}.000", ended=f"{self.until}.000")


class Story:
    """A thread that posts; what is to be told stands in `facts` by (home, minute it began)."""

    def __init__(self, relay: PowerAlerting, homes: Sequence[str], chance: random.Random) -> None:
        self.facts: dict[tuple[str, str], Fact] = {}
        self.answers = Counter[int]()  # by status
        self._relay = relay
        self._homes = homes
        self._chance = chance
        self._began = (int(time.time()) - LONG_AGO) // MINUTE * MINUTE
        self._running: dict[str, Fact] = {}
        self._told = Counter[str]()
        self._old: list[tuple[Alert, ...]] = []
        self._in_vain = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, fault: type[BaseException] | None, *_: object) -> None:
        """Post what is being posted until it is taken, unless all is in vain."""
        self._in_vain = fault is not None
        self._over.set()
        self._thread.join()

    def _tell(self) -> None:
        while not self._over.wait(self._chance.random() * 0.4):
            home = self._chance.choice(self._homes)
            if self._told[home] < MOST:
                self._go_on(home)
            if self._old and self._chance.random() < 0.2:  # the other source, or a peer
                self._post(*self._chance.choice(self._old[-20:]))

    def _go_on(self, home: str) -> None:
        """Let a home's power go or come, or both: in order, swapped, or in one payload."""
        running, kind = self._running.pop(home, None), self._chance.random()
        if running is None:
            begun = self._next(home)
            if kind < 0.2:
                self._post(begun.ended)  # heard of only when it was over
            else:
                self._post(begun.began)
                self._running[home] = begun
        elif kind < 0.6:
            self._post(running.ended)
        else:
            begun = self._running[home] = self._next(home)
            if kind < 0.7:
                self._post(running.ended, begun.began)
            else:
                self._post(begun.began)
                self._post(running.ended)

    def _next(self, home: str) -> Fact:
        since = self._began + self._told[home] * STEP
        self._told[home] += 1
        fact = Fact(home, since, since + self._chance.choice((1, 2)) * MINUTE)
        self.facts[home, clock(since)] = fact
        return fact

    def _post(self, *alerts: Alert) -> None:
        """Post until it is taken, as both sources do."""
        self._old.append(alerts)
        ends = [self._fact(alert) for alert in alerts if "ended" in alert["annotations"]]
        now = time.time()
        for fact in map(self._fact, alerts):
            fact.began_posted = min(fact.began_posted, now)
        for fact in ends:
            fact.ended_posted = min(fact.ended_posted, now)
        while (status := self._try(*alerts)) in AGAIN and not self._in_vain:
            self.answers[status] += 1
            time.sleep(0.02)
        self.answers[status] += 1
        for fact in ends:
            fact.ended_accepted = min(fact.ended_accepted, time.time())

    def _fact(self, alert: Alert) -> Fact:
        labels = alert["labels"]
        return self.facts[labels["home"], clock(int(float(labels["since"])))]

    def _try(self, *alerts: Alert) -> int:
        try:
            return self._relay.post(*alerts)
        except requests.RequestException:
            return CUT
