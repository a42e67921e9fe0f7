"""Owns in which language a chat is answered."""

import asyncio

from alerting.bot.desk import Desk, Rules
from alerting.subscribers import Subscriber
from alerting.telegram_updates import Update


def setting_of(update: Update) -> str:
    """Return the key of the language that a chat chose which is not subscribed."""
    return f"bot.language.{update.chat_id}.{update.topic or 0}"


async def language_of(
    desk: Desk, update: Update, subscriber: Subscriber | None, rules: Rules
) -> str:
    """Return the language of the subscription, else the chosen one, else the config's."""
    if subscriber is not None:
        return subscriber.language
    chosen = await asyncio.to_thread(desk.store.setting, setting_of(update))
    return chosen or rules.around.language
