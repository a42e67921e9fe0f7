"""The bot: what people say to it, and what it answers."""

from alerting.bot.desk import Desk, Rules
from alerting.bot.polling import Bot

__all__ = ["Bot", "Desk", "Rules"]
