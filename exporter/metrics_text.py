"""Owns the spelling of metrics: values off the board as Prometheus text 0.0.4 or OpenMetrics 1.0.

Which metrics there are is not its business: that is the table in exporter/metrics.py.
A scrape has two steps. `Exposition.read` takes every value at one moment, on the
loop that changes the board; `Exposition.write` spells them and may run in a thread.
A family is kept as one template (`name{labels} %a`, a line a sample), made anew
only when its labels or the presence of its samples change, and as the text that
it last gave, which stands while no value changes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress
from threading import Lock
from typing import Any, Generic, TypeVar

from exporter.board import Board

S = TypeVar("S")
Read = Callable[[S], float | None]
Values = list[float | None]

UNITS = ("seconds", "volts", "watts", "amperes", "hertz", "joules", "ratio")


class Kind(StrEnum):
    """The type of a family, as OpenMetrics names it."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"
    STATESET = "stateset"


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a number is written: by a format, after division by how many make one unit."""

    format: str
    per_unit: int = 1


AS_IT_IS = Spelling("%a")


@dataclass(frozen=True, eq=False)
class Scope(Generic[S]):
    """What a family has samples of: the homes, the probes, the sinks.

    `subjects` are read on every scrape; `labels` (the values of `label_names`, in
    step with the subjects) only when what `identity` returns has changed.
    """

    label_names: tuple[str, ...]
    subjects: Callable[[Board], Sequence[S]]
    labels: Callable[[Board], Iterable[tuple[str, ...]]]
    identity: Callable[[Board], object]


@dataclass(frozen=True, eq=False)
class Family(Generic[S]):
    """One metric: its name as sampled, and how its value is read off a subject.

    A reader returns None where the subject has no such sample. `read` may be a
    reader for each value of one more label, `label`.
    """

    name: str
    kind: Kind
    scope: Scope[S]
    read: Read[S] | Mapping[str, Read[S]]
    help: str
    label: str | None = None
    spelling: Spelling = AS_IT_IS

    @property
    def label_names(self) -> tuple[str, ...]:
        """Every label that a sample has."""
        return (*self.scope.label_names, self.label) if self.label else self.scope.label_names

    @property
    def family_name(self) -> str:
        """The name without its type's suffix, which OpenMetrics gives to the family."""
        suffix = {Kind.COUNTER: "_total", Kind.INFO: "_info"}.get(self.kind, "")
        return self.name.removesuffix(suffix)

    @property
    def unit(self) -> str | None:
        """The base unit that the name ends with, if any."""
        last_word = self.family_name.rpartition("_")[2]
        return last_word if last_word in UNITS else None

    def readers(self) -> dict[str, Read[S]]:
        """The readers by the rest of the labels that a sample of each has."""
        if isinstance(self.read, Mapping):
            return {label_pair(self.label or "", value): read for value, read in self.read.items()}
        return {"": self.read}

    def head(self, *, openmetrics: bool) -> bytes:
        """The lines that stand once before the samples."""
        if openmetrics:
            name = self.family_name
            unit = f"# UNIT {name} {self.unit}\n" if self.unit else ""
            text = f"# TYPE {name} {self.kind}\n{unit}# HELP {name} {escape_label(self.help)}\n"
        else:
            kind = Kind.COUNTER if self.kind is Kind.COUNTER else Kind.GAUGE
            text = f"# HELP {self.name} {escape_help(self.help)}\n# TYPE {self.name} {kind}\n"
        return text.encode()


def escape_help(text: str) -> str:
    """Escape a help text for 0.0.4; OpenMetrics escapes it like a label's value."""
    return text.replace("\\", r"\\").replace("\n", r"\n")


def escape_label(text: str) -> str:
    """Escape a label's value for both formats."""
    return escape_help(text).replace('"', r"\"")


def label_pair(name: str, value: str) -> str:
    """Spell one label."""
    return f'{name}="{escape_label(value)}"'


