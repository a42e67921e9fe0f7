"""`power-alerting subscribers` and `chats`: what they change, print, write and read."""

import os
import stat
import subprocess
from dataclasses import replace

import pytest

from alerting.store import Chat, Store
from alerting.subscribers import State, Subscriber
from tests.alerting.commands.administrator import (
    POWER_ALERTING,
    Place,
    Said,
    clean_environment,
    table_rows,
)

ANNA, GROUP, FORUM = 123_456_789, -1002, -1_001_234_567_890
HEADER = "chat_id,topic,username,name,homes,language,state,mute,created\n"
ASKED = Subscriber(ANNA, None, name="Anna", homes=("flat",), wanted=("flat",), created=1)
ROW = f"{ANNA},,anna,Anna,flat cottage,en,active,22:00-07:00,2026-11-24T10:00:00.000Z\n"


# ---------------------------------------------------------------- adding


def test_who_is_added_is_active_at_once(say: Said, place: Place) -> None:
    """All homes unless some are named, in the config's language unless another is."""
    said = say("subscribers", "add", str(ANNA))
    assert (said.code, said.out, said.err) == (0, f"{ANNA}: added, hears of all homes\n", "")
    flags = ["--topic", "42", "--username", "@board", "--name", "Дім", "--lang", "uk"]
    homes = ["--home", "flat", "--home", "cottage", "--home", "flat"]
    said = say("subscribers", "add", str(FORUM), *flags, *homes)
    assert said.out == f"{FORUM}, topic 42: added, hears of flat, cottage\n"
    anna, forum = place.saved()
    assert (anna.state, anna.homes, anna.approved, anna.language) == (
        State.ACTIVE,
        None,
        None,
        "en",
    )
    assert (forum.topic, forum.username, forum.name) == (42, "board", "Дім")
    assert (forum.homes, forum.approved, forum.language) == (
        ("flat", "cottage"),
        ("flat", "cottage"),
        "uk",
    )
    assert anna.created > 1_700_000_000_000


def test_the_general_topic_is_the_chat_itself(say: Said, place: Place) -> None:
    """Telegram's apps number it 1; its messages name no thread."""
    say("subscribers", "add", str(FORUM), "--topic", "1")
    say("subscribers", "add", str(FORUM), "--topic", "42")
    assert [one.topic for one in place.saved()] == [None, 42]
    assert say("subscribers", "remove", str(FORUM), "--topic", "1").out == f"{FORUM}: removed\n"
    assert [one.topic for one in place.saved()] == [42]


def test_adding_again_changes_what_is_given(say: Said, place: Place) -> None:
    """Its homes are those of the command, the rest stays."""
    before = replace(ASKED, username="anna", language="uk", mute="22:00-07:00", state=State.DENIED)
    place.save(before)
    said = say("subscribers", "add", str(ANNA), "--name", "Anna K.")
    assert said.out == f"{ANNA}: changed, hears of all homes\n"
    (after,) = place.saved()
    assert after == replace(
        before, name="Anna K.", homes=None, approved=None, wanted=(), state=State.ACTIVE
    )


@pytest.mark.parametrize(
    "chat,known",
    [
        (Chat(ANNA, None, "private", "Anna K", "anna", "Anna K", 1), ("anna", "Anna K")),
        (Chat(GROUP, None, "group", "Neighbours", "anna", "Anna K", 1), ("", "Neighbours")),
    ],
)
def test_who_wrote_to_the_bot_is_known_by_name(
    say: Said, place: Place, chat: Chat, known: tuple[str, str]
) -> None:
    """A group by its title, not by who wrote there."""
    store = Store(place.database)
    store.note_chat(chat)
    store.close()
    say("subscribers", "add", str(chat.chat_id))
    (added,) = place.saved()
    assert ((added.username, added.name), added.kind) == (known, chat.kind)


def test_unknown_homes_are_warned_of(say: Said, place: Place) -> None:
    """Once each, and only where the config has homes."""
    flags = ["--home", "flat", "--home", "nowhere", "--home", "nowhere"]
    said = say("subscribers", "add", str(ANNA), *flags)
    assert said.code == 0
    assert said.err == "power-alerting: warning: the config has no home 'nowhere'\n"
    place.configure(homes="")
    assert say("subscribers", "add", str(ANNA), *flags).err == ""


