"""Owns the way of alerts into the store: one straight line for every path, committed in groups.

Nothing waits for Telegram here, and nobody is answered before the commit.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from alerting.alerts import Alert, Ignored, Rejected, Webhook
from alerting.metrics import RelayMetrics
from alerting.store import StoreDown
from chassis.clock import Clock
from chassis.together import Together

log = logging.getLogger(__name__)

Item = Alert | Ignored | Rejected


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom alerts are queued for: nobody without a bot; `admins` are chat ids."""

    queue: bool
    admins: tuple[int, ...]


class Accepting(Protocol):
    """What the intake needs of the store."""

    def accept(
        self, alerts: Sequence[Item], now: int, *, queue: bool, admins: Sequence[int]
    ) -> list[str]:
        """Commit alerts with all that follows from them; return the outcome of each.

        Raises StoreDown; then nothing has changed.
        """


class Intake:
    """Takes webhooks, whoever brings them. All calls come from one event loop."""

    def __init__(
        self,
        store: Accepting,
        clock: Clock,
        metrics: RelayMetrics,
        audience: Callable[[], Audience],
    ) -> None:
        """`audience` tells whom alerts concern, by the config of the moment."""
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._audience = audience
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="intake")  # no send is before it
        self._commit = Together(self._commit_together)
        self.on_events: list[Callable[[], None]] = []

    async def take(self, webhook: Webhook) -> None:
        """Return when all of a webhook is committed. Raises StoreDown.

        Webhooks that arrive while the disk is busy are committed together.
        """
        await self._commit(webhook)

    async def _commit_together(self, webhooks: Sequence[Webhook]) -> Sequence[None]:
        alerts = [alert for webhook in webhooks for alert in webhook.alerts]
        loop = asyncio.get_running_loop()
        outcomes = await loop.run_in_executor(self._thread, self._accept, alerts)
        truncated = sum(webhook.truncated for webhook in webhooks)
        self._metrics.received(outcomes, truncated)
        if truncated:
            log.warning("Alertmanager left out %d alerts: set max_alerts to 0", truncated)
        for alert in alerts:
            if isinstance(alert, Rejected):
                fields = {"alertname": alert.alertname}
                log.warning("an alert was rejected: %s", alert.reason, extra={"fields": fields})
        if "accepted" in outcomes:
            for tell in self.on_events:
                tell()
        return [None] * len(webhooks)

    def _accept(self, alerts: Sequence[Item]) -> list[str]:
        """Commit alerts together; where that cannot be, each by itself."""
        accept = partial(
            self._store.accept,
            now=self._clock.now().wall,
            queue=self._audience().queue,
            admins=self._audience().admins,
        )
        try:
            return accept(alerts)
        except StoreDown:
            raise
        except Exception:  # one that the tables refuse must not block the others
            log.exception("alerts cannot be committed together")
        return [self._accept_alone(accept, alert) for alert in alerts]

    def _accept_alone(self, accept: Callable[[Sequence[Item]], list[str]], alert: Item) -> str:
        try:
            return accept([alert])[0]
        except StoreDown:
            raise
        except Exception as fault:  # noqa: BLE001  as above; its sender would repeat it for ever
            log.critical("an alert was rejected: %s", type(fault).__name__)
            return "rejected"

    async def close(self) -> None:
        """Finish what is under way."""
        await self._commit.finish()
        self._thread.shutdown(wait=False)
