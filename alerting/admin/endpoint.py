"""Owns the paths below /admin/: who asks for what, and how it is answered.

Whoever comes here has logged in: the gate asks before anything below the path is found.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import web

from alerting.admin.access import PATH, Forms
from alerting.admin.lines import asked_of, spelling
from alerting.admin.pages import DONE, FILTERS, Asked, Pages
from alerting.admin.sources import Sources
from alerting.store import Change, StoreDown
from alerting.subscribers import Subscriber, approving, denying
from chassis.problems import Problem
from chassis.web import require_user

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
NOT_KEPT = {"Cache-Control": "no-store"}
PAGE = {"Content-Type": "text/html; charset=utf-8", **NOT_KEPT}
CONFIRMED = ("deny", "remove")
BACK = {"overview": "./", "subscribers": "subscribers"}

_ID = re.compile(r"-?\d{1,18}", re.ASCII)


def admin_routes(sources: Sources) -> list[web.RouteDef]:
    """Return the paths and their handlers; the server must ask for a login below PATH."""
    admin = _Admin(sources)
    return [
        web.get(PATH.rstrip("/"), admin.lead_in),
        web.get(PATH, admin.overview),
        web.get(f"{PATH}subscribers", admin.subscribers),
        web.get(f"{PATH}incidents", admin.incidents),
        web.get(f"{PATH}deliveries", admin.deliveries),
        web.get(f"{PATH}confirm", admin.confirm),
        web.post(f"{PATH}{{action:approve|deny|remove}}", admin.act),
        web.get(f"{PATH}static/{{name}}", admin.static),
    ]


class _Admin:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._pages = Pages(sources)
        self._forms = Forms()
        self._static = {path.name: path for path in STATIC.iterdir() if path.suffix in TYPES}
        self._down = False

    # --- what is read ---

    async def lead_in(self, _request: web.Request) -> web.Response:
        """/admin is no place: the links of the pages are relative."""
        return _lead_to(PATH.strip("/") + "/", 302)

    async def overview(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        return await self._page(lambda: self._pages.overview(asked))

    async def subscribers(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        return await self._page(lambda: self._pages.subscribers(asked))

    async def incidents(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        return await self._page(lambda: self._pages.incidents(asked))

    async def deliveries(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        return await self._page(lambda: self._pages.deliveries(asked))

    async def confirm(self, request: web.Request) -> web.Response:
        """Ask before something that cannot be taken back."""
        asked, action = self._asked(request), _one_of(request.query, "do", CONFIRMED, "remove")
        return await self._page(lambda: self._pages.confirm(asked, action))

    async def static(self, request: web.Request) -> web.Response:
        path = self._static.get(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound
        headers = {"Content-Type": TYPES[path.suffix], **NOT_KEPT}
        return web.Response(body=await asyncio.to_thread(path.read_bytes), headers=headers)

    # --- what is changed ---

    async def act(self, request: web.Request) -> web.Response:
        """Approve, deny or remove one subscription, and lead back to where the form stood."""
        fields = await self._forms.read(request, require_user(request))
        order = _order(request.match_info["action"], fields)
        now = self._sources.clock.now().wall
        try:
            change = await asyncio.to_thread(
                self._sources.store.change, order.chat_id, order.topic or None, order.rule, now
            )
        except StoreDown as fault:
            return await self._answer_down(fault)
        done = order.done(change)
        if done == order.action:
            log.info("a subscription was changed", extra={"fields": {"action": done}})
            self._sources.answered(change)
        said = urlencode({"done": done, "chat": order.chat_id, "topic": order.topic})
        return _lead_to(f"{order.back}{said}", 303)

    # --- how ---

    def _asked(self, request: web.Request) -> Asked:
        query, user = request.query, require_user(request)
        return Asked(
            token=self._forms.token(user),
            shown=_one_of(query, "show", FILTERS, "all"),
            page=max(1, _number(query, "page", "1")),
            done=_one_of(query, "done", ("", *DONE), ""),
            chat_id=_number(query, "chat", "0"),
            topic=_number(query, "topic", "0"),
        )

    async def _page(self, make: Callable[[], str | None]) -> web.Response:
        """Answer with a page that is made in a thread."""
        try:
            text = await asyncio.to_thread(make)
        except StoreDown as fault:
            return await self._answer_down(fault)
        if self._down:
            self._down = False
            log.info("the database can be read again")
        if text is None:
            raise Problem(404, detail=DONE["gone"].rstrip(":"))
        return web.Response(body=text.encode("utf-8", "replace"), headers=PAGE)

    async def _answer_down(self, fault: StoreDown) -> web.Response:
        if not self._down:
            self._down = True
            log.error("the database is down, the pages of %s cannot be shown: %s", PATH, fault)
        text = await asyncio.to_thread(self._pages.down)
        return web.Response(status=503, body=text.encode(), headers={**PAGE, "Retry-After": "5"})


@dataclass(frozen=True, slots=True)
class _Order:
    """What a form asks for; `seen` are the homes that an approval is for, `back` leads back."""

    action: str
    chat_id: int
    topic: int
    seen: str
    back: str

    def rule(self, existing: Subscriber | None) -> Subscriber | None:
        """Return what becomes of a subscription: what is approved is what was seen, no more."""
        if existing is None or self.action == "remove":
            return None
        if self.action == "deny":
            return denying(existing)
        return approving(existing) if self._is_as_seen(existing) else existing

    def done(self, change: Change) -> str:
        """Tell what came of it: one of DONE."""
        if change.before is None:
            return "gone"
        if self.action == "approve" and not self._is_as_seen(change.before):
            return "changed"
        return self.action

    def _is_as_seen(self, existing: Subscriber) -> bool:
        return spelling(asked_of(existing)) == self.seen


def _order(action: str, fields: Mapping[str, str]) -> _Order:
    seen = fields.get("asked")
    if seen is None and action == "approve":
        raise Problem(400, detail="asked is missing: the homes that are approved")
    query: dict[str, str | int] = {}
    back = _one_of(fields, "back", tuple(BACK), "overview")
    if back == "subscribers":
        shown, page = _one_of(fields, "show", FILTERS, "all"), _number(fields, "page", "1")
        query = {"show": shown, "page": max(1, page)}
    return _Order(
        action=action,
        chat_id=_number(fields, "chat"),
        topic=_number(fields, "topic", "0"),
        seen=seen or "",
        back=f"{BACK[back]}?{urlencode(query)}{'&' if query else ''}",
    )


def _number(fields: Mapping[str, str], name: str, default: str = "") -> int:
    text = fields.get(name, default)
    if not _ID.fullmatch(text):
        raise Problem(400, detail=f"{name} is no whole number")
    return int(text)


def _one_of(fields: Mapping[str, str], name: str, words: tuple[str, ...], default: str) -> str:
    word = fields.get(name, default)
    if word not in words:
        raise Problem(400, detail=f"{name} is none of {', '.join(filter(None, words))}")
    return word


def _lead_to(where: str, status: int) -> web.Response:
    return web.Response(status=status, headers={"Location": where, **NOT_KEPT})
