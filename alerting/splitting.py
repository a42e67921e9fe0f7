"""Owns how a text too long for one message becomes several; pure.

Telegram counts UTF-16 units after it has read the markup, and refuses markup that is cut.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

LIMIT = 4096
_TOKEN = re.compile(r"<[^<>]*>|&#?\w+;|.", re.DOTALL)
_JOINERS = "\u200d\ufe0e\ufe0f"


@dataclass(frozen=True, slots=True)
class _Atom:
    """A character that must not be cut, and the tags that are open around it."""

    html: str
    plain: str
    tags: tuple[str, ...]

    @property
    def units(self) -> int:
        return len(self.plain.encode("utf-16-le")) // 2


def plain(html: str) -> str:
    """Return what people read of Telegram's HTML."""
    return "".join(_plain(token) for token in _TOKEN.findall(html))


def split(html: str, limit: int = LIMIT) -> tuple[str, ...]:
    """Cut HTML into parts that Telegram takes, at the borders of lines where it can.

    Every part is whole by itself: what is open at a cut is closed, and opened again
    in the next part. A part without anything to read is left out.
    """
    atoms = _atoms(html)
    if sum(atom.units for atom in atoms) <= limit:
        return (html,) if plain(html).strip() else ()
    parts = []
    while atoms:
        end = _cut(atoms, limit)
        parts.append(atoms[:end])
        atoms = atoms[end:]
    return tuple(_render(part) for part in parts if "".join(a.plain for a in part).strip())


def _plain(token: str) -> str:
    return "" if token[0] == "<" and len(token) > 1 else unescape(token)


def _atoms(html: str) -> list[_Atom]:
    atoms: list[_Atom] = []
    tags: tuple[str, ...] = ()
    for token in _TOKEN.findall(html):
        if token.startswith("</"):
            tags = tags[:-1]
        elif token[0] == "<" and len(token) > 1:
            tags = (*tags, token)
        elif atoms and atoms[-1].tags == tags and _belongs(atoms[-1].plain, token):
            last = atoms.pop()
            atoms.append(_Atom(last.html + token, last.plain + _plain(token), tags))
        else:
            atoms.append(_Atom(token, _plain(token), tags))
    return atoms


def _belongs(before: str, token: str) -> bool:
    """Tell whether a character is shown as one with those before it (an accent, an emoji)."""
    if len(before) > 8 or before[-1].isspace():  # noqa: PLR2004  a bound, or a text might be one atom
        return False
    return token in _JOINERS or before[-1] == "\u200d" or unicodedata.combining(token[0]) > 0


def _cut(atoms: Sequence[_Atom], limit: int) -> int:
    """Return how many atoms go into the next part: all, or up to a line's or a word's end."""
    used = line = word = 0
    for place, atom in enumerate(atoms):
        used += atom.units
        if used > limit:
            return line or word or max(1, place)
        if atom.plain == "\n":
            line = place + 1
        elif atom.plain.isspace():
            word = place + 1
    return len(atoms)


def _render(atoms: Sequence[_Atom]) -> str:
    out: list[str] = []
    opened: tuple[str, ...] = ()
    for atom in atoms:
        out += _change(opened, atom.tags)
        opened = atom.tags
        out.append(atom.html)
    return "".join([*out, *_change(opened, ())])


def _change(opened: tuple[str, ...], wanted: tuple[str, ...]) -> list[str]:
    """Return the tags that lead from what is open to what shall be."""
    common = 0
    while common < min(len(opened), len(wanted)) and opened[common] == wanted[common]:
        common += 1
    closing = [f"</{re.split(r'[ >]', tag[1:])[0]}>" for tag in reversed(opened[common:])]
    return closing + list(wanted[common:])
