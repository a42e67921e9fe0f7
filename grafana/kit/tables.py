"""Owns how a table gets its columns: which, in which order, with which heads, units and words."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.looks import Words, value_mappings


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `name`: of the data, such as `home` or `Value #B` (of the second query)."""

    name: str
    head: str
    unit: str = ""
    words: Words = field(default_factory=dict)
    null: str | None = "–"  # noqa: RUF001  what stands for a missing value
    levels: models.ThresholdsConfig | None = None
    decimals: int | None = None
    width: int | None = None
    links: Sequence[models.DashboardLink] = ()
    hidden: bool = False  # there for links to use
    colour: str = ""  # one for all its values, such as that of a bar
    filled: bool = False  # levels colour the whole cell, not its text alone


def with_columns(
    panel: models.Panel, columns: Sequence[Column], *, first: Sequence[tuple[str, bool]] = ()
) -> models.Panel:
    """Give a table its columns; `first`: heads to sort by, each with whether the greatest is first.

    What several queries say of the same labels becomes one row.
    """
    names = [column.name for column in columns]
    organize = {
        "excludeByName": {},
        "indexByName": {name: index for index, name in enumerate(names)},
        "renameByName": {column.name: column.head for column in columns},
    }
    panel.transformations = [
        *([_transformation("merge", {})] if len(panel.targets or []) > 1 else []),
        _transformation("filterFieldsByName", {"include": {"names": names}}),
        _transformation("organize", organize),
    ]
    config = panel.field_config
    if config is None:
        raise ValueError("the panel is no table")
    config.overrides = [_override(column) for column in columns]
    options = panel.options
    if options is not None and first:
        options.sort_by = [{"displayName": head, "desc": desc} for head, desc in first]  # type: ignore[attr-defined]  # the table's own options
    return panel


def greatest_first(panel: models.Panel, head: str, limit: int | None = None) -> models.Panel:
    """Sort the rows of a panel by a column, the greatest first; `limit`: how many are kept."""
    more = [_transformation("sortBy", {"sort": [{"field": head, "desc": True}]})]
    if limit is not None:
        more.append(_transformation("limit", {"limitField": limit}))
    panel.transformations = [*(panel.transformations or []), *more]
    return panel


def _transformation(kind: str, options: dict[str, object]) -> models.DataTransformerConfig:
    return models.DataTransformerConfig(id_val=kind, options=options)


def _override(column: Column) -> models.DashboardFieldConfigSourceOverrides:
    wanted = {**_values(column), **_cells(column)}
    properties = [models.DynamicConfigValue(id_val=key, value=one) for key, one in wanted.items()]
    matcher = models.MatcherConfig(id_val="byName", options=column.head)
    return models.DashboardFieldConfigSourceOverrides(matcher=matcher, properties=properties)


def _values(column: Column) -> dict[str, object]:
    """Return how the column's values are written."""
    wanted: dict[str, object] = {}
    if column.unit:
        wanted["unit"] = column.unit
    if column.decimals is not None:
        wanted["decimals"] = column.decimals
    if column.words or column.null is not None:
        wanted["mappings"] = value_mappings(column.words, column.null)
    if column.levels is not None:
        wanted["thresholds"] = column.levels
        wanted["color"] = {"mode": "thresholds"}
    if column.colour:
        wanted["color"] = {"mode": "fixed", "fixedColor": column.colour}
    if column.links:
        wanted["links"] = list(column.links)
    return wanted


def _cells(column: Column) -> dict[str, object]:
    """Return how its cells look. Of each pair the first is for Grafana 9, the second for later."""
    wanted: dict[str, object] = {}
    if column.words or column.levels is not None:
        wanted["custom.displayMode"] = "color-background" if column.filled else "color-text"
        wanted["custom.cellOptions"] = {"type": wanted["custom.displayMode"]}
    if column.width is not None:
        wanted["custom.width"] = column.width
    if column.hidden:
        wanted["custom.hidden"] = True
        wanted["custom.hideFrom"] = {"viz": True, "legend": False, "tooltip": False}
    return wanted
