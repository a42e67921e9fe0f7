"""Owns the shape of log lines: logfmt, one event a line, secrets replaced; decides no level.

    ts=2026-11-24T10:02:20.130Z level=info logger=exporter.watch msg="power is off" home=flat id=17

Whoever logs uses the standard library: `log.info("power is %s", state, extra={"fields": {…}})`.
"""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Protocol, TextIO
from urllib.parse import quote, quote_plus

from typing_extensions import override

from chassis.instants import MS_PER_SECOND, to_rfc3339

LONGEST_LINE = 16_384  # characters, the newline not counted
LONGEST_VALUE = 4_096  # of a message or a field, as it is written
LONGEST_TRACE = 8_192  # of a traceback, as it is written: its end is kept
_TRUNCATION_ROOM = 40  # for left_out=…
_HIDDEN = "***"
_CUT = "…"

_OWN_KEYS = frozenset({"ts", "level", "logger", "msg", "exc", "left_out"})
_NO_KEY = re.compile(r"[^A-Za-z0-9_.-]")
_BARE = re.compile(r"[^\s\"=\\\x00-\x20\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_ESCAPED = re.compile(r"[\"\\\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Revealing(Protocol):
    """A secret, as `chassis.secrets.Secret` is one."""

    def reveal(self) -> str:
        """Return it in the clear."""


class SecretFilter:
    """Replaces the secrets it was given in any text, also where they stand quoted or in a URL."""

    def __init__(self, secrets: Iterable[Revealing] = ()) -> None:
        self._pattern: re.Pattern[str] | None = None
        self._spellings: frozenset[str] = frozenset()
        self.add(secrets)

    def add(self, secrets: Iterable[Revealing]) -> None:
        """Hide these too. Older ones stay hidden: an old token may stand in a late error."""
        new = {spelling for secret in secrets for spelling in _spellings(secret.reveal())}
        if new <= self._spellings:
            return
        self._spellings |= new
        longest_first = sorted(self._spellings, key=lambda text: (-len(text), text))
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def redact(self, text: str) -> str:
        """Return the text with *** for each secret."""
        return self._pattern.sub(_HIDDEN, text) if self._pattern is not None else text


def _spellings(clear: str) -> set[str]:
    """Return how a secret may stand in a text: as it is, in a URL, in a repr, in JSON, in both."""
    if not clear:
        return set()
    plain = {clear, quote(clear), quote(clear, safe=""), quote_plus(clear)}
    quoted = plain | {within for text in plain for within in _quoted_in_a_text(text)}
    return quoted | {within for text in quoted for within in _quoted_in_a_text(text)}


def _quoted_in_a_text(text: str) -> tuple[str, str]:
    return repr(text)[1:-1], json.dumps(text)[1:-1]


class LogfmtFormatter(logging.Formatter):
    """Writes a record as one line of logfmt, of bounded length, without the secrets."""

    def __init__(self, secrets: SecretFilter) -> None:
        super().__init__()
        self._secrets = secrets

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a newline at its end."""
        time = to_rfc3339(int(record.created * MS_PER_SECOND))
        message = self._quoted(record.getMessage(), LONGEST_VALUE)
        line = (
            f"ts={time} level={record.levelname.lower()} "
            f"logger={self._value(record.name)} msg={message}"
        )
        trace = self._trace(record)
        fields = getattr(record, "fields", None)
        if isinstance(fields, Mapping):
            line = self._with_fields(line, fields, LONGEST_LINE - len(trace) - _TRUNCATION_ROOM)
        return line + trace

    def _with_fields(self, line: str, fields: Mapping[object, object], room: int) -> str:
        left_out = 0
        for key, value in fields.items():
            pair = f" {self._key(key)}={self._value(value)}"
            if len(line) + len(pair) > room:
                left_out += 1
            else:
                line += pair
        return f"{line} left_out={left_out}" if left_out else line

    def _trace(self, record: logging.LogRecord) -> str:
        """Return ` exc="…"` with the traceback and the stack that the record has, or nothing."""
        parts = [self.formatException(record.exc_info)] if record.exc_info else []
        if record.stack_info:
            parts.append(record.stack_info)
        if not parts:
            return ""
        text = self._secrets.redact("\n".join(parts))
        return f' exc="{_escaped_end(text, LONGEST_TRACE)}"'

    def _key(self, key: object) -> str:
        name = _NO_KEY.sub("_", self._secrets.redact(str(key)))[:64] or "_"
        return f"{name}_" if name in _OWN_KEYS else name

    def _value(self, value: object) -> str:
        if isinstance(value, bool) or value is None:
            return {True: "true", False: "false", None: "null"}[value]
        text = self._secrets.redact(str(value))
        if len(text) <= LONGEST_VALUE and _BARE.fullmatch(text):
            return text
        return f'"{_escaped(text, LONGEST_VALUE)}"'

    def _quoted(self, text: str, longest: int) -> str:
        return f'"{_escaped(self._secrets.redact(text), longest)}"'


def _escaped(text: str, longest: int) -> str:
    """Escape a text for quotes; keep its beginning if it is too long."""
    written = _escape(text[: longest + 1])
    if len(written) <= longest:
        return written
    kept = text[: longest - 1]
    while len(written := _escape(kept)) >= longest:
        kept = kept[: len(kept) // 2]
    return written + _CUT


def _escaped_end(text: str, longest: int) -> str:
    """Escape a text for quotes; keep its end if it is too long."""
    written = _escape(text[-longest - 1 :])
    if len(written) <= longest:
        return written
    kept = text[-longest + 1 :]
    while len(written := _escape(kept)) >= longest:
        kept = kept[(len(kept) + 15) // 16 :]
    return _CUT + written


def _escape(text: str) -> str:
    return _ESCAPED.sub(_escape_of, text)


def _escape_of(match: re.Match[str]) -> str:
    character = match[0]
    return _SHORT_ESCAPES.get(character) or f"\\u{ord(character):04x}"


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines to a stream; a record that cannot be written is said so, without its content."""

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        """Say where the faulty call is: what it was given may hold a secret."""
        time = to_rfc3339(int(record.created * MS_PER_SECOND))
        where = _escape(f"{record.filename}:{record.lineno}")
        line = f'ts={time} level=error logger=chassis.logs msg="unwritable record" at="{where}"'
        try:
            self.stream.write(line + self.terminator)
            self.flush()
        except (OSError, ValueError):
            return  # the stream itself is gone: there is nowhere left to say it


def configure(stream: TextIO, level: int | str, secrets: Iterable[Revealing] = ()) -> SecretFilter:
    """Send all logging to a stream; return the filter, for secrets that come later.

    Called again, it replaces what it set up before.
    """
    hidden = SecretFilter(secrets)
    handler = LineHandler(stream)
    handler.setFormatter(LogfmtFormatter(hidden))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, LineHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper() if isinstance(level, str) else level)
    return hidden
