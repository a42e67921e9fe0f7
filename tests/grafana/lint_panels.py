"""Rules for panels: what each must say of itself, where it stands, how it is coloured."""

import re
from collections import Counter
from collections.abc import Iterator

from grafana.kit import looks
from tests.grafana.dashboards import Dashboard, Json, named
from tests.grafana.lint_boards import Boards

COLUMNS = 24
WORDS = 6
# Those that come with Grafana itself.
CORE = frozenset(
    [
        "alertlist",
        "annolist",
        "barchart",
        "bargauge",
        "candlestick",
        "canvas",
        "dashlist",
        "gauge",
        "geomap",
        "heatmap",
        "histogram",
        "logs",
        "news",
        "nodeGraph",
        "piechart",
        "row",
        "stat",
        "state-timeline",
        "status-history",
        "table",
        "text",
        "timeseries",
        "traces",
        "trend",
        "xychart",
    ]
)
REDUCING = ("stat", "gauge", "bargauge", "piechart")
COLOURS = frozenset(
    {
        looks.ON,
        looks.OFF,
        looks.UNKNOWN,
        looks.WARN,
        looks.PLAIN,
        looks.FAINT,
        looks.PALE,
        looks.DARK,
    }
)


def _each(boards: Boards) -> Iterator[tuple[str, Json]]:
    for board in boards:
        for panel in board.panels:
            yield f"{board.uid}/{panel.get('title') or panel.get('id')}", panel


def _asking(boards: Boards) -> Iterator[tuple[str, Json]]:
    for board in boards:
        for panel in board.asking:
            yield f"{board.uid}/{panel.get('title') or panel.get('id')}", panel


def _defaults(panel: Json) -> Json:
    found: Json = (panel.get("fieldConfig") or {}).get("defaults") or {}
    return found


def every_panel_has_a_title(boards: Boards) -> list[str]:
    """A row too."""
    return [where for where, panel in _each(boards) if not str(panel.get("title", "")).strip()]


def every_panel_is_described(boards: Boards) -> list[str]:
    """In some words that are not its title."""
    return [
        where
        for where, panel in _asking(boards)
        if len(str(panel.get("description", "")).split()) < WORDS
        or panel.get("description") == panel.get("title")
    ]


def every_panel_has_a_unit(boards: Boards) -> list[str]:
    """`none` for a bare number."""
    return [where for where, panel in _asking(boards) if not _defaults(panel).get("unit")]


def every_panel_has_a_text_for_no_data(boards: Boards) -> list[str]:
    """An empty panel leaves one in doubt."""
    return [where for where, panel in _asking(boards) if not _defaults(panel).get("noValue")]


def every_panel_asks_something(boards: Boards) -> list[str]:
    """A panel of data has a query that is not empty."""
    return [
        where
        for where, panel in _asking(boards)
        if not panel.get("targets")
        or any(not (one.get("expr") or one.get("query")) for one in panel["targets"])
    ]


def every_panel_is_of_grafanas_core(boards: Boards) -> list[str]:
    """No plugin has to be installed."""
    return [f"{where}: {one['type']}" for where, one in _each(boards) if one["type"] not in CORE]


def panels_that_reduce_say_how(boards: Boards) -> list[str]:
    """The SDK leaves `calcs` empty, and Grafana then guesses."""
    return [
        where
        for where, panel in _asking(boards)
        if panel["type"] in REDUCING
        and not ((panel.get("options") or {}).get("reduceOptions") or {}).get("calcs")
    ]


def ids_are_unique(boards: Boards) -> list[str]:
    """Each panel and row has an id of its own, from 1."""
    return [
        f"{board.uid}: id {id_}"
        for board in boards
        for id_, count in Counter(panel.get("id") for panel in board.panels).items()
        if count > 1 or not isinstance(id_, int) or id_ < 1
    ]


def queries_of_a_panel_are_told_apart(boards: Boards) -> list[str]:
    """By their refIds."""
    return [
        f"{where}: {ref}"
        for where, panel in _asking(boards)
        for ref, count in Counter(one.get("refId") for one in panel.get("targets", [])).items()
        if count > 1 or not ref
    ]


