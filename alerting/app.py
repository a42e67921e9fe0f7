"""Owns the running relay: puts its parts together, starts, reloads and stops them in order."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from aiohttp import web

from alerting.admin import PATH as ADMIN
from alerting.admin import Sources, admin_login, admin_routes
from alerting.alerts import parse_webhook
from alerting.config import AlertingConfig, TelegramSettings
from alerting.delivery import Courier
from alerting.intake import Audience, Intake
from alerting.leader import Leader
from alerting.leadership import leadership_of
from alerting.metrics import RelayMetrics
from alerting.metrics_endpoint import MetricsEndpoint
from alerting.store import Change, Store, StoreDown
from alerting.telling import Surroundings, surroundings_of
from alerting.webhook import PATH, WebhookEndpoint
from chassis.clock import Clock
from chassis.logs import SecretFilter
from chassis.loops import Stop, end_task, run_loop
from chassis.own_metrics import own_registry
from chassis.secrets import Secret, SecretUnreadable, made_secret
from chassis.service import StartFailed
from chassis.version import own_version
from chassis.web import WebServer
from chassis.yaml_config import ConfigError

if TYPE_CHECKING:
    from alerting.mouth import Mouth

log = logging.getLogger(__name__)

TOKEN_FILE = "webhook_token"  # noqa: S105  a file's name
PRUNE_EVERY = 3600.0  # seconds
LOOK_EVERY, LOOK_AGAIN = 5.0, 0.5  # seconds between looks at a database, and at one that is down
HOMES = "homes"  # under which the store remembers those that were configured
BEARER = (PATH,)  # what is outside of basic auth
AT_A_RESTART = ("data_dir", "database", "database_password", "webhook_token")


class App:
    """One relay. `start`, then run until the stop, then `stop`; `reload` in between."""

    def __init__(self, config: AlertingConfig, clock: Clock, secrets: SecretFilter) -> None:
        """Secrets that are made or read at the start are added to `secrets`."""
        self._started_with = self._config = config
        self._surroundings = surroundings_of(config)
        self._clock = clock
        self._secrets = secrets
        self._parts = AsyncExitStack()
        settings = config.alerting
        password = settings.database_password
        self._password = None if password is None else password.reveal()
        self.store = Store(settings.database_url, self._password)
        self._registry = own_registry()
        self._metrics = RelayMetrics(self._registry, own_version())
        self._intake = Intake(self.store, clock, self._metrics, self._audience)
        self._mouth: Mouth | None = None
        self._homes = asyncio.Lock()
        self._remembered: list[str] | None = None  # homes, as the store remembers them
        self._unready: str | None = "the database has not been reached yet"

    # --- life ---

    async def start(self, stop: Stop, reload: Callable[[], Awaitable[None]]) -> None:
        """Listen, and send while this relay leads. Raises StartFailed, saying why.

        It waits for neither the database nor Telegram. A reload is asked for by
        SIGHUP alone.
        """
        del reload
        self._warn_of_gaps()
        token, parts = self._webhook_token(), self._parts
        parts.callback(self.store.close)
        parts.push_async_callback(self._intake.close)
        webhook = WebhookEndpoint(self._intake, self._metrics, lambda: token)
        metrics = MetricsEndpoint(self.store, self._registry, self._metrics)
        pages = Sources(
            self.store,
            self._clock,
            self._around,
            lambda: self._telegram is not None,
            self._answered,
        )
        self.web = WebServer(
            self._config.alerting,
            [
                web.post(PATH, webhook.handle),
                web.get("/metrics", metrics.handle),
                *admin_routes(pages),
            ],
            bearer=BEARER,
            ready=lambda: self._unready,
            logins={ADMIN: admin_login(self._config.alerting, self._secrets)},
        )
        parts.push_async_callback(self.web.stop)
        await self.web.start()  # a relay that cannot listen must not send either
        await self._begin_sending(stop)
        self._loop("pruning", self._prune_once, stop)
        self._loop("looking at the database", self._look_once, stop)

    async def stop(self) -> None:
        """End all parts, newest first."""
        await self._parts.aclose()

    async def reload(self, read: Callable[[], Awaitable[AlertingConfig]]) -> None:
        """Go on with the config that `read` returns; the log names what needs a restart."""
        try:
            config = await read()
            self.web.reload(config.alerting)
        except ConfigError as wrong:
            for fault in wrong.faults:
                log.error("the config is faulty, the old one is kept: %s", fault)
            raise
        self._warn_of_restarts(config)
        self._config, self._surroundings = config, surroundings_of(config)
        try:
            await self._forget_gone_homes()
        except StoreDown as fault:
            log.warning("incidents of homes that are gone end later: %s", fault)
        log.info("the config was reloaded", extra={"fields": {"homes": len(config.homes)}})

    # --- the way in, for the exporter in the same process ---

    async def take(self, payload: object) -> None:
        """Commit a webhook's payload, as POST /alerts does. Raises Malformed, StoreDown."""
        await self._intake.take(parse_webhook(payload))

    # --- sending ---

    async def _begin_sending(self, stop: Stop) -> None:
        settings = self._config.alerting
        if settings.telegram is None or settings.token is None:
            log.warning("no Telegram token: incidents are kept, nothing is sent")
            return
        from alerting.mouth import Mouth  # noqa: PLC0415  28 MiB, for whom there is a token

        mouth = Mouth(
            settings.token,
            settings.telegram,
            lambda: self._config,
            self.store,
            self._clock,
            self._metrics,
        )
        self._parts.push_async_callback(mouth.close)
        self._mouth = mouth
        courier = Courier(self.store, mouth.sending, self._clock, self._metrics, self._around)
        self._intake.on_events.append(courier.wake)
        leadership = leadership_of(settings.database_url, self._password)
        leader = Leader(leadership, courier, mouth.talk, lambda: self._metrics.telegram(up=False))
        self._parts.push_async_callback(leader.close)
        self._loop("leading", lambda: leader.lead_once(stop), stop)

    def _answered(self, change: Change) -> None:
        if self._mouth is not None:
            self._mouth.answered(change)

    def _loop(self, name: str, once: Callable[[], Awaitable[float | None]], stop: Stop) -> None:
        task = asyncio.create_task(run_loop(name, once, stop), name=name)
        self._parts.push_async_callback(end_task, task)

    async def _look_once(self) -> float:
        try:
            self._metrics.tally = await asyncio.to_thread(self.store.counts)
            await self._forget_gone_homes()
        except StoreDown as fault:
            self._unready = f"the database is down: {fault}"
            return LOOK_AGAIN
        self._unready = None
        return LOOK_EVERY

    async def _forget_gone_homes(self) -> None:
        """End what runs at homes that were configured and are not any more. Raises StoreDown.

        Also those that went while the relay was down. What others tell of homes that never
        were in its config is left alone.
        """
        async with self._homes:  # a reload asks, and the look at the database does
            homes = sorted(home.name for home in self._config.homes)
            if homes == self._remembered:
                return
            kept = await asyncio.to_thread(self.store.setting, HOMES)
            gone = set(json.loads(kept or "[]")) - set(homes)
            if gone:
                await asyncio.to_thread(self.store.forget_homes, gone)
            await asyncio.to_thread(self.store.set_setting, HOMES, json.dumps(homes))
            self._remembered = homes

    async def _prune_once(self) -> float:
        try:
            while await asyncio.to_thread(self.store.prune, self._clock.now().wall):
                pass
        except StoreDown as fault:
            log.debug("old deliveries are forgotten later: %s", fault)
        return PRUNE_EVERY

    # --- what holds at this moment ---

    @property
    def _telegram(self) -> TelegramSettings | None:
        settings = self._config.alerting
        return None if settings.token is None else settings.telegram

    def _audience(self) -> Audience:
        telegram = self._telegram
        return Audience(telegram is not None, telegram.admins if telegram is not None else ())

    def _around(self) -> Surroundings:
        return self._surroundings

    def _webhook_token(self) -> Secret:
        settings = self._config.alerting
        if settings.webhook_token is not None:
            return settings.webhook_token
        try:
            token = made_secret(settings.data_dir / TOKEN_FILE)
        except SecretUnreadable as fault:
            raise StartFailed(str(fault)) from fault
        self._secrets.add([token])
        return token

    def _warn_of_gaps(self) -> None:
        telegram = self._telegram
        if telegram is not None and not telegram.admins:
            log.warning("alerting.telegram.admins is empty: nobody hears of operators' alerts")

    def _warn_of_restarts(self, config: AlertingConfig) -> None:
        new, old = config.alerting, self._started_with.alerting
        for key in AT_A_RESTART:
            if getattr(new, key) != getattr(old, key):
                log.warning("alerting.%s takes effect at the next start", key)
        if _connection_of(new.telegram) != _connection_of(old.telegram):
            log.warning("alerting.telegram's token, addresses and pace: at the next start")


def _connection_of(telegram: TelegramSettings | None) -> object:
    if telegram is None:
        return None
    return telegram.token, telegram.api_url, telegram.proxy_url, telegram.messages_per_second
