"""Owns the relay's words: the templates in texts/, read once per language, become Telegram's HTML.

What is put in for a placeholder is escaped, unless it is `Html` already.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from babel.plural import PluralRule

# Babel's locale data costs 6 MiB for two languages, its rule for plurals alone a quarter of one:
# the rules stand with the texts.

LANGUAGES = ("uk", "en")
FALLBACK = "en"


class Html(str):
    """Text that Telegram may read as HTML: its values are escaped."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Wording:
    """One language: its templates by dotted key, and its rule for counted nouns."""

    language: str
    templates: Mapping[str, str]
    plural: "PluralRule"

    def say(self, key: str, /, **values: object) -> Html:
        """Fill in a template; raises KeyError for a key or a placeholder that is missing."""
        return Html(self.templates[key].format(**{name: escaped(v) for name, v in values.items()}))

    def count(self, key: str, number: int) -> Html:
        """Say a number of things in the plural form that it asks for."""
        return self.say(f"{key}.{self.plural(number)}", n=number)

    def listing(self, names: Sequence[str]) -> Html:
        """Join names: "A, B and C"; nothing for none."""
        if len(names) < 2:  # noqa: PLR2004  the last is joined by a word of its own
            return Html("".join(escaped(name) for name in names))
        first = Html(", ".join(escaped(name) for name in names[:-1]))
        return self.say("number.more", list=first, last=names[-1])


def wording(language: str) -> Wording:
    """Return a language's words; English for a language that has none."""
    return _load(language if language in LANGUAGES else FALLBACK)


def escaped(value: object) -> Html:
    """Return a value as text that cannot be read as markup."""
    return value if isinstance(value, Html) else Html(escape(str(value), quote=False))


def lines(texts: Sequence[Html]) -> Html:
    """Put texts below each other."""
    return Html("\n".join(texts))


@cache
def _load(language: str) -> Wording:
    text = files("alerting").joinpath("texts", f"{language}.toml").read_text(encoding="utf-8")
    from babel.plural import PluralRule  # noqa: PLC0415  1.3 MiB that only who says something needs

    data = tomllib.loads(text)
    plural = PluralRule(data.pop("plural"))
    return Wording(language, MappingProxyType(dict(_flat(data, ""))), plural)


def _flat(data: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
