"""Config files become models, and every fault gets its file, line and path."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from chassis.secrets import SecretFile
from chassis.strict_model import ExistingFile
from chassis.yaml_config import (
    ConfigError,
    ConfigPath,
    Document,
    Fault,
    StrictModel,
    load_documents,
    load_single,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Room(StrictModel):
    name: str
    colour: Colour = Colour.RED
    size: Annotated[float, Field(gt=0)] = 1.0
    tags: tuple[str, ...] = ()
    lamps: Annotated[int, Field(ge=0, le=9)] = 0
    says: str | tuple[str, ...] = ""


class Rooms(StrictModel):
    rooms: tuple[Room, ...] = ()
    folder: ConfigPath = Field(default=Path("data"), validate_default=True)
    key: SecretFile | None = Field(default=None, alias="key_file")
    ca_file: ExistingFile | None = None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a working directory, so that files are given by their names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def document_of(*texts: str) -> Document:
    """Write texts as a.yaml, b.yaml, … and read them together."""
    files = [Path(f"{chr(ord('a') + place)}.yaml") for place in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    return load_documents(files)


def rooms(*texts: str) -> Rooms:
    """Return the section of sound files."""
    document = document_of(*texts)
    made = document.build("house", Rooms)
    document.finish()
    assert made is not None
    return made


def faults(*texts: str, known: Sequence[str] = ("house",)) -> list[str]:
    """Return what is said of faulty files."""
    document = document_of(*texts)
    document.expect(known)
    document.build("house", Rooms)
    with pytest.raises(ConfigError) as refused:
        document.finish()
    assert str(refused.value).splitlines() == [str(fault) for fault in refused.value.faults]
    return [str(fault) for fault in refused.value.faults]


def test_a_section_becomes_a_frozen_model(folder: Path) -> None:
    """A sequence becomes a tuple, a text an enum, a whole number a float where one is asked for."""
    made = rooms("house:\n  rooms:\n    - {name: hall, colour: blue, size: 2, tags: [a, b]}\n")
    assert made.rooms == (Room(name="hall", colour=Colour.BLUE, size=2.0, tags=("a", "b")),)
    with pytest.raises(ValueError, match="frozen"):
        made.rooms = ()


def test_an_absent_or_empty_section_has_its_defaults(folder: Path) -> None:
    """All of its keys commented out is as good as absent."""
    assert rooms("other: 1\n") == rooms("house:\n") == Rooms()


def test_all_faults_are_told_in_the_order_of_their_lines(folder: Path) -> None:
    """One run is enough to mend a file."""
    text = (
        "house:\n"
        "  rooms:\n"
        "    - colour: green\n"
        "      size: 0\n"
        "    - name: hall\n"
        "      door: open\n"
        "      name: again\n"
        "      lamps: 10\n"
        "      tags: [1]\n"
        "  folder: ''\n"
        "  ca_file: missing.pem\n"
        "hose: 1\n"
    )
    assert faults(text) == [
        "a.yaml:3: house.rooms[0].name: missing",
        "a.yaml:3: house.rooms[0].colour: must be 'red' or 'blue'",
        "a.yaml:4: house.rooms[0].size: must be greater than 0.0",
        "a.yaml:6: house.rooms[1].door: unknown key",
        "a.yaml:7: house.rooms[1].name: duplicate key",
        "a.yaml:8: house.rooms[1].lamps: must be at most 9",
        "a.yaml:9: house.rooms[1].tags[0]: must be text (put it in quotes)",
        "a.yaml:10: house.folder: must be a path",
        "a.yaml:11: house.ca_file: cannot read missing.pem: No such file or directory",
        "a.yaml:12: hose: unknown key; the sections are house",
    ]


@pytest.mark.parametrize(
    "room, what",
    [
        ("name: 12", "name: must be text (put it in quotes)"),
        ("name: no, lamps: 1.5", "lamps: must be a whole number"),
        ("name: no, lamps: '1'", "lamps: must be a whole number"),
        ("name: no, lamps: yes", "lamps: must be a whole number"),
        ("name: no, lamps: -1", "lamps: must be at least 0"),
        ("name: no, size: big", "size: must be a number"),
        ("name: no, size: .nan", "size: must be a finite number"),
        ("name: no, size: .inf", "size: must be a finite number"),
        ("name: no, tags: a", "tags: must be a list"),
        ("name: no, tags: {a: b}", "tags: must be a list"),
        ("name: no, says: 1", "says: must be text (put it in quotes) or a list"),
    ],
)
def test_a_wrong_value_is_blamed_in_words(folder: Path, room: str, what: str) -> None:
    """No one needs to know the validator to understand."""
    assert faults(f"house:\n  rooms: [{{{room}}}]\n") == [f"a.yaml:2: house.rooms[0].{what}"]


def test_a_section_that_is_no_mapping_is_blamed_as_a_whole(folder: Path) -> None:
    """As is a list's item."""
    assert faults("house: []\n") == ["a.yaml:1: house: must be a mapping (key: value)"]
    assert faults("house:\n  rooms:\n    - hall\n") == [
        "a.yaml:3: house.rooms[0]: must be a mapping (key: value)"
    ]


def test_sections_may_stand_in_several_files(folder: Path) -> None:
    """Each in one of them."""
    assert rooms("other: 1\n", "house:\n  rooms: [{name: hall}]\n").rooms == (Room(name="hall"),)


def test_a_section_in_two_files_blames_the_second(folder: Path) -> None:
    """The first one stands, and what is wrong with it is told as well."""
    assert faults("house: {door: 1}\n", "\n\nhouse: {}\n") == [
        "a.yaml:1: house.door: unknown key",
        "b.yaml:3: house: this section stands in a.yaml already",
    ]


