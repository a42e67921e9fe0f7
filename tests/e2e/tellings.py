"""What chats were told of outages, read out of English messages as people read them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TIME = r"(?:\d+ \w+ )?(\d\d:\d\d)"
_HEAD = re.compile(rf"[🔴🟢⚪] {_TIME} (home-\d+): (.+)")
_OUT = re.compile(r"power is out\b")
_SPAN = re.compile(rf"\b[Oo]ff {_TIME} ?\N{{EN DASH}} ?{_TIME}")
_SINCE = re.compile(rf"off since {_TIME}")
_TITLE = re.compile(r"home-\d+")
_CUT = 3900  # characters: a message that is nearly full goes on in the next


@dataclass(frozen=True)
class Telling:
    """One thing that a message says; minutes of the home's clock.

    `ended` None: the outage runs. `whole`: the message says nothing else of the home, and so is
    what tells it, rather than the state that stands beside news.
    """

    home: str
    began: str
    ended: str | None = None
    whole: bool = False


def tellings(text: str, before: str = "") -> Iterator[Telling]:
    """Yield all that a message says of outages that ended and of such that run.

    `before`: the home of which the last message spoke last, where this one continues it.
    """
    lines: dict[str, list[str]] = {}
    for home, line in _by_home(text, before):
        lines.setdefault(home, []).append(line)
    for home, said in lines.items():
        yield from _of_home(home, said, cut=len(text) >= _CUT)


def last_home(text: str, before: str = "") -> str:
    """Return the home of which a message speaks last."""
    return [home for home, _ in _by_home(text, before)][-1]


def _by_home(text: str, before: str) -> Iterator[tuple[str, str]]:
    home = before
    for line in text.splitlines():
        if head := _HEAD.fullmatch(line):
            home = head[2]
            if _OUT.match(head[3]):
                yield home, f"off since {head[1]}"
            else:
                yield home, head[3].replace("off again since", "off since")
        elif _TITLE.fullmatch(line):
            home = line
        elif line:
            assert home, text
            yield home, line


def _of_home(home: str, said: list[str], *, cut: bool) -> Iterator[Telling]:
    spans = {(span[1], span[2]) for line in said for span in _SPAN.finditer(line)}
    running = {since[1] for line in said for since in _SINCE.finditer(line)}
    for began, ended in spans:
        yield Telling(home, began, ended)
    listed = cut or any(line.startswith("•") for line in said)
    for began in running:
        yield Telling(home, began, whole=not spans and not listed and len(running) == 1)
