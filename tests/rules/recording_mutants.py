"""Owns the list of ways to break the recording rules, each of which an edge case must notice."""

from typing import NamedTuple

FIRST = "power_first_observed_timestamp_seconds"
OLDEST = f"on (home) group_left () min by (home) ({FIRST})"
OBSERVED = "and on (home) home:power_observed_seconds:increase7d > 0"


class Mutant(NamedTuple):
    """One change to the rule of that name: `old` becomes `new`, wherever it stands."""

    rule: str
    old: str
    new: str


SECONDS = "home:power_outage_seconds:increase7d"
OUTAGES = "home:power_outages:increase7d"
SECONDS_YOUNG = f"0 * (min by (home) ({FIRST}) > time() - 7 * 86400) or"
OUTAGES_YOUNG = (
    "0 * max by (home, duration_class) (power_outages_total) and on (home) "
    f"min by (home) ({FIRST}) > time() - 7 * 86400 or"
)


def _of_a_counter(rule: str, by: str, young: str) -> tuple[Mutant, ...]:
    """Break what makes a rule of one counter right."""
    then = f"unless on (home, job, instance) last_over_time({FIRST}[5m] offset 7d) != {OLDEST}"
    return (
        Mutant(rule, ">= 0", ">= -1e99"),
        Mutant(rule, young, ""),
        Mutant(rule, "> time() - 7 * 86400", "> -1e9"),  # every home is young
        Mutant(rule, "7 * 86400", "8 * 86400"),
        Mutant(rule, "7 * 86400", "6 * 86400"),
        Mutant(rule, f"unless on (home, job, instance) {FIRST} > {OLDEST}", ""),
        Mutant(rule, f"{FIRST} > on", f"{FIRST} < on"),
        Mutant(rule, then, ""),
        Mutant(rule, f"max by ({by}) ( last", f"min by ({by}) ( last"),
        Mutant(rule, f"( max by ({by}) ( power", f"( min by ({by}) ( power"),
        Mutant(rule, f"max by ({by})", f"max by ({by}, instance)"),
        Mutant(rule, "[5m]", "[3m]"),
        Mutant(rule, "[5m]", "[1d]"),
        Mutant(rule, "offset 7d", "offset 6d"),
    )


MUTANTS = (
    *_of_a_counter(SECONDS, "home", SECONDS_YOUNG),
    *_of_a_counter(OUTAGES, "home, duration_class", OUTAGES_YOUNG),
    Mutant("home:power_sustained_outage_seconds:increase7d", "_sustained", ""),
    Mutant("home:power_unknown_seconds:increase7d", "unknown", "observed"),
    Mutant("home:power_observed_seconds:increase7d", ">= 0", ">= -1e99"),
    Mutant("home:power_availability:ratio7d", "> 0", ">= 0"),
    Mutant("home:power_availability:ratio7d", "1 - ", ""),
    Mutant("power:homes:count7d", "> 0", ">= 0"),
    Mutant("power:saidi_minutes:increase7d", OBSERVED, ""),
    Mutant("power:saidi_minutes:increase7d", "_sustained", ""),
    Mutant("power:saidi_minutes:increase7d", "/ 60", ""),
    Mutant("power:saifi:increase7d", OBSERVED, ""),
    Mutant("power:saifi:increase7d", '{duration_class="sustained"}', ""),
    Mutant("power:maifi:increase7d", OBSERVED, ""),
    Mutant("power:maifi:increase7d", "momentary", "sustained"),
    Mutant("power:caidi_minutes:ratio7d", "> 0", ">= 0"),
    Mutant("power:asai:ratio7d", OBSERVED, ""),
    Mutant("power:asai:ratio7d", "home:power_outage", "home:power_sustained_outage"),
)
