"""Owns error answers: RFC 9457 problem documents. Says nothing of what went wrong inside."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

MEDIA_TYPE = "application/problem+json"
_NOT_TAKEN_OVER = frozenset({"content-type", "content-length", "transfer-encoding"})


class Problem(Exception):
    """An error that its caller is told.

    `title` defaults to the status' own phrase. `headers` go into the answer, such
    as Retry-After; `members` into the document, beside those of the RFC.
    """

    def __init__(
        self,
        status: int,
        title: str | None = None,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        self.status = status
        self.title = title if title is not None else phrase(status)
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = dict(members or {})
        super().__init__(f"{status} {self.title}")


def phrase(status: int) -> str:
    """Return the standard phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def problem_response(problem: Problem, instance: str | None) -> web.Response:
    """Return the answer; `instance` is the path that was asked for."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
    }
    if problem.detail is not None:
        document["detail"] = problem.detail
    if instance is not None:
        document["instance"] = instance
    body = json.dumps({**problem.members, **document}).encode("utf-8", "replace")
    return web.Response(
        status=problem.status,
        body=body,
        headers={**problem.headers, "Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"},
    )


def problem_of(error: web.HTTPException) -> Problem:
    """Return the problem that an aiohttp error (400 and above) stands for, its headers kept."""
    headers = {
        name: value for name, value in error.headers.items() if name.lower() not in _NOT_TAKEN_OVER
    }
    return Problem(error.status, None, _detail_of(error), headers=headers)


def _detail_of(error: web.HTTPException) -> str | None:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{error.method} is not among {', '.join(sorted(error.allowed_methods))}"
    if isinstance(error, web.HTTPNotFound):
        return "there is nothing here"
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return "the body is too large"
    return None
