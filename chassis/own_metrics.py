"""Owns the process_ and python_ families, from a registry of their own."""

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.openmetrics import exposition as openmetrics_text

END_MARK = b"# EOF\n"


def own_registry() -> CollectorRegistry:
    """Make a registry of this process: its resources, interpreter and garbage collector."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def render_registry(registry: CollectorRegistry, *, openmetrics: bool) -> bytes:
    """Spell a registry, without OpenMetrics' end mark: more may follow."""
    if openmetrics:
        text: bytes = openmetrics_text.generate_latest(registry)  # type: ignore[no-untyped-call]
        return text.removesuffix(END_MARK)
    return generate_latest(registry)
