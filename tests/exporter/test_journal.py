"""The journal: what it has committed stands, whatever the disk, other programs and accidents do."""

import json
import logging
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.instants import Instant
from exporter.blackout import Life
from exporter.books import Books
from exporter.journal import Journal, Unfit, Unwritable
from exporter.journal_reader import JournalReader
from exporter.journal_rows import Unreadable
from exporter.journal_schema import FILE, NEWEST, JournalError
from exporter.power import Belief, Cause, Change, State, Vote
from exporter.records import Record, Sign
from exporter.transitions import Transition

T0 = 1_790_000_000_000
ROOT = Path(__file__).resolve().parents[2]
COUNTERS = (
    "until", "on", "outage", "unknown", "sustained_outage", "momentary_count", "sustained_count",
    "to_on", "to_off", "to_unknown",
)  # fmt: skip


def life_at(wall: int, *, clean: bool = False) -> Life:
    """Return a sign of life at a wall time."""
    return Life(Instant(wall, wall - T0 + 1000), "boot", clean)


def belief_at(state: State, since: int, evidence: int) -> Belief:
    """Return a belief that rests on evidence of a wall time."""
    return Belief(state, since, evidence, evidence, evidence, in_outage=state is State.OFF)


def flip(journal: Journal, home: str, wall: int, detail: str = "no reply") -> Sign:
    """The home's next change, at `wall`, alternating on and off, with evidence 1 s later."""
    record = journal.records.get(home)
    previous = record.last.state if record else None
    state = State.OFF if previous is State.ON else State.ON
    change = Change(
        state=state,
        previous=previous,
        at=wall,
        not_before=None if record is None else record.evidence,
        confirmed_at=wall + 10,
        cause=Cause.MEASURED if previous else Cause.START,
        votes=(Vote("plug", state, detail, Instant(wall, 0)),),
    )
    return Sign(home, belief_at(state, wall, wall + 1000), 300_000, (change,))


def write(journal: Journal, home: str, rows: int, every: int = 60_000) -> list[Transition]:
    """Commit so many rows of a home, one commit each, one a minute."""
    written: list[Transition] = []
    for _ in range(rows):
        record = journal.records.get(home)
        wall = max(record.last.at, record.evidence or 0) + every if record else T0
        written += journal.commit([flip(journal, home, wall)], life_at(wall + 1000))
    return written


def lives_at(journal: Journal, home: str, wall: int, *, clean: bool = False) -> None:
    """Commit a sign of life whose evidence is `wall`."""
    last = journal.records[home].last
    sign = Sign(home, belief_at(last.state, last.at, wall), 300_000)
    journal.commit([sign], life_at(wall, clean=clean))


@contextmanager
def journal_in(folder: Path) -> Iterator[Journal]:
    """Open the journal of a folder, and close it again."""
    with closing(Journal(folder)) as journal:
        yield journal


@contextmanager
def reader_of(folder: Path) -> Iterator[JournalReader]:
    """Open a folder's journal for reading, and close it again."""
    with closing(JournalReader(folder)) as reader:
        yield reader


def read(folder: Path) -> list[Transition]:
    """Read all rows of a folder's journal."""
    with reader_of(folder) as reader:
        return reader.after(0, 1_000_000)


