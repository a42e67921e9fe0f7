"""`power-status make-secrets`: made once, alike for all who share them, for their users alone."""

import hashlib
import os
import stat
from base64 import b64decode
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from power_status.commands import run_command
from power_status.secret_files import NotKept, Owner, give, keep, text_in
from power_status.shared_secrets import (
    MQTT_PASSWORDS,
    OPERATOR_TOKEN,
    SECRETS,
    WRITE_TOKEN,
    consumer_of,
    names_of_all,
    to_write,
    with_user,
)

CONSUMERS = {consumer_of(copy) for copy in names_of_all()}
Caught = pytest.CaptureFixture[str]


def made_up() -> Iterator[str]:
    """Yield secrets that differ."""
    return (f"secret-{number}" for number in count(1))


def wanted(there: dict[str, str], consumers: set[str] | None = None) -> dict[str, str]:
    """Return what is to be written."""
    new = made_up()
    return to_write(there, CONSUMERS if consumers is None else consumers, lambda: next(new), bytes)


# ---------------------------------------------------------------- which, pure


def test_at_first_everything_is_made() -> None:
    """Copies of one secret are alike, those of two differ."""
    made = wanted({})
    assert set(made) == set(names_of_all())
    for secret in SECRETS:
        assert len({made[copy] for copy in secret}) == 1
    assert len({made[secret[0]] for secret in SECRETS}) == len(SECRETS)
    assert made[WRITE_TOKEN] == made[OPERATOR_TOKEN]


def test_what_is_there_is_left_alone() -> None:
    """A second start writes nothing."""
    assert wanted(wanted({})) == {}


@given(st.sets(st.sampled_from(sorted(names_of_all()))))
def test_lost_copies_are_restored(lost: set[str]) -> None:
    """From another copy where one is left; then all is as if it had never been lost."""
    whole = wanted({})
    left = {copy: text for copy, text in whole.items() if copy not in lost}
    mended = left | wanted(left)
    assert set(mended) == set(whole)
    for secret in SECRETS:
        assert len({mended[copy] for copy in secret}) == 1
        if set(secret) - lost:
            assert mended[secret[0]] == whole[secret[0]]
    assert wanted(mended) == {}


def test_a_narrowed_token_of_the_exporter_stays() -> None:
    """It is no copy of the operator's any more."""
    whole = wanted({}) | {WRITE_TOKEN: "may write alone"}
    assert wanted(whole) == {}
    del whole["influxdb-tokens/admin_token"]
    assert set(wanted(whole)) == {"influxdb-tokens/admin_token"}


def test_of_two_that_differ_the_first_counts() -> None:
    """That of the service which lets others in."""
    whole = wanted({})
    there = whole | {"alertmanager/webhook_token": "another", "exporter/webhook_token": ""}
    right = whole["alerting/webhook_token"]
    assert wanted(there) == {
        "alertmanager/webhook_token": right,
        "exporter/webhook_token": right,
    }


def test_only_those_who_are_there_get_copies() -> None:
    """Nobody makes a secret that nobody holds."""
    assert set(wanted({}, {"alerting", "exporter"})) == {
        "alerting/postgres_password",
        "alerting/webhook_token",
        "exporter/mqtt_password",
        "exporter/webhook_token",
    }
    assert wanted({}, set()) == {}


# ---------------------------------------------------------------- Mosquitto's file


def test_mosquitto_can_check_the_password() -> None:
    """$7$, PBKDF2 with SHA-512 and a salt of 12 bytes, as it reads it."""
    text = with_user("", "power", "right", os.urandom)
    user, entry = text.split(":")
    _, kind, iterations, salt, key = entry.split("$")
    assert (user, kind) == ("power", "7")
    assert len(b64decode(salt)) == 12
    expected = hashlib.pbkdf2_hmac("sha512", b"right", b64decode(salt), int(iterations))
    assert b64decode(key) == expected


def test_users_that_a_person_added_stay() -> None:
    """And the file is left alone while its user has the right password."""
    text = with_user("", "power", "right", os.urandom) + "\nanna:$7$101$AAAA$BBBB"
    assert with_user(text, "power", "right", os.urandom) == text
    changed = with_user(text, "power", "new", os.urandom)
    assert changed != text
    assert changed.endswith("\nanna:$7$101$AAAA$BBBB")
    assert changed.count("power:") == 1


@pytest.mark.parametrize(
    "entry", ["", "$7$", "$6$abc$def", "$7$x$AAAA$BBBB", "$7$101$?$B", "$7$0$AAAA$B", "plain"]
)
def test_an_entry_that_opens_nothing_is_made_anew(entry: str) -> None:
    """However it is damaged."""
    text = with_user(f"power:{entry}", "power", "right", os.urandom)
    assert with_user(text, "power", "right", os.urandom) == text
    assert text.count("power:") == 1


