"""The subscribers' table: what is exported is imported as it was, and faults are named."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.subscriber_table import COLUMNS, BadTable, from_csv, to_csv, to_json
from alerting.subscribers import State, Subscriber

ONE = Subscriber(
    chat_id=-1001234567890,
    topic=7,
    username="olena",
    name='Олена "Лєна", мама',
    homes=("flat", "dacha"),
    language="uk",
    state=State.ACTIVE,
    mute="22:00-07:00",
    created=1_790_000_000_123,
)
TWO = Subscriber(2, None, state=State.DENIED, language="en")
HEADER = ",".join(COLUMNS)

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"))
SUBSCRIBERS = st.builds(
    Subscriber,
    chat_id=st.integers(-(10**15), 10**15),
    topic=st.none() | st.integers(1, 2**31),
    username=TEXTS,
    name=TEXTS,
    homes=st.none() | st.just(("flat",)) | st.just(("a_b-c", "0")),
    language=st.sampled_from(["uk", "en"]),
    state=st.sampled_from(State),
    mute=st.sampled_from(["", "00:00-23:59"]),
    created=st.integers(0, 4_000_000_000_000),
)


def test_the_columns_are_those_of_the_json() -> None:
    """One shape, twice; all homes are null, no topic is null."""
    assert tuple(to_json(ONE)) == COLUMNS
    assert to_json(ONE)["homes"] == ["flat", "dacha"]
    assert to_json(ONE)["created"] == "2026-09-21T14:13:20.123Z"
    assert (to_json(TWO)["homes"], to_json(TWO)["topic"]) == (None, None)


def test_a_table_is_one_row_a_subscriber() -> None:
    """Homes are separated by spaces."""
    lines = to_csv([ONE, TWO]).splitlines()
    assert lines[0] == HEADER
    assert lines[1].startswith('-1001234567890,7,olena,"Олена ""Лєна"", мама",flat dacha,uk,')
    assert lines[2] == "2,,,,,en,denied,,1970-01-01T00:00:00.000Z"


@given(st.lists(SUBSCRIBERS))
def test_what_is_exported_is_imported_as_it_was(subscribers: list[Subscriber]) -> None:
    """Whatever their names hold."""
    assert from_csv(to_csv(subscribers)) == subscribers


def test_columns_may_come_in_any_order_and_with_others() -> None:
    """A spreadsheet's mark at the beginning is no part of a name."""
    text = "\ufeffnote," + ",".join(reversed(COLUMNS)) + "\nx,"
    row = "2026-09-21T14:13:20.123Z,,stopped,en,,N,u,,5"
    assert from_csv(text + row) == [
        replace(TWO, chat_id=5, username="u", name="N", state=State.STOPPED, created=ONE.created)
    ]


@pytest.mark.parametrize(
    "column, cell, fault",
    [
        ("chat_id", "olena", "chat_id is no whole number"),
        ("chat_id", "", "chat_id is no whole number"),
        ("chat_id", "1" * 19, "chat_id is no whole number"),
        ("topic", "x", "topic is no whole number"),
        ("homes", "Flat", "homes are no names of homes"),
        ("language", "ru", "language is none of uk, en"),
        ("state", "gone", "state is none of active, pending, stopped, blocked, denied"),
        ("mute", "22-7", "mute is no span such as 22:00-07:00"),
        ("mute", "24:00-07:00", "mute is no span such as 22:00-07:00"),
        ("created", "yesterday", "created is no RFC 3339 time"),
    ],
)
def test_a_fault_names_line_and_column_and_nothing_of_anybody(
    column: str, cell: str, fault: str
) -> None:
    """Nothing is imported then."""
    good = dict(zip(COLUMNS, to_csv([TWO]).splitlines()[1].split(","), strict=True))
    rows = [",".join(row.values()) for row in (good, good | {column: cell})]
    with pytest.raises(BadTable) as told:
        from_csv("\n".join([HEADER, *rows]))
    assert str(told.value) == f"line 3: {fault}"


@pytest.mark.parametrize(
    "text, fault",
    [
        ("", "line 1: the column chat_id is missing"),
        (HEADER.replace(",mute", "") + "\n", "line 1: the column mute is missing"),
        (HEADER + "\n1,2\n", "line 2: its columns are not as many as line 1's"),
        (HEADER + "\n" + "," * 20, "line 2: its columns are not as many as line 1's"),
        (HEADER + '\n"', "line 2: unexpected end of data"),
    ],
)
def test_what_is_no_such_table_is_named(text: str, fault: str) -> None:
    """A table of another program is refused as a whole."""
    with pytest.raises(BadTable) as told:
        from_csv(text)
    assert str(told.value) == fault