@contextmanager
def other_program(folder: Path) -> Iterator[sqlite3.Connection]:
    """A program that opens the file as it is, with SQLite's own defaults."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
        yield db


def change_row(folder: Path, id_: int | None, column: str, value: str | bytes) -> None:
    """Let a row hold what the journal would never write."""
    with other_program(folder) as db:
        db.execute("DROP TRIGGER IF EXISTS transitions_are_never_changed")
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(
            f"UPDATE transitions SET {column} = CAST(? AS TEXT) WHERE id = ?",  # noqa: S608
            (value, id_),
        )


# ---------------------------------------------------------------- commits


def test_a_commit_is_there_for_another_connection(tmp_path: Path) -> None:
    """What `commit` has returned is in the file, not only in this process."""
    with journal_in(tmp_path) as journal:
        rows = write(journal, "flat", 3)
        with other_program(tmp_path) as db:
            ids = [id_ for (id_,) in db.execute("SELECT id FROM transitions ORDER BY id")]
        assert ids == [1, 2, 3]
        assert read(tmp_path) == rows


def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    """WAL and synchronous=FULL: a power cut after `commit` loses nothing, on any connection."""
    with journal_in(tmp_path) as journal:
        for _ in range(2):
            assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)
            journal.retry_open()


def test_a_killed_exporter_loses_nothing_it_was_told_is_committed(tmp_path: Path) -> None:
    """SIGKILL right after the answer."""
    child = Child(tmp_path)
    child.ask("write 5")
    child.process.kill()
    child.wait()
    assert [row.id for row in read(tmp_path)] == [1, 2, 3, 4, 5]


def test_ids_are_1_2_3_over_homes_and_restarts(tmp_path: Path) -> None:
    """One sequence for all homes, without gaps."""
    with journal_in(tmp_path) as journal:
        write(journal, "flat", 2)
        write(journal, "dacha", 2)
    with journal_in(tmp_path) as journal:
        assert journal.last_id == 4
        write(journal, "flat", 1)
    rows = read(tmp_path)
    assert [row.id for row in rows] == [1, 2, 3, 4, 5]
    assert [row.home for row in rows] == ["flat", "flat", "dacha", "dacha", "flat"]


def test_rows_of_several_homes_are_committed_together_in_order(tmp_path: Path) -> None:
    """One transaction; the rows come back in the order of the signs."""
    with journal_in(tmp_path) as journal:
        signs = [flip(journal, home, T0 + n) for n, home in enumerate(["b", "a", "c"])]
        rows = journal.commit(signs, life_at(T0 + 9))
    assert [(row.id, row.home) for row in rows] == [(1, "b"), (2, "a"), (3, "c")]


def test_two_signs_of_one_home_in_one_commit_follow_each_other(tmp_path: Path) -> None:
    """What the disk had refused comes in one go later: the totals are those of both rows."""
    with journal_in(tmp_path) as journal:
        on = flip(journal, "flat", T0)
        off = Change(State.OFF, State.ON, T0 + 60_000, T0 + 1000, T0 + 60_010, Cause.MEASURED)
        later = Sign("flat", belief_at(State.OFF, T0 + 60_000, T0 + 70_000), 300_000, (off,))
        rows = journal.commit([on, later], life_at(T0 + 70_000))
        assert [row.state for row in rows] == [State.ON, State.OFF]
        books = journal.records["flat"].books
    assert (books.on, books.outage, books.until) == (60_000, 10_000, T0 + 70_000)


def test_a_refused_commit_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """A row that the tables refuse: the other home's row of that commit is not there either."""
    with journal_in(tmp_path) as journal:
        write(journal, "flat", 2)
        records, life = dict(journal.records), journal.life
        again = journal.records["flat"].last.at
        with pytest.raises(Unfit):
            journal.commit(
                [flip(journal, "dacha", T0), flip(journal, "flat", again)], life_at(again)
            )
        assert (journal.records, journal.life, journal.last_id) == (records, life, 2)
        assert [row.id for row in write(journal, "dacha", 1)] == [3]
    assert [row.id for row in read(tmp_path)] == [1, 2, 3]


def test_a_busy_file_is_unwritable_and_then_writable_again(tmp_path: Path) -> None:
    """Another program holds the write lock for longer than the journal waits."""
    with journal_in(tmp_path) as journal, other_program(tmp_path) as db:
        write(journal, "flat", 1)
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unwritable):
            write(journal, "flat", 1)
        db.execute("ROLLBACK")
        assert [row.id for row in write(journal, "flat", 1)] == [2]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE transitions SET at = at + 1 WHERE id = 2",
        "UPDATE transitions SET id = 9 WHERE id = 2",
        "DELETE FROM transitions WHERE id = 2",
        "DELETE FROM transitions",
        "REPLACE INTO transitions VALUES (2, 'flat', 'off', 'on', 1, 1, 1, 'measured', '[]')",
    ],
)
def test_a_row_is_never_changed_nor_removed(tmp_path: Path, sql: str) -> None:
    """The file itself refuses, whoever asks."""
    with journal_in(tmp_path) as journal:
        rows = write(journal, "flat", 3)
        with other_program(tmp_path) as db, pytest.raises(sqlite3.IntegrityError):
            db.execute(sql)
        assert read(tmp_path) == rows


