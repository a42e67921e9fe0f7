"""Owns the config files of a service: sections become models, and what is wrong gets its line.

A service builds each section it knows, adds what it finds wrong itself, and then
asks for all of it at once: `document.finish()` raises ConfigError with every fault.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from chassis.strict_model import (
    ConfigPath,
    Loc,
    M,
    Reading,
    StrictModel,
    is_missing,
    leaves,
    validate,
    without_consequences,
    worded,
)
from chassis.yaml_tree import Tree, Wrong, parse_yaml

__all__ = [
    "ConfigError",
    "ConfigPath",
    "Document",
    "Fault",
    "StrictModel",
    "load_documents",
    "load_single",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong (or worth a warning) where; `file` is as it was given."""

    file: str
    line: int
    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: " + (f"{self.path}: " if self.path else "") + self.what


class ConfigError(Exception):
    """A config is refused; `faults` are all of them, in the order of files and lines."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True)
class _Source:
    """One file as it was read."""

    file: str
    tree: Tree

    @property
    def folder(self) -> Path:
        return Path(self.file).parent

    @property
    def sections(self) -> Mapping[str, Any]:
        return self.tree.value if isinstance(self.tree.value, dict) else {}

    def wrongs(self) -> Iterator[Fault]:
        for wrong in self.tree.wrongs:
            yield Fault(self.file, wrong.line, spelled(wrong.loc), wrong.what)

    def fault(self, loc: Loc, what: str, *, missing: bool = False) -> Fault:
        line, path = self.tree.locate(loc, missing=missing)
        return Fault(self.file, line, spelled(path), what)


class Document:
    """The sections of all files together; `faults` and `warnings` are what was found so far."""

    def __init__(self, sources: Sequence[_Source]) -> None:
        self._sources = sources
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        for source in sources:
            self.faults += source.wrongs()

    @property
    def unread(self) -> bool:
        """Tell whether a file could not be read at all: what is missing may stand in it."""
        return any(source.tree.root is None for source in self._sources)

    def expect(self, known: Sequence[str]) -> None:
        """Blame top-level sections that nobody knows, and those that stand in a second file."""
        seen: dict[str, str] = {}
        for source in self._sources:
            for name in source.sections:
                if name not in known:
                    what = f"unknown key; the sections are {', '.join(known)}"
                    self.faults.append(source.fault((name,), what))
                elif name in seen:
                    what = f"this section stands in {seen[name]} already"
                    self.faults.append(source.fault((name,), what))
                else:
                    seen[name] = source.file

    def require(self, name: str, what: str) -> None:
        """Blame an empty section, or the first file for one that no file holds."""
        source = self._source(name)
        if self.unread:
            return
        if name not in source.sections:
            self.faults.append(source.fault((name,), what, missing=True))
        elif self.section(name) is None and (name,) not in source.tree.unread:
            self.faults.append(source.fault((name,), what))

    def section(self, name: str) -> object:
        """Return a section as it is written, not validated; None if it is absent or empty."""
        return self._source(name).sections.get(name)

    def build(self, name: str, model: type[M], given: object = None) -> M | None:
        """Make a section's model, of an absent one with its defaults; None if it has faults.

        `given` reaches the service's own validators as `info.context.given`.
        """
        source = self._source(name)
        value = self.section(name)
        reading = Reading(source.folder, self._sources[0].folder, given)
        try:
            made = validate(model, {} if value is None else value, reading)
        except ValidationError as error:
            self.faults += _faults(source, (name,), error)
            return None
        self.warnings += _warnings(source, (name,), made, reading)
        return made

    def include(self, loc: Loc, load: Callable[[Path, list[Fault]], object]) -> None:
        """Have another file checked if the value at `loc` names one that exists."""
        value: Any = self._source(loc[0]).tree.value
        for part in loc:
            value = value.get(part) if isinstance(value, dict) else None
        path = self._source(loc[0]).folder / value if isinstance(value, str) else None
        if path is None or not path.is_file():
            return
        try:
            load(path, self.warnings)
        except ConfigError as error:
            self.faults += error.faults

    def blame(self, loc: Loc, what: str, *, missing: bool = False) -> None:
        """Add a fault; `loc` begins with the name of the section."""
        self.faults.append(self._source(loc[0]).fault(loc, what, missing=missing))

    def finish(self) -> None:
        """Raise ConfigError if anything is wrong; put warnings in order."""
        order = {source.file: place for place, source in enumerate(self._sources)}

        def place(fault: Fault) -> tuple[int, str, int]:
            return order.get(fault.file, len(order)), fault.file, fault.line

        self.warnings.sort(key=place)
        if self.faults:
            raise ConfigError(sorted(self.faults, key=place))

    def _source(self, name: str | int) -> _Source:
        return next((one for one in self._sources if name in one.sections), self._sources[0])


def load_documents(files: Sequence[Path | str]) -> Document:
    """Read the config files, each of which must hold a mapping of sections; never raises."""
    return Document([_read(str(file)) for file in files])


def load_single(path: Path, model: type[M], warnings: list[Fault] | None = None) -> M:
    """Read a file that is one model as a whole; raises ConfigError."""
    source = _read(str(path))
    faults = list(source.wrongs())
    if source.tree.root is None:
        raise ConfigError(faults)
    reading = Reading(source.folder, source.folder)
    try:
        made = validate(model, source.tree.value, reading)
    except ValidationError as error:
        faults += _faults(source, (), error)
        raise ConfigError(sorted(faults, key=lambda fault: fault.line)) from None
    if faults:
        raise ConfigError(faults)
    if warnings is not None:
        warnings += _warnings(source, (), made, reading)
    return made


def _read(file: str) -> _Source:
    try:
        text = Path(file).read_bytes().decode("utf-8-sig")
    except OSError as error:
        return _unread(file, 1, f"cannot be read: {error.strerror or error}")
    except UnicodeDecodeError as error:
        return _unread(file, error.object[: error.start].count(b"\n") + 1, "is not UTF-8 text")
    tree = parse_yaml(text)
    if tree.root is not None and not isinstance(tree.value, dict) and not tree.wrongs:
        return _unread(file, 1, "must be a mapping (key: value)")
    return _Source(file, tree)


def _unread(file: str, line: int, what: str) -> _Source:
    return _Source(file, Tree(None, None, (Wrong(line, (), what),)))


def _faults(source: _Source, under: Loc, error: ValidationError) -> Iterator[Fault]:
    """Locate what pydantic found; what the members of a union say of one value is one fault."""
    found: dict[Fault, dict[str, None]] = {}
    for details in without_consequences(error.errors(include_url=False)):
        if (*under, *details["loc"]) in source.tree.unread:
            continue
        place = source.fault((*under, *details["loc"]), "", missing=is_missing(details))
        found.setdefault(place, {})[worded(details)] = None
    for place, (first, *others) in found.items():
        more = (f" or {what.removeprefix('must be ')}" for what in others)
        yield replace(place, what=first + "".join(more))


def _warnings(source: _Source, under: Loc, made: BaseModel, reading: Reading) -> Iterator[Fault]:
    """Locate what validators warned of: it is found in the model by its identity."""
    told = {id(value): what for value, what in reading.warned}
    for loc, value in leaves(made) if told else ():
        if id(value) in told:
            yield source.fault((*under, *loc), told[id(value)])


def spelled(loc: Loc) -> str:
    """Spell a path as homes[0].probes[1].port."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if part.isprintable() else repr(part)[1:-1]
            text += f".{key[:80]}" if text else key[:80]
    return text
