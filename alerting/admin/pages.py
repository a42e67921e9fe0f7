"""Owns what each page shows: reads the store, and renders; blocking, to be run in a thread."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from alerting.admin.lines import (
    STATES,
    WORDS,
    delivery_line,
    notice_line,
    outage_line,
    subscriber_line,
    when,
)
from alerting.admin.sources import Sources
from alerting.outage_words import is_open
from alerting.subscribers import State, Subscriber
from alerting.tally import Tally
from alerting.telling import Surroundings
from alerting.times import duration

if TYPE_CHECKING:
    from jinja2 import Environment

INCIDENTS = 200  # outages, and other alerts, on their page
LOOKED_THROUGH = 2_000  # of the newest outages and other alerts, for those that run
DELIVERIES = 200
ON_OVERVIEW = 50  # lines of each list
PER_PAGE = 100  # subscriptions

WAITING = "waiting"
FILTERS = ("all", WAITING, *(state.value for state in State))
DONE = {
    "approve": "Approved:",
    "deny": "Denied:",
    "remove": "Removed:",
    "gone": "There is no such subscription any more:",
    "changed": "Nothing was done: it has asked for other homes meanwhile:",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser asks for: who asks, `token` for the forms, and the query, checked.

    `shown` is one of FILTERS; `done` is a key of DONE or empty, said of a chat and topic.
    """

    token: str
    shown: str = "all"
    page: int = 1
    done: str = ""
    chat_id: int = 0
    topic: int = 0


@dataclass(frozen=True, slots=True)
class _Portion:
    """One page of a list, and which others there are."""

    page: int
    pages: int
    total: int


class Pages:
    """Makes the pages' texts. Every method that reads raises StoreDown."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def overview(self, asked: Asked) -> str:
        """What runs, what waits to be sent, who waits for an answer."""
        around, now = self._sources.around(), self._now()
        tally = self._sources.store.counts()
        known = self._sources.store.incidents(LOOKED_THROUGH)
        running = [outage for outage in known.outages if is_open(outage)]
        firing = [notice for notice in known.notices if notice.firing]
        waiting = _chosen(self._sources.store.subscribers(), WAITING)
        return self._render(
            "overview.html",
            asked,
            around,
            outages=[outage_line(each, around, now) for each in running[:ON_OVERVIEW]],
            more_outages=len(running[ON_OVERVIEW:]),
            notices=[notice_line(each, around, now) for each in firing[:ON_OVERVIEW]],
            more_notices=len(firing[ON_OVERVIEW:]),
            waiting=[subscriber_line(each, around, now) for each in waiting[:ON_OVERVIEW]],
            more_waiting=len(waiting[ON_OVERVIEW:]),
            states=[(state.value, tally.subscribers[state], STATES[state]) for state in State],
            pending=tally.pending,
            oldest=_oldest(tally, around, now),
            sends=self._sources.sends(),
        )

    def subscribers(self, asked: Asked) -> str:
        """All subscriptions, or those of one state."""
        around, now = self._sources.around(), self._now()
        chosen = _chosen(self._sources.store.subscribers(), asked.shown)
        pages = max(1, -(-len(chosen) // PER_PAGE))
        page = min(asked.page, pages)
        some = chosen[(page - 1) * PER_PAGE : page * PER_PAGE]
        return self._render(
            "subscribers.html",
            asked,
            around,
            subscribers=[subscriber_line(each, around, now) for each in some],
            portion=_Portion(page, pages, len(chosen)),
            filters=FILTERS,
        )

    def confirm(self, asked: Asked, action: str) -> str | None:
        """Ask whether that is meant; None if there is no such subscription."""
        around = self._sources.around()
        subscriber = self._sources.store.subscriber(asked.chat_id, asked.topic or None)
        if subscriber is None:
            return None
        line = subscriber_line(subscriber, around, self._now())
        return self._render("confirm.html", asked, around, action=action, subscriber=line)

    def incidents(self, asked: Asked) -> str:
        """Outages and other alerts, newest first."""
        around, now = self._sources.around(), self._now()
        known = self._sources.store.incidents(INCIDENTS)
        return self._render(
            "incidents.html",
            asked,
            around,
            outages=[outage_line(each, around, now) for each in known.outages],
            notices=[notice_line(each, around, now) for each in known.notices],
            most=INCIDENTS,
        )

    def deliveries(self, asked: Asked) -> str:
        """What was sent or waits, newest first."""
        around, now = self._sources.around(), self._now()
        rows = self._sources.store.recent_deliveries(DELIVERIES)
        lines = [delivery_line(row, around, now) for row in rows]
        return self._render("deliveries.html", asked, around, deliveries=lines, most=DELIVERIES)

    def down(self) -> str:
        """That the database is down; reads nothing."""
        return self._render("down.html", Asked(""), self._sources.around())

    # --- how ---

    def _now(self) -> int:
        return self._sources.clock.now().wall

    def _render(self, template: str, asked: Asked, around: Surroundings, **values: object) -> str:
        said = self._said(asked) if asked.done else None
        now = when(self._now(), around.timezone, self._now())
        return self._environment.get_template(template).render(
            asked=asked, now=now, said=said, zone=around.timezone, **values
        )

    def _said(self, asked: Asked) -> tuple[str, Subscriber | None]:
        """Say what was done, and to whom, if it is still there."""
        subscriber = self._sources.store.subscriber(asked.chat_id, asked.topic or None)
        return DONE[asked.done], subscriber

    @cached_property
    def _environment(self) -> "Environment":
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  a relay whose pages nobody opens does without

        return Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )


def _chosen(subscribers: Iterable[Subscriber], shown: str) -> list[Subscriber]:
    """Return some of them: those that wait for an answer as they came, others newest first."""
    if shown == WAITING:
        return [subscriber for subscriber in subscribers if subscriber.question_is_open]
    return [each for each in subscribers if shown in {"all", each.state.value}][::-1]


def _oldest(tally: Tally, around: Surroundings, now: int) -> tuple[object, str] | None:
    """Say since when the oldest delivery waits, and for how long that is."""
    if tally.oldest is None:
        return None
    return when(tally.oldest, around.timezone, now), duration(WORDS, now - tally.oldest)