def test_dates_of_a_home_cannot_be_written_twice(tmp_path: Path) -> None:
    """`at` is unique within a home, by the tables themselves; another home may have the same."""
    with journal_in(tmp_path) as journal:
        write(journal, "flat", 1)
        write(journal, "dacha", 1)
        with pytest.raises(Unfit):
            journal.commit([flip(journal, "flat", T0)], life_at(T0))


# ---------------------------------------------------------------- any rows, any records


def changes_of(draw: st.DrawFn, record: Record | None) -> Change:
    """Draw a home's next change."""
    previous = record.last.state if record else None
    at = (record.last.at if record else T0) + draw(st.integers(1, 10**7))
    return Change(
        state=draw(st.sampled_from([state for state in State if state is not previous])),
        previous=previous,
        at=at,
        not_before=record.last.at if record else None,
        confirmed_at=at + draw(st.integers(0, 10**6)),
        cause=draw(st.sampled_from(list(Cause))),
        votes=tuple(
            Vote(draw(st.text(max_size=9)), draw(st.sampled_from(list(State))),
                 draw(st.text(max_size=30)), Instant(at, 0))
            for _ in range(draw(st.integers(0, 3)))
        ),
    )  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_rows_and_records_come_back_as_they_were_committed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever the details, causes and votes: another connection and a restart read the same."""
    folder = tmp_path_factory.mktemp("journal")
    rows: list[Transition] = []
    with journal_in(folder) as journal:
        for home in data.draw(st.lists(st.sampled_from(["flat", "dacha", "їжак"]), max_size=12)):
            change = data.draw(st.composite(changes_of)(journal.records.get(home)))
            evidence = change.at + data.draw(st.integers(0, 1000))
            sign = Sign(home, belief_at(change.state, change.at, evidence), 300_000, (change,))
            rows += journal.commit([sign], life_at(evidence))
        records = dict(journal.records)
    assert read(folder) == rows
    with journal_in(folder) as journal:
        assert journal.records == records
        assert journal.last_id == len(rows)


def test_a_detail_of_any_text_is_kept_or_mended(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 reach a detail as lone surrogates: they must not stop the journal."""
    with journal_in(tmp_path) as journal:
        rows = journal.commit([flip(journal, "flat", T0, "printed \udcff")], life_at(T0))
    assert [row.id for row in rows] == [1]
    assert read(tmp_path)[0].votes[0].detail.startswith("printed ")


def test_records_and_the_sign_of_life_survive_a_restart(tmp_path: Path) -> None:
    """Evidence, totals and when it was, per home; and whether it was a clean stop."""
    with journal_in(tmp_path) as journal:
        write(journal, "flat", 5)
        write(journal, "dacha", 2)
        lives_at(journal, "flat", T0 + 900_000, clean=True)
        records, life = dict(journal.records), journal.life
    with journal_in(tmp_path) as journal:
        assert journal.records == records
        assert journal.life == life == life_at(T0 + 900_000, clean=True)
        assert journal.records["flat"].evidence == T0 + 900_000
        assert journal.records["dacha"].life.clean is False


def test_a_fresh_journal_knows_no_life_and_no_home(tmp_path: Path) -> None:
    """It makes its folder, too."""
    with journal_in(tmp_path / "not" / "there" / "yet") as journal:
        assert journal.life is None
        assert journal.records == {}
        assert journal.last_id == 0


def test_a_sign_of_life_writes_no_row(tmp_path: Path) -> None:
    """It only says that the exporter lives."""
    with journal_in(tmp_path) as journal:
        assert journal.commit([], life_at(T0)) == []
        assert journal.commit([Sign("flat", Belief(), 300_000)], life_at(T0 + 1)) == []
        assert journal.life == life_at(T0 + 1)
    assert read(tmp_path) == []


# ---------------------------------------------------------------- reading


def test_rows_are_read_after_an_id_in_order(tmp_path: Path) -> None:
    """What the API and the sinks go through, page by page."""
    with journal_in(tmp_path) as journal, reader_of(tmp_path) as reader:
        rows = write(journal, "flat", 5)
        assert reader.after(0, 2) == rows[:2]
        assert reader.after(2, 2) == rows[2:4]
        assert reader.after(5, 2) == []


