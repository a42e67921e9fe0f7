"""Owns what is asked of InfluxDB 2 over its HTTP API to give others tokens of their own.

A token is judged by what it opens: from 2.9 on InfluxDB keeps hashes of tokens, and shows none.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property
from http import HTTPStatus
from typing import Any

import requests
from urllib3.exceptions import HTTPError

WITHIN = (5.0, 30.0)  # seconds to connect, and to wait for an answer

Json = dict[str, Any]
_SHUT = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


class Away(Exception):
    """InfluxDB does not answer, or not as it does when it is well; the text says how."""


class Refused(Exception):
    """InfluxDB answers, and does not do it; the text says what it answers."""


class Action(StrEnum):
    """What a token may do with the bucket."""

    READ = "read"
    WRITE = "write"


class InfluxDb:
    """An InfluxDB with one organisation and one bucket, as its operator sees it."""

    def __init__(self, url: str, org: str, bucket: str, operator_token: str) -> None:
        """Ask nothing yet; `url` is without a path."""
        self._url = url.rstrip("/")
        self._org, self._bucket = org, bucket
        self._operator = operator_token
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, no .netrc

    def ready(self) -> None:
        """Raise Away unless it is well."""
        answer = self._ask("GET", "/health", None)
        if answer.status_code != HTTPStatus.OK:
            raise Away(f"{self._url} answers {answer.status_code}")

    def opens(self, token: str, action: Action) -> bool:
        """Tell whether a token may do that; nothing is changed."""
        if action is Action.READ:
            answer = self._ask("GET", f"/api/v2/buckets/{self._bucket_id}", token)
            right = {HTTPStatus.OK}
        else:  # to write nothing is refused, but only after the look at the token
            params = {"org": self._org, "bucket": self._bucket}
            answer = self._ask("POST", "/api/v2/write", token, params=params)
            right = {HTTPStatus.BAD_REQUEST, HTTPStatus.NO_CONTENT}
        if answer.status_code in right or answer.status_code in _SHUT:
            return answer.status_code in right
        raise Away(f"{self._url} answers {_said(answer)}")

    def allow(self, action: Action, description: str) -> str:
        """Make a token that may do that and nothing else, and return it."""
        bucket, org = self._bucket_id, self._org_id
        resource = {"type": "buckets", "id": bucket, "orgID": org}
        made = self._operators(
            "POST",
            "/api/v2/authorizations",
            json={
                "orgID": org,
                "description": description,
                "permissions": [{"action": action, "resource": resource}],
            },
        )
        return _text(made, "token")

    def tokens(self, description: str) -> list[str]:
        """Return the ids of the tokens that are described so."""
        listed = self._operators("GET", "/api/v2/authorizations", params={"orgID": self._org_id})
        found = _dicts(listed.get("authorizations"))
        return [_text(one, "id") for one in found if one.get("description") == description]

    def forget(self, token_id: str) -> None:
        """Let a token open nothing any more."""
        self._operators("DELETE", f"/api/v2/authorizations/{token_id}")

    @cached_property
    def _org_id(self) -> str:
        listed = self._operators("GET", "/api/v2/orgs", params={"org": self._org})
        return self._only(listed.get("orgs"), f"organisation {self._org}")

    @cached_property
    def _bucket_id(self) -> str:
        params = {"org": self._org, "name": self._bucket}
        listed = self._operators("GET", "/api/v2/buckets", params=params)
        return self._only(listed.get("buckets"), f"bucket {self._bucket}")

    def _only(self, found: object, what: str) -> str:
        for one in _dicts(found):
            return _text(one, "id")
        raise Refused(f"{self._url} has no {what}")

    def _operators(self, method: str, path: str, **more: Any) -> Json:  # noqa: ANN401  requests' own
        answer = self._ask(method, path, self._operator, **more)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise Refused(f"{self._url} was set up with another operator's token")
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Away(f"{self._url} answers {_said(answer)}")
        if not answer.ok:
            raise Refused(f"{self._url} answers {_said(answer)} to {method} {path}")
        if answer.status_code == HTTPStatus.NO_CONTENT:
            return {}
        return _json(answer)

    def _ask(self, method: str, path: str, token: str | None, **more: Any) -> requests.Response:  # noqa: ANN401  as above
        headers = {} if token is None else {"Authorization": f"Token {token}"}
        try:
            return self._session.request(
                method,
                self._url + path,
                headers=headers,
                timeout=WITHIN,
                allow_redirects=False,
                **more,
            )
        except (requests.RequestException, HTTPError) as fault:
            raise Away(f"{self._url} cannot be reached ({type(fault).__name__})") from None


def _json(answer: requests.Response) -> Json:
    try:
        document = answer.json()
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Refused(f"{answer.url.partition('?')[0]} does not answer as InfluxDB 2 does")
    return document


def _dicts(found: object) -> Iterable[Json]:
    return (one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def _text(found: Json, key: str) -> str:
    text = found.get(key)
    if not isinstance(text, str) or not text:
        raise Refused(f"InfluxDB gave an answer without {key}")
    return text


def _said(answer: requests.Response) -> str:
    """Return the status and InfluxDB's own words, which name no token."""
    try:
        message = answer.json().get("message", "")
    except (ValueError, RecursionError, AttributeError):
        message = ""
    return f"{answer.status_code} {message or answer.reason}"[:300]
