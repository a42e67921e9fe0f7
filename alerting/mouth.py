"""Owns the bot, put together: what sends, what polls. Imported only where there is a token."""

import asyncio
import logging
from collections.abc import Callable

from alerting.bot import Bot, Desk, Elsewhere, Rules
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
from chassis.loops import Stop, run_loop
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

        def heard(up: bool) -> None:  # noqa: FBT001  as those who tell it do
            metrics.telegram(up=up)

        pace = Pace(settings.messages_per_second)
        self.sending = Sending(self._telegram, pace, on_health=heard)
        self._exporter = ExporterApi(lambda: _address(config()))
        voice = Voice(self.sending, store)
        desk = Desk(store, self._exporter, voice, self._telegram, clock, lambda: _rules(config()))
        self._elsewhere = Elsewhere(desk)
        self._bot = Bot(self._telegram, desk, on_health=heard)
        self._remembering: set[asyncio.Task[None]] = set()

    async def talk(self, stop: Stop) -> None:
        """Hear and answer people until the stop, or until it is cancelled; never raises else.

        Only the relay that leads may.
        """
        once = self._elsewhere.tell_once
        telling = asyncio.create_task(run_loop("the telling of answers", once, stop))
        try:
            await self._bot.poll(stop)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    def answered(self, change: Change) -> None:
        """Let the relay that leads tell a chat that an administrator answered it on a page."""
        task = asyncio.create_task(self._remember(change))
        self._remembering.add(task)
        task.add_done_callback(self._remembering.discard)

    async def _remember(self, change: Change) -> None:
        try:
            await self._elsewhere.remember(change, ADMIN_PAGE)
        except StoreDown as fault:
            log.warning("a chat is not told of the answer that it got: %s", fault)

    async def close(self) -> None:
        """Close the connections."""
        for task in self._remembering:
            task.cancel()
        await asyncio.gather(*self._remembering, return_exceptions=True)
        await self._exporter.close()
        await self._telegram.close()


def _rules(config: AlertingConfig) -> Rules:
    telegram = config.alerting.telegram or TelegramSettings()
    return Rules(surroundings_of(config), telegram.subscription, telegram.admins)


def _address(config: AlertingConfig) -> Address:
    settings = config.alerting
    return Address(settings.exporter_url, settings.exporter_basic_auth, settings.exporter_ca_file)
