"""Owns docs/promql.md: what the dashboards ask of Prometheus, as queries that a person can paste.

It is made from the dashboards themselves, so that it names nothing which they do not ask.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import promql_parser

from grafana.kit.board import Board

FIGURES = ("stat", "table", "gauge", "bargauge")  # kinds of panels that state one
FILLED = {
    "$__rate_interval": "1m",
    "$__interval": "5m",
    "$__range": "1d",
    "${window}": "30d",
    "$home": ".*",
    "$group": ".*",
}
ANY = re.compile(r'(?:home|group)=~"\.\*"(?:,\s*)?|,\s*(?:home|group)=~"\.\*"')
LINE = 100
HEAD = Path(__file__).with_name("promql_page_head.md")


@dataclass(frozen=True, slots=True)
class Asked:
    """A panel that states figures, and its queries as they can be pasted."""

    title: str
    description: str
    queries: Sequence[str]


def page(boards: Iterable[Board]) -> str:
    """Return the page."""
    parts = [HEAD.read_text(encoding="utf-8")]
    for board in boards:
        asked = list(_asked(board))
        if asked:
            parts.append(f"\n## {board.title.removeprefix('Power: ').capitalize()}\n")
            parts += [_told(one) for one in asked]
    return "".join(parts)


def pasted(expr: str) -> str:
    """Return a panel's query without Grafana's variables, in lines of moderate length."""
    for variable, value in FILLED.items():
        expr = expr.replace(variable, value)
    plain = ANY.sub("", expr).replace("{}", "")
    parsed = promql_parser.parse(plain)
    return plain if len(plain) <= LINE else str(parsed.prettify()).rstrip()


def _asked(board: Board) -> Iterator[Asked]:
    for section in board.sections:
        for placed in section.panels:
            panel = placed.panel
            exprs = [expr for expr in map(_expr, panel.targets or []) if expr]
            if panel.type_val in FIGURES and exprs:
                queries = list(dict.fromkeys(pasted(expr) for expr in exprs))
                yield Asked(str(panel.title), str(panel.description), queries)


def _expr(target: object) -> str:
    return str(getattr(target, "expr", "") or "")


def _told(asked: Asked) -> str:
    blocks = "".join(f"\n```promql\n{query}\n```\n" for query in asked.queries)
    return f"\n### {asked.title}\n\n{_wrapped(asked.description)}\n{blocks}"


def _wrapped(text: str, width: int = 120) -> str:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])
