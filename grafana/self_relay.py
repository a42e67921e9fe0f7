"""Owns what Self-monitoring shows of the relay: what it takes, what it tells, and to how many."""

from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.layout import Placed
from grafana.kit.looks import HEALTH, OFF, ON, WARN, thresholds
from grafana.kit.panels import About, bar_gauge, stat_panel, state_timeline, time_series
from grafana.kit.queries import Prom

NO_RELAY = "no relay"
DELAY = "power_alerting_delivery_delay_seconds_bucket"


def relay() -> list[Placed]:
    """Return how the relay does."""
    return [
        Placed(_oldest_now(), 6, 4),
        Placed(_pending_now(), 6, 4),
        Placed(_delay(), 6, 4),
        Placed(_lost(), 6, 4),
        Placed(_subscribers(), 8, 8),
        Placed(_telegram(), 16, 8),
        Placed(_webhooks(), 8, 8),
        Placed(_alerts(), 8, 8),
        Placed(_deliveries(), 8, 8),
        Placed(_waiting(), 8, 8),
        Placed(_oldest(), 8, 8),
        Placed(_delay_over_time(), 8, 8),
    ]


def _age() -> str:
    """Return how long the oldest message has waited; relays that share a database see the same."""
    oldest = "power_alerting_oldest_pending_timestamp_seconds"
    return f"max by (job) (time() - ({oldest} > 0) or 0 * {oldest})"


def _oldest_now() -> models.Panel:
    about = About(
        title="Oldest message that waits",
        description=(
            "0 when none does. From 5 minutes (red) on the alert TelegramDeliveryStalled tells it: "
            "critical. Nothing is lost; docs/runbooks.md says what to do."
        ),
        unit="s",
        decimals=0,
        no_value=NO_RELAY,
        levels=thresholds(ON, (300, OFF)),
    )
    return stat_panel(about, Prom(_age(), legend="oldest", instant=True))


def _pending_now() -> models.Panel:
    about = About(
        title="Messages that wait",
        description=(
            "Deliveries not yet made, those under way included. An outage of many homes is a peak "
            "of some minutes, as Telegram takes some 28 messages a second; what counts is that "
            "the oldest gets through."
        ),
        unit="none",
        no_value=NO_RELAY,
    )
    expr = "max by (job) (power_alerting_deliveries_pending)"
    return stat_panel(about, Prom(expr, legend="waiting", instant=True))


def _delay() -> models.Panel:
    about = About(
        title="Delivery delay in this range",
        description=(
            "From the commit of an event to Telegram's answer, over the whole time range: half of "
            "the messages were faster than the median, 99 of 100 faster than the other. Orange "
            "from 30 s, red from 5 minutes, where TelegramDeliveryStalled would tell of one that "
            "still waits. Empty when nothing was delivered."
        ),
        unit="s",
        decimals=2,
        no_value="none delivered",
        levels=thresholds(ON, (30, WARN), (300, OFF)),
    )
    buckets = f"sum by (le) (increase({DELAY}[$__range]))"
    delivered = f"sum(increase({DELAY.replace('_bucket', '_count')}[$__range])) > 0"
    return stat_panel(
        about,
        Prom(f"{_quantile(0.5, buckets)} and on () {delivered}", legend="median", instant=True),
        Prom(f"{_quantile(0.99, buckets)} and on () {delivered}", legend="99 %", instant=True),
    )


def _lost() -> models.Panel:
    about = About(
        title="Refused for good, 1 h",
        description=(
            "Messages that Telegram will never take (alert TelegramMessageRefused), and alerts "
            "that were rejected or cut off (alert PowerAlertsRejected): somebody was not told of "
            "something. The alerts look at the same hour, and any at all is too many (orange, from "
            "0.001 on). The relay's log says why."
        ),
        unit="none",
        decimals=0,
        no_value=NO_RELAY,
        levels=thresholds(ON, (0.001, WARN)),
    )
    failed = 'power_alerting_deliveries_total{outcome="failed"}'
    rejected = 'power_alerting_alerts_total{outcome=~"rejected|truncated"}'
    return stat_panel(
        about,
        Prom(f"sum(increase({failed}[1h]))", legend="messages", instant=True),
        Prom(f"sum(increase({rejected}[1h]))", legend="alerts", instant=True),
    )


