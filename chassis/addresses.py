"""Owns the checks of the addresses that a config holds: where to listen, which URL to call."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from chassis.listen import parse_listen


def check_listen(text: str) -> str:
    """Return a listen address that `parse_listen` can read; raises ValueError."""
    parse_listen(text)
    return text


def check_http_url(text: str) -> str:
    """Return an absolute http or https URL without a user or password; raises ValueError."""
    if not _is_http_url(text):
        raise ValueError("must be a URL that begins with http:// or https://")
    if "@" in urlsplit(text).netloc:
        raise ValueError("must hold no user or password: secrets come from files")
    return text


def check_origin_url(text: str) -> str:
    """Return an http or https URL that has neither query nor fragment; raises ValueError."""
    parts = urlsplit(check_http_url(text))
    if parts.query or parts.fragment:
        raise ValueError("must have neither a query nor a fragment")
    return text


def _is_http_url(text: str) -> bool:
    if any(character.isspace() or not character.isprintable() for character in text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is none
        return False


ListenText = Annotated[str, AfterValidator(check_listen)]
"""Where to listen; `chassis.listen.parse_listen` takes it apart."""

HttpUrl = Annotated[str, AfterValidator(check_http_url)]
"""What to call."""

OriginUrl = Annotated[str, AfterValidator(check_origin_url)]
"""Where a service is reached from outside."""
