"""Owns what `power-alerting` does: its files, its exit codes, and which command does what."""

import argparse
import sys
from collections.abc import Callable, Sequence

from alerting.clerk import FAILED, FINE, WRONG, Clerk, CommandFailed, WrongInput, say
from alerting.config import AlertingConfig, load
from alerting.flags import parser
from alerting.listing_commands import chats, listing
from alerting.store import Store, StoreDown
from alerting.subscriber_commands import add, approve, export, remove, restore
from chassis.clock import Clock, SystemClock
from chassis.command_output import NotWritten, announce, any_script, warn, written
from chassis.config_files import config_files
from chassis.logs import SecretFilter, configure
from chassis.secrets import secrets_in
from chassis.yaml_config import ConfigError

Command = Callable[[argparse.Namespace, Clerk], int]


def run_command(argv: Sequence[str] | None = None, clock: Clock | None = None) -> int:
    """Run the command; return 0, 1 after a failure while running, 2 for a wrong config."""
    any_script()
    try:
        return _run(argv, clock or SystemClock())
    except NotWritten as failed:
        say(str(failed))
        return FAILED


def _run(argv: Sequence[str] | None, clock: Clock) -> int:
    try:
        asked = parser().parse_args(argv)
    except SystemExit as ended:  # --help, --version, or a wrong command line
        written("")
        return int(ended.code or FINE)
    files = _files(asked)
    try:
        loaded = load(files)
    except ConfigError as wrong:
        if asked.check_config:
            written(f"{wrong}\n")
        else:
            print(wrong, file=sys.stderr)
        return WRONG
    warn(loaded.warnings)
    if asked.check_config:
        written("".join(f"{file}: ok\n" for file in files))
        return FINE
    level = asked.log_level or ("info" if asked.command is None else "error")
    secrets = configure(sys.stderr, level, secrets_in(loaded.config))
    if asked.command is None:
        return _serve(files, loaded.config, clock, secrets)
    return _administer(asked, loaded.config, clock, secrets)


def _files(asked: argparse.Namespace) -> list[str]:
    return config_files([*(asked.config or ()), *(asked.late_config or ())])


# ---------------------------------------------------------------- the service


def _serve(
    files: Sequence[str], config: AlertingConfig, clock: Clock, secrets: SecretFilter
) -> int:
    """Be the relay until the stop."""
    # What serves is half of the program, and no other command needs it.
    from alerting.app import App  # noqa: PLC0415
    from chassis.hosting import host, rereading  # noqa: PLC0415

    app = App(config, clock, secrets)
    return host(app, rereading(load, files, secrets), lambda: _say_where(app.web.url))


def _say_where(url: str) -> None:
    announce(f"The relay takes alerts on {url}/alerts")


# ---------------------------------------------------------------- the commands


def _administer(
    asked: argparse.Namespace, config: AlertingConfig, clock: Clock, secrets: SecretFilter
) -> int:
    """Run a command on the service's own database; say in one line why it failed."""
    settings = config.alerting
    password = settings.database_password
    store = Store(settings.database_url, None if password is None else password.reveal())
    command = _COMMANDS[asked.action if asked.command == "subscribers" else asked.command]
    try:
        return command(asked, Clerk(store, config, clock))
    except WrongInput as wrong:
        say(secrets.redact(str(wrong)))
        return WRONG
    except CommandFailed as failed:
        say(secrets.redact(str(failed)))
    except StoreDown as down:
        say(secrets.redact(f"the database cannot be used: {down}"))
    finally:
        store.close()
    return FAILED


def _test(asked: argparse.Namespace, clerk: Clerk) -> int:
    from alerting.trial import send_test  # noqa: PLC0415  28 MiB, for the only one that sends

    return send_test(asked.chat_id, clerk)


_COMMANDS: dict[str, Command] = {
    "add": add,
    "remove": remove,
    "approve": approve,
    "list": listing,
    "export": export,
    "import": restore,
    "test": _test,
    "chats": chats,
}
