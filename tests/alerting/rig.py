"""A relay's way in on a real server, and a whole relay beside a fake Bot API; on loopback."""

import asyncio
import io
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from alerting.intake import Audience, Intake
from alerting.metrics import RelayMetrics
from alerting.metrics_endpoint import MetricsEndpoint
from alerting.store import Store
from alerting.webhook import PATH, WebhookEndpoint
from chassis.secrets import Secret
from chassis.web import WebServer
from chassis.web_config import WebSettings
from tests.exporter.clocks import HandClock

TOKEN = "webhook-token"
NOW = 1_795_514_400_000  # 2026-11-24T10:00:00Z
NEVER = "0001-01-01T00:00:00Z"
STARTED = "2026-11-24T09:59:00.123456789Z"


def outage(home: str = "flat", since: str = "1795514340.000", **annotations: str) -> dict[str, Any]:
    """Spell a PowerOutage as Alertmanager does."""
    labels = {"alertname": "PowerOutage", "home": home, "since": since, "audience": "subscribers"}
    return alert(labels, annotations)


def restored(
    home: str = "flat", since: str = "1795514340.000", **annotations: str
) -> dict[str, Any]:
    """Spell a PowerRestored; `ended` must be among the annotations."""
    labels = {"alertname": "PowerRestored", "home": home, "since": since, "audience": "subscribers"}
    return alert(labels, annotations)


def alert(
    labels: dict[str, str], annotations: dict[str, str] | None = None, status: str = "firing"
) -> dict[str, Any]:
    """Spell any alert."""
    return {
        "status": status,
        "labels": labels,
        "annotations": annotations or {},
        "startsAt": STARTED,
        "endsAt": NEVER if status == "firing" else "2026-11-24T10:00:00Z",
        "generatorURL": "",
        "fingerprint": "1",
    }


def payload(*alerts: dict[str, Any], **more: object) -> dict[str, Any]:
    """Spell a payload of version 4."""
    return {"version": "4", "status": "firing", "receiver": "relay", "alerts": list(alerts), **more}


class Door:
    """POST /alerts before a store; `async with` it."""

    def __init__(self, store: Store, *, queue: bool = True, admins: Sequence[int] = ()) -> None:
        self.store = store
        self.clock = HandClock(NOW)
        self.registry = CollectorRegistry()
        self.metrics = RelayMetrics(self.registry, "1.2.3")
        self.audience = Audience(queue, tuple(admins))
        self.intake = Intake(store, self.clock, self.metrics, lambda: self.audience)

    async def __aenter__(self) -> Self:
        webhook = WebhookEndpoint(self.intake, self.metrics, lambda: Secret(TOKEN))
        page = MetricsEndpoint(self.store, self.registry, self.metrics)
        self.server = WebServer(
            WebSettings(listen="127.0.0.1:0"),
            [web.post(PATH, webhook.handle), web.get("/metrics", page.handle)],
            bearer=(PATH,),
        )
        await self.server.start()
        self._parts = AsyncExitStack()
        self._parts.push_async_callback(self.intake.close)
        self._parts.push_async_callback(self.server.stop)
        timeout = aiohttp.ClientTimeout(30)
        self.client = aiohttp.ClientSession(self.server.url, timeout=timeout)
        self._parts.push_async_callback(self.client.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._parts.aclose()

    async def post(self, body: object, token: str | None = TOKEN) -> int:
        """Post a body, JSON unless it is bytes; return the status."""
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self.client.post(PATH, headers=headers, data=data) as answer:
            await answer.read()
            return answer.status

    async def post_all(self, bodies: Sequence[object]) -> list[int]:
        """Post bodies at the same time."""
        return list(await asyncio.gather(*map(self.post, bodies)))

    async def metric(self, name: str, **labels: str) -> float:
        """Return one value of /metrics."""
        async with self.client.get("/metrics") as answer:
            text = await answer.text()
        wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
        sample = f"{name}{{{wanted}}} " if wanted else f"{name} "
        (line,) = [line for line in text.splitlines() if line.startswith(sample)]
        return float(line.removeprefix(sample))
