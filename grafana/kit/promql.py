"""Owns the PromQL that several dashboards share. `home` is chosen by the variable `$home`.

Two exporters may export one home for a while (one that is moved): each expression takes the
greatest of them by home, so that a panel never shows a home twice.
"""

HOME = 'home=~"$home"'


def by_home(metric: str, *more: str, selector: str = HOME) -> str:
    """Return a metric of the chosen homes, one series a home; `more`: further matchers."""
    return f"max by (home) ({metric}{{{', '.join([selector, *more])}}})"


def state(selector: str = HOME) -> str:
    """Return the state of each home now: 0 off, 1 unknown, 2 on."""
    unknown = by_home("power_state", 'power_state="unknown"', selector=selector)
    on = by_home("power_state", 'power_state="on"', selector=selector)
    return f"clamp_max(2 * {on} + {unknown}, 2)"


def worst_state(selector: str = HOME) -> str:
    """Return the worst state of each home within each step: 0 off, 1 unknown, 2 on.

    A short outage would fall between two points of a long range; this keeps it.
    """

    def seen(which: str) -> str:
        match = f'{{{selector}, power_state="{which}"}}'
        return f"max by (home) (max_over_time(power_state{match}[$__interval]))"

    return f"2 - clamp_max(2 * {seen('off')} + {seen('unknown')}, 2)"


def titled(expr: str) -> str:
    """Return a series a home with the home's title beside its name."""
    return f"{expr} * on (home) group_left (title) topk by (home) (1, power_home_info)"