def _subscribers() -> models.Panel:
    about = About(
        title="Subscribers by state",
        description=(
            "active ones are told; pending ones wait for an administrator (/approve in the bot, or "
            "the page /admin/); stopped, blocked and denied ones hear nothing. blocked: the chat "
            "is gone, or has blocked the bot."
        ),
        unit="none",
        no_value=NO_RELAY,
    )
    expr = "max by (state) (power_alerting_subscribers)"
    return bar_gauge(about, Prom(expr, legend="{{state}}", instant=True))


def _telegram() -> models.Panel:
    about = About(
        title="Telegram over time",
        description=(
            "DOWN: no relay got from the Bot API what it last asked for, within each step. Short "
            "troubles are daily life; after 10 minutes with active subscribers the alert "
            "TelegramUnreachable tells it. Without a bot it is always DOWN. Only the relay that "
            "sends is up, so of several the best counts."
        ),
        unit="none",
        no_value=NO_RELAY,
        words=HEALTH,
    )
    expr = "max by (job) (min_over_time(power_alerting_telegram_up[$__interval]))"
    return state_timeline(about, Prom(expr, legend="Telegram"))


def _per_minute(counter: str, by: str) -> Prom:
    expr = f"60 * sum by ({by}) (rate({counter}[$__rate_interval]))"
    return Prom(expr, legend=f"{{{{{by}}}}}")


def _webhooks() -> models.Panel:
    about = About(
        title="Webhooks by answer",
        description=(
            "Requests to /alerts by the status of the answer. 200 is right. 401: a wrong token; "
            "400: no payload of version 4; 413: too large; 503: the database is down; 500: a fault "
            "of the relay. What is not 200 for 5 minutes raises PowerWebhookRefused; the sender "
            "repeats it."
        ),
        unit="cpm",
        no_value=NO_RELAY,
    )
    return time_series(about, _per_minute("power_alerting_webhooks_total", "code"))


def _alerts() -> models.Panel:
    about = About(
        title="Alerts by outcome",
        description=(
            "accepted: there was something to tell. duplicate, stored, ignored: nothing new, too "
            "old, or a resolved outage, which is no evidence; all usual. rejected and truncated: "
            "something was not told, and PowerAlertsRejected says so."
        ),
        unit="cpm",
        no_value=NO_RELAY,
    )
    return time_series(about, _per_minute("power_alerting_alerts_total", "outcome"))


def _deliveries() -> models.Panel:
    about = About(
        title="Deliveries by outcome",
        description=(
            "Sends to a chat. retried and ambiguous ones are repeated by themselves: many of them "
            "mean a bad line to Telegram. failed: never taken (TelegramMessageRefused). dropped: "
            "the chat is gone."
        ),
        unit="cpm",
        no_value=NO_RELAY,
    )
    return time_series(about, _per_minute("power_alerting_deliveries_total", "outcome"))


def _waiting() -> models.Panel:
    about = About(
        title="Messages that wait, over time",
        description="The most within each step. A line that does not come down: Telegram is away.",
        unit="none",
        no_value=NO_RELAY,
    )
    expr = "max by (job) (max_over_time(power_alerting_deliveries_pending[$__interval]))"
    return time_series(about, Prom(expr, legend="waiting"))


def _oldest() -> models.Panel:
    about = About(
        title="Age of the oldest message that waits",
        description=(
            "0 when none does. Dashed: 5 minutes, from where on TelegramDeliveryStalled tells it."
        ),
        unit="s",
        no_value=NO_RELAY,
        levels=thresholds(ON, (300, OFF)),
    )
    return time_series(about, Prom(_age(), legend="oldest"))


def _delay_over_time() -> models.Panel:
    about = About(
        title="Delivery delay over time",
        description=(
            "From the commit of an event to Telegram's answer. Empty where nothing was delivered, "
            "which is most of the time. Dashed: 5 minutes, where TelegramDeliveryStalled would "
            "tell of one that still waits."
        ),
        unit="s",
        no_value="none delivered",
        levels=thresholds(ON, (300, OFF)),
    )
    buckets = f"sum by (le) (rate({DELAY}[$__rate_interval]))"
    return time_series(
        about,
        Prom(_quantile(0.5, buckets), legend="median"),
        Prom(_quantile(0.99, buckets), legend="99 %"),
    )


def _quantile(which: float, buckets: str) -> str:
    return f"histogram_quantile({which}, {buckets})"