@dataclass(frozen=True, slots=True)
class Reading:
    """The values of one family at one moment, and the labels of its subjects.

    `values` has, subject by subject, one value for each of the family's readers.
    The list of labels stays the same object while no label changes.
    """

    labels: list[str]
    values: Values


class Exposition:
    """Families that are read off a board and written, with what is kept between two scrapes."""

    def __init__(self, families: Iterable[Family[Any]]) -> None:
        self._blocks = [_Block(family) for family in families]
        self._scopes = {block.family.scope: _Labels() for block in self._blocks}
        self._writing = Lock()

    def read(self, board: Board) -> list[Reading]:
        """Take every value at one moment; to be called on the loop that changes the board."""
        labels = {scope: kept.of(scope, board) for scope, kept in self._scopes.items()}
        subjects = {scope: scope.subjects(board) for scope in self._scopes}
        readings = []
        for block in self._blocks:
            scope = block.family.scope
            readings.append(Reading(labels[scope], block.values(subjects[scope])))
        return readings

    def write(self, readings: Sequence[Reading], *, openmetrics: bool) -> bytes:
        """Spell what was read, without OpenMetrics' end mark; any thread may call it."""
        with self._writing:
            parts = (
                part
                for block, reading in zip(self._blocks, readings, strict=True)
                for part in block.write(reading, openmetrics=openmetrics)
            )
            return b"".join(parts)


class _Labels:
    """The spelled labels of a scope's subjects, until the scope's identity changes."""

    def __init__(self) -> None:
        self._identity: object = None
        self._spelled: list[str] = []

    def of(self, scope: Scope[Any], board: Board) -> list[str]:
        identity = scope.identity(board)
        if identity != self._identity:
            self._identity = identity
            self._spelled = [
                ",".join(map(label_pair, scope.label_names, values))
                for values in scope.labels(board)
            ]
        return self._spelled


class _Block:
    """One family's lines as last written."""

    def __init__(self, family: Family[Any]) -> None:
        self.family = family
        self._heads = {flag: family.head(openmetrics=flag) for flag in (False, True)}
        readers = family.readers()
        self._reads = tuple(readers.values())
        self._more_labels = tuple(readers)
        self._labels: list[str] | None = None
        self._values: Values = []
        self._present: list[bool] = []
        self._template = self._text = b""

    def values(self, subjects: Sequence[Any]) -> Values:
        """Read the family off its subjects."""
        if len(self._reads) == 1:
            (read,) = self._reads
            return [read(subject) for subject in subjects]
        return [read(subject) for subject in subjects for read in self._reads]

    def write(self, reading: Reading, *, openmetrics: bool) -> tuple[bytes, ...]:
        """Return the family's head and samples, or nothing where it has no sample."""
        if reading.labels is not self._labels or reading.values != self._values:
            self._rewrite(reading)
        return (self._heads[openmetrics], self._text) if self._text else ()

    def _rewrite(self, reading: Reading) -> None:
        present = [value is not None for value in reading.values]
        if reading.labels is not self._labels or present != self._present:
            self._template = self._template_of(reading.labels, present)
        self._labels, self._values, self._present = reading.labels, reading.values, present
        self._text = self._template % tuple(self._scaled(compress(reading.values, present)))

    def _scaled(self, numbers: Iterable[Any]) -> Iterable[float]:
        per_unit = self.family.spelling.per_unit
        return numbers if per_unit == 1 else [number / per_unit for number in numbers]

    def _template_of(self, labels: list[str], present: list[bool]) -> bytes:
        name, number = self.family.name, self.family.spelling.format
        pairs = ((label, more) for label in labels for more in self._more_labels)
        lines = (f"{name}{_braced(*pair)} {number}\n" for pair in pairs)
        # a character that UTF-8 cannot spell costs one "?", not the whole page
        return "".join(compress(lines, present)).encode(errors="replace")


def _braced(labels: str, more: str) -> str:
    """Join labels for a template, where a percent sign stands twice."""
    both = ",".join(filter(None, (labels, more))).replace("%", "%%")
    return f"{{{both}}}" if both else ""
