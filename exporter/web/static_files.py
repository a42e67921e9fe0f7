"""Owns the page's own files: named by their content, so that a browser may keep them for ever."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    content_type: str


class StaticFiles:
    """The files of a folder as they were when this was made; nothing else can be asked for."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files: dict[str, _File] = {}
        self._names: dict[str, str] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix in _TYPES:
                body = path.read_bytes()
                name = f"{path.stem}.{sha256(body).hexdigest()[:12]}{path.suffix}"
                self._files[name] = _File(body, _TYPES[path.suffix])
                self._names[path.name] = name

    def url(self, name: str) -> str:
        """Return the address of a file, relative to the page."""
        return f"static/{self._names[name]}"

    def routes(self) -> list[web.RouteDef]:
        """Return the path and its handler."""
        return [web.get("/static/{name}", self.file)]

    async def file(self, request: web.Request) -> web.Response:
        """Answer with a file."""
        file = self._files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        return web.Response(body=file.body, headers={**_HEADERS, "Content-Type": file.content_type})
