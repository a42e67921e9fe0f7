"""Owns POST /alerts: who may bring alerts, and what they are answered; decides nothing."""

import logging
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from alerting.alerts import Malformed, parse_webhook
from alerting.intake import Intake
from alerting.metrics import RelayMetrics
from alerting.store import StoreDown
from chassis.problems import Problem
from chassis.secrets import Secret
from chassis.web import bearer_of

log = logging.getLogger(__name__)

PATH = "/alerts"
RETRY_AFTER = "5"  # seconds


class WebhookEndpoint:
    """Answers Alertmanager and the exporter."""

    def __init__(self, intake: Intake, metrics: RelayMetrics, token: Callable[[], Secret]) -> None:
        self._intake = intake
        self._metrics = metrics
        self._token = token
        self._down = False

    async def handle(self, request: web.Request) -> web.Response:
        """Answer 200 once all is committed; every answer is counted by its code."""
        try:
            await self._take(request)
        except Problem as problem:
            self._metrics.answered(problem.status)
            raise
        except web.HTTPException as refused:
            self._metrics.answered(refused.status)
            raise
        except ConnectionError:  # the sender has gone: there is no answer
            raise
        except Exception:
            self._metrics.answered(HTTPStatus.INTERNAL_SERVER_ERROR)
            raise
        self._metrics.answered(HTTPStatus.OK)
        return web.Response(text="accepted\n")

    async def _take(self, request: web.Request) -> None:
        token = bearer_of(request)
        if not token or not self._token().matches(token):
            raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
        body = await _body_of(request)
        try:
            webhook = parse_webhook(body)
        except Malformed as fault:
            log.warning("a webhook was refused: %s", fault)
            raise Problem(400, detail=str(fault)) from fault
        try:
            await self._intake.take(webhook)
        except StoreDown as fault:
            self._say_down(fault)
            raise Problem(
                503, detail="the database is down", headers={"Retry-After": RETRY_AFTER}
            ) from fault
        if self._down:
            self._down = False
            log.info("the database takes alerts again")

    def _say_down(self, fault: StoreDown) -> None:
        if not self._down:
            self._down = True
            log.error("the database is down, nothing is accepted: %s", fault)


async def _body_of(request: web.Request) -> bytes:
    """Read the body, unpacked as its headers say; raises the 400 for one that is not packed so."""
    try:
        return await request.read()
    except web.RequestPayloadError as fault:
        request.content.feed_eof()  # where the next request would begin is not known any more
        detail = "the body is not encoded as its headers say"
        log.warning("a webhook was refused: %s", detail)
        raise Problem(400, detail=detail, headers={"Connection": "close"}) from fault
