"""The bot: what people say to it, and what it answers."""

from alerting.bot.desk import Desk, Rules
from alerting.bot.elsewhere import Elsewhere
from alerting.bot.polling import Bot

__all__ = ["Bot", "Desk", "Elsewhere", "Rules"]
