"""Owns where panels stand: from left to right in Grafana's 24 columns, then on the next line.

A phone shows one panel a line, in the same order: what matters most comes first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models import dashboard as models

COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel and its size: columns of 24, and rows of some 30 pixels."""

    panel: models.Panel
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Section:
    """Panels that belong together, below a line with their title; without one, at the top."""

    title: str
    panels: Sequence[Placed]


def arranged(sections: Iterable[Section]) -> list[models.Panel | models.RowPanel]:
    """Return all panels with ids and places, none of them over another."""
    found: list[models.Panel | models.RowPanel] = []
    top = 0
    for section in sections:
        if section.title:
            place = models.GridPos(h=1, w=COLUMNS, x=0, y=top)
            row = models.RowPanel(title=section.title, grid_pos=place, collapsed=False, panels=[])
            row.id_val = len(found) + 1
            found.append(row)
            top += 1
        top = _fill(section.panels, top, found)
    return found


def _fill(panels: Sequence[Placed], top: int, found: list[models.Panel | models.RowPanel]) -> int:
    """Place panels from a line on; return the line below them."""
    left = below = 0
    for placed in panels:
        if left + placed.width > COLUMNS:
            top, left, below = top + below, 0, 0
        place = models.GridPos(h=placed.height, w=placed.width, x=left, y=top)
        placed.panel.grid_pos, placed.panel.id_val = place, len(found) + 1
        found.append(placed.panel)
        left, below = left + placed.width, max(below, placed.height)
    return top + below
