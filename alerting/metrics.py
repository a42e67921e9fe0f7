"""Owns the relay's own metrics, in a registry of their own; counts, and decides nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from alerting.tally import Tally

ALERT_OUTCOMES = ("accepted", "duplicate", "stored", "ignored", "rejected", "truncated")
DELIVERY_OUTCOMES = ("delivered", "retried", "ambiguous", "failed", "dropped")
WEBHOOK_CODES = ("200", "400", "401", "413", "500", "503")
DELAYS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400)  # seconds

Count = Callable[[], Tally]


class RelayMetrics:
    """What is counted where it happens; what the store knows is asked for at each scrape."""

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        self.tally = Tally()  # what the store knew when it was last asked
        self._webhooks = Counter(
            "power_alerting_webhooks", "Webhook requests by answer.", ["code"], registry=registry
        )
        self._alerts = Counter(
            "power_alerting_alerts", "Alerts received, by outcome.", ["outcome"], registry=registry
        )
        self._deliveries = Counter(
            "power_alerting_deliveries",
            "Sends to Telegram by outcome.",
            ["outcome"],
            registry=registry,
        )
        self._delay = Histogram(
            "power_alerting_delivery_delay_seconds",
            "From the commit of an event to Telegram's answer that it has the message.",
            buckets=DELAYS,
            registry=registry,
        )
        self._up = Gauge(
            "power_alerting_telegram_up",
            "1 if the Bot API did what it was asked for last, 0 otherwise and where nobody asks.",
            registry=registry,
        )
        build = Gauge(
            "power_alerting_build_info", "1, labelled by version.", ["version"], registry=registry
        )
        build.labels(version).set(1)
        self._begin_at_zero()
        registry.register(_Tallied(lambda: self.tally))

    def _begin_at_zero(self) -> None:
        """Export every outcome from the start: a rate misses the first of a series that appears."""
        for code in WEBHOOK_CODES:
            self._webhooks.labels(code)
        for outcome in ALERT_OUTCOMES:
            self._alerts.labels(outcome)
        for outcome in DELIVERY_OUTCOMES:
            self._deliveries.labels(outcome)

    def answered(self, code: int) -> None:
        """Count a webhook request."""
        self._webhooks.labels(str(code)).inc()

    def received(self, outcomes: Iterable[str], truncated: int = 0) -> None:
        """Count alerts; `truncated` are those that Alertmanager left out."""
        for outcome in outcomes:
            self._alerts.labels(outcome).inc()
        if truncated:
            self._alerts.labels("truncated").inc(truncated)

    def sent(self, outcome: str, count: int = 1) -> None:
        """Count deliveries by outcome."""
        self._deliveries.labels(outcome).inc(count)

    def delayed(self, seconds: float) -> None:
        """Note how long an event took until a chat had it."""
        self._delay.observe(max(0.0, seconds))

    def telegram(self, *, up: bool) -> None:
        """Tell whether the Bot API did what it was asked for; False where nobody asks it."""
        self._up.set(up)


class _Tallied(Collector):
    """Gauges whose values the store knows."""

    def __init__(self, tally: Count) -> None:
        self._tally = tally

    def collect(self) -> Iterator[GaugeMetricFamily]:
        tally = self._tally()
        yield _gauge("deliveries_pending", "Deliveries that wait to be sent.", tally.pending)
        yield _gauge(
            "oldest_pending_timestamp_seconds",
            "When the oldest waiting delivery was committed, in Unix seconds; 0 when none waits.",
            tally.oldest / 1000 if tally.oldest is not None else 0,
        )
        yield _subscribers(tally.subscribers)


def _gauge(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"power_alerting_{name}", help_, value=value)


def _subscribers(counts: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "power_alerting_subscribers", "Subscribers by state.", labels=["state"]
    )
    for state, count in counts.items():
        family.add_metric([state], count)
    return family
