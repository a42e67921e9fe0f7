"""A bot in a made-up Telegram, beside a real exporter's web part: people write, it answers."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from alerting.bot import Bot, Desk, Rules
from alerting.bot.voice import Voice
from alerting.exporter_api import Address, ExporterApi
from alerting.outcomes import Outcome
from alerting.store import Store
from alerting.subscribers import Mode, Subscriber
from alerting.telegram import Telegram
from alerting.telegram_updates import Buttons
from alerting.telling import Surroundings
from alerting.told import Place
from chassis.loops import Backoff
from tests.exporter.web.rig import Rig
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_limits import Limits

USER, OTHER, ADMIN, SECOND_ADMIN = 1001, 1002, 9001, 9002
GROUP, FORUM, CHANNEL = -1002, -1_000_000_000_003, -1_000_000_000_004
KYIV = "Europe/Kyiv"
FLAT, GARAGE = Place("Our flat", KYIV), Place("The <garage>", KYIV)


class Straight:
    """Sends at once: the pace is another part's."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self.kinds: dict[int, str] = {}

    async def answer(
        self,
        chat_id: int,
        kind: str,
        text: str,
        *,
        topic: int | None = None,
        buttons: Buttons = (),
    ) -> Outcome:
        self.kinds[chat_id] = kind
        return await self._telegram.send(chat_id, text, topic=topic, buttons=buttons)

    async def answer_photo(
        self, chat_id: int, kind: str, png: bytes, caption: str, *, topic: int | None = None
    ) -> Outcome:
        self.kinds[chat_id] = kind
        return await self._telegram.send_photo(chat_id, png, caption, topic=topic)


class Talk:
    """One bot and all who talk to it; `async with` it."""

    def __init__(self, folder: Path) -> None:
        self.exporter = Rig(folder / "exporter", "flat", "garage")
        self.clock = self.exporter.clock
        self._folder = folder
        self.store = Store(f"sqlite:///{folder / 'relay' / 'alerting.db'}")
        self.api = FakeTelegram(limits=Limits(None, None, None))
        self.rules = Rules(Surroundings({"flat": FLAT, "garage": GARAGE}, "en", KYIV), "open", ())

    async def __aenter__(self) -> Self:
        await self.exporter.__aenter__()
        await self.api.__aenter__()
        self.address = Address(self.exporter.url)
        self.exporter_api = ExporterApi(lambda: self.address)
        self.telegram = Telegram(self.api.token, self.api.url)
        self.bot = self.another_bot()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.bot._lanes.close()
        await self.telegram.close()
        await self.exporter_api.close()
        await self.api.__aexit__(None, None, None)
        await self.exporter.__aexit__()
        self.store.close()

    def another_bot(self) -> Bot:
        """Make a bot that knows nothing but what the store does, as after a crash."""
        voice = Voice(Straight(self.telegram), self.store)
        desk = Desk(
            self.store, self.exporter_api, voice, self.telegram, self.clock, lambda: self.rules
        )
        return Bot(self.telegram, desk, poll=0, backoff=Backoff(0.01, 0.02))

    def lose_store(self) -> None:
        """Let the database be where none can be."""
        self.store.close()
        shutil.rmtree(self._folder / "relay", ignore_errors=True)
        (self._folder / "relay").touch()

    def ask_admins(self, mode: Mode = "approval", *admins: int) -> None:
        """Let nobody in without an admin."""
        self.rules = replace(self.rules, mode=mode, admins=admins or (ADMIN,))

    def watch(self, places: Mapping[str, Place]) -> None:
        """Let other homes be watched."""
        around = replace(self.rules.around, places=places)
        self.rules = replace(self.rules, around=around)

    async def heard(self) -> None:
        """Let the bot handle all that there is."""
        await self.bot.poll_once()
        await self.bot._lanes.idle(20)
        await self.bot.poll_once()

    async def say(self, chat_id: int, text: str, *more: Any, **fields: Any) -> list[str]:  # noqa: ANN401  see World.say
        """Somebody writes; return what the chat is told."""
        before = len(self.api.to(chat_id))
        self.api.world.say(chat_id, text, *more, **fields)
        await self.heard()
        return self.api.to(chat_id)[before:]

    async def told(self, chat_id: int, text: str, *more: Any, **fields: Any) -> str:  # noqa: ANN401  see World.say
        """Somebody writes; return the one message that the chat is told."""
        (answer,) = await self.say(chat_id, text, *more, **fields)
        return answer

    async def press(
        self, chat_id: int, label: str, user_id: int | None = None, message_id: int | None = None
    ) -> str:
        """Somebody presses a button by its label; return what is shown to them."""
        data = self.buttons(chat_id, message_id)[label]
        update = self.api.world.press(chat_id, data, user_id or chat_id, message_id)
        await self.heard()
        return self.api.world.answers[f"query-{update}"]

    def last_message(self, chat_id: int, thread: int | None = None) -> int:
        """Return the id of the last message to a chat, or to one thread of it."""
        of_chat = [one for one in self.api.messages if one.chat_id == chat_id]
        return [one.message_id for one in of_chat if thread in (None, one.thread)][-1]

    def buttons(self, chat_id: int, message_id: int | None = None) -> dict[str, str]:
        """Return the buttons under a chat's last message, or under a named one."""
        of_chat = [one for one in self.api.messages if one.chat_id == chat_id]
        taken = next((one for one in of_chat if one.message_id == message_id), of_chat[-1])
        rows = (taken.reply_markup or {}).get("inline_keyboard", [])
        return {button["text"]: button["callback_data"] for row in rows for button in row}

    def subscriber(self, chat_id: int, topic: int | None = None) -> Subscriber:
        """Return a subscription that must be there."""
        found = self.store.subscriber(chat_id, topic)
        assert found is not None
        return found
