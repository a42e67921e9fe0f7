"""Reads PromQL as a tree, and puts values in the place of Grafana's variables; asks nobody."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import promql_parser

# Lengths that nobody writes by hand, so that they can be told from those that are written.
RATE_INTERVAL, INTERVAL, RANGE = 433, 217, 86_413  # seconds
USUAL = {
    "__rate_interval": f"{RATE_INTERVAL}s",
    "__interval": f"{INTERVAL}s",
    "__range": f"{RANGE}s",
    "__range_s": str(RANGE),
    "__range_ms": str(RANGE * 1000),
    "__interval_ms": str(INTERVAL * 1000),
    "__from": "1782777600000",
    "__to": "1782864000000",
    "home": ".*",
    "group": ".*",
    "window": "30d",
}
VARIABLE = re.compile(r"\$(?P<bare>\w+)|\$\{(?P<braced>\w+)(?::\w+)?\}|\[\[(?P<old>\w+)\]\]")
# What is the same with and without `$home`, as far as it is about all homes.
ANY_HOME = re.compile(r'\bhome\s*=~?\s*"(\$home|\$\{home(:\w+)?\}|\.\*)"\s*,?\s*')

Expr = promql_parser.Expr


class NotPromqlError(Exception):
    """Not PromQL, or a variable that nobody knows; the text says what."""


def filled_in(text: str, values: Mapping[str, str] | None = None) -> str:
    """Return PromQL with each of Grafana's variables replaced."""
    known = {**USUAL, **(values or {})}

    def value_of(match: re.Match[str]) -> str:
        name = match["bare"] or match["braced"] or match["old"]
        if name.isdigit():  # of label_replace: $1
            return match[0]
        if name not in known:
            raise NotPromqlError(f"nobody knows ${name}")
        return known[name]

    return VARIABLE.sub(value_of, text)


def parsed(text: str) -> Expr:
    """Return the tree of PromQL that may hold Grafana's variables."""
    try:
        return promql_parser.parse(filled_in(text))
    except ValueError as fault:
        raise NotPromqlError(str(fault)) from None


def same(text: str) -> str:
    """Return one spelling for all that ask the same, apart from which homes are chosen."""
    return str(parsed(ANY_HOME.sub("", text))).replace("{}", "")


# ---------------------------------------------------------------- what stands in a tree


@dataclass(frozen=True, slots=True)
class Selected:
    """A metric as it is selected, and what is around it, the innermost last.

    `range_seconds` is how far back its window reaches; None where it is an instant.
    """

    name: str
    matchers: Mapping[str, str]
    offset: object
    range_seconds: float | None
    around: tuple[Any, ...]

    @property
    def functions(self) -> list[str]:
        """The functions around it, the innermost last."""
        return [one.func.name for one in self.around if isinstance(one, promql_parser.Call)]


def selected(expr: Any, around: tuple[Any, ...] = ()) -> Iterator[Selected]:  # noqa: ANN401  a node
    """Yield everything that an expression selects."""
    if isinstance(expr, promql_parser.MatrixSelector):
        yield _selected(expr.vector_selector, around, expr.range.total_seconds())
    elif isinstance(expr, promql_parser.VectorSelector):
        yield _selected(expr, around, None)
    else:
        for child in children(expr):
            yield from selected(child, (*around, expr))


def _selected(one: Any, around: tuple[Any, ...], seconds: float | None) -> Selected:  # noqa: ANN401
    matchers = {matcher.name: matcher.value for matcher in one.matchers.matchers}
    name = one.name or matchers.pop("__name__", "")
    matchers.pop("__name__", None)
    return Selected(name, matchers, one.offset, seconds, around)


def nodes(expr: Any) -> Iterator[Any]:  # noqa: ANN401  a node
    """Yield every node."""
    yield expr
    for child in children(expr):
        yield from nodes(child)


def children(expr: Any) -> list[Any]:  # noqa: ANN401  a node
    """Return what a node is made of."""
    match expr:
        case promql_parser.BinaryExpr():
            return [expr.lhs, expr.rhs]
        case promql_parser.Call():
            return list(expr.args)
        case promql_parser.AggregateExpr():
            return [one for one in (expr.param, expr.expr) if one is not None]
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr() | promql_parser.SubqueryExpr():
            return [expr.expr]
        case promql_parser.MatrixSelector():
            return [expr.vector_selector]
        case _:
            return []


def labels_named(expr: Any) -> set[str]:  # noqa: ANN401  a node
    """Return the labels that aggregations and matchings of series name."""
    found: set[str] = set()
    for node in nodes(expr):
        modifier = getattr(node, "modifier", None)
        if isinstance(node, promql_parser.AggregateExpr) and modifier is not None:
            found |= set(modifier.labels)
        elif isinstance(node, promql_parser.BinaryExpr) and modifier is not None:
            matching, group = modifier.matching, modifier.group_labels
            found |= set(matching.labels if matching else []) | set(group or [])
    return found


def labels_made(expr: Any) -> set[str]:  # noqa: ANN401  a node
    """Return the labels that an expression itself makes."""
    made: set[str] = set()
    for node in nodes(expr):
        if isinstance(node, promql_parser.Call) and node.func.name in (
            "label_replace",
            "label_join",
        ):
            made.add(str(node.args[1].val))
        if isinstance(node, promql_parser.AggregateExpr) and str(node.op) == "count_values":
            made.add(str(getattr(node.param, "val", "")))
    return made
