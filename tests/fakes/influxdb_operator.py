"""What the fake InfluxDB knows of tokens: who may do what, and how an operator makes new ones.

As InfluxDB 2.9 does, it keeps no token that it could show again: a list of them has none in it.
"""

import secrets
from dataclasses import dataclass

from aiohttp import web

ORG_ID, BUCKET_ID = "3f6a8c2e5b7d9f10", "a1c3e5f708294b6d"
OPERATE = "operate"


@dataclass(frozen=True)
class Made:
    """An authorization: an id, what it may do, and what people call it."""

    id: str
    token: str
    actions: frozenset[str]
    description: str
    asked: tuple[tuple[str, str, str], ...] = ()  # action, type and id of each permission

    def shown(self) -> dict[str, object]:
        """Return it as the API lists it."""
        permissions = [
            {"action": action, "resource": {"type": kind, "id": of, "orgID": ORG_ID}}
            for action, kind, of in self.asked
        ]
        return {
            "id": self.id,
            "description": self.description,
            "status": "active",
            "orgID": ORG_ID,
            "permissions": permissions,
        }


class Operator:
    """The tokens of one organisation with one bucket."""

    def __init__(self, org: str, bucket: str, token: str, read_only: str) -> None:
        self._org, self._bucket = org, bucket
        all_of_it = frozenset({"read", "write", OPERATE})
        self.tokens = [
            Made("0000000000000001", token, all_of_it, "admin's token"),
            Made("0000000000000002", read_only, frozenset({"read"}), "read only"),
        ]

    def actions(self, request: web.Request) -> frozenset[str] | None:
        """Return what whoever asks may do; None for a token that is none."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        found = [one for one in self.tokens if one.token == token]
        return found[0].actions if found and scheme in ("Token", "Bearer") else None

    def routes(self) -> list[web.RouteDef]:
        """Return what it answers."""
        return [
            web.get("/api/v2/orgs", self._get_orgs),
            web.get("/api/v2/buckets", self._get_buckets),
            web.get("/api/v2/buckets/{id}", self._get_bucket),
            web.get("/api/v2/authorizations", self._get_tokens),
            web.post("/api/v2/authorizations", self._post_token),
            web.delete("/api/v2/authorizations/{id}", self._delete_token),
        ]

    async def _get_orgs(self, request: web.Request) -> web.Response:
        if (refused := self._without(request, OPERATE)) is not None:
            return refused
        if request.query.get("org", self._org) != self._org:
            return _fault(404, "not found", "organization name not found")
        return web.json_response({"orgs": [{"id": ORG_ID, "name": self._org}]})

    async def _get_buckets(self, request: web.Request) -> web.Response:
        actions = self.actions(request)
        if actions is None:
            return _fault(401, "unauthorized", "unauthorized access")
        shown = "read" in actions and request.query.get("name", self._bucket) == self._bucket
        return web.json_response({"buckets": [self._shown()] if shown else []})

    async def _get_bucket(self, request: web.Request) -> web.Response:
        if (refused := self._without(request, "read")) is not None:
            return refused
        if request.match_info["id"] != BUCKET_ID:
            return _fault(404, "not found", "bucket not found")
        return web.json_response(self._shown())

    async def _get_tokens(self, request: web.Request) -> web.Response:
        if (refused := self._without(request, OPERATE)) is not None:
            return refused
        return web.json_response({"authorizations": [one.shown() for one in self.tokens]})

    async def _post_token(self, request: web.Request) -> web.Response:
        if (refused := self._without(request, OPERATE)) is not None:
            return refused
        body = await request.json()
        asked = tuple(
            (one["action"], one["resource"]["type"], one["resource"]["id"])
            for one in body["permissions"]
        )
        if body["orgID"] != ORG_ID or not asked:
            return _fault(400, "invalid", "orgID and permissions are required")
        right = frozenset(a for a, kind, of in asked if (kind, of) == ("buckets", BUCKET_ID))
        made = Made(
            secrets.token_hex(8), secrets.token_urlsafe(64), right, body["description"], asked
        )
        self.tokens.append(made)
        return web.json_response(made.shown() | {"token": made.token}, status=201)

    async def _delete_token(self, request: web.Request) -> web.Response:
        if (refused := self._without(request, OPERATE)) is not None:
            return refused
        left = [one for one in self.tokens if one.id != request.match_info["id"]]
        if len(left) == len(self.tokens):
            return _fault(404, "not found", "authorization not found")
        self.tokens = left
        return web.Response(status=204)

    def _without(self, request: web.Request, action: str) -> web.Response | None:
        """Refuse whoever may not do that; InfluxDB says 401 to both, and tells them apart so."""
        actions = self.actions(request)
        if actions is None:
            return _fault(401, "unauthorized", "unauthorized access")
        if action not in actions:
            return _fault(401, "unauthorized", f"{action}:orgs/{ORG_ID} is unauthorized")
        return None

    def _shown(self) -> dict[str, str]:
        return {"id": BUCKET_ID, "orgID": ORG_ID, "name": self._bucket, "type": "user"}


def _fault(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status)
