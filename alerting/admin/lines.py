"""Owns what the pages say of one row: what the store knows becomes words; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alerting.incidents import EventKind, NoticeState, Outage, OutageState
from alerting.lengths import length_of, say_length
from alerting.outage_words import is_open
from alerting.store import DeliveryRow, Event
from alerting.subscribers import Homes, State, Subscriber, covers
from alerting.telling import Surroundings
from alerting.times import duration
from alerting.wording import wording
from chassis.instants import to_rfc3339

WORDS = wording("en")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

STATES: Mapping[State, str] = {
    State.ACTIVE: "is told of its homes",
    State.PENDING: "waits for its first approval",
    State.STOPPED: "sent /stop",
    State.BLOCKED: "cannot be reached: the bot is blocked there, or the chat is gone",
    State.DENIED: "was turned away",
}
OUTAGES: Mapping[OutageState, str] = {
    OutageState.OPEN: "running",
    OutageState.CLOSED: "ended",
    OutageState.SUPERSEDED: "over, its end is not known",
    OutageState.STORED: "told to nobody: a newer one was known already",
}
CAUSES: Mapping[str, str] = {
    "start": "already off at the first look",
    "measured": "measured",
    "inferred": "inferred: the machine that watches lost power itself",
    "not_observed": "not observed: nothing was watching",
}
EVENTS: Mapping[EventKind, str] = {
    EventKind.BEGAN: "power went out",
    EventKind.ENDED: "power came back",
    EventKind.FIRED: "fires",
    EventKind.RESOLVED: "over",
}


@dataclass(frozen=True, slots=True)
class When:
    """A moment for people and for programs."""

    iso: str
    text: str
    zone: str


@dataclass(frozen=True, slots=True)
class SubscriberLine:
    """A subscription; `wants` is what it has asked for beyond what it hears, `asked` its spelling.

    `topic` is 0 for none, as forms say it.
    """

    chat_id: int
    topic: int
    kind: str
    username: str
    name: str
    hears: str
    wants: str | None
    asked: str
    language: str
    state: str
    means: str
    mute: str
    created: When
    may_approve: bool
    may_deny: bool
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class OutageLine:
    """One outage."""

    home: str
    since: When
    not_before: When | None
    ended: When | None
    ended_not_before: When | None
    length: str
    is_running: bool
    state: str
    cause: str
    is_ahead: bool


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """Any other alert."""

    name: str
    severity: str
    home: str
    says: str
    since: When
    ended: When | None
    length: str
    fires: bool


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One event for one chat."""

    created: When
    name: str
    chat_id: int
    topic: int
    what: str
    of: When | None
    state: str
    attempts: int
    delay: str


def when(wall: int, zone: str, now: int) -> When:
    """Say a moment by a zone's clock, with its date unless it is today's."""
    then, today = _moment(wall, zone), _moment(now, zone)
    text = f"{then:%H:%M:%S}"
    if then.date() != today.date():
        year = "" if then.year == today.year else f" {then.year}"
        text = f"{then.day} {then:%b}{year} {text}"
    name = then.tzname() or "UTC"
    return When(to_rfc3339(wall), text, f"UTC{name}" if name[0] in "+-" else name)


def _moment(wall: int, zone: str) -> datetime:
    return (_EPOCH + timedelta(milliseconds=wall)).astimezone(ZoneInfo(zone))


def asked_of(subscriber: Subscriber) -> Homes:
    """Return the homes that an approval would be for."""
    return subscriber.homes if subscriber.wanted == () else subscriber.wanted


def spelling(homes: Homes) -> str:
    """Spell homes for a form: all of them are a star."""
    return "*" if homes is None else " ".join(homes)


