"""POST /alerts: who may bring alerts, what is committed when, and what each is answered."""

import gzip
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from alerting.alerts import Notice, Webhook
from alerting.intake import Intake, Item
from alerting.store import Store
from alerting.subscribers import State, Subscriber
from tests.alerting.rig import NOW, TOKEN, Door, alert, outage, payload, restored


@pytest.fixture
async def door(store: Store) -> AsyncIterator[Door]:
    """A door before each kind of database; one chat hears of everything."""
    store.save(Subscriber(7, None, state=State.ACTIVE), NOW)
    async with Door(store, admins=[1]) as door:
        yield door


async def test_200_means_that_all_is_committed(door: Door) -> None:
    """The event and its deliveries stand in the database when the answer comes."""
    assert await door.post(payload(outage())) == 200
    (delivery,) = door.store.pending_of(7)
    assert (delivery.event.home, delivery.event.since) == ("flat", 1_795_514_340_000)
    assert await door.metric("power_alerting_webhooks_total", code="200") == 1
    assert await door.metric("power_alerting_alerts_total", outcome="accepted") == 1
    assert await door.metric("power_alerting_deliveries_pending") == 1
    assert await door.metric("power_alerting_oldest_pending_timestamp_seconds") == NOW / 1000


async def test_one_webhook_a_hundred_times_is_told_once(door: Door) -> None:
    """From one Alertmanager that repeats, or from two peers."""
    body = payload(outage(), restored(ended="1795514399.5"))
    assert set(await door.post_all([body] * 100)) == {200}
    assert len(door.store.pending_of(7)) == 2
    assert await door.metric("power_alerting_alerts_total", outcome="duplicate") == 198


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x"])
async def test_a_wrong_token_is_401(door: Door, token: str | None) -> None:
    """Nothing is read of what it brings."""
    assert await door.post(payload(outage()), token) == 401
    assert door.store.pending_of(7) == []
    assert await door.metric("power_alerting_webhooks_total", code="401") == 1


async def test_a_body_above_a_mebibyte_is_413(door: Door) -> None:
    """Just below it is not."""
    pad = "x" * (1024 * 1024)
    assert await door.post(payload(outage(), pad=pad)) == 413
    assert await door.post(payload(outage(), pad=pad[:-2000])) == 200
    assert await door.metric("power_alerting_webhooks_total", code="413") == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"version": "3", "alerts": []}', b'{"version": "4"}', b"\xff"]
)
async def test_what_is_no_payload_is_400_and_named(door: Door, body: bytes) -> None:
    """The answer says what is wrong."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with door.client.post("/alerts", data=body, headers=headers) as answer:
        problem = await answer.json()
    assert (answer.status, answer.content_type) == (400, "application/problem+json")
    assert problem["detail"]
    assert await door.metric("power_alerting_webhooks_total", code="400") == 1


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"x" * 999, mtime=0)[:-9], b"\x1f\x8b"])
async def test_a_body_that_is_not_packed_as_it_says_is_400(
    door: Door, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing broke here: there is no traceback."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Encoding": "gzip"}
    async with door.client.post("/alerts", data=body, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (400, "application/problem+json")
    assert await door.metric("power_alerting_webhooks_total", code="400") == 1
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_packed_body_is_unpacked(door: Door) -> None:
    """As its headers say."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps(payload(outage())).encode())
    async with door.client.post("/alerts", data=body, headers=headers) as answer:
        assert answer.status == 200
    assert len(door.store.pending_of(7)) == 1


async def test_what_breaks_here_is_counted_too(store: Store) -> None:
    """As it is answered: 500."""

    class Broken(Intake):
        async def take(self, webhook: Webhook) -> None:
            raise RuntimeError(len(webhook.alerts))

    door = Door(store)
    door.intake = Broken(store, door.clock, door.metrics, lambda: door.audience)
    async with door:
        assert await door.post(payload(outage())) == 500
        assert await door.metric("power_alerting_webhooks_total", code="500") == 1


async def test_a_broken_alert_does_not_block_the_others(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged with its fault's name and counted; Alertmanager would repeat a 4xx for ever."""
    broken = alert({"alertname": "PowerOutage", "home": "flat"})
    assert await door.post(payload(broken, outage())) == 200
    assert len(door.store.pending_of(7)) == 1
    assert await door.metric("power_alerting_alerts_total", outcome="rejected") == 1
    assert "an alert was rejected: " in caplog.text


async def test_truncated_alerts_are_logged_and_counted(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    """They are lost: somebody has to set max_alerts."""
    assert await door.post(payload(outage(), truncatedAlerts=3)) == 200
    assert await door.metric("power_alerting_alerts_total", outcome="truncated") == 3
    assert "left out 3 alerts" in caplog.text


async def test_resolved_is_not_restored(door: Door) -> None:
    """Alertmanager says it, too, when Prometheus or the exporter died."""
    gone = {**outage(), "status": "resolved", "endsAt": "2026-11-24T10:00:00Z"}
    assert await door.post(payload(outage())) == 200
    assert await door.post(payload(gone)) == 200
    assert [delivery.event.kind.value for delivery in door.store.pending_of(7)] == ["began"]
    assert await door.metric("power_alerting_alerts_total", outcome="ignored") == 1


async def test_alerts_for_nobody_in_particular_go_to_the_admins(door: Door) -> None:
    """Also those for subscribers that name no home."""
    plain = alert({"alertname": "PowerExporterDown", "severity": "critical"})
    homeless = alert({"alertname": "News", "audience": "subscribers"})
    assert await door.post(payload(plain, homeless)) == 200
    assert len(door.store.pending_of(1)) == 2
    assert door.store.pending_of(7) == []


async def test_without_a_bot_incidents_are_kept_and_nothing_is_queued(store: Store) -> None:
    """Nobody is flooded with the past when a token is there one day."""
    store.save(Subscriber(7, None, state=State.ACTIVE), NOW)
    async with Door(store, queue=False, admins=[1]) as door:
        assert await door.post(payload(outage())) == 200
    assert store.waiting() == []
    assert [found.home for found in store.incidents(10).outages] == ["flat"]


async def test_a_database_that_is_down_is_503_until_it_is_back(tmp_path: Path) -> None:
    """Also at the start; nothing is taken meanwhile, and nothing has to be started anew."""
    folder = tmp_path / "data"
    folder.write_text("where the folder should be", "ascii")
    store = Store(f"sqlite:///{folder / 'alerting.db'}")
    async with Door(store) as door:
        assert await door.post(payload(outage())) == 503
        assert await door.metric("power_alerting_webhooks_total", code="503") == 1
        folder.unlink()
        assert await door.post(payload(outage())) == 200
        assert len(store.incidents(10).outages) == 1
    store.close()


async def test_an_alert_that_the_tables_refuse_does_not_block_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its sender would repeat it, and what came with it, for ever."""

    class Choosy(Store):
        def accept(
            self, alerts: Sequence[Item], now: int, *, queue: bool, admins: Sequence[int]
        ) -> list[str]:
            if any(isinstance(alert, Notice) for alert in alerts):
                raise OverflowError
            return super().accept(alerts, now, queue=queue, admins=admins)

    store = Choosy(f"sqlite:///{tmp_path / 'alerting.db'}")
    async with Door(store) as door:
        assert await door.post(payload(alert({"alertname": "News"}), outage())) == 200
        assert await door.metric("power_alerting_alerts_total", outcome="rejected") == 1
    assert len(store.incidents(10).outages) == 1
    assert "an alert was rejected: OverflowError" in caplog.text
    store.close()
