"""Tables stand straight in a terminal, whatever they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.tables import Column, printable, table, width


@pytest.mark.parametrize(
    "text,columns",
    [("flat", 4), ("Наша хата", 9), ("日本", 4), ("e\u0301", 1), ("\U0001f3e0", 2), ("ﾊ", 1)],
)
def test_widths_are_those_of_a_terminal(text: str, columns: int) -> None:
    """East Asian letters take two columns, combining marks none."""
    assert width(text) == columns


def test_numbers_stand_at_the_right() -> None:
    """And no line ends in spaces."""
    columns = (Column("Home"), Column("Outages", number=True), Column("Note"))
    assert table(columns, [("日本", "5", ""), ("Хата", "12", "x")]) == (
        "Home  Outages  Note\n"  # the titles themselves
        "日本        5\n"
        "Хата       12  x\n"
    )


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\t", "\x1b", "\x9b", "\u2028", "\u202e", "\ud800"]
)
def test_nothing_steers_the_terminal(character: str) -> None:
    """Each such character is replaced by one that shows."""
    assert printable(f"a{character}b") == "a�b"


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1))
def test_any_text_keeps_to_its_line(rows: list[tuple[str, str]]) -> None:
    """One line a row, each with its second cell in the same column."""
    shown = table((Column("A"), Column("B")), [(first, f"|{second}") for first, second in rows])
    lines = shown.split("\n")[1:-1]
    assert len(lines) == len(rows)
    widest = max(width(printable(first)) for first, _ in rows)
    for line, (first, _) in zip(lines, rows, strict=True):
        left = printable(first)
        assert line.startswith(left + " " * (max(widest, 1) - width(left)) + "  |")
