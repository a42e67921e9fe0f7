"""Stands in for Grafana: reads its provisioning files and asks the datasources that they name.

It proves wiring alone: files that can be read, tokens that open, addresses that answer. It draws
nothing. Three paths of Grafana's API are there, for its administrator:
`/api/health`, `/api/datasources/uid/UID/health` and `/api/datasources/proxy/uid/UID/…`.
"""

import hmac
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import BasicAuth, web

from tests.stack.stand_ins.service import listen, until_terminated

PORT = 3000
PROVISIONING = Path(os.environ.get("GF_PATHS_PROVISIONING", "/etc/grafana/provisioning"))
DATA = Path("/var/lib/grafana")
_FILE = re.compile(r"\$__file\{([^}]+)\}")
Source = dict[str, Any]


def expanded(text: str) -> str:
    """Put files in the place of $__file{…}; one that cannot be read is fatal, as in Grafana."""
    return _FILE.sub(lambda found: Path(found[1]).read_text().strip(), text)


def sources() -> Mapping[str, Source]:
    """Return the provisioned datasources by uid."""
    found: dict[str, Source] = {}
    for file in sorted((PROVISIONING / "datasources").glob("*.y*ml")):
        for source in yaml.safe_load(file.read_text())["datasources"]:
            hidden = source.get("secureJsonData", {})
            secure = {key: expanded(value) for key, value in hidden.items()}
            found[source["uid"]] = source | {"secureJsonData": secure}
    return found


def folders_of_dashboards() -> None:
    """Look at every folder that a provider of dashboards names; one that is missing is fatal."""
    for file in sorted((PROVISIONING / "dashboards").glob("*.y*ml")):
        for provider in yaml.safe_load(file.read_text())["providers"]:
            list(Path(provider["options"]["path"]).iterdir())


def password() -> str:
    """Return the administrator's password: that of the first start, as in Grafana."""
    kept = DATA / "stand-in-password"
    if not kept.exists():
        kept.write_text(Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text().strip())
    return kept.read_text()


class Grafana:
    """Answers its administrator."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._sources = sources()
        self._admin = BasicAuth(os.environ["GF_SECURITY_ADMIN_USER"], password())

    def app(self) -> web.Application:
        """Return what is to be served."""
        app = web.Application()
        proxy = "/api/datasources/proxy/uid/{uid}/{path:.*}"
        app.add_routes(
            [
                web.get("/api/health", self._health),
                web.get("/api/datasources/uid/{uid}/health", self._works),
                web.get(proxy, self._proxy),
                web.post(proxy, self._proxy),
            ]
        )
        return app

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"database": "ok", "version": "stand-in"})

    async def _works(self, request: web.Request) -> web.Response:
        source = self._asked(request)
        url, headers = source["url"], _headers(source)
        if source["type"] == "prometheus":
            asking = self._session.post(f"{url}/api/v1/query", data={"query": "1+1"})
        else:
            url += f"/api/v2/query?org={source['jsonData']['organization']}"
            asking = self._session.post(url, json={"query": "buckets()"}, headers=headers)
        async with asking as answer:
            said, fine = await answer.text(), answer.ok
        status = {"status": "OK" if fine else "ERROR", "message": said}
        return web.json_response(status, status=200 if fine else 400)

    async def _proxy(self, request: web.Request) -> web.Response:
        source = self._asked(request)
        url = f"{source['url']}/{request.match_info['path']}"
        headers = _headers(source) | {"Content-Type": request.content_type}
        async with self._session.request(
            request.method, url, params=request.query, data=await request.read(), headers=headers
        ) as answer:
            return web.Response(
                body=await answer.read(), status=answer.status, content_type=answer.content_type
            )

    def _asked(self, request: web.Request) -> Source:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), self._admin.encode().encode()):
            raise web.HTTPUnauthorized
        source = self._sources.get(request.match_info["uid"])
        if source is None:
            raise web.HTTPNotFound
        return source


def _headers(source: Source) -> dict[str, str]:
    token = source["secureJsonData"].get("token")
    return {"Authorization": f"Token {token}"} if token else {}


async def serve() -> None:
    """Run until killed."""
    folders_of_dashboards()
    async with aiohttp.ClientSession() as session:
        await listen(Grafana(session).app(), PORT)


if __name__ == "__main__":
    until_terminated(serve())
