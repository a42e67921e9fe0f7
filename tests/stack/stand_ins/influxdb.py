"""Stands in for the official image of InfluxDB 2: sets itself up once, keeps points and tokens.

It is the project's fake, which answers as InfluxDB 2.9.1 was measured to answer. Of Flux it knows
`buckets()` alone, which is how Grafana asks whether a datasource works.
"""

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from tests.fakes.influxdb import FakeInfluxDB, Settings
from tests.fakes.influxdb_operator import BUCKET_ID, Made
from tests.stack.stand_ins.service import listen, until_terminated

PORT = 8086
DATA = Path("/var/lib/influxdb2")
SET_UP, TOKENS, POINTS = DATA / "set-up.json", DATA / "tokens.json", DATA / "points"
CONFIG = Path("/etc/influxdb2/influx-configs")
_PREFIX = "DOCKER_INFLUXDB_INIT_"
_REQUIRED = ("MODE", "USERNAME", "PASSWORD_FILE", "ADMIN_TOKEN_FILE", "ORG", "BUCKET")


def set_up() -> None:
    """Do as the entry point of the official image does at the first start, and only then."""
    missing = [_PREFIX + name for name in _REQUIRED if not os.environ.get(_PREFIX + name)]
    if missing:
        raise SystemExit(f"not set: {', '.join(missing)}")
    asked = {name: os.environ[_PREFIX + name] for name in _REQUIRED}
    Path(asked["PASSWORD_FILE"]).read_text()
    token = Path(asked["ADMIN_TOKEN_FILE"]).read_text().strip()
    CONFIG.write_text(f'[default]\n  token = "{token}"\n')  # the real one does so too
    SET_UP.write_text(json.dumps({"org": asked["ORG"], "bucket": asked["BUCKET"], "token": token}))


def read_tokens() -> list[Made]:
    """Return the tokens that an earlier start has known."""
    return [
        Made(
            one["id"],
            one["token"],
            frozenset(one["actions"]),
            one["description"],
            tuple((action, kind, of) for action, kind, of in one["asked"]),
        )
        for one in json.loads(TOKENS.read_text())
    ]


def write_tokens(tokens: Iterable[Made]) -> None:
    """Keep them."""
    spelled = [asdict(one) | {"actions": sorted(one.actions)} for one in tokens]
    part = TOKENS.with_suffix(".part")
    part.write_text(json.dumps(spelled))
    part.rename(TOKENS)


def application(fake: FakeInfluxDB) -> web.Application:
    """Return the fake with what only a container of it needs."""

    @web.middleware
    async def keeping(request: web.Request, handler: Handler) -> web.StreamResponse:
        before = list(fake.operator.tokens)
        answer = await handler(request)
        if fake.operator.tokens != before:
            write_tokens(fake.operator.tokens)
        return answer

    async def query(request: web.Request) -> web.Response:
        if "read" not in (fake.operator.actions(request) or ()):
            return web.json_response({"message": "unauthorized access"}, status=401)
        if "buckets()" not in (await request.json()).get("query", ""):
            return web.json_response({"message": "this stand-in knows no Flux"}, status=400)
        rows = ",result,table,name,id", f",_result,0,{fake.settings.bucket},{BUCKET_ID}"
        return web.Response(text="\r\n".join(rows) + "\r\n", content_type="text/csv")

    app = fake._app()
    app.middlewares.append(keeping)
    app.router.add_post("/api/v2/query", query)
    return app


async def serve() -> None:
    """Run until cancelled."""
    if not SET_UP.exists():
        set_up()
    nobody = secrets.token_hex()  # has no read-only token but those that are made
    fake = FakeInfluxDB(
        Settings(**json.loads(SET_UP.read_text()), read_only_token=nobody, file=POINTS)
    )
    if TOKENS.exists():
        fake.operator.tokens = read_tokens()
    await listen(application(fake), PORT)


if __name__ == "__main__":
    until_terminated(serve())
