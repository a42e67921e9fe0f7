"""The fake Bot API's HTML: tags become entities, faults are named as td's parser names them."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

_TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_NAMED = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_HREF = re.compile(r"""\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")


class Unparsable(Exception):
    """What the markup is refused for, as in `can't parse entities: …`."""


@dataclass
class _Open:
    tag: str
    offset: int
    href: str | None


def utf16(text: str) -> int:
    """Return a text's length as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def parse_html(source: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the text and its entities; raises Unparsable."""
    text, entities, stack = "", [], list[_Open]()
    position = 0
    while position < len(source):
        if source[position] != "<":
            piece, position = _text_at(source, position)
            text += piece
            continue
        at = len(source[:position].encode())
        end = source.find(">", position)
        if source.startswith("</", position):
            if end < 0:
                raise Unparsable(f"Unclosed end tag at byte offset {at}")
            entities += _close(stack, source[position + 2 : end].strip().lower(), text, at)
        else:
            if end < 0:
                raise Unparsable(f"Unclosed start tag at byte offset {at}")
            stack.append(_opened(source[position + 1 : end], utf16(text), at))
        position = end + 1
    if stack:
        raise Unparsable(f'Can\'t find end tag corresponding to start tag "{stack[-1].tag}"')
    return text, sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))


def _text_at(source: str, position: int) -> tuple[str, int]:
    if found := _NAMED.match(source, position):
        return unescape(found.group()), found.end()
    following = re.compile("[<&]").search(source, position + 1)
    end = following.start() if following else len(source)
    return source[position:end], end


def _opened(inside: str, offset: int, at: int) -> _Open:
    tag = re.split(r"[\s/]", inside, maxsplit=1)[0].lower()
    if tag not in _TYPES:
        raise Unparsable(f'Unsupported start tag "{tag}" at byte offset {at}')
    if tag == "span" and "tg-spoiler" not in inside:
        raise Unparsable(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
    found = _HREF.search(inside)
    return _Open(tag, offset, next(filter(None, found.groups()), None) if found else None)


def _close(stack: list[_Open], tag: str, text: str, at: int) -> list[dict[str, Any]]:
    if not stack:
        raise Unparsable(f"Unexpected end tag at byte offset {at}")
    opened = stack.pop()
    if tag and tag != opened.tag:
        raise Unparsable(
            f'Unmatched end tag at byte offset {at}, expected "</{opened.tag}>", found "</{tag}>"'
        )
    length = utf16(text) - opened.offset
    if length == 0 or (opened.tag == "a" and not opened.href):
        return []
    entity = {"type": _TYPES[opened.tag], "offset": opened.offset, "length": length}
    return [entity | {"url": opened.href} if opened.tag == "a" else entity]
