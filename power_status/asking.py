"""Owns the questions to a running exporter: each has an answer, or one line that says why not.

Nothing but the address given is asked: no redirect is followed, and the environment's
proxies and .netrc are left alone.
"""

import ssl
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import requests
from pydantic import BaseModel, ValidationError
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import HTTPError

from chassis.secrets import SecretUnreadable, read_secret
from chassis.tables import printable
from power_status.spans import NotAskable

CONNECT_WITHIN, ANSWER_WITHIN = 5.0, 30.0  # seconds
LONGEST_REASON = 300  # characters

Json = dict[str, Any]
M = TypeVar("M", bound=BaseModel)


class NotAnswered(Exception):
    """The exporter gave no answer that can be used; the message says why, on one line."""


class Exporter:
    """An exporter's API at one address; `with` it."""

    def __init__(self, url: str, basic_auth_file: Path | None, ca_file: Path | None) -> None:
        """Read the files; raises NotAskable. `url` may have a path, behind a reverse proxy."""
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Accept"] = "application/json"
        if basic_auth_file is not None:
            self._session.auth = _login(basic_auth_file)
        if ca_file is not None:
            self._session.verify = _checked(ca_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    def homes(self) -> Json:
        """Ask for all homes as they stand."""
        return self._get("/api/v1/homes")

    def home(self, name: str) -> Json:
        """Ask for one home."""
        return self._get(f"/api/v1/homes/{name}")

    def outages(self, name: str, params: dict[str, str]) -> Json:
        """Ask for the outages of a home."""
        return self._get(f"/api/v1/homes/{name}/outages", params)

    def reliability(self, name: str, params: dict[str, str]) -> Json:
        """Ask for the indices of a home."""
        return self._get(f"/api/v1/homes/{name}/reliability", params)

    def read(self, model: type[M], document: Json) -> M:
        """Take an answer apart; raises NotAnswered where it has not the API's shape."""
        try:
            return model.model_validate(document)
        except ValidationError as fault:
            where = ".".join(map(str, fault.errors()[0]["loc"]))
            raise self._fault(f"gave an answer that is not understood (at {where})") from fault

    def _get(self, path: str, params: dict[str, str] | None = None) -> Json:
        try:
            answer = self._session.get(
                self._url + path,
                params=params,
                timeout=(CONNECT_WITHIN, ANSWER_WITHIN),
                allow_redirects=False,
            )
        except (requests.RequestException, HTTPError, UnicodeError) as fault:
            raise self._fault(_why(fault)) from fault
        if answer.status_code != HTTPStatus.OK:
            raise self._fault(self._refusal(answer))
        document = _json(answer)
        if document is None:
            raise self._fault("answered, but not as an exporter does")
        return document

    def _refusal(self, answer: requests.Response) -> str:
        status = answer.status_code
        if answer.is_redirect:
            return f"leads elsewhere, to {answer.headers['Location']}: give that as --url"
        if status == HTTPStatus.UNAUTHORIZED:
            refused = self._session.auth is not None
            what = "refuses this user and password" if refused else "asks for a user and password"
            return f"{what} (401): see --basic-auth-file"
        document = _json(answer) or {}
        detail = document.get("detail") or document.get("title") or answer.reason
        return f"answered {status}: {detail}"

    def _fault(self, what: str) -> NotAnswered:
        line = printable(" ".join(f"{self._url} {what}".split()))
        return NotAnswered(line[:LONGEST_REASON])


def _json(answer: requests.Response) -> Json | None:
    try:
        document = answer.json()
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _why(fault: Exception) -> str:
    """Say what went wrong on the way, by its innermost cause: the rest is of the libraries."""
    if isinstance(fault, requests.ConnectTimeout):
        return f"cannot be reached: no connection within {CONNECT_WITHIN:g} s"
    if isinstance(fault, requests.Timeout):
        return f"did not answer within {ANSWER_WITHIN:g} s"
    inner: BaseException = fault
    while (deeper := inner.__cause__ or inner.__context__) is not None:
        inner = deeper
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"has a certificate that is not trusted ({inner.verify_message}): see --ca-file"
    if isinstance(inner, OSError) and inner.strerror:
        return f"cannot be reached: {inner.strerror}"
    return f"cannot be asked: {inner}"


def _login(path: Path) -> HTTPBasicAuth:
    try:
        text = read_secret(path).reveal()
    except SecretUnreadable as fault:
        raise NotAskable(f"--basic-auth-file: {fault}") from fault
    user, colon, password = text.partition(":")
    if not colon or "\n" in text:
        raise NotAskable(f"--basic-auth-file: {path} must hold one line, user:password")
    return HTTPBasicAuth(user.encode(), password.encode())  # bytes: text would become Latin-1


def _checked(path: Path) -> str:
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError as fault:
        raise NotAskable(f"--ca-file: {path} holds no certificates") from fault
    except OSError as fault:
        raise NotAskable(f"--ca-file: {path} cannot be read: {fault.strerror}") from fault
    return str(path)