def subscriber_line(subscriber: Subscriber, around: Surroundings, now: int) -> SubscriberLine:
    """Say a subscription."""
    asked, state = asked_of(subscriber), subscriber.state
    more = state is State.ACTIVE and subscriber.question_is_open
    return SubscriberLine(
        chat_id=subscriber.chat_id,
        topic=subscriber.topic or 0,
        kind=subscriber.kind,
        username=subscriber.username,
        name=subscriber.name,
        hears=_homes(subscriber.homes, around),
        wants=_homes(asked, around) if more else None,
        asked=spelling(asked),
        language=subscriber.language,
        state=state.value,
        means=STATES[state],
        mute=subscriber.mute,
        created=when(subscriber.created, around.timezone, now),
        may_approve=state in {State.PENDING, State.DENIED}
        or not covers(subscriber.approved, asked),
        may_deny=state is not State.DENIED,
        is_waiting=subscriber.question_is_open,
    )


def _homes(homes: Homes, around: Surroundings) -> str:
    if homes is None:
        return "all homes"
    return ", ".join(around.place(name).title for name in homes) or "no home"


def outage_line(outage: Outage, around: Surroundings, now: int) -> OutageLine:
    """Say an outage, by its home's clock."""
    place = around.place(outage.home)
    zone, ended = place.timezone, outage.ended
    return OutageLine(
        home=place.title,
        since=when(outage.since, zone, now),
        not_before=_bound(outage.start_earliest, outage.since, zone, now),
        ended=None if ended is None else when(ended, zone, now),
        ended_not_before=_bound(outage.end_earliest, ended, zone, now),
        length=_length(outage, now),
        is_running=is_open(outage),
        state=OUTAGES[outage.state],
        cause=CAUSES.get(outage.cause or "", outage.cause or ""),
        is_ahead=outage.ahead,
    )


def _bound(earliest: int | None, latest: int | None, zone: str, now: int) -> When | None:
    """Say the lower bound of a moment, where it is another second; its date if it is another."""
    if earliest is None or latest is None or earliest // 1000 >= latest // 1000:
        return None
    bound = when(earliest, zone, now)
    if _moment(earliest, zone).date() == _moment(latest, zone).date():
        return replace(bound, text=f"{_moment(earliest, zone):%H:%M:%S}")
    return bound


def _length(outage: Outage, now: int) -> str:
    if outage.ended is not None:
        return say_length(WORDS, length_of(outage, outage.ended))
    if not is_open(outage) or outage.since > now:
        return ""
    return f"{duration(WORDS, now - outage.since)} so far"


def notice_line(notice: NoticeState, around: Surroundings, now: int) -> NoticeLine:
    """Say an alert that is no outage."""
    home = notice.labels.get("home")
    zone = around.timezone if home is None else around.place(home).timezone
    ended, texts = notice.ends_at, notice.annotations
    lasted = duration(WORDS, (now if ended is None else ended) - notice.starts_at)
    return NoticeLine(
        name=notice.labels.get("alertname", ""),
        severity=notice.labels.get("severity", ""),
        home="" if home is None else around.place(home).title,
        says=texts.get("summary") or texts.get("description", ""),
        since=when(notice.starts_at, zone, now),
        ended=None if ended is None else when(ended, zone, now),
        length=f"{lasted} so far" if notice.firing else lasted if ended is not None else "",
        fires=notice.firing,
    )


def delivery_line(row: DeliveryRow, around: Surroundings, now: int) -> DeliveryLine:
    """Say a delivery, by the host's clock; when its outage was, by the home's."""
    event = row.event
    zone = around.timezone if event.home is None else around.place(event.home).timezone
    to_admin = event.audience == "admins" and not row.name
    return DeliveryLine(
        created=when(row.created, around.timezone, now),
        name="an administrator" if to_admin else row.name,
        chat_id=row.chat_id,
        topic=row.topic or 0,
        what=" ".join(_what(event, around)),
        of=None if event.since is None else when(event.since, zone, now),
        state=row.state,
        attempts=row.attempts,
        delay=_delay(row, now),
    )


def _what(event: Event, around: Surroundings) -> Iterator[str]:
    if event.home is not None:
        yield f"{around.place(event.home).title}:"
    if event.notice is not None:
        yield event.notice.labels.get("alertname", "")
    yield EVENTS[event.kind]


def _delay(row: DeliveryRow, now: int) -> str:
    if row.done is None:
        return f"{duration(WORDS, now - row.created)} so far"
    return duration(WORDS, row.done - row.created)
