"""A text too long for one message loses nothing by being cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.splitting import LIMIT, plain, split

TAG = re.compile(r"</?[^<>]+>")


def units(text: str) -> int:
    """Count as Telegram does."""
    return len(text.encode("utf-16-le")) // 2


def well_formed(html: str) -> bool:
    """Tell whether all tags are closed in order, and all other signs of markup are escaped."""
    opened: list[str] = []
    for tag in TAG.findall(html):
        if not tag.startswith("</"):
            opened.append(tag[1:-1].split(" ")[0])
        elif not opened or opened.pop() != tag[2:-1]:
            return False
    text = re.sub(r"&(?:amp|lt|gt|quot|#\d+);", "", TAG.sub("", html))
    return not opened and not set("<>&") & set(text)


words = st.text(st.sampled_from("ab \n\u0456\U0001f534\u26a0\ufe0f\u0301"), max_size=12)
pieces = st.recursive(
    st.one_of(words, st.sampled_from(["&amp;", "&lt;", "&quot;", "&#39;", "\n"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5).map("".join),
        inner.map("<b>{}</b>".format),
        inner.map('<a href="https://example.org/?a=1">{}</a>'.format),
    ),
    max_leaves=30,
)


@given(pieces, st.integers(12, 60))
def test_the_parts_together_are_the_whole(html: str, limit: int) -> None:
    """Each fits, is whole by itself and has something to read; only blank parts are left out."""
    parts = split(html, limit)
    assert all(units(plain(part)) <= limit for part in parts)
    assert all(well_formed(part) and plain(part).strip() for part in parts)
    together = "".join(map(plain, parts))
    assert "".join(together.split()) == "".join(plain(html).split())


@given(pieces.map(lambda html: html.replace("\n", ".").replace(" ", "_")), st.integers(12, 60))
def test_without_blanks_not_a_sign_is_lost(html: str, limit: int) -> None:
    """Nor moved."""
    assert "".join(map(plain, split(html, limit))) == plain(html)


def test_a_text_that_fits_is_left_as_it_is() -> None:
    """Up to the last unit: an emoji counts two."""
    text = "<b>" + "\U0001f534" * (LIMIT // 2) + "</b>"
    assert split(text) == (text,)
    assert len(split(text + ".")) == 2


def test_lines_stay_whole_where_they_can() -> None:
    """Then words, then characters."""
    assert split("one two\nthree\nfour", 13) == ("one two\n", "three\nfour")
    assert split("one two three", 9) == ("one two ", "three")
    assert split("abcdefgh", 3) == ("abc", "def", "gh")


def test_what_is_open_is_closed_and_opened_again() -> None:
    """With its attributes."""
    link = '<a href="https://example.org">abcd</a>'
    opened = '<a href="https://example.org">'
    assert split(f"<b>{link}</b>", 2) == (
        f"<b>{opened}ab</a></b>",
        f"<b>{opened}cd</a></b>",
    )


@pytest.mark.parametrize("whole", ["&amp;", "\u26a0\ufe0f", "\U0001f534", "e\u0301"])
def test_what_is_read_as_one_sign_is_not_cut(whole: str) -> None:
    """An escaped sign, a pair of units, an emoji with its selector, a letter with its accent."""
    parts = split("ab" + whole + "cd", 3)
    assert any(whole in part for part in parts)
    assert plain("".join(parts)) == plain(f"ab{whole}cd")


def test_nothing_to_read_is_no_message() -> None:
    """Telegram refuses an empty one."""
    assert split("") == split("<b> </b>\n") == ()
    assert split("a" + "\n" * 10, 4) == ("a\n\n\n",)
