"""The kind tcp against real sockets."""

import asyncio
import errno
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import ValidationError

from exporter.power import State
from exporter.probes.faults import Blame, blame
from tests.exporter.probes.promises import Case, Keys
from tests.exporter.probes.rig import SHORT, World, listening, refused, settings_of, silent, world


async def _answered(_w: World, stack: AsyncExitStack, _folder: Path) -> Keys:
    return {"address": "127.0.0.1", "port": stack.enter_context(listening())}


async def _hanging(_w: World, stack: AsyncExitStack, _folder: Path) -> Keys:
    return {"address": "127.0.0.1", "port": stack.enter_context(silent())}


PROMISES = Case(_answered, _hanging)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]"])
async def test_who_accepts_is_alive(host: str) -> None:
    """A connection is evidence of power, dated to its arrival."""
    async with world() as w:
        with listening(host.strip("[]")) as port:
            finding = await w.find(w.make("tcp", address=host, port=port))
        assert (finding.vote, finding.detail) == (State.ON, "connected")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_who_refuses_is_alive(host: str) -> None:
    """A refusal needs somebody who refuses."""
    async with world() as w:
        with refused(host) as port:
            finding = await w.find(w.make("tcp", address=host, port=port))
        assert (finding.vote, finding.detail) == (State.ON, "refused: something answers")


async def test_silence_is_dead() -> None:
    """Nobody answers: off, dated to the start of the round, and in need of a living reference."""
    async with world() as w:
        with silent() as port:
            finding = await w.find(w.make("tcp", address="127.0.0.1", port=port), SHORT)
        assert (finding.vote, finding.detail) == (State.OFF, "no answer in 0.2s")
        assert finding.silent


async def test_an_answer_that_comes_late_counts() -> None:
    """Who gets the connection only after a while is alive: the kernel asks again after 1 s."""
    async with world() as w:
        with silent() as port:
            attempt = asyncio.create_task(
                w.find(w.make("tcp", address="127.0.0.1", port=port), 10.0)
            )
            await asyncio.sleep(0)
        finding = await attempt  # nobody listens there any more: refused
        assert finding.vote is State.ON


async def test_a_name_with_one_living_address_is_alive() -> None:
    """A name leads to both families; it is enough that one answers."""
    async with world() as w:
        with listening("127.0.0.1") as port:
            finding = await w.find(w.make("tcp", address="localhost", port=port))
        assert finding.vote is State.ON


async def test_a_name_that_leads_nowhere_is_unknown() -> None:
    """What could not be looked up was not measured."""
    async with world() as w:
        finding = await w.find(w.make("tcp", address="no-such-host.invalid", port=9))
        assert finding.vote is State.UNKNOWN
        assert "name not resolved" in finding.detail


async def test_an_interface_that_is_not_there_is_unknown() -> None:
    """A link-local address is asked through its interface, or not at all."""
    async with world() as w:
        finding = await w.find(w.make("tcp", address="fe80::1%nosuch0", port=9))
        assert (finding.vote, finding.detail) == (State.UNKNOWN, "no interface nosuch0")


@pytest.mark.parametrize(
    "address, wrong",
    [
        ("", "must not be empty"),
        ("192.0.2.300", "is no address"),
        ("192.0.2.1:80", "alone"),
        ("http://plug", "alone"),
        ("a b", "name or address"),
        ("0.0.0.0", "one host"),  # noqa: S104  not to listen on
        ("ff02::1", "one host"),
        ("fe80::1", "needs its interface"),
        ("x" * 70, "name or address"),
    ],
)
def test_an_address_that_cannot_be_is_a_fault(address: str, wrong: str) -> None:
    """What is no host is told when the config is read, not when it is asked."""
    if not address:
        wrong = "at least 1 character"
    with pytest.raises(ValidationError, match=wrong):
        settings_of("tcp", address=address, port=80)


@pytest.mark.parametrize("port", [0, 65536, "80"])
def test_a_port_that_cannot_be_is_a_fault(port: object) -> None:
    """Ports are numbers from 1 to 65535."""
    with pytest.raises(ValidationError):
        settings_of("tcp", address="192.0.2.1", port=port)


# ---------------------------------------------------------------- whom an error is evidence against


@pytest.mark.parametrize(
    "code, verdict",
    [
        ("ECONNREFUSED", Blame.ALIVE),
        ("ECONNRESET", Blame.ALIVE),
        ("ECONNABORTED", Blame.ALIVE),
        ("EPIPE", Blame.ALIVE),
        ("ETIMEDOUT", Blame.DEAD),
        ("EHOSTUNREACH", Blame.DEAD),
        ("EHOSTDOWN", Blame.DEAD),
        ("ENETUNREACH", Blame.OURS),
        ("ENETDOWN", Blame.OURS),
        ("EACCES", Blame.OURS),
        ("EPERM", Blame.OURS),
        ("EMFILE", Blame.OURS),
        ("ENFILE", Blame.OURS),
        ("ENOBUFS", Blame.OURS),
        ("ENOMEM", Blame.OURS),
        ("EADDRNOTAVAIL", Blame.OURS),
        ("EAFNOSUPPORT", Blame.OURS),
        ("EINVAL", Blame.OURS),
        ("EAGAIN", Blame.OURS),
    ],
)
def test_whom_an_error_is_evidence_against(code: str, verdict: Blame) -> None:
    """Each error is decided on purpose."""
    assert blame(OSError(getattr(errno, code), code)) is verdict


def test_an_error_that_nobody_thought_of_is_ours() -> None:
    """No error that the table lacks becomes an outage."""
    thought_of = {errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE}
    thought_of |= {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.EHOSTDOWN}
    others = set(errno.errorcode) - thought_of
    assert {blame(OSError(code, "")) for code in others} == {Blame.OURS}
    assert blame(OSError("no number at all")) is Blame.OURS
