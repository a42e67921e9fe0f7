"""Owns the PromQL of the indices of IEEE 1366, of the homes that `$home` and `$group` choose.

The rules power:… of rules/recording.yml speak of all homes; these are the same sums over the
chosen ones, made of the rules home:…. So they hold to the same definitions: each home is one
customer, and those that were not observed at all in the window do not count.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from grafana.kit.promql import HOME

CHOSEN = "${window}"
WINDOWS = (7, 30, 365)
IN_GROUP = 'power_home_info{group=~"$group"}'
NO_GROUP = "no group"


@dataclass(frozen=True, slots=True)
class Indices:
    """Indices over a window (a suffix of the rules, such as 7d), by nothing, `home` or `group`."""

    window: str = CHOSEN
    by: str = ""

    def saidi_minutes(self) -> str:
        """Return minutes in sustained outages, of the average home."""
        return f"{self._over('avg', self._sustained_seconds())} / 60"

    def saifi(self) -> str:
        """Return sustained outages, of the average home."""
        return self._over("avg", self._outages("sustained"))

    def maifi(self) -> str:
        """Return momentary outages, of the average home."""
        return self._over("avg", self._outages("momentary"))

    def caidi_minutes(self) -> str:
        """Return minutes of the average sustained outage; none where there was none."""
        return f"{self.sustained_seconds()} / 60 / ({self.outages('sustained')} > 0)"

    def asai(self) -> str:
        """Return the part of the observed time with power."""
        outage = self._over("sum", self._observed("home:power_outage_seconds:increase"))
        return f"1 - {outage} / ({self._over('sum', self._time('observed'))} > 0)"

    def coverage(self) -> str:
        """Return the known part of the window; homes that were never observed count in it."""
        return f"{self._over('sum', self._time('observed'))} / ({self.known_for()} > 0)"

    def known_for(self) -> str:
        """Return seconds between the window's start, or the first observation, and now."""
        observed, unknown = (
            self._over("sum", self._time(kind)) for kind in ("observed", "unknown")
        )
        return f"({observed} + {unknown})"

    def homes(self) -> str:
        """Return how many homes count."""
        return self._over("count", f"{self._time('observed')} > 0")

    def outages(self, duration_class: str) -> str:
        """Return how many outages all of them had."""
        return self._over("sum", self._outages(duration_class))

    def sustained_seconds(self) -> str:
        """Return seconds in sustained outages, all homes added up."""
        return self._over("sum", self._sustained_seconds())

    def momentary_seconds(self) -> str:
        """Return seconds in other outages. At the window's start the two can overlap a little."""
        outage = self._over("sum", self._observed("home:power_outage_seconds:increase"))
        return f"clamp_min({outage} - {self.sustained_seconds()}, 0)"

    def _sustained_seconds(self) -> str:
        return self._observed("home:power_sustained_outage_seconds:increase")

    def _outages(self, duration_class: str) -> str:
        match = f'duration_class="{duration_class}"'
        return self._observed("home:power_outages:increase", match)

    def _time(self, kind: str) -> str:
        return f"home:power_{kind}_seconds:increase{self.window}{{{HOME}}}"

    def _observed(self, rule: str, *more: str) -> str:
        found = f"{rule}{self.window}{{{', '.join([HOME, *more])}}}"
        return f"{found} and on (home) ({self._time('observed')} > 0)"

    def _over(self, aggregate: str, expr: str) -> str:
        """Return an aggregate of a value a home, over the homes of the chosen groups."""
        if self.by != "group":
            by = f" by ({self.by})" if self.by else ""
            return f"{aggregate}{by} ({expr} and on (home) {IN_GROUP})"
        joined = f"({expr}) * on (home) group_left (group) topk by (home) (1, {IN_GROUP})"
        named = f'label_replace({joined}, "group", "{NO_GROUP}", "group", "")'
        return f"{aggregate} by (group) ({named})"


def of_each_window(index: Callable[[Indices], str]) -> str:
    """Return one series a window, told apart by the label `window`: its days."""
    return _labelled((days, index(Indices(f"{days}d"))) for days in WINDOWS)


def windows() -> str:
    """Return the windows' days, one series each, also where there are no data."""
    return _labelled((days, f"vector({days})") for days in WINDOWS)


def _labelled(found: Iterable[tuple[int, str]]) -> str:
    each = (f'label_replace({expr}, "window", "{days}", "", "")' for days, expr in found)
    return " or ".join(each)


def in_day(metric: str) -> str:
    """Return by how much a counter grew in the day that begins at each point, by home.

    As the rules do: a home that was first observed in that day counts from 0, and where nothing
    was scraped around the day's start or end there is no value.
    """
    at_end, at_start = f"max by (home) ({metric}{{{HOME}}} offset -1d)", f"{metric}{{{HOME}}}"
    first = f"max by (home) (power_first_observed_timestamp_seconds{{{HOME}}} offset -1d)"
    grown = f"{at_end} - (max by (home) ({at_start}) or 0 * ({first} > time()))"
    return f"(({grown}) >= 0 and on (home) {IN_GROUP} offset -1d)"
