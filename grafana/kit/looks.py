"""Owns colours, words and thresholds: a state has one colour and one word on every dashboard.

The pair of blue-green and vermilion can be told apart by colour-blind people (Okabe and Ito); a
word stands beside each colour all the same.
"""

from dataclasses import dataclass

from grafana_foundation_sdk.models import dashboard as models

ON = "#009E73"
OFF = "#D55E00"
UNKNOWN = "#8E8E8E"
WARN = "#E69F00"
PLAIN = "#56B4E9"
FAINT = "transparent"
PALE = "#F0E442"  # less than WARN, where there are more steps than one
DARK = "#8C2D04"  # more than OFF, likewise

# What `state` in grafana/kit/promql.py gives, and what Flux tables hold in a column `state`.
OFF_VALUE, UNKNOWN_VALUE, ON_VALUE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Word:
    """How a value is shown: its word and its colour."""

    text: str
    colour: str


Words = dict[str, Word]

STATES: Words = {
    str(OFF_VALUE): Word("OFF", OFF),
    str(UNKNOWN_VALUE): Word("unknown", UNKNOWN),
    str(ON_VALUE): Word("ON", ON),
}
VOTES: Words = {"1": Word("on", ON), "0": Word("off", OFF), "-1": Word("unknown", UNKNOWN)}
HEALTH: Words = {"1": Word("up", ON), "0": Word("DOWN", OFF)}


def value_mappings(words: Words, null: str | None = None) -> list[models.ValueMapping]:
    """Return Grafana's mappings for words; `null`: what stands, grey, where there is no value."""
    options = {
        value: models.ValueMappingResult(text=word.text, color=word.colour, index=index)
        for index, (value, word) in enumerate(words.items())
    }
    mappings: list[models.ValueMapping] = [models.ValueMap(options=options)] if options else []
    if null is not None:
        nothing = models.ValueMappingResult(text=null, color=UNKNOWN, index=len(options))
        special = models.DashboardSpecialValueMapOptions(
            match=models.SpecialValueMatch.NULL_AND_NAN, result=nothing
        )
        mappings.append(models.SpecialValueMap(options=special))
    return mappings


def thresholds(base: str, *steps: tuple[float, str]) -> models.ThresholdsConfig:
    """Return thresholds: the colour below all, then (value, colour from there on)."""
    first = models.Threshold(value=None, color=base)
    rest = [models.Threshold(value=value, color=colour) for value, colour in steps]
    return models.ThresholdsConfig(mode=models.ThresholdsMode.ABSOLUTE, steps=[first, *rest])


# 99.9 % of a week are all but 10 minutes, 99 % all but 1 h 41 min.
AVAILABILITY = thresholds(OFF, (0.99, WARN), (0.999, ON))
