"""Owns the reading of YAML 1.2 text into values that remember their lines; knows no schema.

PyYAML reads YAML 1.1. Here `yes`, `off`, `22:30` and `2026-01-01` are text, `010`
is ten and a key that stands twice is wrong. Merge keys (`<<`) are understood, as
by Prometheus.
"""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

if TYPE_CHECKING:
    from yaml import SafeLoader as _SafeLoader
else:
    # libyaml's parser is about ten times as fast; a PyYAML built without it has none
    _SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Loc = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_CORE = (("null", _NULL), ("bool", _BOOL), ("int", _INT), ("float", _FLOAT))
_MAY_BE_MORE_THAN_TEXT = frozenset("-+.0123456789nNtTfF~")
_MOST_DIGITS = 100


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with the text itself, where (`line` counts from 1).

    `unread` says that the value at `loc` is therefore None, whatever was meant.
    """

    line: int
    loc: Loc
    what: str
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """One file's values, made of dict, list, str, int, float, bool and None."""

    value: object
    root: Node | None
    wrongs: tuple[Wrong, ...] = ()

    @property
    def unread(self) -> frozenset[Loc]:
        """Return where a value could not be read, though something stands there."""
        return frozenset(wrong.loc for wrong in self.wrongs if wrong.unread)

    def locate(self, loc: Loc, *, missing: bool = False) -> tuple[int, Loc]:
        """Return the line and the path of a value, by way of `loc`.

        A part of `loc` that the file does not hold is left out, but for the last one
        if that key is missing. The line is that of the key, or of the item; for what
        the file does not hold that of what should hold it.
        """
        node, line, path = self.root, 1, list[str | int]()
        for place, part in enumerate(loc, 1):
            found = _child(node, part)
            if found is not None:
                line, node = found
            if found is not None or (missing and place == len(loc)):
                path.append(part)
        return line, tuple(path)


def parse_yaml(text: str) -> Tree:
    """Read one document; never raises: what is wrong stands in `wrongs`."""
    try:
        root = _root_of(text)
        if root is None:
            return Tree(None, None, (Wrong(1, (), "the file is empty"),))
        reading = _Values()
        value = reading.of(root, ())
    except yaml.MarkedYAMLError as error:
        return _refused(
            min(_line(error), text.rstrip().count("\n") + 1), f"not valid YAML: {_said(error)}"
        )
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position]
        return _refused(before.count(b"\n") + 1, "not valid YAML: a character that is not allowed")
    except RecursionError:
        return _refused(1, "not valid YAML: nested too deeply")
    return Tree(value, root, tuple(reading.wrongs))


