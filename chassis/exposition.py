"""Owns how a scraper's wishes are read: which format of a metrics page, and in which coding."""

import gzip
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from aiohttp import web

FAST_LEVEL = 1  # of gzip: a sixth of the default's time for an eighth more bytes


class Format(Enum):
    """A format that can be asked for: its media type and version."""

    TEXT = ("text/plain", "0.0.4")
    OPENMETRICS = ("application/openmetrics-text", "1.0.0")

    @property
    def content_type(self) -> str:
        """What the answer is labelled with; Prometheus 3 refuses one that is not."""
        media_type, version = self.value
        return f"{media_type}; version={version}; charset=utf-8"


class _Accepted(NamedTuple):
    """One item of an Accept or Accept-Encoding header; `weight` is its q."""

    name: str
    parameters: dict[str, str]
    weight: float


class _Liking(NamedTuple):
    """How much a format is liked, and how exactly the item that says so names it."""

    weight: float
    exactness: int


def negotiate(accept: str | None) -> Format:
    """Choose the format that an Accept header likes best (RFC 9110, 12.5.1).

    Liked equally, the one that it names more exactly wins, and OpenMetrics where
    it names both; text wherever it does not name OpenMetrics.
    """
    ranges = list(_weighted(accept or ""))
    text, openmetrics = (_liking(ranges, offer) for offer in Format)
    asked_for = openmetrics.weight > 0 and openmetrics.exactness > 0
    return Format.OPENMETRICS if asked_for and openmetrics >= text else Format.TEXT


def takes_gzip(accept_encoding: str | None) -> bool:
    """Tell whether an Accept-Encoding header allows gzip."""
    codings = {coding.name: coding.weight for coding in _weighted(accept_encoding or "")}
    return codings.get("gzip", codings.get("*", 0.0)) > 0


def compress(page: bytes) -> bytes:
    """Compress quickly."""
    return gzip.compress(page, FAST_LEVEL, mtime=0)


def _weighted(header: str) -> Iterator[_Accepted]:
    for item in header.lower().split(","):
        name, *rest = (part.strip() for part in item.split(";"))
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip(): value.strip(' "') for key, _, value in pairs}
        try:
            weight = float(parameters.pop("q", "1"))
        except ValueError:
            continue
        if name and 0 <= weight <= 1:
            yield _Accepted(name, parameters, weight)


def _liking(ranges: list[_Accepted], offer: Format) -> _Liking:
    """Ask the ranges that match a format most exactly."""
    media_type, version = offer.value
    exactness = {"*/*": 0, f"{media_type.partition('/')[0]}/*": 1, media_type: 2}
    likings = (
        (exactness[accepted.name] + ("version" in accepted.parameters), accepted.weight)
        for accepted in ranges
        if accepted.name in exactness and accepted.parameters.get("version", version) == version
    )
    exact, weight = max(likings, default=(0, 0.0))
    return _Liking(weight, exact)


def page_answer(body: bytes, wanted: Format, *, zipped: bool) -> web.Response:
    """Answer with a page in a format, which is compressed already if `zipped`."""
    headers = {"Content-Type": wanted.content_type, "Vary": "Accept, Accept-Encoding"}
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers=headers)
