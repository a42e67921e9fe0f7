"""The kinds icmp and tcp in a network of their own: whose fault silence is."""

import pytest

from exporter.probes.icmp_socket import NOT_PERMITTED
from tests.exporter.probes.network import (
    ANYBODY,
    FORBIDDEN,
    NO_ROUTE,
    NOBODY,
    NOT_FOUND,
    SILENT,
    TIMEOUT,
    UNREACHABLE,
    findings,
    own_network,
)

pytestmark = own_network

WAYS = pytest.mark.parametrize(
    "pingers, raw", [(NOBODY, True), (ANYBODY, False)], ids=["raw", "unprivileged"]
)


@WAYS
def test_what_icmp_finds(pingers: str, raw: bool) -> None:  # noqa: FBT001
    """Both kinds of socket say the same of each host, and blame nobody for what is ours."""
    hosts = ("127.0.0.1", "::1", SILENT, NOT_FOUND, UNREACHABLE, FORBIDDEN, NO_ROUTE)
    found = findings("icmp", *hosts, pingers=pingers, raw=raw)
    off = {"vote": "off", "silent": True}
    unknown = {"vote": "unknown", "silent": False}
    assert found == {
        "127.0.0.1": {"vote": "on", "detail": "reply", "silent": False},
        "::1": {"vote": "on", "detail": "reply", "silent": False},
        SILENT: {**off, "detail": f"no reply in {TIMEOUT}s"},
        NOT_FOUND: {**off, "detail": "host unreachable"},
        UNREACHABLE: {**off, "detail": "host unreachable"},
        FORBIDDEN: {**unknown, "detail": "not permitted on this machine"},
        NO_ROUTE: {**unknown, "detail": "no route to that network"},
        "permission": None,
    }


def test_without_any_icmp_socket_nothing_is_known() -> None:
    """A machine that may not ask does not know, and is told what to mend."""
    found = findings("icmp", "127.0.0.1", pingers=NOBODY, raw=False)
    assert found["127.0.0.1"] == {"vote": "unknown", "detail": NOT_PERMITTED, "silent": False}
    assert found["permission"] == NOT_PERMITTED
    assert "ping_group_range" in NOT_PERMITTED


def test_what_tcp_finds() -> None:
    """An unreachable host is dead; a network that is not there, or forbidden, is unknown."""
    hosts = ("127.0.0.1", SILENT, NOT_FOUND, UNREACHABLE, FORBIDDEN, NO_ROUTE)
    found = findings("tcp", *hosts)
    del found["permission"]
    off = {"vote": "off", "silent": True}
    unknown = {"vote": "unknown", "silent": False}
    assert found == {
        "127.0.0.1": {"vote": "on", "detail": "refused: something answers", "silent": False},
        SILENT: {**off, "detail": f"no answer in {TIMEOUT}s"},
        NOT_FOUND: {**off, "detail": "host unreachable"},
        UNREACHABLE: {**off, "detail": "host unreachable"},
        FORBIDDEN: {**unknown, "detail": "not permitted on this machine"},
        NO_ROUTE: {**unknown, "detail": "no route to that network"},
    }
