"""What a test in another process asks of the fake Bot API: POST and GET under /_control."""

from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from tests.fakes.telegram import FakeTelegram

_UPDATES = ("say", "say_anonymously", "press", "membership", "migrate", "push")


class Control:
    """Each path takes a JSON object whose keys are the arguments of the method it stands for."""

    def __init__(self, fake: "FakeTelegram") -> None:
        self._fake = fake
        self._asked = {
            "fail": fake.fail_next,
            "fail_chat": fake.fail_chat,
            "flood": fake.flood,
            "chat": fake.world.chat,
            "heal": fake.heal,
            "limits": self._limits,
        } | {name: getattr(fake.world, name) for name in _UPDATES}

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return what the server must serve."""
        return [
            web.get("/_control/messages", self._messages),
            web.get("/_control/calls", self._calls),
            web.get("/_control/state", self._state),
            web.post("/_control/outage", self._outage),
            web.post("/_control/{what}", self._do),
        ]

    async def _do(self, request: web.Request) -> web.Response:
        what = self._asked.get(request.match_info["what"])
        if what is None:
            raise web.HTTPNotFound
        done = what(**await _body(request))
        return web.json_response({"result": done if isinstance(done, int) else None})

    async def _outage(self, request: web.Request) -> web.Response:
        """Answer before it begins: a listener that is closed answers nothing."""
        asked = await _body(request)
        self._fake.soon(lambda: self._fake.outage(**asked))
        return web.json_response({"result": None})

    async def _messages(self, request: web.Request) -> web.Response:
        """All messages, or `?after=` so many of them, or those to `?chat_id=`."""
        taken = self._fake.world.messages[int(request.query.get("after", "0")) :]
        chat = request.query.get("chat_id")
        shown = [one.to_json() for one in taken if chat is None or str(one.chat_id) == chat]
        return web.json_response(shown)

    async def _calls(self, _: web.Request) -> web.Response:
        return web.json_response([[call.method, call.status] for call in self._fake.calls])

    async def _state(self, _: web.Request) -> web.Response:
        fake = self._fake
        return web.json_response(
            {
                "messages": len(fake.world.messages),
                "updates": len(fake.world.updates),
                "commands": fake.world.commands,
                "answers": fake.world.answers,
                "most_at_once": fake.most_at_once,
                "overlaps": fake.overlaps,
            }
        )

    def _limits(self, **more: Any) -> None:  # noqa: ANN401  fields of Limits, and latency
        self._fake.latency = more.pop("latency", self._fake.latency)
        for name, value in more.items():
            setattr(self._fake.flood_limits, name, value)


async def _body(request: web.Request) -> dict[str, Any]:
    asked: dict[str, Any] = await request.json() if request.can_read_body else {}
    return asked