# ---------------------------------------------------------------- removing and approving


def test_a_chat_is_removed_with_all_its_topics(say: Said, place: Place) -> None:
    """Unless one is named."""
    place.save(*(Subscriber(FORUM, topic) for topic in (None, 7, 8)), ASKED)
    assert say("subscribers", "remove", str(FORUM), "--topic", "8").lines == [
        f"{FORUM}, topic 8: removed"
    ]
    assert len(say("subscribers", "remove", str(FORUM)).lines) == 2
    assert place.saved() == [ASKED]


def test_approving_gives_what_was_asked_for(say: Said, place: Place) -> None:
    """It says what is heard from now on, or when."""
    stopped = Subscriber(GROUP, None, homes=None, state=State.STOPPED)
    place.save(ASKED, stopped)
    assert say("subscribers", "approve", str(ANNA)).out == f"{ANNA}: approved, hears of flat\n"
    assert say("subscribers", "approve", str(ANNA)).out == f"{ANNA}: is approved already\n"
    said = say("subscribers", "approve", str(GROUP))
    assert said.out == f"{GROUP}: approved for all homes, hears of it after its next /start\n"
    states = {one.chat_id: one.state for one in place.saved()}
    assert states == {ANNA: State.ACTIVE, GROUP: State.STOPPED}


@pytest.mark.parametrize("action", ["remove", "approve"])
def test_a_stranger_is_1(say: Said, action: str) -> None:
    """Neither removed nor approved."""
    said = say("subscribers", action, str(FORUM), "--topic", "7")
    assert (said.code, said.out) == (1, "")
    assert said.err == f"power-alerting: {FORUM}, topic 7 is no subscriber\n"


# ---------------------------------------------------------------- lists


def test_lists_are_for_people_and_for_programs(say: Said, place: Place) -> None:
    """Each subscriber is one row, or one object with the contract's keys."""
    place.save(ASKED, Subscriber(FORUM, 42, "board", "Дім\n", None, "uk", State.ACTIVE, "", 2))
    rows = table_rows(say("subscribers", "list").out)
    assert [(row["Chat"], row["Topic"], row["Name"]) for row in rows] == [
        (str(ANNA), "", "Anna"),
        (str(FORUM), "42", "Дім�"),
    ]
    assert [(row["Homes"], row["State"]) for row in rows] == [
        ("flat", "pending"),
        ("all homes", "active"),
    ]
    assert rows[1]["User name"] == "@board"
    document = say("subscribers", "list", "--json").document
    assert document[0] == {
        "chat_id": ANNA,
        "topic": None,
        "username": "",
        "name": "Anna",
        "homes": ["flat"],
        "language": "uk",
        "state": "pending",
        "mute": "",
        "created": "1970-01-01T00:00:00.001Z",
    }
    assert (document[1]["topic"], document[1]["homes"]) == (42, None)


def test_nobody_is_an_empty_list(say: Said, place: Place) -> None:
    """The database is made, as the service would; a person is told what to do."""
    assert say("subscribers", "list", "--json").document == []
    assert (place.folder / "data" / "alerting.db").exists()
    assert say("subscribers", "list").err == "power-alerting: nobody is subscribed\n"
    assert say("chats", "--json").document == []
    assert "send the bot /start" in say("chats").err


def test_chats_that_wrote_are_listed(say: Said, place: Place) -> None:
    """The one that wrote last first."""
    store = Store(place.database)
    store.note_chat(Chat(ANNA, None, "private", "Anna K", "anna", "Anna K", 1))
    store.note_chat(Chat(FORUM, 42, "supergroup", "Neighbours", "anna", "Anna K", 2))
    store.close()
    forum, anna = table_rows(say("chats").out)
    assert (forum["Chat"], forum["Topic"], forum["Title"]) == (str(FORUM), "42", "Neighbours")
    assert (anna["Title"], anna["Name"], anna["User name"]) == ("", "Anna K", "@anna")
    assert say("chats", "--json").document[0] == {
        "chat_id": FORUM,
        "topic": 42,
        "kind": "supergroup",
        "title": "Neighbours",
        "username": "anna",
        "name": "Anna K",
        "last_seen": "1970-01-01T00:00:00.002Z",
    }


