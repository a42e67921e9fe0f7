"""Leadership: one of several relays sends, and another soon after it is gone."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from alerting.leadership import Leadership, leadership_of
from tests.alerting.postgres import NEEDED, PostgreSQL, postgresql_server
from tests.e2e.real_programs import needs

TAKEOVER_SECONDS = 5
POLL_SECONDS = 0.1

# Another relay: says when it leads, then asks every half second, as one does.
OTHER = """
import sys, time
from alerting.leadership import leadership_of
leadership = leadership_of(sys.argv[1])
print(leadership.hold(), flush=True)
while leadership.still_held():
    time.sleep(0.5)
print("lost", flush=True)
"""


@contextmanager
def another_leader(database: str) -> Iterator["subprocess.Popen[str]"]:
    """Run another process that leads."""
    command = [sys.executable, "-c", OTHER, database]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"
            yield process
        finally:
            process.kill()


def seconds_until(happens: Callable[[], bool], within: float = 30) -> float:
    """Return how long it takes."""
    began = monotonic()
    while not happens():
        assert monotonic() < began + within
        sleep(POLL_SECONDS)
    return monotonic() - began


@pytest.fixture
def leadership(database: str) -> Iterator[Leadership]:
    """This relay's right to send."""
    mine = leadership_of(database)
    yield mine
    mine.release()


def test_one_of_two_leads(leadership: Leadership, database: str) -> None:
    """The other does when the first gives it up."""
    other = leadership_of(database)
    assert not leadership.still_held()
    assert leadership.hold()
    assert leadership.hold()
    assert leadership.still_held()
    assert not other.hold()
    assert not other.still_held()
    leadership.release()
    assert not leadership.still_held()
    assert other.hold()
    assert not leadership.hold()
    other.release()


def test_a_leader_that_is_killed_is_followed_within_five_seconds(
    leadership: Leadership, database: str
) -> None:
    """Nobody has to tidy up after it."""
    with another_leader(database) as other:
        assert not leadership.hold()
        other.kill()
        assert seconds_until(leadership.hold) < TAKEOVER_SECONDS


def test_databases_have_a_leader_each(leadership: Leadership, tmp_path: Path) -> None:
    """Relays of another database are none of its business."""
    other = leadership_of(f"sqlite:///{tmp_path / 'another' / 'alerting.db'}")
    assert leadership.hold()
    assert other.hold()
    other.release()


# ---------------------------------------------------------------- SQLite


def test_a_lock_whose_file_is_gone_is_lost(tmp_path: Path) -> None:
    """Another could lock the next file of that name."""
    database = f"sqlite:///{tmp_path / 'alerting.db'}"
    first, second = leadership_of(database), leadership_of(database)
    assert first.hold()
    (tmp_path / "alerting.db.leader").unlink()
    assert second.hold()
    assert not first.still_held()
    assert not first.hold()
    second.release()
    assert first.hold()
    first.release()


def test_a_folder_that_cannot_be_made_has_no_leader(tmp_path: Path) -> None:
    """It is asked again, and has one when it can."""
    (tmp_path / "data").write_text("a file stands where the folder is to be")
    mine = leadership_of(f"sqlite:///{tmp_path}/data/alerting.db")
    assert not mine.hold()
    (tmp_path / "data").unlink()
    assert mine.hold()
    mine.release()


# ---------------------------------------------------------------- PostgreSQL


@needs(*NEEDED)
def test_a_leader_that_hangs_is_followed_and_knows_it(postgresql_database: str) -> None:
    """One that wakes up again does not go on sending."""
    mine = leadership_of(postgresql_database)
    with another_leader(postgresql_database) as other:
        os.kill(other.pid, signal.SIGSTOP)
        assert seconds_until(mine.hold) < TAKEOVER_SECONDS + 1
        os.kill(other.pid, signal.SIGCONT)
        assert other.stdout is not None
        assert other.stdout.readline() == "lost\n"
    assert mine.still_held()
    mine.release()


@needs(*NEEDED)
def test_a_leader_whose_session_is_ended_knows_it_at_once(
    postgresql: PostgreSQL, postgresql_database: str
) -> None:
    """The next question finds out, and it can be taken again."""
    mine = leadership_of(postgresql_database)
    assert mine.hold()
    assert postgresql.end_sessions(postgresql_database) == 1
    assert not mine.still_held()
    assert mine.hold()
    mine.release()


@needs(*NEEDED)
def test_while_the_server_is_away_nobody_leads() -> None:
    """It is asked again, and has one when it is back."""
    with postgresql_server() as server:
        mine = leadership_of(server.database("postgres"))
        assert mine.hold()
        server.stop()
        assert not mine.still_held()
        assert not mine.hold()
        server.restart()
        assert mine.hold()
        mine.release()
