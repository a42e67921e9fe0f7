"""Values in JSON documents."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.probes.json_values import Missing, likeness, number_of, parsed, path_of, value_at

# The document and the answers of RFC 6901, section 5.
DOCUMENT = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    "pointer, value",
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_a_pointer_leads_to_its_value(pointer: str, value: object) -> None:
    """As the RFC's own examples say."""
    assert value_at(DOCUMENT, path_of(pointer)) == value


@pytest.mark.parametrize("pointer", ["/nothing", "/foo/2", "/foo/-", "/foo/00", "/foo/0/0", "/a/b"])
def test_a_pointer_that_leads_nowhere_says_so(pointer: str) -> None:
    """A value that is not there is no value."""
    with pytest.raises(Missing):
        value_at(DOCUMENT, path_of(pointer))


@pytest.mark.parametrize(
    "value, number",
    [
        (1, 1.0),
        (-2.5, -2.5),
        ("230.1", 230.1),
        (" 12 ", 12.0),
        ("1e3", 1000.0),
        (True, None),
        (None, None),
        ("", None),
        ("12V", None),
        ("nan", None),
        ("inf", None),
        pytest.param(float("inf"), None, id="infinity"),
        pytest.param(float("nan"), None, id="not-a-number"),
        pytest.param(10**400, None, id="too-great"),
        pytest.param("9" * 400, None, id="too-long"),
        ([1], None),
        ("0x10", None),
    ],
)
def test_what_is_a_number(value: object, number: float | None) -> None:
    """Numbers, and texts that spell one; nothing infinite."""
    assert number_of(value) == number


@pytest.mark.parametrize(
    "one, other, same",
    [
        (1, 1.0, True),
        (1, "1", True),
        ("1.0", 1, True),
        (True, "true", True),
        (False, "false", True),
        (True, 1, False),
        (False, 0, False),
        (True, "True", False),
        ("on", " on ", True),
        ("on", "ON", False),
        ("on", True, False),
        ("", 0, False),
    ],
)
def test_which_values_are_the_same(one: object, other: object, same: bool) -> None:  # noqa: FBT001
    """A device may spell numbers as texts; true is no number."""
    assert (likeness(one) == likeness(other)) is same


@given(st.binary(max_size=200))
def test_no_body_is_too_strange(body: bytes) -> None:
    """What is not JSON is a ValueError, whatever it is."""
    try:
        document = parsed(body)
    except ValueError:
        return
    number_of(document)


def test_a_body_that_is_nested_too_deep_is_not_json() -> None:
    """A million brackets do not end the process."""
    with pytest.raises(ValueError, match="nested"):
        parsed(b"[" * 1_000_000)


@given(st.recursive(st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_every_name_can_be_pointed_at(document: object) -> None:
    """Escaping and its opposite agree."""
    parts, place = [], document
    while isinstance(place, dict) and place:
        name, place = next(iter(place.items()))
        parts.append(name.replace("~", "~0").replace("/", "~1"))
    pointer = "".join(f"/{part}" for part in parts)
    assert json.dumps(value_at(document, path_of(pointer))) == json.dumps(place)
