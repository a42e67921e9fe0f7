"""Owns the shapes of an exporter's answers, as far as people are told of them; docs/api.md has all.

Moments are wall time in milliseconds, durations seconds as the API gives them.
"""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from chassis.instants import from_rfc3339
from chassis.timezones import TimeZone
from exporter.outages import DurationClass
from exporter.power import Cause, State


def _moment(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("is no time")  # noqa: TRY004  pydantic takes a ValueError
    return from_rfc3339(value)


Moment = Annotated[int, PlainValidator(_moment)]


class _Answer(BaseModel):
    """A part of an answer; what later versions add is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Outage(_Answer):
    """One outage; `end` is None while it runs, `id` while it is not stored yet."""

    id: int | None
    start: Moment
    start_earliest: Moment | None
    end: Moment | None
    seconds: float
    seconds_min: float
    seconds_max: float | None
    unseen_seconds: float
    duration_class: DurationClass = Field(alias="class")
    cause: Cause
    running: bool


class Home(_Answer):
    """One home as it stands."""

    name: str
    title: str
    timezone: TimeZone
    state: State
    since: Moment | None
    last_evidence_at: Moment | None
    outage: Outage | None

    @property
    def zone(self) -> ZoneInfo:
        """The home's time zone."""
        return ZoneInfo(self.timezone)


class Homes(_Answer):
    """All homes, in the order of the exporter's config."""

    homes: tuple[Home, ...]


class Outages(_Answer):
    """The outages of one home, oldest first."""

    outages: tuple[Outage, ...]


class Reliability(_Answer):
    """The indices of IEEE 1366 of one home; a ratio is None where there is nothing to divide."""

    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    on_seconds: float
    outage_seconds: float
    unknown_seconds: float
    coverage: float | None
    saidi_minutes: float
    saifi: int
    caidi_minutes: float | None
    maifi: int
    asai: float | None
    asai_min: float | None
    asai_max: float | None
    longest_outage_seconds: float

    @property
    def watched_seconds(self) -> float:
        """All time of the range since the home's first verdict and up to now."""
        return self.on_seconds + self.outage_seconds + self.unknown_seconds