def test_rows_of_a_home_are_read_in_a_half_open_span(tmp_path: Path) -> None:
    """The row at its start is in, the row at its end is not; other homes' rows are not."""
    with journal_in(tmp_path) as journal, reader_of(tmp_path) as reader:
        rows = write(journal, "flat", 5)
        write(journal, "dacha", 5)
        span = (rows[1].at, rows[3].at)
        assert reader.of_home("flat", span, 0, 10) == rows[1:3]
        assert reader.of_home("flat", span, 0, 1) == rows[1:2]
        assert reader.of_home("flat", span, rows[1].id or 0, 10) == rows[2:3]


def test_rows_around_a_range_reach_from_the_on_row_before_to_the_on_row_after(
    tmp_path: Path,
) -> None:
    """So an outage that overlaps the range has its bounds; rows go on, off, on, off."""
    with journal_in(tmp_path) as journal, reader_of(tmp_path) as reader:
        rows = write(journal, "flat", 9)
        write(journal, "dacha", 9)
        assert reader.around("flat", rows[3].at + 1, rows[5].at - 1) == rows[2:7]
        assert reader.around("flat", rows[3].at, rows[3].at) == rows[2:5]
        assert reader.around("flat", rows[4].at, rows[6].at) == rows[4:7]
        assert reader.around("flat", 0, 2 * T0) == rows
        assert reader.around("nobody", 0, 2 * T0) == []


def test_the_newest_row_before_a_moment_is_found(tmp_path: Path) -> None:
    """Strictly before, and of that home."""
    with journal_in(tmp_path) as journal, reader_of(tmp_path) as reader:
        rows = write(journal, "flat", 3)
        write(journal, "dacha", 1)
        assert reader.before("flat", rows[2].at) == rows[1]
        assert reader.before("flat", T0) is None


# ---------------------------------------------------------------- cursors


def test_a_cursor_survives_a_restart(tmp_path: Path) -> None:
    """Each sink has its own."""
    with journal_in(tmp_path) as journal:
        journal.advance("notify", 0)
        write(journal, "flat", 4)
        journal.advance("influxdb", 2)
    with journal_in(tmp_path) as journal, reader_of(tmp_path) as reader:
        assert (reader.cursor("influxdb"), reader.cursor("notify")) == (2, 0)
        oldest = reader.after(2, 1)[0].confirmed_at
        assert reader.waiting(2) == (2, oldest)
        assert reader.waiting(4) == (0, None)


def test_a_parked_row_is_counted_over_restarts_once(tmp_path: Path) -> None:
    """Per sink; parking it again counts nothing."""
    with journal_in(tmp_path) as journal:
        write(journal, "flat", 3)
        journal.park("influxdb", 2, "400")
        journal.park("influxdb", 2, "422")
        journal.park("influxdb", 3, "400")
    with journal_in(tmp_path), reader_of(tmp_path) as reader:
        assert (reader.rejected("influxdb"), reader.rejected("notify")) == (2, 0)


def test_the_reader_never_gives_a_sink_a_place(tmp_path: Path) -> None:
    """It tells what is kept, and None where nothing is."""
    with journal_in(tmp_path) as journal, reader_of(tmp_path) as reader:
        write(journal, "flat", 3)
        assert reader.cursor("influxdb") is None
        journal.advance("influxdb", 3)
        assert reader.cursor("influxdb") == 3


# ---------------------------------------------------------------- who may open it


def test_a_second_exporter_on_the_folder_is_refused(tmp_path: Path) -> None:
    """It says so in words; and when the first has ended, the folder is free."""
    with journal_in(tmp_path) as journal:
        with pytest.raises(JournalError, match="another exporter"):
            Journal(tmp_path)
        assert [row.id for row in write(journal, "flat", 1)] == [1]
    with journal_in(tmp_path) as journal:
        assert journal.last_id == 1


def test_a_second_exporter_in_another_process_is_refused(tmp_path: Path) -> None:
    """The lock ends with its process, however that ends."""
    with journal_in(tmp_path):
        assert "another exporter" in Child(tmp_path).ask("")
    child = Child(tmp_path)
    assert child.ask("write 1") == "wrote 1"
    with pytest.raises(JournalError, match="another exporter"):
        Journal(tmp_path)
    child.process.kill()
    child.wait()
    with journal_in(tmp_path) as journal:
        assert journal.last_id == 1


