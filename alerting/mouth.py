"""Owns the bot, put together: what sends, what polls. Imported only where there is a token."""

import asyncio
import logging
from collections.abc import Callable

from alerting.bot import Bot, Desk, Rules
from alerting.bot.approving import tell_answered
from alerting.bot.voice import Voice
from alerting.config import AlertingConfig, TelegramSettings
from alerting.exporter_api import Address, ExporterApi
from alerting.metrics import RelayMetrics
from alerting.pacing import Pace
from alerting.sending import Sending
from alerting.store import Change, Store, StoreDown
from alerting.telegram import Telegram
from alerting.telling import surroundings_of
from chassis.clock import Clock
from chassis.loops import Stop
from chassis.secrets import Secret

log = logging.getLogger(__name__)

ADMIN_PAGE = "/admin/"  # who gave an answer, as admins are told
Current = Callable[[], AlertingConfig]


class Mouth:
    """One bot's connection to Telegram and everything that goes through it."""

    def __init__(
        self,
        token: Secret,
        settings: TelegramSettings,
        config: Current,
        store: Store,
        clock: Clock,
        metrics: RelayMetrics,
    ) -> None:
        """`config` returns the config of the moment; token, addresses and pace are the start's."""
        self._telegram = Telegram(token.reveal(), settings.api_url, settings.proxy_url)
        self.sending = Sending(
            self._telegram,
            Pace(settings.messages_per_second),
            on_health=lambda up: metrics.telegram(up=up),
        )
        self._exporter = ExporterApi(lambda: _address(config()))
        voice = Voice(self.sending, store)
        desk = Desk(store, self._exporter, voice, self._telegram, clock, lambda: _rules(config()))
        self._desk = desk
        self._bot = Bot(self._telegram, desk)
        self._telling: set[asyncio.Task[None]] = set()

    async def poll(self, stop: Stop) -> None:
        """Hear and answer people until the stop, or until it is cancelled; never raises else."""
        await self._bot.poll(stop)

    def answered(self, change: Change) -> None:
        """Let a chat know that an administrator has answered it on a page."""
        task = asyncio.create_task(self._tell(change))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, change: Change) -> None:
        try:
            await tell_answered(self._desk, [change], ADMIN_PAGE)
        except StoreDown as fault:
            log.warning("a chat was not told of the answer that it got: %s", fault)

    async def close(self) -> None:
        """Close the connections."""
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)
        await self._exporter.close()
        await self._telegram.close()


def _rules(config: AlertingConfig) -> Rules:
    telegram = config.alerting.telegram or TelegramSettings()
    return Rules(surroundings_of(config), telegram.subscription, telegram.admins)


def _address(config: AlertingConfig) -> Address:
    settings = config.alerting
    return Address(settings.exporter_url, settings.exporter_basic_auth, settings.exporter_ca_file)
