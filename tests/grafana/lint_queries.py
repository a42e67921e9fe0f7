"""Rules for PromQL: that it is some, that it asks for what there is, and asks for it rightly."""

import re
from collections.abc import Iterator

import promql_parser

from tests.grafana.dashboards import Query
from tests.grafana.known import metrics
from tests.grafana.lint_boards import Boards
from tests.grafana.promql import (
    RATE_INTERVAL,
    Expr,
    NotPromqlError,
    Selected,
    children,
    labels_made,
    labels_named,
    parsed,
    selected,
)

OF_COUNTERS = ("rate", "irate", "increase", "resets")
A_RATE = ("rate", "irate")
LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def _trees(boards: Boards) -> Iterator[tuple[Query, Expr]]:
    for board in boards:
        for query in board.promql:
            try:
                yield query, parsed(query.text)
            except NotPromqlError:
                continue  # the first rule tells


def _all_selected(boards: Boards) -> Iterator[tuple[Query, Selected]]:
    for query, tree in _trees(boards):
        yield from ((query, one) for one in selected(tree))


def every_query_is_promql(boards: Boards) -> list[str]:
    """With Grafana's variables filled in, it can be read."""
    return [
        f"{query}: {fault}"
        for board in boards
        for query in board.promql
        if (fault := _fault(query))
    ]


def _fault(query: Query) -> str:
    try:
        parsed(query.text)
    except NotPromqlError as fault:
        return str(fault)
    return ""


def every_metric_is_one_that_there_is(boards: Boards) -> list[str]:
    """Ours, a recording rule's, or one of the list in known.py."""
    return [
        f"{query}: {one.name or 'a selector without a name'}"
        for query, one in _all_selected(boards)
        if one.name not in metrics()
    ]


def every_label_is_one_that_its_metric_has(boards: Boards) -> list[str]:
    """In matchers, in by (…), on (…) and group_left (…), and in legends."""
    wrong = [
        f"{query}: {one.name} has no {label}"
        for query, one in _all_selected(boards)
        if one.name in metrics()
        for label in sorted(one.matchers.keys() - metrics()[one.name].labels)
    ]
    return wrong + [
        f"{query}: nothing in it has {label}"
        for query, tree in _trees(boards)
        for label in sorted((labels_named(tree) | legend(query)) - _labels(tree))
    ]


def legend(query: Query) -> set[str]:
    """Return the labels that a query's legend shows."""
    return set(LEGEND.findall(query.legend))


def _labels(tree: Expr) -> set[str]:
    known = (metrics()[one.name].labels for one in selected(tree) if one.name in metrics())
    return labels_made(tree).union(*known)


def counters_are_not_shown_as_they_are(boards: Boards) -> list[str]:
    """Only how much they grow means anything; or a difference of one with itself, as in the rules.

    The exporter's totals survive restarts, so that such a difference is right where rate() would
    guess beyond its samples.
    """
    return [
        f"{query}: {one.name}"
        for query, one in _all_selected(boards)
        if one.name in metrics()
        and metrics()[one.name].counter
        and not set(one.functions) & set(OF_COUNTERS)
        and not _is_a_difference(one)
    ]


def _is_a_difference(one: Selected) -> bool:
    """Tell whether it is subtracted from the same metric of another time."""
    for node in one.around:
        if isinstance(node, promql_parser.BinaryExpr) and str(node.op) == "-":
            left, right = (list(selected(side)) for side in children(node))
            now, then = (
                {str(o.offset) for o in side if o.name == one.name} for side in (left, right)
            )
            if now and then and now != then:
                return True
    return False


def only_counters_have_a_rate(boards: Boards) -> list[str]:
    """The rate of a gauge is nonsense wherever it falls."""
    return [
        f"{query}: {one.name}"
        for query, one in _all_selected(boards)
        if one.name in metrics()
        and not metrics()[one.name].counter
        and one.functions[-1:]
        and one.functions[-1] in OF_COUNTERS
    ]


def rates_are_over_grafanas_interval(boards: Boards) -> list[str]:
    """`$__rate_interval` holds four scrapes or more, and a step of the range."""
    return [
        f"{query}: {one.name}[{one.range_seconds:g}s]"
        for query, one in _all_selected(boards)
        if one.range_seconds is not None
        and one.functions[-1] in A_RATE
        and one.range_seconds != RATE_INTERVAL
    ]


def tables_and_numbers_ask_for_one_moment(boards: Boards) -> list[str]:
    """A table asks for the end of the range alone; of a range it would show every step.

    Unless a row is to be a day: then it asks for a step a day.
    """
    return [
        str(query)
        for board in boards
        for query in board.promql
        if query.panel.get("type") == "table"
        and not (query.instant and _told(query, "format") == "table")
        and not (_told(query, "format") == "table" and _told(query, "interval") == "1d")
    ] + [
        f"{query}: instant over time"
        for board in boards
        for query in board.promql
        if query.panel.get("type") in ("timeseries", "state-timeline", "status-history")
        and query.instant
    ]


def _told(query: Query, key: str) -> str:
    """Return what a panel says of one of its queries."""
    for target in query.panel.get("targets", []):
        if target.get("refId") == query.ref:
            return str(target.get(key, ""))
    return ""


def queries_follow_the_choice_of_homes(boards: Boards) -> list[str]:
    """Where there is `$home`, whatever is told of homes is told of those chosen.

    A join brings a home's title with `power_home_info` of all homes; and indices over homes have
    no label `home` to choose by.
    """
    return [
        f"{query}: {one.name}"
        for board in boards
        if "home" in board.variables
        for query in board.promql
        if query.place != "variable" and not _fault(query)
        for one in selected(parsed(query.text))
        if one.name in metrics()
        and "home" in metrics()[one.name].labels - {"ALERTS"}
        and one.name not in ("power_home_info", "ALERTS")
        and "home" not in one.matchers
    ]
