"""YAML 1.2 text becomes values that remember their lines."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.yaml_tree import Tree, Wrong, parse_yaml


def read(text: str) -> object:
    """Return the value of a sound text."""
    tree = parse_yaml(text)
    assert tree.wrongs == ()
    return tree.value


def refusal(text: str) -> Wrong:
    """Return the one thing that is wrong with a text."""
    (wrong,) = parse_yaml(text).wrongs
    return wrong


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "Y", "22:30", "2026-01-01", "1_000", "0b1", "=", "1.2.3"]
)
def test_what_only_yaml_1_1_reads_otherwise_is_text(text: str) -> None:
    """Norway is a country, half past ten a time of day."""
    assert read(f"key: {text}") == {"key": text}


@pytest.mark.parametrize(
    "text, value",
    [
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-7", -7),
        ("+7", 7),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ('"010"', "010"),
        ("'true'", "true"),
        ("!!str 010", "010"),
        ("!!float 1", 1.0),
    ],
)
def test_scalars_are_those_of_the_core_schema(text: str, value: object) -> None:
    """Quoted ones are text, and tags are obeyed."""
    found = read(f"key: {text}")
    assert found == {"key": value}
    assert isinstance(found, dict)
    assert type(found["key"]) is type(value)


def test_not_a_number_is_a_number() -> None:
    """Models refuse it where it makes no sense."""
    assert str(read("[.nan, .NaN]")) == "[nan, nan]"


def test_keys_are_text_whatever_they_look_like() -> None:
    """A user may be called 12 or no."""
    assert read("12: a\nno: b\ntrue: c\n") == {"12": "a", "no": "b", "true": "c"}


def test_a_duplicate_key_blames_the_second() -> None:
    """The first one stands, each further one is blamed."""
    tree = parse_yaml("a:\n  b: 1\n  c: 2\n  b: 3\n  b: 4\n")
    assert tree.value == {"a": {"b": 1, "c": 2}}
    assert tree.wrongs == (
        Wrong(4, ("a", "b"), "duplicate key"),
        Wrong(5, ("a", "b"), "duplicate key"),
    )


def test_an_alias_is_what_its_anchor_names() -> None:
    """Written once, used twice."""
    assert read("a: &x [1]\nb: *x\n") == {"a": [1], "b": [1]}


def test_a_merge_key_adds_what_the_mapping_does_not_say_itself() -> None:
    """Own keys win, of several merged mappings the first."""
    text = "x: &x {p: 1, q: 1}\ny: &y {q: 2, r: 2}\nz:\n  <<: [*x, *y]\n  p: 3\n"
    assert read(text) == {
        "x": {"p": 1, "q": 1},
        "y": {"q": 2, "r": 2},
        "z": {"p": 3, "q": 1, "r": 2},
    }


def test_merged_mappings_may_be_merged_again() -> None:
    """What was merged belongs to the mapping."""
    assert read("- &a {p: 1}\n- &b {<<: *a, q: 2}\n- {<<: *b}\n") == [
        {"p": 1},
        {"p": 1, "q": 2},
        {"p": 1, "q": 2},
    ]


def test_a_quoted_merge_key_is_a_key() -> None:
    """Quotes make anything a text."""
    assert read('"<<": 1') == {"<<": 1}


@pytest.mark.parametrize(
    "text, line, what",
    [
        ("", 1, "the file is empty"),
        ("# a comment\n", 1, "the file is empty"),
        ("a: 1\nb: [", 2, "not valid YAML"),
        ("a: b: c", 1, "mapping values are not allowed"),
        ("a:\n\t- 1", 2, "cannot start any token"),
        ("a: 1\n---\nb: 2\n", 2, "a file holds one document"),
        ("a: 1\nb: \x01\n", 2, "a character that is not allowed"),
        ("ä: 1\nb: \x01\n", 2, "a character that is not allowed"),
        ("a:\n  - *b\n", 2, "undefined alias"),
        ("&a [*a]", 1, "inside what it names"),
        ("&a {<<: *a}", 1, "inside what it names"),
        ("a: 1\n<<: 2\n", 2, "must be an alias of a mapping"),
        ("a: !!python/name:os.system x", 1, "unknown tag !!python/name:os.system"),
        ("a: !own {b: 1}", 1, "unknown tag !own"),
        ("a: !!set {b}", 1, "unknown tag !!set"),
        ("a: !!int x", 1, "'x' is no int"),
        ("a: 1\n? [b]\n: 2\n", 2, "a key must be text"),
        ("a: " + "9" * 5000, 1, "too many digits"),
        ('a: "b\n\nc\n', 3, "that begins in line 1"),
        ("[" * 50_000, 1, "not valid YAML"),
        ("- " * 50_000, 1, "not valid YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, what: str) -> None:
    """Nothing is raised, whatever a file holds."""
    wrong = refusal(text)
    assert wrong.line == line
    assert what in wrong.what


PLACES = """\
homes:
  - name: flat
    probes:
      - kind: host

  - &other
    name: cottage
  - <<: *other
    title: >
      a long
      title
"""


@pytest.mark.parametrize(
    "loc, line",
    [
        ((), 1),
        (("homes",), 1),
        (("homes", 0), 2),
        (("homes", 0, "probes", 0, "kind"), 4),
        (("homes", 1, "name"), 7),
        (("homes", 2), 8),
        (("homes", 2, "name"), 7),
        (("homes", 2, "title"), 9),
    ],
)
def test_everything_has_the_line_of_its_key_or_item(loc: tuple[str | int, ...], line: int) -> None:
    """Of a value below its key, the key's line."""
    assert parse_yaml(PLACES).locate(loc) == (line, loc)


def test_a_missing_key_has_the_line_of_its_item() -> None:
    """And its own name at the end of the path."""
    tree = parse_yaml(PLACES)
    assert tree.locate(("homes", 0, "title"), missing=True) == (2, ("homes", 0, "title"))


def test_what_the_file_does_not_hold_is_no_part_of_a_path() -> None:
    """Such as the name of a type, which validators put between."""
    tree = parse_yaml(PLACES)
    assert tree.locate(("homes", "union", 0, "str", "name")) == (2, ("homes", 0, "name"))
    assert tree.locate(("homes", 7)) == (1, ("homes",))


def test_an_unread_tree_has_one_line() -> None:
    """A file that cannot be read is blamed as a whole."""
    assert Tree(None, None).locate(("homes", 0)) == (1, ())


@given(st.text(alphabet="ab:-[]{}&*!<>|'\"#? \n\t0", max_size=40))
def test_no_text_raises(text: str) -> None:
    """Either there is a value, or the reason why there is none."""
    tree = parse_yaml(text)
    assert tree.root is not None or tree.wrongs
    assert all(1 <= wrong.line <= text.count("\n") + 1 for wrong in tree.wrongs)
