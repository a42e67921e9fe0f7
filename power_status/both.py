"""Owns both services in one process: started side by side, each on its own when the other fails."""

import logging
import sys
from asyncio import gather
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from alerting.alerts import Malformed
from alerting.app import App as Relay
from alerting.config import AlertingConfig
from alerting.config import load as load_relay
from alerting.store import StoreDown
from chassis.clock import SystemClock
from chassis.hosting import Files, Hosted, rereading
from chassis.logs import configure
from chassis.loops import Stop
from chassis.secrets import secrets_in
from chassis.service import StartFailed
from exporter.app import App as Exporter
from exporter.commands import say_where
from exporter.config import ExporterConfig
from exporter.config import load as load_exporter
from exporter.deliveries import HandOver
from exporter.sinks.outcomes import Accepted, Outcome, Refused, Unavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Configs:
    """The configs of both services."""

    exporter: ExporterConfig
    relay: AlertingConfig


class Both:
    """An exporter that hands its alerts to a relay in the same process.

    They share the process and nothing else: one that cannot start, or fails, is ended and
    leaves the other running; only when both have failed does the process end.
    """

    def __init__(self, files: Files, configs: Configs, log_level: str) -> None:
        """`configs` are those of the files, which a reload reads again."""
        secrets = configure(sys.stderr, log_level, secrets_in(configs))
        clock = SystemClock()
        self._relay = Relay(configs.relay, clock, secrets)
        self._exporter = Exporter(configs.exporter, clock, HandOver(self._post))
        self._halves: dict[str, Hosted[Any]] = {
            "alerting": Hosted(self._relay, rereading(load_relay, files, secrets)),
            "exporter": Hosted(self._exporter, rereading(load_exporter, files, secrets)),
        }

    async def serve(self, stop: Stop) -> None:
        """Run both until the stop. Raises StartFailed when neither runs any more."""
        ready = {"exporter": lambda: say_where(self._exporter.web.url)}
        running = [
            _keep_apart(name, partial(half.serve, stop, ready.get(name, _nothing)))
            for name, half in self._halves.items()
        ]
        if not any(await gather(*running)):
            raise StartFailed("neither the exporter nor the relay runs")

    async def reload(self) -> None:
        """Reload both, each on its own."""
        for name, half in self._halves.items():
            if half.failed:
                log.warning("%s is not reloaded: it could not start; restart to try again", name)
            else:
                await _keep_apart(name, half.reload_on_hangup)

    async def stop(self) -> None:
        """End both: first the exporter, whose last alerts the relay still takes."""
        for name, half in reversed(self._halves.items()):
            await _keep_apart(name, half.stop)

    async def _post(self, payload: dict[str, Any]) -> Outcome:
        """Hand a payload to the relay; Accepted means committed there."""
        if self._halves["alerting"].failed:
            return Unavailable("the relay could not start")
        try:
            await self._relay.take(payload)
        except StoreDown as fault:
            return Unavailable(str(fault))
        except Malformed as fault:
            return Refused(str(fault))
        return Accepted()


def _nothing() -> None:
    """A half whose start nobody is told of."""


async def _keep_apart(name: str, act: Callable[[], Awaitable[None]]) -> bool:
    """Let one half act; say what went wrong, and tell whether nothing did."""
    try:
        await act()
    except StartFailed as failed:
        log.critical("%s cannot start, the other goes on: %s", name, failed)
    except Exception:
        log.critical("%s failed, the other goes on", name, exc_info=True)
    else:
        return True
    return False
