"""Owns which version of the program this is."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """Return the version of the installed package, or of none."""
    try:
        return version("power-status-tracker")
    except PackageNotFoundError:
        return "0+unknown"
