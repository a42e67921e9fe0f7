"""Owns how config values become strict, frozen models and how faults are worded; reads no YAML.

Files are validated in pydantic's JSON mode: as strict as can be, and yet a
sequence becomes a tuple and a text an enum. Code makes the same models with the
values themselves (milliseconds, paths, secrets).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from json import dumps
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    PlainValidator,
    RootModel,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

Loc = tuple[str | int, ...]


class StrictModel(BaseModel):
    """A part of a config: no unknown key, no coercion, no change after it is made.

    A field's alias is its key in the file; code may use its name as well.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,
    )


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Reading:
    """What validators are told of the file that is read; their `info.context`.

    `folder` is what relative paths are relative to, `defaults` what those are that
    the file leaves out; `given` is what a service hands to its own validators.
    """

    folder: Path
    defaults: Path
    given: Any = None
    warned: list[tuple[object, str]] = field(default_factory=list)

    def warn(self, value: object, what: str) -> None:
        """Warn of a value that a validator is about to return; it must be that very object."""
        self.warned.append((value, what))


def validate(model: type[M], value: object, reading: Reading | None) -> M:
    """Make a model from what a file holds; raises ValidationError."""
    return model.model_validate_json(dumps(value), context=reading, by_alias=True, by_name=False)


def warn(info: ValidationInfo, value: object, what: str) -> None:
    """Warn of a value if a file is being read."""
    if isinstance(info.context, Reading):
        info.context.warn(value, what)


def path_of(value: object, info: ValidationInfo) -> Path:
    """Return the path that a config's value names; raises ValueError for what is none."""
    reading = info.context if isinstance(info.context, Reading) else None
    if isinstance(value, Path):  # a default, or code's own
        return reading.defaults / value if reading is not None else value
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("must be a path")
    return reading.folder / value if reading is not None else Path(value)


def _existing_file(value: object, info: ValidationInfo) -> Path:
    path = path_of(value, info)
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValueError(unreadable(path, error)) from None


def unreadable(path: Path, error: OSError) -> str:
    """Word why a file cannot be read."""
    return f"cannot read {path}: {error.strerror or error}"


ConfigPath = Annotated[Path, PlainValidator(path_of)]
"""A path; a relative one is relative to the folder of the file that holds it."""

ExistingFile = Annotated[Path, PlainValidator(_existing_file)]
"""As ConfigPath, of a file that can be read."""


def blaming(loc: Loc, what: str, *, missing: bool = False) -> ValidationError:
    """Return an error for a validator to raise; `loc` is seen from the value it validates."""
    gathered = Gathered()
    gathered.add(loc, what, missing=missing)
    return gathered.error()


class Gathered:
    """Gathers what a validator finds wrong, to raise all of it at once."""

    def __init__(self) -> None:
        self._errors: list[InitErrorDetails] = []

    def add(self, loc: Loc, what: str, *, missing: bool = False) -> None:
        """Blame the value (or the missing key) at `loc`, seen from what is validated."""
        self._append(loc, what, missing=missing)

    def absorb(self, loc: Loc, error: ValidationError) -> None:
        """Take over what was found wrong in the value at `loc`."""
        for details in without_consequences(error.errors(include_url=False)):
            self._append((*loc, *details["loc"]), worded(details), missing=is_missing(details))

    def finish(self) -> None:
        """Raise a ValidationError if anything was wrong."""
        if self._errors:
            raise self.error()

    def error(self) -> ValidationError:
        """Return everything as one error."""
        return ValidationError.from_exception_data("config", self._errors)

    def _append(self, loc: Loc, what: str, *, missing: bool) -> None:
        custom = PydanticCustomError("config", "{what}", {"what": what, "missing": missing})
        self._errors.append(InitErrorDetails(type=custom, loc=loc, input=None))


def is_missing(details: ErrorDetails) -> bool:
    """Tell whether the last part of an error's `loc` is a key that is not there."""
    return details["type"] == "missing" or bool(details.get("ctx", {}).get("missing"))


def worded(details: ErrorDetails) -> str:
    """Say in a person's words what pydantic found wrong."""
    context: Mapping[str, Any] = details.get("ctx", {})
    if "what" in context:
        return str(context["what"])
    if details["type"] == "value_error":
        return str(context["error"])
    template = _WORDS.get(details["type"])
    return template.format_map(context) if template else _lowered(details["msg"])


def _lowered(message: str) -> str:
    message = message.replace("Input should", "must")
    return message[:1].lower() + message[1:]


def without_consequences(errors: Iterable[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out what is wrong only because something else is."""
    return [details for details in errors if details["type"] != "default_factory_not_called"]


def leaves(value: object, loc: Loc = ()) -> Iterator[tuple[Loc, object]]:
    """Walk through models and what holds them; give each other value with the path of its key."""
    parts = _parts(value)
    if parts is None:
        yield loc, value
        return
    for key, part in parts:
        yield from leaves(part, loc if key is None else (*loc, key))


def _parts(value: object) -> Iterable[tuple[str | int | None, object]] | None:
    """Return what a value is made of, or None if it is no model and holds none."""
    if isinstance(value, RootModel):
        return [(None, value.root)]
    if isinstance(value, BaseModel):
        keys = type(value).model_fields.items()
        return [(key.alias or name, getattr(value, name)) for name, key in keys]
    if is_dataclass(value):
        return [(part.name, getattr(value, part.name)) for part in fields(value)]
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, tuple | list) else None


_WORDS = {
    "missing": "missing",
    "extra_forbidden": "unknown key",
    "string_type": "must be text (put it in quotes)",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most {max_length} characters long",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be greater than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "model_type": "must be a mapping (key: value)",
    "dict_type": "must be a mapping (key: value)",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
}
