"""Owns the shapes of an exporter's answers, as far as the bot tells of them; docs/api.md has all.

Moments are wall milliseconds; durations are milliseconds too, made of the API's seconds.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from chassis.instants import MS_PER_SECOND, from_rfc3339

State = Literal["on", "off", "unknown"]
LONGEST = 10**12  # seconds


def _moment(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("is no time")  # noqa: TRY004  pydantic takes a ValueError
    return from_rfc3339(value)


def _ms(value: object) -> int:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < LONGEST:
        raise ValueError("is no number of seconds")
    return round(value * MS_PER_SECOND)


Moment = Annotated[int, PlainValidator(_moment)]
Ms = Annotated[int, PlainValidator(_ms)]


class _Answer(BaseModel):
    """A part of an answer; what later versions add is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SeenOutage(_Answer):
    """One outage; `end` is None while it runs, `most` where nobody knows how long it was."""

    start: Moment
    end: Moment | None
    length: Ms = Field(alias="seconds")
    least: Ms = Field(alias="seconds_min")
    most: Ms | None = Field(alias="seconds_max")
    cause: str


class HomeNow(_Answer):
    """One home as it stands. `sustained_after` is None where the exporter does not tell."""

    name: str
    state: State
    since: Moment | None
    outage: SeenOutage | None
    sustained_after: Ms | None = Field(default=None, alias="sustained_after_seconds")


class Homes(_Answer):
    """All homes, in the order of the exporter's config."""

    homes: tuple[HomeNow, ...]


class Outages(_Answer):
    """The outages of one home, oldest first."""

    outages: tuple[SeenOutage, ...]


class Counted(_Answer):
    """How many outages began in a range."""

    momentary: int
    sustained: int


class Reliability(_Answer):
    """The indices of IEEE 1366 of one home; a ratio is None where there is nothing to divide."""

    on: Ms = Field(alias="on_seconds")
    outage: Ms = Field(alias="outage_seconds")
    unknown: Ms = Field(alias="unknown_seconds")
    outage_least: Ms = Field(alias="outage_seconds_min")
    outage_most: Ms = Field(alias="outage_seconds_max")
    coverage: float | None
    outages: Counted
    saidi_minutes: float
    saifi: float
    caidi_minutes: float | None
    maifi: float
    asai: float | None
    asai_min: float | None
    asai_max: float | None
    longest: Ms = Field(alias="longest_outage_seconds")

    @property
    def watched(self) -> int:
        """All time of the range since the home's first verdict (ms)."""
        return self.on + self.outage + self.unknown


class Transition(_Answer):
    """One change of a home's state; `previous` is None for the first."""

    state: State
    previous: State | None
    at: Moment


class Transitions(_Answer):
    """A page of changes, oldest first; `following` is None on the last page."""

    transitions: tuple[Transition, ...]
    following: str | None = Field(alias="next")
