"""Owns what an update means: which command it is, who may give it, and who answers it."""

import asyncio
import logging
import re
from dataclasses import dataclass, replace

from alerting.bot import approving, history, power, settings, stats, subscribing
from alerting.bot.asking import APPROVE, DENY
from alerting.bot.desk import Answer, Call, Desk, Handler, room_of
from alerting.bot.languages import language_of
from alerting.outcomes import Sent, TokenWrong, Unreachable
from alerting.store import Chat
from alerting.telegram_updates import Update
from alerting.wording import Html, wording

log = logging.getLogger(__name__)

NOTED_AGAIN_AFTER = 600_000  # ms: who writes often is not written down each time
MOST_NOTED = 10_000  # chats that are remembered to have been noted
_COMMAND = re.compile(r"/(\w+)(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed: a command and its words. `name` is empty for plain text."""

    name: str = ""
    args: tuple[str, ...] = ()
    elsewhere: bool = False  # said to another bot


@dataclass(frozen=True, slots=True)
class Command:
    """Who answers a command. `changes`: in a group only its administrators may give it."""

    handler: Handler
    changes: bool = False
    admins: bool = False  # only the bot's own administrators, alone with it


def parse(text: str, me: str) -> Typed:
    """Read a text; `me` is the bot's user name."""
    found = _COMMAND.fullmatch(text.strip())
    if found is None:
        return Typed()
    name, to, rest = found.groups()
    elsewhere = to is not None and to.casefold() != me.casefold()
    return Typed(name.lower(), tuple((rest or "").split()), elsewhere)


class Commands:
    """Answers updates; `me` is the bot's user name, once it is known."""

    def __init__(self, desk: Desk) -> None:
        self.me = ""
        self._desk = desk
        self._noted: dict[Chat, int] = {}
        self._approving = approving.Approving()
        self._commands = {
            "start": Command(subscribing.start, changes=True),
            "stop": Command(subscribing.stop, changes=True),
            "mute": Command(settings.mute, changes=True),
            "unmute": Command(settings.unmute, changes=True),
            "lang": Command(settings.lang, changes=True),
            "status": Command(power.status),
            "history": Command(history.history),
            "stats": Command(stats.stats),
            "homes": Command(settings.homes),
            "help": Command(settings.help_),
            "approve": Command(self._approving.approve, admins=True),
            "deny": Command(self._approving.deny, admins=True),
            "subscribers": Command(approving.subscribers, admins=True),
        }

    async def handle(self, update: Update) -> None:
        """Do what an update asks for; raises whatever goes wrong, once that was answered."""
        if not update.chat_id:
            return
        try:
            await self._handle(update)
        except Exception:
            if self._expects_answer(update):
                await self._excuse(update, "sorry.failed")
            raise

    async def too_much(self, update: Update) -> None:
        """Tell whoever sends too much that something was left out."""
        if self._expects_answer(update):
            await self._excuse(update, "sorry.busy")

    async def _handle(self, update: Update) -> None:
        desk, now = self._desk, self._desk.clock.now().wall
        if update.moved_to is not None:
            await asyncio.to_thread(desk.store.move_chat, update.chat_id, update.moved_to)
            return
        if update.left:
            await asyncio.to_thread(desk.store.block, update.chat_id, now)
            return
        await self._note(update, now)
        if update.button is not None:
            await self._pressed(update, now)
        elif self._expects_answer(update):
            await self._typed(update, parse(update.text, self.me), now)

    async def _typed(self, update: Update, typed: Typed, now: int) -> None:
        call = await self._call(update, typed.args, now)
        answer = await self._answered(call, typed)
        outcome = await self._desk.voice.say(call.room, answer.text, answer.buttons)
        if not isinstance(outcome, Sent):
            log.info("an answer did not arrive: %s", type(outcome).__name__)
        if answer.then is not None:
            await answer.then()

    async def _answered(self, call: Call, typed: Typed) -> Answer:
        command = self._commands.get(typed.name)
        if command is None:
            key = (
                "sorry.unknown_command"
                if call.update.text.strip()[0] == "/"
                else "sorry.not_command"
            )
            return Answer(call.words.say(key))
        if command.admins and not call.by_admin:
            return Answer(call.words.say("sorry.admins"))
        if command.changes and (refused := await self._not_by(call)):
            return Answer(refused)
        return await command.handler(self._desk, call)

    async def _pressed(self, update: Update, now: int) -> None:
        button = update.button
        assert button is not None
        call = await self._call(update, (), now)
        what, _, data = button.data.partition(":")
        if what in (APPROVE, DENY):
            await self._approving.pressed(self._desk, call, what, data)
        elif refused := await self._not_by(call):
            await self._desk.wire.answer_button(button.id, refused)
        elif what == subscribing.PRESS:
            await subscribing.pressed(self._desk, call, data)
        else:
            await self._desk.wire.answer_button(button.id)

    async def _not_by(self, call: Call) -> Html | None:
        """Say why somebody may not change a chat's subscription; None: they may."""
        update = call.update
        if not call.in_group or update.kind == "channel" or update.anonymous_admin:
            return None
        try:
            if update.user_id and await self._desk.wire.is_admin(update.chat_id, update.user_id):
                return None
        except (Unreachable, TokenWrong) as fault:
            log.info("it cannot be asked who administers a group: %s", fault)
            return call.words.say("sorry.failed")
        return call.words.say("sorry.group_admins")

    async def _call(self, update: Update, args: tuple[str, ...], now: int) -> Call:
        desk, rules = self._desk, self._desk.rules()
        subscriber = await asyncio.to_thread(desk.store.subscriber, update.chat_id, update.topic)
        words = wording(await language_of(desk, update, subscriber, rules))
        return Call(update, args, subscriber, rules, words, now)

    def _expects_answer(self, update: Update) -> bool:
        """Tell whether silence would be a fault: in a group, only for a command that is known."""
        if update.button is not None:
            return True
        typed = parse(update.text, self.me)
        if typed.elsewhere or not update.text.strip():
            return False
        return update.kind == "private" or typed.name in self._commands

    async def _excuse(self, update: Update, key: str) -> None:
        """Say that something could not be done, whatever can be known of the chat."""
        rules = self._desk.rules()
        try:
            words = (await self._call(update, (), 0)).words
        except Exception:  # noqa: BLE001  the store may be what is at fault
            words = wording(rules.around.language)
        if update.button is not None:
            await self._desk.wire.answer_button(update.button.id, words.say(key))
        else:
            await self._desk.voice.say(room_of(update), words.say(key))

    async def _note(self, update: Update, now: int) -> None:
        """Remember that a chat wrote: so its id is found by whoever administers the bot."""
        chat = Chat(
            update.chat_id, update.topic, update.kind, update.title,
            update.username, update.name, 0,
        )  # fmt: skip
        if now - self._noted.get(chat, -NOTED_AGAIN_AFTER) < NOTED_AGAIN_AFTER:
            return
        await asyncio.to_thread(self._desk.store.note_chat, replace(chat, last_seen=now))
        if len(self._noted) >= MOST_NOTED:
            self._noted.clear()
        self._noted[chat] = now