# ---------------------------------------------------------------- on disk


class Stack:
    """Volumes on disk, and the command."""

    def __init__(self, folder: Path, *consumers: str) -> None:
        self.folder = folder
        for name in consumers or sorted({*CONSUMERS, "homes"}):
            (folder / "secrets" / name).mkdir(parents=True)
        found = folder.stat()
        self.me = f"{found.st_uid}:{found.st_gid}"
        self.owners = dict.fromkeys([*CONSUMERS, "homes"], self.me)

    def run(self, *more: str) -> int:
        """Run the command."""
        owners = [f"--owner={name}={whose}" for name, whose in self.owners.items()]
        return run_command(["make-secrets", f"--folder={self.folder}", *owners, *more])

    def path(self, copy: str) -> Path:
        """Return where a copy is."""
        return self.folder / "secrets" / copy

    def held(self) -> dict[str, str]:
        """Return every file that is there."""
        top = self.folder / "secrets"
        files = [path for path in top.rglob("*") if path.is_file()]
        return {str(path.relative_to(top)): path.read_text() for path in files}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """Volumes of all consumers, empty."""
    return Stack(tmp_path)


def test_the_first_start_makes_all_and_the_second_nothing(stack: Stack, capsys: Caught) -> None:
    """How to read the passwords is told once; no secret ever is."""
    assert stack.run() == 0
    first, held = capsys.readouterr(), stack.held()
    assert set(held) == set(names_of_all())
    assert "docker compose exec grafana cat /run/secrets/admin_password" in first.out
    assert stack.run() == 0
    second = capsys.readouterr()
    assert second.out == "every secret is there\n"
    assert stack.held() == held
    for text in held.values():
        assert text.strip() not in first.out + first.err + second.out


def test_every_copy_is_for_its_user_alone(stack: Stack) -> None:
    """Files 0600, folders 0700, also those that stood open."""
    assert stack.run() == 0
    stack.path("grafana/admin_password").chmod(0o644)
    stack.path("grafana").chmod(0o755)
    assert stack.run() == 0
    for copy in names_of_all():
        assert stat.S_IMODE(stack.path(copy).stat().st_mode) == 0o600
        assert stat.S_IMODE(stack.path(copy).parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_files_and_data_folders_are_given_to_the_users_that_are_named(stack: Stack) -> None:
    """What is in a data folder is not touched."""
    journal = stack.folder / "data" / "exporter" / "exporter.db"
    journal.parent.mkdir(parents=True)
    journal.touch()
    brought = stack.folder / "brought"
    brought.mkdir()
    for name in ("token", ".telegram"):
        (brought / name).write_text("from outside")
    more = (f"--telegram-token-file={brought / '.telegram'}", f"--home-secrets={brought}")
    users = dict.fromkeys(("alerting", "exporter", "homes"), "10001:10002")
    stack.owners |= users | {"grafana": "472:0"}
    copies = [WRITE_TOKEN, "exporter", "alerting/telegram_token", "homes/token"]
    for _ in range(2):
        assert stack.run(*more) == 0
        for path in (*map(stack.path, copies), journal.parent):
            assert (path.stat().st_uid, path.stat().st_gid) == (10001, 10002)
        assert stack.path("grafana/admin_password").stat().st_uid == 472
    assert journal.stat().st_uid == 0


def test_a_killed_writer_leaves_no_half_secret(stack: Stack) -> None:
    """What it left is written over, and is no copy."""
    half = stack.path("grafana/.admin_password.new")
    half.write_text("hal")
    assert stack.run() == 0
    assert not half.exists()
    assert len(stack.path("grafana/admin_password").read_text()) == 44


def test_a_consumer_without_a_volume_is_named_and_passed_over(
    tmp_path: Path, capsys: Caught
) -> None:
    """Somebody may start a part of the stack."""
    stack = Stack(tmp_path, "alerting", "exporter")
    assert stack.run() == 0
    assert "grafana has no volume here" in capsys.readouterr().out
    assert {consumer_of(copy) for copy in stack.held()} == {"alerting", "exporter"}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 70_000])
def test_what_is_no_secret_is_not_written_over(
    stack: Stack, capsys: Caught, content: bytes
) -> None:
    """The file is named, its content is not."""
    stack.path("exporter/webhook_token").write_bytes(content)
    assert stack.run() == 1
    assert "exporter/webhook_token" in capsys.readouterr().err
    assert stack.path("exporter/webhook_token").read_bytes() == content


def test_a_folder_that_refuses_is_named(tmp_path: Path) -> None:
    """Whatever the reason."""
    (tmp_path / "token").mkdir()
    for deed in (
        lambda: keep(tmp_path / "token", "x", Owner(0, 0)),
        lambda: keep(tmp_path / "none" / "token", "x", Owner(0, 0)),
        lambda: give(tmp_path / "none", Owner(0, 0)),
        lambda: text_in(tmp_path / "token"),
    ):
        with pytest.raises(NotKept, match="cannot be"):
            deed()


