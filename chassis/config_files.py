"""Owns which config files a command reads: those that it is told, else those of the environment."""

import os
from collections.abc import Mapping, Sequence

CONFIG_VARIABLE = "POWER_STATUS_CONFIG"
DEFAULT = "config.yaml"


def config_files(given: Sequence[str], environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return what was given with --config, else $POWER_STATUS_CONFIG, else config.yaml.

    The variable may name several files, with colons between them.
    """
    named = environ.get(CONFIG_VARIABLE, "").split(os.pathsep)
    return list(given) or [name for name in named if name] or [DEFAULT]
