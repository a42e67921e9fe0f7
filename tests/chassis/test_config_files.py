"""Which config files a command reads: what it is told wins over the environment, over the usual."""

import pytest

from chassis.config_files import config_files


@pytest.mark.parametrize(
    "given,variable,files",
    [
        ([], None, ["config.yaml"]),
        ([], "", ["config.yaml"]),
        ([], ":", ["config.yaml"]),
        ([], "mine.yaml", ["mine.yaml"]),
        ([], "/etc/homes.yaml:/etc/services.yaml", ["/etc/homes.yaml", "/etc/services.yaml"]),
        (["a.yaml", "b.yaml"], "mine.yaml:other.yaml", ["a.yaml", "b.yaml"]),
    ],
)
def test_it_is_what_is_given_or_else_the_environments_or_else_the_usual(
    given: list[str], variable: str | None, files: list[str]
) -> None:
    """The variable may name several."""
    environ = {} if variable is None else {"POWER_STATUS_CONFIG": variable}
    assert config_files(given, environ) == files