# ---------------------------------------------------------------- out and in


def test_what_is_exported_can_be_imported(say: Said, place: Place) -> None:
    """In a file that only its owner reads, or through a pipe."""
    forum = Subscriber(FORUM, 42, "board", 'Дім, "наш"', None, "uk", State.ACTIVE, "", 2, "", None)
    place.save(ASKED, forum)
    file = place.folder / "subscribers.csv"
    said = say("subscribers", "export", str(file))
    assert (said.code, said.out) == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert say("subscribers", "export").out == file.read_text(encoding="utf-8")
    say("subscribers", "remove", str(ANNA))
    said = say("subscribers", "import", str(file))
    assert (said.code, said.out) == (0, "imported: 1 new, 1 replaced\n")
    assert place.saved() == [ASKED, forum]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_table_through_pipes_is_utf_8(place: Place, encoding: str) -> None:
    """Whatever the terminal's encoding is."""
    place.save(replace(ASKED, name="Наша é 🏠"))
    environment = clean_environment(PYTHONIOENCODING=encoding)
    command = [*POWER_ALERTING, "subscribers"]
    out = subprocess.run(
        [*command, "export"], cwd=place.folder, env=environment, capture_output=True, check=True
    ).stdout
    assert "Наша é 🏠" in out.decode()
    back = [*command, "import", "-"]
    subprocess.run(back, input=out, cwd=place.folder, env=environment, check=True)
    assert [one.name for one in place.saved()] == ["Наша é 🏠"]


def test_import_replaces_the_rows_it_names(say: Said, place: Place) -> None:
    """And leaves the others; unknown homes are warned of."""
    other = Subscriber(GROUP, None, created=2)
    place.save(ASKED, other)
    file = place.folder / "some.csv"
    file.write_text(HEADER + ROW.replace("cottage", "nowhere"), encoding="utf-8")
    said = say("subscribers", "import", str(file))
    assert (said.code, said.out) == (0, "imported: 0 new, 1 replaced\n")
    assert said.err == "power-alerting: warning: the config has no home 'nowhere'\n"
    found = {one.chat_id: one for one in place.saved()}
    assert found[GROUP] == other
    assert (found[ANNA].state, found[ANNA].homes) == (State.ACTIVE, ("flat", "nowhere"))
    assert found[ANNA].mute == "22:00-07:00"


@pytest.mark.parametrize(
    "content,fault",
    [
        (b"", "line 1: the column chat_id is missing"),
        ((HEADER + ROW + ROW.replace("active", "asleep")).encode(), "line 3: state is none of"),
        ((HEADER + ROW.replace(",flat", "")).encode(), "line 2: "),
        ("Дім".encode("cp1251"), "is not UTF-8 text"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_faulty_table_is_2_and_imports_nothing(
    say: Said, place: Place, content: bytes | None, fault: str
) -> None:
    """It says in which line."""
    file = place.folder / "faulty.csv"
    if content is not None:
        file.write_bytes(content)
    said = say("subscribers", "import", str(file))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"power-alerting: {file}")
    assert fault in said.err
    assert "Anna" not in said.err
    assert place.saved() == []


def test_an_export_that_cannot_be_written_is_1(say: Said, place: Place) -> None:
    """And says why."""
    file = place.folder / "missing" / "all.csv"
    said = say("subscribers", "export", str(file))
    assert said.code == 1
    assert said.err == (f"power-alerting: {file} cannot be written: No such file or directory\n")


def test_a_name_that_is_no_text_is_kept_as_well_as_can_be(place: Place) -> None:
    """An argument may hold any bytes."""
    command = [*map(os.fsencode, POWER_ALERTING), b"subscribers", b"add", b"5", b"--name", b"\xff"]
    subprocess.run(command, cwd=place.folder, env=clean_environment(), check=True)
    assert [one.name for one in place.saved()] == ["�"]
