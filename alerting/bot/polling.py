"""Owns the bot's loop: it asks Telegram what people said, and confirms what has been handled."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from alerting.bot import menu
from alerting.bot.commands import Commands
from alerting.bot.desk import Desk
from alerting.bot.lanes import Lanes
from alerting.bot.ledger import Ledger
from alerting.outcomes import Conflict, Outcome, TokenWrong, Unreachable
from alerting.store import StoreDown
from alerting.telegram_updates import Update
from chassis.loops import Backoff, Stop, run_loop

log = logging.getLogger(__name__)

POLL = 30  # seconds that Telegram waits for something to tell
LINGER = 0.5  # seconds to wait for what is being handled, before asking for more
HANDLED = "bot.handled"
_WHY = {
    Unreachable: "Telegram cannot be asked what people say",
    TokenWrong: "Telegram does not know the bot's token",
    Conflict: "somebody else asks for what people say to this bot",
}


class Wire(Protocol):
    """What is used of the Bot API.

    All but `set_commands` raise Unreachable, TokenWrong or Conflict.
    """

    async def updates(self, offset: int | None, timeout: int) -> list[Update]:
        """Wait for updates from `offset` on; older ones are confirmed."""

    async def forget_webhook(self) -> None:
        """Let updates be asked for, whatever was set up before."""

    async def whoami(self) -> str:
        """Return the bot's own user name."""

    async def set_commands(
        self,
        commands: Sequence[tuple[str, str]],
        language: str | None = None,
        chat: int | None = None,
    ) -> Outcome:
        """Tell the commands to offer."""


class Bot:
    """One bot's ears. Only the relay that leads may poll; all calls come from one event loop."""

    def __init__(
        self,
        wire: Wire,
        desk: Desk,
        *,
        poll: int = POLL,
        backoff: Backoff | None = None,
        on_health: Callable[[bool], None] = lambda _: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`poll`: seconds of one long poll; `now` gives monotonic seconds.

        `on_health` is told, whenever Telegram was asked what people say, whether it told.
        """
        self._wire = wire
        self._desk = desk
        self._poll_for = poll
        self._backoff = backoff or Backoff()
        self._on_health = on_health
        self._now = now
        self._commands = Commands(desk)
        self._begin(None)
        self._offered: tuple[str, tuple[int, ...]] | None = None
        self._failures = 0
        self._fault: type[Exception] | None = None

    async def poll(self, stop: Stop) -> None:
        """Poll until the stop, or until it is cancelled; never raises else."""
        try:
            await run_loop("the bot", self.poll_once, stop)
        finally:
            await self._remember()
            await self._lanes.close()
            self._begin(None)

    async def poll_once(self) -> float:
        """Introduce itself if need be, ask once, handle; return the seconds until the next time."""
        try:
            if not self._commands.me:
                await self._introduce()
            await self._ask_once()
        except (Unreachable, TokenWrong, Conflict) as fault:
            return self._failed(fault)
        self._worked()
        await self._lanes.idle(LINGER)
        await self._remember()
        return 0.0

    def _begin(self, handled: int | None) -> None:
        self._ledger = Ledger(handled)
        self._remembered = handled
        self._lanes = Lanes(self._commands.handle, self._commands.too_much)
        self._commands.me = ""
        self._up = False

    async def _introduce(self) -> None:
        """Learn the bot's name, and how far whoever polled before has come."""
        await self._wire.forget_webhook()
        me = await self._wire.whoami()
        if not self._ledger.began:
            handled = await self._handled()
            self._ledger = Ledger(handled)
            self._remembered = handled
        self._commands.me = me

    async def _ask_once(self) -> None:
        rules = self._desk.rules()
        wanted = (rules.around.language, rules.admins)
        if self._offered != wanted and await menu.offer(self._wire, *wanted):
            self._offered = wanted
        offset = self._ledger.offset(self._now())
        # With something being handled, the same updates come again, and at once. Whether
        # Telegram answers again is not to be known only when a long poll has ended.
        at_once = self._ledger.busy or not self._up
        updates = await self._wire.updates(offset, 0 if at_once else self._poll_for)
        self._ledger.confirmed(offset)
        for update in updates:
            if self._ledger.take(update.id, self._now()):
                self._lanes.put(update, partial(self._ledger.done, update.id))

    async def _handled(self) -> int | None:
        try:
            kept = await asyncio.to_thread(self._desk.store.setting, HANDLED)
        except StoreDown:
            return None
        return int(kept) if kept else None

    async def _remember(self) -> None:
        """Write down how far it has come: a crash must not let everything be answered again."""
        self._ledger.offset(self._now())
        handled = self._ledger.handled
        if handled is None or handled == self._remembered:
            return
        try:
            await asyncio.to_thread(self._desk.store.set_setting, HANDLED, str(handled))
        except StoreDown as fault:
            log.debug("the last update that was handled is not written down: %s", fault)
            return
        self._remembered = handled

    def _failed(self, fault: Unreachable | TokenWrong | Conflict) -> float:
        if type(fault) is not self._fault:
            log.warning("%s: %s", _WHY[type(fault)], fault)
        self._fault = type(fault)
        self._tell(up=False)
        self._failures += 1
        if isinstance(fault, Conflict):
            self._commands.me = ""  # a webhook may be what conflicts: it is put away anew
        after = fault.after if isinstance(fault, Unreachable) else 0.0
        return max(after, self._backoff.after(self._failures))

    def _worked(self) -> None:
        if self._fault is not None:
            log.info("Telegram tells what people say again")
        self._fault, self._failures = None, 0
        self._tell(up=True)

    def _tell(self, *, up: bool) -> None:
        self._up = up
        self._on_health(up)
