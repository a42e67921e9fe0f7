"""Log lines: one a event whatever is in it, bounded, and without secrets."""

import io
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.logs import (
    LONGEST_LINE,
    LineHandler,
    LogfmtFormatter,
    SecretFilter,
    configure,
)
from chassis.secrets import Secret

PAIR = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?: |$)')


def line_of(message: str, *args: object, secrets: tuple[str, ...] = (), **parts: object) -> str:
    """Format one record as the handler does."""
    record = logging.LogRecord("x.y", logging.INFO, "f.py", 1, message, args, None)
    vars(record).update(parts)
    return LogfmtFormatter(SecretFilter(map(Secret, secrets))).format(record)


def pairs(line: str) -> dict[str, str]:
    """Take a line apart; fails if it is no logfmt."""
    assert "".join(match[0] for match in PAIR.finditer(line)) == line
    return dict(PAIR.findall(line))


def raised(fault: Exception) -> tuple[type[Exception], Exception, Any]:
    """Return an exception as logging is handed it, with a traceback."""
    try:
        raise fault
    except Exception as caught:  # noqa: BLE001  any fault is to be had with its traceback
        return type(caught), caught, caught.__traceback__


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """Give back the root logger as it was."""
    logger = logging.getLogger()
    level, handlers = logger.level, logger.handlers[:]
    yield logger
    logger.setLevel(level)
    logger.handlers[:] = handlers


def test_a_line_has_time_level_logger_message_and_fields_in_order() -> None:
    """The shape is fixed, so that people and programs find their way."""
    fields = {"home": "flat", "id": 17, "ok": True, "none": None, "share": 0.5, "why": "a b"}
    line = line_of("power is %s", "off", created=1_800_000_000.25, fields=fields)
    assert line == (
        'ts=2027-01-15T08:00:00.250Z level=info logger=x.y msg="power is off" '
        'home=flat id=17 ok=true none=null share=0.5 why="a b"'
    )


@given(st.text(), st.dictionaries(st.text(), st.text(), max_size=4))
def test_a_line_is_one_line_of_logfmt_whatever_it_is_given(
    message: str, fields: dict[str, str]
) -> None:
    """Newlines, quotes, control characters and lone surrogates are escaped."""
    line = line_of("%s", message, fields=fields)
    assert len(line.splitlines()) == 1
    line.encode("utf-8")
    pairs(line)


def test_a_traceback_is_part_of_its_line() -> None:
    """An exception does not break the line."""
    line = line_of("oh", exc_info=raised(ValueError("two\nlines")))
    assert "\n" not in line
    assert pairs(line)["exc"].endswith('ValueError: two\\nlines"')


def test_a_field_cannot_pose_as_one_of_the_lines_own() -> None:
    """A second level= would be read instead of the first."""
    line = line_of("m", fields={"level": "error", "a b=c": 1})
    assert line.endswith(" level_=error a_b_c=1")


@pytest.mark.parametrize("filler", ["x", '"', "\x00", "\n", "é"])
def test_a_line_is_bounded(filler: str) -> None:
    """Message, fields and traceback of any length make a line of bounded length."""
    long = filler * 100_000
    fields = {f"f{number}": long for number in range(50)}
    line = line_of(long, fields=fields, exc_info=raised(ValueError(long + "END")))
    assert len(line) <= LONGEST_LINE
    found = pairs(line)
    assert "left_out" in found
    assert found["exc"].endswith('END"'), "the end of a traceback says what happened"


@pytest.mark.parametrize(
    "secret, written",
    [
        ("hunter2", "hunter2"),
        ("12345:AB/c+d", "12345%3AAB%2Fc%2Bd"),
        ("12345:AB/c+d", "12345%3AAB/c%2Bd"),
        ('quo"te\\', 'quo\\"te\\\\'),
        ("li\nne", "li\\nne"),
    ],
)
def test_a_secret_never_shows(secret: str, written: str) -> None:
    """Not in the message, its arguments, fields, keys or a traceback, in no usual spelling."""
    for spelling in (secret, written):
        text = f"a {spelling} b"
        line = line_of(
            "m %s %s %r",
            spelling,
            text,
            text,
            fields={"field": text, spelling: [spelling], "deep": {"k": secret}},
            exc_info=raised(RuntimeError(text, {"k": secret})),
            secrets=(secret,),
        )
        escaped = repr(secret)[1:-1]
        assert secret not in line
        assert escaped not in line
        assert written not in line
        assert line.count("***") >= 7


def test_a_longer_secret_is_hidden_whole() -> None:
    """A secret that contains another leaves no rest of itself."""
    assert line_of("abcdef", secrets=("abc", "abcdef")).endswith('msg="***"')


def test_a_secret_is_not_shown_by_being_cut() -> None:
    """Secrets are replaced before a text is shortened."""
    line = line_of("x" * 4090 + "hunter2hunter2", secrets=("hunter2hunter2",))
    assert "hunt" not in line


def test_secrets_may_come_later() -> None:
    """After a reload the new ones are hidden and the old ones stay hidden."""
    hidden = SecretFilter([Secret("old")])
    hidden.add([Secret("new"), Secret("")])
    assert hidden.redact("old new other") == "*** *** other"


def test_configure_sets_up_the_root_and_replaces_itself(root: logging.Logger) -> None:
    """Called twice there is one handler, of the second stream and level."""
    first, second = io.StringIO(), io.StringIO()
    configure(first, "info")
    hidden = configure(second, "warning", [Secret("hunter2")])
    logging.getLogger("a").info("quiet")
    logging.getLogger("a").warning("loud hunter2")
    hidden.add([Secret("loud")])
    logging.getLogger("a").warning("loud")
    assert first.getvalue() == ""
    lines = second.getvalue().splitlines()
    assert [pairs(line)["msg"] for line in lines] == ['"loud ***"', '"***"']


def test_a_record_that_cannot_be_written_is_named_without_its_content() -> None:
    """A wrong number of arguments neither raises nor prints the arguments."""
    stream = io.StringIO()
    handler = LineHandler(stream)
    handler.setFormatter(LogfmtFormatter(SecretFilter()))
    handler.handle(logging.LogRecord("x", 20, "f.py", 7, "%s %s", ("hunter2",), None))
    assert 'msg="unwritable record" at="f.py:7"' in stream.getvalue()
    assert "hunter2" not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 1


def test_a_stream_that_is_gone_does_not_stop_the_program() -> None:
    """Whoever logs is not told that nobody reads."""
    stream = io.StringIO()
    handler = LineHandler(stream)
    handler.setFormatter(LogfmtFormatter(SecretFilter()))
    stream.close()
    handler.handle(logging.LogRecord("x", 20, "f.py", 7, "m", (), None))