def test_a_journal_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    """It says to update; it is not taken for damaged."""
    with journal_in(tmp_path) as journal:
        rows = write(journal, "flat", 2)
    with other_program(tmp_path) as db:
        db.execute(f"PRAGMA user_version = {NEWEST + 1}")
    with pytest.raises(JournalError, match=r"newer .* update"):
        Journal(tmp_path)
    assert not list(tmp_path.glob("*damaged*"))
    assert read(tmp_path) == rows
    with other_program(tmp_path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (NEWEST + 1,)


def test_a_refused_journal_lets_go_of_the_folder(tmp_path: Path) -> None:
    """A second try in the same process hears the same reason, not of another exporter."""
    (tmp_path / FILE).mkdir()
    for _ in range(2):
        with pytest.raises(JournalError) as refused:
            Journal(tmp_path)
        assert "another exporter" not in str(refused.value)


def test_a_file_where_the_folder_should_be_is_refused_in_words(tmp_path: Path) -> None:
    """The words name the folder."""
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(JournalError, match=r"data.*cannot be opened for writing"):
        Journal(tmp_path / "data")


def test_a_disk_that_takes_no_byte_is_refused_in_words(tmp_path: Path) -> None:
    """Whether the journal exists already or not: found at the start, not at the first row."""
    assert "cannot be opened for writing" in Child(tmp_path, file_size=0).ask("")
    with journal_in(tmp_path) as journal:
        write(journal, "flat", 2)
    assert "cannot be opened for writing" in Child(tmp_path, file_size=0).ask("")
    assert not list(tmp_path.glob("*damaged*"))
    assert len(read(tmp_path)) == 2


# ---------------------------------------------------------------- the disk is full

CHILD = """
import sys
from pathlib import Path
from exporter.journal import Journal, Unwritable
from exporter.journal_schema import JournalError
from tests.exporter.test_journal import write
try:
    journal = Journal(Path(sys.argv[1]))
except JournalError as fault:
    print("refused:", fault, flush=True)
    sys.exit(1)
print("open", flush=True)
for line in sys.stdin:
    word, *number = line.split()
    try:
        if word == "write":
            print("wrote", *[row.id for row in write(journal, "flat", int(*number))], flush=True)
        elif word == "retry":
            journal.retry_open()
            print("retried", flush=True)
    except Unwritable as fault:
        print("unwritable", journal.last_id, fault, flush=True)
"""


class Child:
    """Another process with a journal, whose largest file can be limited while it runs."""

    def __init__(self, folder: Path, file_size: int | None = None) -> None:
        limit = [] if file_size is None else ["prlimit", f"--fsize={file_size}:"]
        self.process = subprocess.Popen(
            [*limit, sys.executable, "-c", CHILD, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        self.opened = self._line()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, command: str) -> str:
        """Send a command and return the answer; where the journal did not open, say why."""
        if self.opened != "open":
            self.wait()
            return self.opened
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self._line()

    def limit_files(self, size: int | None) -> None:
        """Let the process write no file beyond `size` bytes; None lifts it."""
        soft, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        del soft
        limit = hard if size is None else size
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (limit, hard))

    def wait(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.process.wait(timeout=30)


def test_a_full_disk_is_unwritable_and_ids_have_no_gap_afterwards(tmp_path: Path) -> None:
    """A live process hits the limit; when it is lifted, a new connection goes on."""
    child = Child(tmp_path)
    assert child.ask("write 3") == "wrote 1 2 3"
    child.limit_files((tmp_path / f"{FILE}-wal").stat().st_size)
    assert child.ask("write 1").startswith("unwritable 3")
    assert child.ask("write 1").startswith("unwritable 3")
    child.limit_files(None)
    assert child.ask("retry") == "retried"
    assert child.ask("write 2") == "wrote 4 5"
    child.wait()
    rows = read(tmp_path)
    assert [row.id for row in rows] == [1, 2, 3, 4, 5]
    assert all(before.state is after.previous for before, after in pairwise(rows))


def test_what_was_committed_before_the_disk_was_full_is_there_after_a_kill(tmp_path: Path) -> None:
    """A half-written commit is no row, and hurts none before it."""
    child = Child(tmp_path)
    child.ask("write 3")
    child.limit_files((tmp_path / f"{FILE}-wal").stat().st_size + 500)
    assert child.ask("write 1").startswith("unwritable 3")
    child.process.kill()
    child.wait()
    with journal_in(tmp_path) as journal:
        assert [row.id for row in write(journal, "flat", 1)] == [4]
    assert len(read(tmp_path)) == 4


def test_while_the_disk_is_still_full_a_new_connection_does_not_help(tmp_path: Path) -> None:
    """Retrying is harmless: nothing is written, nothing is lost."""
    child = Child(tmp_path)
    child.ask("write 3")
    child.limit_files(0)
    for _ in range(2):
        assert child.ask("retry").split()[0] in {"retried", "unwritable"}
        assert child.ask("write 1").startswith("unwritable 3")
    child.limit_files(None)
    assert child.ask("retry") == "retried"
    assert child.ask("write 1") == "wrote 4"
    child.wait()


# ---------------------------------------------------------------- damage

HOMES = ("flat", "dacha", "attic")
PAGE = 4096


def big_journal(folder: Path, *, clean: bool = False) -> tuple[list[Transition], dict[str, Books]]:
    """A journal of many pages; its rows and totals."""
    with journal_in(folder) as journal:
        for minute in range(60):
            wall = T0 + minute * 60_000
            signs = [flip(journal, home, wall, "no reply " * 20) for home in HOMES]
            journal.commit(signs, life_at(wall))
        for home in HOMES:
            lives_at(journal, home, T0 + 9_000_000, clean=clean)
        journal.advance("influxdb", journal.last_id)
        books = {home: record.books for home, record in journal.records.items()}
        journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return read(folder), books


def assert_not_lower(journal: Journal, books: dict[str, Books]) -> None:
    """No counter of any home has gone back."""
    for home, before in books.items():
        for name in COUNTERS:
            assert getattr(journal.records[home].books, name) >= getattr(before, name), (home, name)


def overwrite(file: Path, offset: int, garbage: bytes) -> None:
    """Put garbage into a file."""
    with file.open("r+b") as stream:
        stream.seek(offset)
        stream.write(garbage)


def pages_of(folder: Path, table: str) -> list[int]:
    """The leaf pages of a table, counted from 1, in order."""
    with other_program(folder) as db:
        (root,) = db.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)
        ).fetchone()
    data = (folder / FILE).read_bytes()
    leaves: list[int] = []

    def descend(page: int) -> None:
        start = (page - 1) * PAGE
        head = start + (100 if page == 1 else 0)
        if data[head] == 0x0D:
            leaves.append(page)
            return
        cells = int.from_bytes(data[head + 3 : head + 5])
        for cell in range(cells):
            place = int.from_bytes(data[head + 12 + 2 * cell : head + 14 + 2 * cell])
            descend(int.from_bytes(data[start + place : start + place + 4]))
        descend(int.from_bytes(data[head + 8 : head + 12]))

    descend(root)
    return leaves


