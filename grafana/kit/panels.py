"""Owns the kinds of panels: each says what it means, has a unit and a text for no data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import (
    common as common_builders,
)
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.cog import variants as cogvariants
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.looks import PLAIN, UNKNOWN, Words, thresholds, value_mappings
from grafana.kit.queries import Query, datasource_of


@dataclass(frozen=True, slots=True)
class About:
    """What a panel says of itself, and how its values are written.

    `description` tells what it means and what to do; `unit` is Grafana's id of one, "none" for a
    bare number; `no_value` stands where there are no data.
    """

    title: str
    description: str
    unit: str
    no_value: str = "no data"
    words: Words = field(default_factory=dict)
    null: str | None = None  # what stands, grey, for a missing value among others
    levels: models.ThresholdsConfig | None = None
    decimals: int | None = None
    links: Sequence[models.DashboardLink] = ()  # of its values


class PanelBuilder(Protocol):
    """What the SDK's builders of panels have in common."""

    def with_target(self, target: cogbuilder.Builder[cogvariants.Dataquery]) -> Any: ...  # noqa: ANN401, D102  the SDK's Self

    def build(self) -> models.Panel: ...  # noqa: D102


def stat_panel(about: About, *queries: Query, sparkline: bool = False) -> models.Panel:
    """Return big numbers or words: the last value of each series."""
    builder = (
        stat.Panel()
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(common.BigValueGraphMode.AREA if sparkline else common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.VALUE)
        .text_mode(common.BigValueTextMode.AUTO)
        .justify_mode(common.BigValueJustifyMode.AUTO)
    )
    return _finished(builder, about, queries)


def state_timeline(about: About, *queries: Query, min_step: str = "15s") -> models.Panel:
    """Return coloured bands over time, a row a series, twenty rows a page."""
    builder = (
        statetimeline.Panel()
        .show_value(common.VisibilityMode.AUTO)
        .row_height(0.8)
        .fill_opacity(100)
        .line_width(0)
        .merge_values(True)
        .per_page(20)
        .interval(min_step)
        .legend(_legend(common.LegendPlacement.BOTTOM))
    )
    return _finished(builder, about, queries)


def time_series(
    about: About,
    *queries: Query,
    min_step: str = "15s",
    bars: bool = False,
    stacked: bool = False,
    from_zero: bool = True,
) -> models.Panel:
    """Return lines (or bars) over time; gaps stay gaps.

    `from_zero`: whether the axis begins at 0, or with the values: a mains voltage would be flat.
    Levels are dashed lines, and the series keep colours of their own.
    """
    style = common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE
    mode = common.StackingMode.NORMAL if stacked else common.StackingMode.NONE
    builder = (
        timeseries.Panel()
        .draw_style(style)
        .line_width(1 if bars else 2)
        .fill_opacity(70 if bars else 10)
        .show_points(common.VisibilityMode.AUTO)
        .span_nulls(False)
        .stacking(common_builders.StackingConfig().mode(mode))
        .interval(min_step)
        .legend(_legend(common.LegendPlacement.BOTTOM))
        .tooltip(
            common_builders.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
    )
    if from_zero:
        builder = builder.axis_soft_min(0)
    if about.levels is None:
        return _finished(builder, about, queries)
    return _with_dashed_levels(builder, about, queries)


def bar_chart(about: About, *queries: Query, x: str, stacked: bool = False) -> models.Panel:
    """Return a bar a row of a table; `x` is the column that names them."""
    builder = (
        barchart.Panel()
        .x_field(x)
        .orientation(common.VizOrientation.AUTO)
        .stacking(common.StackingMode.NORMAL if stacked else common.StackingMode.NONE)
        .show_value(common.VisibilityMode.AUTO)
        .fill_opacity(80)
        .x_tick_label_spacing(100)  # pixels: of many names some are left out, none is written over
        .legend(_legend(common.LegendPlacement.BOTTOM))
        .tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    )
    return _finished(builder, about, queries)


def bar_gauge(about: About, *queries: Query) -> models.Panel:
    """Return a horizontal bar a series with its last value."""
    builder = (
        bargauge.Panel()
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .show_unfilled(True)
    )
    return _finished(builder, about, queries)


def table_panel(about: About, *queries: Query) -> models.Panel:
    """Return a table; `columns` of grafana/kit/tables.py gives it its columns."""
    builder = table.Panel().show_header(True).cell_height(common.TableCellHeight.SM)
    return _finished(builder, about, queries)


def _with_dashed_levels(
    builder: timeseries.Panel, about: About, queries: Sequence[Query]
) -> models.Panel:
    style = common_builders.GraphThresholdsStyleConfig()
    builder.thresholds_style(style.mode(common.GraphThresholdsStyleMode.DASHED))
    panel = _finished(builder, about, queries)
    _defaults(panel).color = models.FieldColor(mode=models.FieldColorModeId.PALETTE_CLASSIC)
    return panel


def _finished(builder: PanelBuilder, about: About, queries: Sequence[Query]) -> models.Panel:
    for number, query in enumerate(queries):
        builder.with_target(query.target(chr(ord("A") + number)))
    panel = builder.build()
    panel.title, panel.description = about.title, about.description
    panel.datasource = datasource_of(queries[0])
    defaults = _defaults(panel)
    defaults.unit, defaults.no_value, defaults.decimals = about.unit, about.no_value, about.decimals
    defaults.mappings = value_mappings(about.words, about.null)
    defaults.thresholds = about.levels or thresholds(PLAIN)
    defaults.color = _colour(about)
    defaults.links = list(about.links) or None
    return panel


def _colour(about: About) -> models.FieldColor:
    """Thresholds win over words in a state timeline: with words alone there are none."""
    if about.words and about.levels is None:
        return models.FieldColor(mode=models.FieldColorModeId.FIXED, fixed_color=UNKNOWN)
    if about.levels is not None:
        return models.FieldColor(mode=models.FieldColorModeId.THRESHOLDS)
    return models.FieldColor(mode=models.FieldColorModeId.PALETTE_CLASSIC)


def _defaults(panel: models.Panel) -> models.FieldConfig:
    if panel.field_config is None:
        panel.field_config = models.FieldConfigSource(defaults=models.FieldConfig(), overrides=[])
    return panel.field_config.defaults


def _legend(placement: common.LegendPlacement) -> common_builders.VizLegendOptions:
    return (
        common_builders.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(placement)
    )
