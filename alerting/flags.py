"""Owns the command line of `power-alerting`: its commands, their flags, and what --help says."""

import argparse
import re
from typing import TypeAlias

from alerting.subscriber_table import LANGUAGES
from chassis.config_files import CONFIG_VARIABLE
from chassis.version import own_version

GENERAL = 1  # a forum's first topic, which is the chat itself

_CODES = "Exit codes: 0 fine, 1 a failure while running, 2 a wrong command line or config."
_CHAT_ID = re.compile(r"-?[1-9]\d{0,17}", re.ASCII)
_TOPIC = re.compile(r"[1-9]\d{0,8}", re.ASCII)
_HOME_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  it has no other name


def parser() -> argparse.ArgumentParser:
    """Return the parser; what it reads has `command`, None for the service itself."""
    whole = argparse.ArgumentParser(
        prog="power-alerting",
        description="The relay: takes alerts and tells the subscribers of a home, in Telegram. "
        "Without a command it runs until Ctrl-C or SIGTERM.",
        epilog=f"Signals: SIGHUP reloads the config; SIGTERM and Ctrl-C stop cleanly. {_CODES} "
        "See also: power-alerting COMMAND --help.",
    )
    whole.add_argument("--config", metavar="FILE", action="append", help=_CONFIG)
    whole.add_argument(
        "--check-config", action="store_true", help="check the config, touch nothing, and exit"
    )
    whole.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        help="the least that is logged (default: info; for commands: error)",
    )
    whole.add_argument("--version", action="version", version=f"power-alerting {own_version()}")
    whole.set_defaults(late_config=None)
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_subscribers(commands)
    _add_test(commands)
    _add_chats(commands)
    return whole


_CONFIG = (
    "config file; may be given several times, each section in one of them, before a command or "
    f"after it (default: ${CONFIG_VARIABLE}, then config.yaml)"
)


def _add_subscribers(commands: Commands) -> None:
    what = "add, remove, approve and list subscribers, also while the service runs"
    subscribers = commands.add_parser(
        "subscribers",
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=f"{_CODES} See also: power-alerting subscribers ACTION --help.",
    )
    actions = subscribers.add_subparsers(
        dest="action", metavar="ACTION", title="actions", required=True
    )
    _add_add(actions)
    remove = _command(actions, "remove", "remove a chat's subscriptions")
    _take_chat(remove, topic="only that topic of a forum (default: all of the chat's)")
    approve = _command(actions, "approve", "approve what a chat has asked for; tells it nothing")
    _take_chat(approve, topic="only that topic of a forum (default: all of the chat's)")
    listing = _command(actions, "list", "list the subscribers")
    _offer_json(listing)
    export = _command(actions, "export", "write all subscribers as CSV")
    export.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="where to (default: standard output)"
    )
    restore = _command(
        actions, "import", "read subscribers from CSV; each row replaces that of its chat and topic"
    )
    restore.add_argument("file", metavar="FILE", help="what export wrote; - is standard input")


def _add_add(actions: Commands) -> None:
    add = _command(
        actions,
        "add",
        "subscribe a chat at once, or change what it hears",
        "Without --home it hears of all homes, later ones too. What else is not given stays as "
        "it is, and is else what the chat told when it wrote to the bot.",
    )
    _take_chat(add, topic="only that topic of a forum")
    add.add_argument("--username", metavar="NAME", help="the user name, with or without @")
    add.add_argument("--name", metavar="NAME", help="what people call it")
    add.add_argument(
        "--home",
        action="append",
        type=_home,
        metavar="HOME",
        help="a home that it hears of; may be given several times (default: all)",
    )
    add.add_argument("--lang", choices=LANGUAGES, help="the language (default: the config's)")


def _add_test(commands: Commands) -> None:
    test = _command(
        commands,
        "test",
        "send a test message now, to all active subscribers or to one chat",
        "One line per chat says what became of it; the exit code is 1 if any has not got it.",
    )
    _take_chat(test, nargs="?", what="that chat alone, subscribed or not")


def _add_chats(commands: Commands) -> None:
    chats = _command(
        commands,
        "chats",
        "list the chats that wrote to the bot: here a chat's id is found",
        "The running service hears them; this command asks Telegram nothing.",
    )
    _offer_json(chats)


def _command(commands: Commands, name: str, what: str, more: str = "") -> argparse.ArgumentParser:
    described = f"{what[0].upper()}{what[1:]}. {more}".strip()
    added = commands.add_parser(name, help=what, description=described, epilog=_CODES)
    added.add_argument(
        "--config",
        metavar="FILE",
        action="append",
        dest="late_config",
        default=argparse.SUPPRESS,
        help="config file, as before the command",
    )
    return added


def _take_chat(
    command: argparse.ArgumentParser,
    *,
    topic: str | None = None,
    nargs: str | None = None,
    what: str = "the chat's id, as `power-alerting chats` tells it; a group's is negative",
) -> None:
    command.add_argument("chat_id", nargs=nargs, type=_chat_id, metavar="CHAT_ID", help=what)
    if topic is not None:
        command.add_argument("--topic", type=_topic, metavar="ID", help=topic)


def _offer_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON document")


def _chat_id(text: str) -> int:
    if _CHAT_ID.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no chat id such as 123456789 or -1001234567890; "
            "`power-alerting chats` tells them"
        )
    return int(text)


def _topic(text: str) -> int:
    """Read a topic: 0 is the chat itself, which Telegram's apps number 1 (General)."""
    if _TOPIC.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no topic's number such as 42")
    topic = int(text)
    return 0 if topic == GENERAL else topic


def _home(text: str) -> str:
    if _HOME_NAME.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a home")
    return text
