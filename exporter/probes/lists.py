"""Owns the lists of probes in a config: each kind's own settings, names, roles and who may vote."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, count
from typing import Annotated

from pydantic import PlainValidator, ValidationError, ValidationInfo

from chassis.strict_model import Gathered, Reading, blaming, validate
from exporter.probes import KINDS, kind_named
from exporter.probes.protocol import Kind, ProbeSettings, Role

_LONGEST_NAME = 63
_NEVER_SHARED = frozenset({"ac", "heartbeat", "host"})
"""Kinds that say nothing about this machine's own connection."""
_PATH_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class RegisteredKinds(Mapping[str, Kind]):
    """The kinds of the registry; asking for one imports it."""

    def __getitem__(self, name: str) -> Kind:
        return kind_named(name)

    def __iter__(self) -> Iterator[str]:
        return iter(KINDS)

    def __len__(self) -> int:
        return len(KINDS)

    def __contains__(self, name: object) -> bool:
        return name in KINDS


@dataclass(slots=True)
class _Written:
    """One list as far as it has been read; a faulty probe is None."""

    probes: list[ProbeSettings | None]
    voting: int
    gathered: Gathered

    @property
    def sound(self) -> Iterator[tuple[int, ProbeSettings]]:
        return ((place, probe) for place, probe in enumerate(self.probes) if probe is not None)

    def finish(self) -> tuple[ProbeSettings, ...]:
        """Name the probes that have no name; raise what was found wrong."""
        self._check_names()
        self.gathered.finish()
        taken = {probe.name for _, probe in self.sound if probe.name is not None}
        return tuple(_named(probe, taken) for _, probe in self.sound)

    def _check_names(self) -> None:
        seen: set[str] = set()
        for place, probe in self.sound:
            if probe.name is None:
                continue
            if wrong := _wrong_name(probe.name, probe.kind):
                self.gathered.add((place, "name"), wrong)
            elif probe.name in seen:
                self.gathered.add((place, "name"), f"another probe is named {probe.name!r} already")
            seen.add(probe.name)


def _home_probes(value: object, info: ValidationInfo) -> tuple[ProbeSettings, ...]:
    written = _read_list(value, info, {})
    _check_votes(written)
    return written.finish()


def _reference_probes(value: object, info: ValidationInfo) -> tuple[ProbeSettings, ...]:
    written = _read_list(value, info, {"role": Role.REFERENCE.value})
    for place, probe in written.sound:
        if probe.role is not Role.REFERENCE:
            written.gathered.add((place, "role"), "must be reference here, or left out")
        if probe.kind in _NEVER_SHARED:
            what = f"{probe.kind} says nothing about this machine's connection"
            written.gathered.add((place, "kind"), what)
    return written.finish()


def _check_votes(written: _Written) -> None:
    """Blame a home in which nobody votes, and a host probe that is not the only one to vote."""
    for place, probe in written.sound:
        if probe.kind == "host" and probe.role is Role.REFERENCE:
            written.gathered.add((place, "role"), "a host probe cannot be a reference")
        elif probe.kind == "host" and written.voting > 1:
            what = "host must be the home's only voting probe"
            written.gathered.add((place, "kind"), what)
    if not written.voting and None not in written.probes:
        written.gathered.add((), "must have at least one probe whose role is mains")


def _read_list(value: object, info: ValidationInfo, usual: Mapping[str, str]) -> _Written:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of probes")  # noqa: TRY004  pydantic wants a ValueError
    written = _Written([], sum(map(_votes, value)), Gathered())
    for place, item in enumerate(value):
        try:
            written.probes.append(_read_probe(item, info, usual))
        except ValidationError as error:
            written.gathered.absorb((place,), error)
            written.probes.append(None)
    return written


def _votes(item: object) -> bool:
    """Tell whether a probe votes, also one in which something else is wrong."""
    if isinstance(item, ProbeSettings):
        return item.role is Role.MAINS
    return isinstance(item, dict) and item.get("role", Role.MAINS) == Role.MAINS


def _read_probe(item: object, info: ValidationInfo, usual: Mapping[str, str]) -> ProbeSettings:
    if isinstance(item, ProbeSettings):
        return item
    reading = info.context if isinstance(info.context, Reading) else None
    kinds: Mapping[str, Kind] = reading.given.kinds if reading else RegisteredKinds()
    if not isinstance(item, dict):
        raise blaming((), "must be a mapping that begins with kind: NAME")
    name = item.get("kind")
    if not isinstance(name, str) or name not in kinds:
        known = ", ".join(sorted(kinds))
        what = "missing" if name is None else f"unknown kind {str(name)[:40]!r}"
        raise blaming(("kind",), f"{what}; the kinds are {known}", missing=name is None)
    settings: type[ProbeSettings] = kinds[name].settings
    return validate(settings, {**usual, **item}, reading)


def _wrong_name(name: str, kind: str) -> str | None:
    """Say why a name cannot be a label, or for a heartbeat a part of a path."""
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable() or name != name.strip():
        return f"must be 1 to {_LONGEST_NAME} printable characters"
    if kind == "heartbeat" and not _PATH_SEGMENT.fullmatch(name):
        return (
            "must begin with a letter or digit and hold only letters, digits, '.', '_' and '-':"
            " beats are posted to it"
        )
    return None


def _named(probe: ProbeSettings, taken: set[str]) -> ProbeSettings:
    """Return the probe with a name: its own, its kind, or its kind with a number."""
    if probe.name is not None:
        return probe
    names = chain([probe.kind], (f"{probe.kind}-{number}" for number in count(2)))
    name = next(name for name in names if name not in taken)
    taken.add(name)
    return probe.model_copy(update={"name": name})


HomeProbes = Annotated[tuple[ProbeSettings, ...], PlainValidator(_home_probes)]
"""The probes of one home, each with a name; at least one votes."""

ReferenceProbes = Annotated[tuple[ProbeSettings, ...], PlainValidator(_reference_probes)]
"""Probes of this machine's own connection, each with a name; none votes."""
