"""Owns the kind `http`: does a web server answer, and what does it say of the mains?

By being alive or dead (a plug fed by the mains it watches), or by a value in its
answer (a meter with a battery of its own).
"""

from collections.abc import Mapping
from typing import Any

from yarl import URL

from chassis.instants import Instant
from exporter.power import State
from exporter.probes.faults import Blame, dead, unknown
from exporter.probes.http_client import HttpClient, NoPage, Page, Request
from exporter.probes.http_devices import DEVICES, Place, Places
from exporter.probes.http_settings import HttpSettings
from exporter.probes.json_values import (
    Missing,
    Scalar,
    likeness,
    number_of,
    parsed,
    path_of,
    value_at,
)
from exporter.probes.names import SocketAddress, Target
from exporter.probes.protocol import Finding, Kind, ProbeContext


class HttpProbe:
    """Asks for one page an attempt, on a kept connection where there is one."""

    def __init__(self, settings: HttpSettings, context: ProbeContext) -> None:
        self._clock = context.clock
        self._url = URL(settings.url)
        self._headers = settings.all_headers()
        host = str(self._url.host)
        self._target = Target(host, int(self._url.port or 0), context, self._is_page)
        self._plain = Request(self._url, self._headers)
        self._client = context.shared.get(
            HttpClient, lambda: HttpClient(context.clock), HttpClient.close
        )
        self._meaning = Meaning(settings) if settings.field is not None else None
        self._places = _places(settings)
        self._wants_body = self._meaning is not None or bool(self._places)

    async def attempt(self, started: Instant, timeout: float) -> Finding:
        """Ask and understand."""
        return await self._target.ask(self._ask, started, timeout)

    async def _ask(self, address: SocketAddress, started: Instant, timeout: float) -> Finding:
        answer = await self._client.get(self._request(address), timeout, body=self._wants_body)
        if isinstance(answer, NoPage):
            return self._unanswered(answer, started)
        return self._answered(answer, started)

    @staticmethod
    def _is_page(finding: Finding) -> bool:
        """Tell whether there was a page: one family may be refused, the other have the server."""
        return finding.readings is not None

    def _request(self, address: SocketAddress) -> Request:
        """Return the request for one address of the host; the name stays in Host and in TLS."""
        if self._target.literal is not None:
            return self._plain
        name = str(self._url.host)
        return Request(
            self._url.with_host(address.numeric),
            {"Host": _host_header(self._url), **self._headers},
            name if self._url.scheme == "https" else None,
        )

    def _unanswered(self, answer: NoPage, started: Instant) -> Finding:
        if self._meaning is not None and answer.blame is not Blame.OURS:
            return unknown(f"no value: {answer.why}", started)
        match answer.blame:
            case Blame.ALIVE:
                return Finding(State.ON, answer.why, answer.at)
            case Blame.DEAD:
                return dead(answer.why, started)
            case Blame.OURS:
                return unknown(answer.why, started)

    def _answered(self, page: Page, started: Instant) -> Finding:
        document, why = _document(page) if self._wants_body else (None, "")
        readings = _readings(document, self._places)
        if self._meaning is None:
            return Finding(State.ON, f"HTTP {page.status}", page.at, readings=readings)
        if why:
            return Finding(State.UNKNOWN, f"no value: {why}", started, readings=readings)
        vote, detail = self._meaning.of(document)
        at = page.at if vote is State.ON else started
        return Finding(vote, detail, at, readings=readings)

    async def close(self) -> None:
        """Forget a lookup; the client is shared."""
        await self._target.close()


class Meaning:
    """What a value of the document says of the mains."""

    def __init__(self, settings: HttpSettings) -> None:
        self._path = path_of(settings.field or "")
        self._on = {likeness(value) for value in settings.on}
        self._off = {likeness(value) for value in settings.off}
        self._on_above = settings.on_above

    def of(self, document: Any) -> tuple[State, str]:  # noqa: ANN401  JSON is anything
        """Return the vote, and why."""
        try:
            value = value_at(document, self._path)
        except Missing:
            return State.UNKNOWN, "no value: the answer has no such field"
        if self._on_above is not None:
            return _above(value, self._on_above)
        if not isinstance(value, bool | int | float | str):
            return State.UNKNOWN, "no value: null, a list or an object"
        if likeness(value) in self._on:
            return State.ON, f"says {_shown(value)}"
        if likeness(value) in self._off:
            return State.OFF, f"says {_shown(value)}"
        return State.UNKNOWN, f"says {_shown(value)}, which is neither on nor off"


def _above(value: Any, limit: float) -> tuple[State, str]:  # noqa: ANN401  JSON is anything
    number = number_of(value)
    if number is None:
        return State.UNKNOWN, "no value: not a number"
    return (State.ON if number > limit else State.OFF), f"says {_shown(number)}"


def _shown(value: Scalar) -> str:
    """Show a value in few characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, int | float) else repr(value[:30])


def _document(page: Page) -> tuple[Any, str]:
    """Return what a page says, or why it says nothing."""
    if not 200 <= page.status < 300:  # noqa: PLR2004  only a success holds what was asked for
        return None, f"HTTP {page.status}"
    if page.body is None:
        return None, "the answer is too long, or did not end in time"
    try:
        return parsed(page.body), ""
    except ValueError:
        return None, "the answer is not JSON"


def _readings(document: Any, places: Places) -> Mapping[str, float]:  # noqa: ANN401  JSON is anything
    """Return what readings there are."""
    found = {}
    for name, candidates in places.items():
        for place in candidates:
            number = _number_at(document, place)
            if number is not None:
                found[name] = number
                break
    return found


def _number_at(document: Any, place: Place) -> float | None:  # noqa: ANN401  JSON is anything
    try:
        number = number_of(value_at(document, place.path))
    except Missing:
        return None
    return None if number is None else number * place.factor


def _places(settings: HttpSettings) -> Places:
    """Return where readings are: the device's own, but for those that the config places."""
    places = dict(DEVICES[settings.device]) if settings.device is not None else {}
    for name, pointer in settings.readings:
        if pointer is not None:
            places[name] = (Place(path_of(pointer)),)
    return places


def _host_header(url: URL) -> str:
    host = str(url.raw_host)
    if ":" in host:
        host = f"[{host.partition('%')[0]}]"
    return host if url.is_default_port() else f"{host}:{url.port}"


KIND = Kind(settings=HttpSettings, make=HttpProbe)
