"""Owns the table: what a benchmark found, beside its peer and its goal. Measures nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HEADER = ("row", "ours", "peer", "ratio", "goal", "met")
_ABSENT = "-"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure is held to: a limit in its own unit, how often it fits into the peer's."""

    at_most: float | None = None
    at_least: float | None = None
    times_less: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of ours, the smaller the better but for what is at least, and the peer's."""

    row: str
    unit: str
    ours: float
    peer: float | None = None
    peer_name: str = ""
    goal: Goal = Goal()

    @property
    def ratio(self) -> float | None:
        """How often ours fits into the peer's; None without a peer, or where ours is nothing."""
        return None if self.peer is None or not self.ours else self.peer / self.ours

    @property
    def met(self) -> bool | None:
        """Tell whether the goal is met; None without one."""
        held: list[bool] = []
        if self.goal.at_most is not None:
            held.append(self.ours <= self.goal.at_most)
        if self.goal.at_least is not None:
            held.append(self.ours >= self.goal.at_least)
        if self.goal.times_less is not None:
            held.append(self.ratio is not None and self.ratio >= self.goal.times_less)
        return all(held) if held else None

    def cells(self) -> tuple[str, ...]:
        """Spell the line, a text for each column."""
        peer = _ABSENT
        if self.peer is not None:
            peer = f"{_spelled(self.peer)} {self.unit} ({self.peer_name})"
        ratio = _ABSENT if self.ratio is None else f"{self.ratio:.1f}"
        met = {None: _ABSENT, True: "yes", False: "NO"}[self.met]
        return self.row, f"{_spelled(self.ours)} {self.unit}", peer, ratio, self._goal(), met

    def _goal(self) -> str:
        parts = []
        if self.goal.at_most is not None:
            parts.append(f"≤ {self.goal.at_most:g} {self.unit}")
        if self.goal.at_least is not None:
            parts.append(f"≥ {self.goal.at_least:g} {self.unit}")
        if self.goal.times_less is not None:
            parts.append(f"peer ≥ {self.goal.times_less:g} times")
        return ", ".join(parts) or _ABSENT


def _spelled(figure: float) -> str:
    """Spell a figure with about three digits; one that counts something has none behind."""
    if isinstance(figure, int):
        return str(figure)
    for least, digits in ((100, 0), (10, 1), (1, 2)):
        if abs(figure) >= least:
            return f"{figure:.{digits}f}"
    return f"{figure:.3f}"


def plain(lines: Iterable[Line]) -> str:
    """Return the table for a terminal."""
    rows = [HEADER, *(line.cells() for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_padded(row, widths) for row in rows)


def _padded(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "  ".join(cells).rstrip()


def markdown(lines: Iterable[Line]) -> str:
    """Return the table for docs/benchmarks.md."""
    rows = [HEADER, ("---",) * len(HEADER), *(line.cells() for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