@pytest.mark.parametrize("clean", [False, True])
def test_a_damaged_page_in_the_middle_costs_only_its_own_rows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, clean: bool
) -> None:
    """The file is set aside, rows on both sides are saved; also after a clean stop."""
    rows, books = big_journal(tmp_path, clean=clean)
    leaves = pages_of(tmp_path, "transitions")
    assert len(leaves) >= 5
    damaged = leaves[len(leaves) // 2]
    overwrite(tmp_path / FILE, (damaged - 1) * PAGE, b"\xa5" * PAGE)
    with caplog.at_level(logging.WARNING), journal_in(tmp_path) as journal:
        saved = read(tmp_path)
        assert len(list(tmp_path.glob(f"{FILE}.damaged-*"))) >= 1
        assert 0 < len(rows) - len(saved) < len(rows) // 3
        assert [row for row in rows if row in saved] == saved
        assert saved[0] == rows[0]
        assert saved[-1] == rows[-1]
        assert_not_lower(journal, books)
        assert journal.last_id == rows[-1].id
        assert [row.id for row in write(journal, "flat", 1)] == [len(rows) + 1]
    assert "damaged" in caplog.text


@pytest.mark.parametrize("clean", [False, True])
def test_every_single_page_may_be_damaged(tmp_path: Path, *, clean: bool) -> None:
    """Whichever it is: the journal opens, holds true rows in order, and takes new ones."""
    origin = tmp_path / "origin"
    rows, _ = big_journal(origin, clean=clean)
    data = (origin / FILE).read_bytes()
    for page in range(1, len(data) // PAGE + 1):
        folder = tmp_path / f"page-{page}"
        folder.mkdir()
        (folder / FILE).write_bytes(data)
        overwrite(folder / FILE, (page - 1) * PAGE, b"\xa5" * PAGE)
        with journal_in(folder) as journal:
            saved = read(folder)
            assert [row for row in rows if row in saved] == saved, page
            assert {row.home for row in saved} == set(journal.records), page
            assert write(journal, "cellar", 1)[0].id == journal.last_id, page


def test_damage_in_another_table_costs_no_row(tmp_path: Path) -> None:
    """That of the records: every row is saved, and the records are worked out again."""
    rows, _ = big_journal(tmp_path)
    for page in pages_of(tmp_path, "records"):
        overwrite(tmp_path / FILE, (page - 1) * PAGE, b"\xa5" * PAGE)
    with journal_in(tmp_path) as journal:
        assert read(tmp_path) == rows
        for home in HOMES:
            record = journal.records[home]
            mine = [row for row in rows if row.home == home]
            assert record.last == mine[-1]
            assert record.books.to_off == sum(row.state is State.OFF for row in mine)
            assert record.books.until >= mine[-1].at


def test_after_the_newest_rows_were_lost_totals_are_not_lower(tmp_path: Path) -> None:
    """Counters never go back: the record outlives its last row where it can still be read."""
    _, books = big_journal(tmp_path)
    page = pages_of(tmp_path, "transitions")[-1]
    overwrite(tmp_path / FILE, (page - 1) * PAGE, b"\xa5" * PAGE)
    with journal_in(tmp_path) as journal:
        assert_not_lower(journal, books)


def test_after_the_newest_rows_were_lost_a_new_row_is_still_delivered(tmp_path: Path) -> None:
    """A sink that had all up to 180 must get the next row: it stands after the sink's cursor."""
    big_journal(tmp_path)
    page = pages_of(tmp_path, "transitions")[-1]
    overwrite(tmp_path / FILE, (page - 1) * PAGE, b"\xa5" * PAGE)
    with journal_in(tmp_path) as journal:
        (row,) = write(journal, "cellar", 1)
        with reader_of(tmp_path) as reader:
            cursor = reader.cursor("influxdb")
            assert cursor is not None
            assert reader.after(cursor, 10) == [row]


def test_the_last_sign_of_life_survives_damage(tmp_path: Path) -> None:
    """The doubt about the clock rests on it."""
    big_journal(tmp_path)
    page = pages_of(tmp_path, "transitions")[0]
    overwrite(tmp_path / FILE, (page - 1) * PAGE, b"\xa5" * PAGE)
    with journal_in(tmp_path) as journal:
        assert journal.life == life_at(T0 + 9_000_000)


def test_parked_rows_on_both_sides_of_the_damage_are_saved(tmp_path: Path) -> None:
    """The count of rejected rows loses at most what stood on the damaged page."""
    with journal_in(tmp_path) as journal:
        write(journal, "flat", 300)
        for id_ in range(1, 301):
            journal.park("influxdb", id_, "field type conflict " * 5)
    leaves = pages_of(tmp_path, "rejected")
    overwrite(tmp_path / FILE, (leaves[len(leaves) // 2] - 1) * PAGE, b"\xa5" * PAGE)
    with journal_in(tmp_path), reader_of(tmp_path) as reader:
        assert 300 > reader.rejected("influxdb") > 200


@pytest.mark.parametrize("clean", [False, True])
def test_a_truncated_file_is_set_aside_and_what_is_left_is_saved(
    tmp_path: Path, *, clean: bool
) -> None:
    """A file system that lost the file's end."""
    rows, _ = big_journal(tmp_path, clean=clean)
    half = pages_of(tmp_path, "transitions")[6]
    os.truncate(tmp_path / FILE, (half - 1) * PAGE)
    with journal_in(tmp_path) as journal:
        saved = read(tmp_path)
        assert len(list(tmp_path.glob(f"{FILE}.damaged-*"))) >= 1
        assert saved == rows[: len(saved)]
        assert len(saved) > len(rows) // 4
        assert set(journal.records) == {row.home for row in saved}
        assert write(journal, "cellar", 1)


def test_a_garbage_header_is_set_aside_and_a_new_journal_begins(tmp_path: Path) -> None:
    """It is kept for whoever can read it; what is set aside twice has two names."""
    for number in (1, 2):
        with journal_in(tmp_path) as journal:
            write(journal, "flat", 2)
        kept = (tmp_path / FILE).read_bytes()
        overwrite(tmp_path / FILE, 0, b"garbage!" * 13)
        with journal_in(tmp_path) as journal:
            assert [row.id for row in write(journal, "flat", 1)] == [1]
        aside = tmp_path / f"{FILE}.damaged-{number}"
        assert aside.read_bytes()[104:] == kept[104:]


def test_a_garbage_file_is_set_aside(tmp_path: Path) -> None:
    """Something else under the journal's name."""
    (tmp_path / FILE).write_bytes(os.urandom(3 * PAGE))
    with journal_in(tmp_path) as journal:
        assert journal.last_id == 0
    assert list(tmp_path.glob(f"{FILE}.damaged-*"))


@pytest.mark.parametrize("books", ["{", "[]", json.dumps(["x"] * 17)])
def test_a_record_that_makes_no_sense_does_not_stop_the_start(tmp_path: Path, books: str) -> None:
    """The pages are sound, their content is not: the record is worked out from the rows again."""
    with journal_in(tmp_path) as journal:
        write(journal, "flat", 3)
    with other_program(tmp_path) as db:
        db.execute("UPDATE records SET books = ?", (books,))
    with journal_in(tmp_path) as journal:
        assert journal.records["flat"].books.to_on == 2


UNREADABLE_VOTES = {
    "cut off": '[["plug", "on", "',
    "no list": "5",
    "other shape": '["plug"]',
    "no vote": '[["plug", "maybe", ""]]',
    "no text": '[["plug", "on", 7]]',
    "endless": "[" * 100_000,
    "no UTF-8": b"\xff\xfe",
}


@pytest.mark.parametrize("votes", UNREADABLE_VOTES.values(), ids=UNREADABLE_VOTES)
def test_votes_that_make_no_sense_are_none_and_are_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, votes: str | bytes
) -> None:
    """They only explain: their row is read, counted and delivered, the last one of a home too."""
    with journal_in(tmp_path) as journal:
        rows = write(journal, "flat", 3)
        change_row(tmp_path, rows[2].id, "votes", votes)
        expected = [*rows[:2], replace(rows[2], votes=())]
        with reader_of(tmp_path) as reader:
            assert reader.after(0, 10) == reader.after(0, 10) == expected
            assert reader.waiting(2) == (1, rows[2].confirmed_at)
        assert len(caplog.records) == 1
    with journal_in(tmp_path) as journal:
        assert journal.records["flat"].last == expected[2]
        assert write(journal, "flat", 1)[0].id == 4
    assert not list(tmp_path.glob("*damaged*"))


def test_votes_in_broken_letters_do_not_hinder_the_saving_of_rows(tmp_path: Path) -> None:
    """Two such rows, and a damaged page elsewhere: what stands between them is saved."""
    rows, _ = big_journal(tmp_path)
    for id_ in (2, 9):
        change_row(tmp_path, id_, "votes", b"\xff")
    with other_program(tmp_path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damaged = pages_of(tmp_path, "transitions")[-2]
    overwrite(tmp_path / FILE, (damaged - 1) * PAGE, b"\xa5" * PAGE)
    with journal_in(tmp_path):
        assert [row.id for row in read(tmp_path)[:10]] == [row.id for row in rows[:10]]


def test_a_state_that_makes_no_sense_names_its_row_and_still_waits(tmp_path: Path) -> None:
    """It cannot be read while the exporter runs; the next start leaves that row behind."""
    with journal_in(tmp_path) as journal:
        rows = write(journal, "flat", 3)
        change_row(tmp_path, 2, "state", "of")
        with reader_of(tmp_path) as reader:
            with pytest.raises(Unreadable, match="row 2"):
                reader.after(0, 10)
            assert reader.waiting(1) == (2, rows[1].confirmed_at)
    with journal_in(tmp_path):
        assert read(tmp_path) == [rows[0], rows[2]]