def test_faults_are_in_the_order_in_which_files_were_given(folder: Path) -> None:
    """Not in that of their names."""
    Path("z.yaml").write_text("z: 1\n")
    Path("a.yaml").write_text("a: 1\n")
    document = load_documents(["z.yaml", "a.yaml"])
    document.expect(["house"])
    with pytest.raises(ConfigError) as refused:
        document.finish()
    assert [fault.file for fault in refused.value.faults] == ["z.yaml", "a.yaml"]


def test_files_that_cannot_be_read_are_faults(folder: Path) -> None:
    """All of them, and nothing is said of what may stand in them."""
    Path("text.yaml").write_bytes(b"a: 1\nb: \xff\n")
    Path("list.yaml").write_text("- 1\n")
    Path("empty.yaml").write_text("")
    document = load_documents(["missing.yaml", ".", "text.yaml", "list.yaml", "empty.yaml"])
    document.require("house", "missing")
    with pytest.raises(ConfigError) as refused:
        document.finish()
    assert [str(fault) for fault in refused.value.faults] == [
        "missing.yaml:1: cannot be read: No such file or directory",
        ".:1: cannot be read: Is a directory",
        "text.yaml:2: is not UTF-8 text",
        "list.yaml:1: must be a mapping (key: value)",
        "empty.yaml:1: the file is empty",
    ]


def test_a_byte_order_mark_is_no_part_of_the_text(folder: Path) -> None:
    """Some editors write one."""
    assert rooms("\ufeffhouse:\n  rooms: []\n") == Rooms()


def test_a_section_that_is_needed_is_missed(folder: Path) -> None:
    """Where it is empty, or else in the first file."""
    for texts, fault in [
        (("a: 1\n", "b: 1\n"), "a.yaml:1: house: missing"),
        (("a: 1\n", "\nhouse:\n"), "b.yaml:2: house: missing"),
    ]:
        document = document_of(*texts)
        document.require("house", "missing")
        assert list(map(str, document.faults)) == [fault]


def test_relative_paths_are_relative_to_the_file_of_their_section(folder: Path) -> None:
    """What a file leaves out is relative to the first file; absolute paths stay."""
    for name in ("first", "second"):
        (folder / name).mkdir()
    Path("first/a.yaml").write_text("other: 1\n")
    Path("second/b.yaml").write_text("house: {folder: mine}\n")
    files = ["first/a.yaml", "second/b.yaml"]
    made = load_documents(files).build("house", Rooms)
    assert made is not None
    assert made.folder == Path("second/mine")
    Path("second/b.yaml").write_text("house: {rooms: []}\n")
    made = load_documents(files).build("house", Rooms)
    assert made is not None
    assert made.folder == Path("first/data")
    Path("second/b.yaml").write_text("house: {folder: /var/lib/x}\n")
    made = load_documents(files).build("house", Rooms)
    assert made is not None
    assert made.folder == Path("/var/lib/x")


def test_the_name_of_a_field_is_no_key(folder: Path) -> None:
    """A secret itself has no place in a file, nor in what is said of it."""
    assert faults("house: {key: made-up}\n") == ["a.yaml:1: house.key: unknown key"]


def test_warnings_have_places_too(folder: Path) -> None:
    """They stand beside the faults and refuse nothing."""
    Path("token").write_text("made-up\n")
    Path("token").chmod(0o644)
    document = document_of("house:\n  rooms: []\n  key_file: token\n")
    assert document.build("house", Rooms) is not None
    document.finish()
    assert document.warnings == [
        Fault(
            "a.yaml",
            3,
            "house.key_file",
            "token is readable by others (mode 0644); chmod o-rwx it",
        )
    ]


def test_a_service_blames_what_only_it_can_see(folder: Path) -> None:
    """A path of its own making finds its line."""
    document = document_of("house:\n  rooms:\n    - name: hall\n    - name: hall\n")
    document.blame(("house", "rooms", 1, "name"), "another hall")
    assert list(map(str, document.faults)) == ["a.yaml:4: house.rooms[1].name: another hall"]


def test_another_file_is_checked_with_its_own_lines(folder: Path) -> None:
    """Its faults come after those of the config."""

    def load(path: Path, warnings: list[Fault]) -> Room:
        return load_single(path, Room, warnings)

    Path("room.yaml").write_text("nam: hall\n")
    document = document_of("house:\n  room: room.yaml\n  none: missing.yaml\n")
    document.include(("house", "room"), load)
    document.include(("house", "none"), load)
    document.include(("house", "absent"), load)
    document.build("house", Rooms)
    with pytest.raises(ConfigError) as refused:
        document.finish()
    assert [str(fault) for fault in refused.value.faults] == [
        "a.yaml:2: house.room: unknown key",
        "a.yaml:3: house.none: unknown key",
        "room.yaml:1: name: missing",
        "room.yaml:1: nam: unknown key",
    ]


def test_a_fault_is_one_line_whatever_a_key_holds(folder: Path) -> None:
    """A line break in a key is spelled out."""
    assert faults('house: {"a\\nb": 1}\n') == ["a.yaml:1: house.a\\nb: unknown key"]


def test_what_is_unreadable_is_blamed_once(folder: Path) -> None:
    """The value that is missing for it is no second fault."""
    assert faults("house:\n  rooms:\n    - name: !own x\n") == [
        "a.yaml:3: house.rooms[0].name: unknown tag !own"
    ]


def test_a_model_by_code_takes_values_as_they_are() -> None:
    """Tests and other programs make the same models, checked as strictly."""
    assert Rooms(folder=Path("x")).folder == Path("x")
    with pytest.raises(ValueError, match="Extra inputs"):
        Rooms(door=1)  # type: ignore[call-arg]  # that is the point