def _line(error: yaml.MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return int(mark.line) + 1 if mark is not None else 1


def _said(error: yaml.MarkedYAMLError) -> str:
    if error.problem == "but found another document":
        return "a file holds one document"
    opened = error.context_mark
    if error.context and opened is not None and opened.line + 1 != _line(error):
        return f"{error.problem} {error.context} that begins in line {opened.line + 1}"
    return str(error.problem or error.context)


def _refused(line: int, what: str) -> Tree:
    return Tree(None, None, (Wrong(line, (), what),))


def _root_of(text: str) -> Node | None:
    loader = _Loader(text)
    try:
        root: Node | None = loader.get_single_node()
    finally:
        loader.dispose()
    return root


class _Loader(_SafeLoader):
    """Composes nodes whose tags are those of YAML 1.2's core schema."""

    def resolve(self, kind: type[Node], value: str, implicit: tuple[bool, bool]) -> str:
        if kind is not ScalarNode:
            return _TAG + ("map" if kind is MappingNode else "seq")
        return _TAG + (core_type(value) if implicit[0] else "str")

    def descend_resolver(self, current_node: Node | None, current_index: object) -> None:
        """Do nothing: tags do not depend on where a node stands."""

    def ascend_resolver(self) -> None:
        """Do nothing, as above."""


def core_type(text: str) -> str:
    """Return what a plain scalar is: null, bool, int, float or str."""
    if text and text[0] not in _MAY_BE_MORE_THAN_TEXT:
        return "str"
    return next((name for name, pattern in _CORE if pattern.fullmatch(text)), "str")


@dataclass(slots=True)
class _Values:
    """Turns nodes into values, each node once, and gathers what is wrong."""

    wrongs: list[Wrong] = field(default_factory=list)
    _done: dict[int, object] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)

    def of(self, node: Node, loc: Loc) -> object:
        if isinstance(node, ScalarNode):
            return self._scalar(node, loc)
        if id(node) in self._open:
            return self._none(node, loc, "an alias must not stand inside what it names")
        if id(node) not in self._done:
            self._open.add(id(node))
            self._done[id(node)] = self._collection(node, loc)
            self._open.discard(id(node))
        return self._done[id(node)]

    def _collection(self, node: Node, loc: Loc) -> object:
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, loc)
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            return [self.of(item, (*loc, index)) for index, item in enumerate(node.value)]
        return self._none(node, loc, f"unknown tag {_tag(node)}")

    def _mapping(self, node: MappingNode, loc: Loc) -> dict[str, object]:
        values: dict[str, object] = {}
        merged: list[tuple[Node, Node]] = []
        for key, item in node.value:
            if not isinstance(key, ScalarNode):
                self._wrong(key, loc, "a key must be text")
            elif key.value in values or (key.value == "<<" and merged):
                self._wrong(key, (*loc, key.value), "duplicate key")
            elif key.value == "<<" and not key.style:
                merged = self._merged(item, loc)
            else:
                values[key.value] = self.of(item, (*loc, key.value))
        for key, item in merged:
            if key.value not in values:
                values[key.value] = self.of(item, (*loc, key.value))
                node.value.append((key, item))
        return values

    def _merged(self, node: Node, loc: Loc) -> list[tuple[Node, Node]]:
        pairs: list[tuple[Node, Node]] = []
        for mapping in node.value if isinstance(node, SequenceNode) else [node]:
            if isinstance(mapping, MappingNode) and isinstance(self.of(mapping, loc), dict):
                pairs += [pair for pair in mapping.value if pair[0].value != "<<"]
            elif not isinstance(mapping, MappingNode):
                self._wrong(mapping, (*loc, "<<"), "must be an alias of a mapping")
        return pairs

    def _scalar(self, node: ScalarNode, loc: Loc) -> object:
        text: str = node.value
        name = node.tag.removeprefix(_TAG)
        if name == "str":
            return text
        if name not in {"null", "bool", "int", "float"}:
            return self._none(node, loc, f"unknown tag {_tag(node)}")
        if core_type(text) != name and not (name == "float" and core_type(text) == "int"):
            return self._none(node, loc, f"{text[:40]!r} is no {name}")
        if name == "int" and len(text) > _MOST_DIGITS:
            return self._none(node, loc, "a number of too many digits")
        return _core_value(name, text)

    def _none(self, node: Node, loc: Loc, what: str) -> object:
        self._wrong(node, loc, what, unread=True)
        return None

    def _wrong(self, node: Node, loc: Loc, what: str, *, unread: bool = False) -> None:
        self.wrongs.append(Wrong(node.start_mark.line + 1, loc, what, unread))


def _core_value(name: str, text: str) -> object:
    if name == "null":
        return None
    if name == "bool":
        return text.lower() == "true"
    if name == "int":
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _tag(node: Node) -> str:
    return str(node.tag).replace(_TAG, "!!")[:80]


def _child(node: Node | None, part: str | int) -> tuple[int, Node] | None:
    """Return the line and the node of a mapping's key or a sequence's item."""
    if isinstance(node, MappingNode):
        for key, item in node.value:
            if isinstance(key, ScalarNode) and key.value == part:
                return key.start_mark.line + 1, item
    elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line + 1, node.value[part]
    return None
