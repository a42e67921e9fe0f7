"""Secrets: read from files, never shown."""

from pathlib import Path

import pytest

from chassis.secrets import (
    LateSecretFile,
    Secret,
    SecretFile,
    SecretUnreadable,
    exposure,
    read_secret,
)
from chassis.strict_model import StrictModel
from chassis.yaml_config import ConfigError, Fault, load_single


class Guarded(StrictModel):
    """A model with each type of secret."""

    token_file: SecretFile | None = None
    late_file: LateSecretFile | None = None


def secret_file(folder: Path, content: bytes = b"made-up\n", mode: int = 0o600) -> Path:
    """Make a file that holds a secret."""
    file = folder / "token"
    file.write_bytes(content)
    file.chmod(mode)
    return file


def load(folder: Path, text: str) -> tuple[Guarded, list[Fault]]:
    """Read a config; return it and its warnings."""
    config = folder / "config.yaml"
    config.write_text(text)
    warnings: list[Fault] = []
    return load_single(config, Guarded, warnings), warnings


def test_a_secret_shows_itself_only_when_asked_to() -> None:
    """Neither a text, nor a format, nor a model that holds it gives it away."""
    secret = Secret("made-up")
    model = Guarded(token_file=secret)
    shown = f"{secret} {secret!r} {[secret]} {model} {model!r} {model.model_dump()}"
    assert secret.reveal() == "made-up"
    assert "made-up" not in shown
    assert shown.count("***") == 6


def test_a_secret_matches_itself_alone() -> None:
    """Also what cannot be encoded is compared, not raised for."""
    secret = Secret("пароль")
    assert secret.matches("пароль")
    assert not secret.matches("")
    assert not secret.matches("\ud800")


def test_equal_secrets_are_equal() -> None:
    """A reload sees whether a token has changed."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize(
    "content, text",
    [
        (b"made-up", "made-up"),
        (b"made-up\n", "made-up"),
        (b"made-up\r\n", "made-up"),
        (b" made up \n", " made up "),
        ("пароль\n".encode(), "пароль"),
    ],
)
def test_the_trailing_newline_is_no_part_of_a_secret(
    tmp_path: Path, content: bytes, text: str
) -> None:
    """Editors add one; spaces are nobody's but the secret's."""
    assert read_secret(secret_file(tmp_path, content)).reveal() == text


@pytest.mark.parametrize("content, why", [(b"\n", "is empty"), (b"\xff\n", "is not UTF-8")])
def test_a_file_without_a_text_is_no_secret(tmp_path: Path, content: bytes, why: str) -> None:
    """The reason never repeats the content."""
    with pytest.raises(SecretUnreadable, match=why):
        read_secret(secret_file(tmp_path, content))


def test_a_missing_file_and_a_folder_are_unreadable(tmp_path: Path) -> None:
    """The system's own reason is passed on."""
    with pytest.raises(SecretUnreadable, match="No such file"):
        read_secret(tmp_path / "missing")
    with pytest.raises(SecretUnreadable, match="Is a directory"):
        read_secret(tmp_path)


@pytest.mark.parametrize("mode, exposed", [(0o600, False), (0o640, False), (0o644, True)])
def test_what_everybody_can_read_is_exposed(tmp_path: Path, mode: int, exposed: bool) -> None:  # noqa: FBT001
    """A group is made for sharing; others are not."""
    why = exposure(secret_file(tmp_path, mode=mode))
    assert (why is not None) is exposed
    assert why is None or "readable by others (mode 0644)" in why


def test_a_secret_of_the_config_is_read_beside_it(tmp_path: Path) -> None:
    """A relative path is relative to the file that names it."""
    secret_file(tmp_path)
    config, warnings = load(tmp_path, "token_file: token")
    assert config.token_file == Secret("made-up")
    assert warnings == []


def test_an_exposed_secret_is_warned_of_at_its_key(tmp_path: Path) -> None:
    """It works all the same."""
    secret_file(tmp_path, mode=0o604)
    config, (warning,) = load(tmp_path, "# a comment\ntoken_file: token\n")
    assert config.token_file is not None
    assert (warning.line, warning.path) == (2, "token_file")
    assert "readable by others (mode 0604)" in warning.what
    assert "made-up" not in str(warning)


def test_a_missing_secret_is_a_fault_at_its_key(tmp_path: Path) -> None:
    """The service does not start without it."""
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, "\n\ntoken_file: token\n")
    (fault,) = refused.value.faults
    assert (fault.line, fault.path) == (3, "token_file")
    assert "No such file" in fault.what


def test_a_secret_that_another_service_makes_may_be_missing_so_far(tmp_path: Path) -> None:
    """That is a warning; the path is kept and read when it is needed."""
    config, (warning,) = load(tmp_path, "late_file: token\n")
    assert (warning.line, warning.path) == (1, "late_file")
    assert "No such file" in warning.what
    assert config.late_file is not None
    secret_file(tmp_path)
    assert read_secret(config.late_file).reveal() == "made-up"


def test_a_late_secret_that_is_there_is_not_warned_of(tmp_path: Path) -> None:
    """Unless everybody can read it."""
    file = secret_file(tmp_path)
    assert load(tmp_path, "late_file: token")[1] == []
    file.chmod(0o644)
    (warning,) = load(tmp_path, "late_file: token")[1]
    assert "readable by others" in warning.what
