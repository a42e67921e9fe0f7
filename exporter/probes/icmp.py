"""Owns the kind `icmp`: does a host answer an echo request?"""

from typing import Literal

from chassis.instants import Instant
from exporter.power import State
from exporter.probes.faults import Blame, dead, seconds, unknown, worded
from exporter.probes.icmp_socket import NotPermitted, Pinger, open_socket
from exporter.probes.names import Host, SocketAddress, Target
from exporter.probes.protocol import Finding, Kind, ProbeContext, ProbeSettings


class IcmpSettings(ProbeSettings):
    """Keys of an icmp probe."""

    kind: Literal["icmp"]
    address: Host


class IcmpProbe:
    """Sends an echo request once an attempt, and once more when half the time is over."""

    def __init__(self, settings: IcmpSettings, context: ProbeContext) -> None:
        self._clock = context.clock
        self._target = Target(settings.address, 0, context)
        self._pinger = context.shared.get(Pinger, lambda: Pinger(context.clock), Pinger.close)

    async def attempt(self, started: Instant, timeout: float) -> Finding:
        """Ask for an echo; a reply is alive, silence is dead."""
        if self._target.literal is not None:
            return await self._ping(self._target.literal, started, timeout)
        return await self._target.ask(self._ping, started, timeout)

    async def _ping(self, address: SocketAddress, started: Instant, timeout: float) -> Finding:
        try:
            answer = await self._pinger.socket_for(address.family).ask(address.where, timeout)
        except NotPermitted as refusal:
            return unknown(str(refusal), started)
        except OSError as error:
            return unknown(worded(error), started)
        if answer is None:
            return dead(f"no reply in {seconds(timeout)}", started)
        match answer.blame:
            case Blame.ALIVE:
                return Finding(State.ON, answer.words, answer.at)
            case Blame.DEAD:
                return dead(answer.words, started)
            case Blame.OURS:
                return unknown(answer.words, started)

    async def close(self) -> None:
        """Forget what is under way; the socket is shared."""
        await self._target.close()


def icmp_permission() -> str | None:
    """Say why this process may not ask for echoes, or None if it may; for one line at the start."""
    for version in (4, 6):
        try:
            open_socket(version).close()
        except NotPermitted as refusal:
            return str(refusal)
        except OSError:
            continue  # such as a machine without IPv6: its probes will say so
    return None


KIND = Kind(settings=IcmpSettings, make=IcmpProbe, hindrance=icmp_permission)