# ---------------------------------------------------------------- what people bring


def test_the_bots_token_is_always_what_its_file_holds(
    stack: Stack, tmp_path: Path, capsys: Caught
) -> None:
    """A new one, and none, which is an empty file."""
    source, copy = tmp_path / "telegram", stack.path("alerting/telegram_token")
    for text in ("", "123:abc\n", "456:def\r\n", ""):
        source.write_text(text)
        assert stack.run(f"--telegram-token-file={source}") == 0
        assert copy.read_text().strip() == text.strip()
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert "123:abc" not in capsys.readouterr().out


def test_a_token_that_cannot_be_read_keeps_nothing_down(
    stack: Stack, tmp_path: Path, capsys: Caught
) -> None:
    """The relay goes on with what it has, and the log says why."""
    copy = stack.path("alerting/telegram_token")
    for before in ("", "123:abc\n"):
        if before:
            copy.write_text(before)
        assert stack.run(f"--telegram-token-file={tmp_path}") == 0
        assert copy.read_text().strip() == before.strip()
    assert "the bot's token stays as it was" in capsys.readouterr().out


def test_the_homes_own_secrets_are_taken_over(stack: Stack, tmp_path: Path, capsys: Caught) -> None:
    """Each time as they are then; hidden files, links and folders are not."""
    source = tmp_path / "host"
    (source / "folder").mkdir(parents=True)
    for name, text in {
        "a_token": "one",
        "b_token": "two",
        ".hidden": "x",
        "big": "x" * 70_000,
    }.items():
        (source / name).write_text(text)
    (source / "link").symlink_to("/etc/hostname")
    assert stack.run(f"--home-secrets={source}") == 0
    homes = stack.path("homes")
    assert {path.name: path.read_text() for path in homes.iterdir()} == {
        "a_token": "one",
        "b_token": "two",
    }
    assert "not taken over" in capsys.readouterr().out
    (source / "a_token").unlink()
    (source / "b_token").write_text("three")
    assert stack.run(f"--home-secrets={source}") == 0
    assert {path.name: path.read_text() for path in homes.iterdir()} == {"b_token": "three"}
    assert stat.S_IMODE((homes / "b_token").stat().st_mode) == 0o600


def test_the_bots_token_is_the_relays_alone(stack: Stack, tmp_path: Path) -> None:
    """Also where it stands among the secrets of homes."""
    source = tmp_path / "host"
    source.mkdir()
    (source / "telegram_token").write_text("123:abc")
    (source / "cottage_token").write_text("one")
    token = f"--telegram-token-file={source / 'telegram_token'}"
    assert stack.run(token, f"--home-secrets={source}") == 0
    assert [path.name for path in stack.path("homes").iterdir()] == ["cottage_token"]
    assert stack.path("alerting/telegram_token").read_text().strip() == "123:abc"


def test_a_folder_of_a_consumers_name_is_for_that_consumer(
    stack: Stack, tmp_path: Path, capsys: Caught
) -> None:
    """What is made here is not to be replaced so, nor removed; what is brought goes again."""
    source = tmp_path / "host"
    for name in ("alertmanager/mail_password", "grafana/admin_password", "nobody/token"):
        (source / name).parent.mkdir(parents=True)
        (source / name).write_text("brought")
    (stack.path("grafana") / "influxdb_token").write_text("of influxdb-tokens")
    assert stack.run(f"--home-secrets={source}") == 0
    held = stack.held()
    assert held["alertmanager/mail_password"] == "brought"
    assert held["grafana/admin_password"] != "brought"
    assert "has the name of one that is made" in capsys.readouterr().out
    assert set(held) == {
        *names_of_all(),
        "alertmanager/mail_password",
        "grafana/influxdb_token",
    }
    (source / "alertmanager" / "mail_password").unlink()
    assert stack.run(f"--home-secrets={source}") == 0
    assert set(stack.held()) == {*names_of_all(), "grafana/influxdb_token"}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--folder=x"],
        ["--folder=x", "--owner=exporter"],
        ["--folder=x", "--owner=exporter=power"],
        ["--folder=x", "--owner=../exporter=1:1"],
        ["--folder=x", "--owner=exporter=1:-1"],
    ],
)
def test_a_wrong_command_line_is_code_2(arguments: list[str], capsys: Caught) -> None:
    """Before anything is touched."""
    assert run_command(["make-secrets", *arguments]) == 2
    assert "usage" in capsys.readouterr().err


def test_mosquittos_file_is_one_that_ends_with_a_newline(stack: Stack) -> None:
    """A line without one is no line to it."""
    assert stack.run() == 0
    assert stack.path(MQTT_PASSWORDS).read_text().endswith("==\n")