# ---------------------------------------------------------------- where they stand


def panels_fit_into_the_grid(boards: Boards) -> list[str]:
    """24 columns."""
    return [
        f"{where}: {place}"
        for where, panel in _each(boards)
        if not _fits(place := panel.get("gridPos") or {})
    ]


def _fits(place: Json) -> bool:
    if not all(isinstance(place.get(key), int) for key in "xywh"):
        return False
    inside = place["x"] >= 0 and place["y"] >= 0 and place["x"] + place["w"] <= COLUMNS
    return bool(inside and place["w"] > 0 and place["h"] > 0)


def no_panel_stands_over_another(boards: Boards) -> list[str]:
    """Grafana would push them about."""
    return [
        f"{board.uid}: {one.get('title')} and {other.get('title')}"
        for board in boards
        for one, other in _pairs(board)
        if _over(one.get("gridPos") or {}, other.get("gridPos") or {})
    ]


def _pairs(board: Dashboard) -> Iterator[tuple[Json, Json]]:
    panels = board.panels
    for number, one in enumerate(panels):
        yield from ((one, other) for other in panels[number + 1 :])


def _over(one: Json, other: Json) -> bool:
    def meet(start: str, size: str) -> bool:
        a, b = int(one.get(start, 0)), int(other.get(start, 0))
        return a < b + int(other.get(size, 0)) and b < a + int(one.get(size, 0))

    return meet("x", "w") and meet("y", "h")


# ---------------------------------------------------------------- how they look


def thresholds_have_their_reasons(boards: Boards) -> list[str]:
    """The description holds each threshold as a number, and so says what it stands for.

    A threshold at 1 of a count means "any at all", which needs no reason.
    """
    return [
        f"{where}: {value}"
        for where, panel in _asking(boards)
        for value in sorted(_thresholds(panel))
        if not _spellings(value) & _numbers(str(panel.get("description", "")))
    ]


def _thresholds(panel: Json) -> set[float]:
    steps = [step for one in named(panel, "thresholds") for step in one.get("steps", [])]
    for one in named(panel, "properties"):
        for wanted in one:
            if wanted.get("id") == "thresholds":
                steps += wanted["value"].get("steps", [])
    values = {step.get("value") for step in steps}
    return {float(value) for value in values if value is not None and value not in (0, 1)}


def _spellings(value: float) -> set[str]:
    """Return how a person may write it: as it is, in percent, in minutes, hours, days, in ms."""
    scaled = (value, value * 100, value * 1000, value / 60, value / 3600, value / 86400)
    return {f"{one:.10g}" for one in scaled}


def _numbers(text: str) -> set[str]:
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    return set(re.findall(r"\d+(?:\.\d+)?", plain))


def colours_are_those_of_the_kit(boards: Boards) -> list[str]:
    """A state has one colour on every dashboard, and colour-blind people tell them apart."""
    return [
        f"{board.uid}: {colour}"
        for board in boards
        for colour in named(
            {**board.document, "annotations": board.annotations}, "color", "fixedColor", "iconColor"
        )
        if isinstance(colour, str) and colour not in COLOURS
    ]


def colours_have_words(boards: Boards) -> list[str]:
    """Where a value is mapped to a colour, it is mapped to a word too."""
    return [
        f"{where}: {result}"
        for where, panel in _asking(boards)
        for result in _results(panel)
        if result.get("color") and not str(result.get("text", "")).strip()
    ]


def _results(panel: Json) -> Iterator[Json]:
    mappings = [one for found in named(panel, "mappings") for one in found]
    for found in named(panel, "properties"):
        mappings += [m for one in found if one.get("id") == "mappings" for m in one["value"]]
    for mapping in mappings:
        options = mapping.get("options", {})
        results = options.values() if mapping.get("type") == "value" else [options.get("result")]
        yield from (result for result in results if result)
