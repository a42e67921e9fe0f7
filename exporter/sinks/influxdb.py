"""Owns the delivery to InfluxDB 2: one write at a time, in a thread that no exit waits for.

Importing this costs 39 MiB: only who configures InfluxDB does.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from chassis.instants import MS_PER_SECOND
from exporter.entries import Entry
from exporter.sinks.outcomes import (
    Accepted,
    Outcome,
    Unavailable,
    outcome_of,
    parse_retry_after,
    shortened,
)
from exporter.sinks.points import points_of
from exporter.sinks.reach import reach

_GRACE = 0.5  # seconds that the client's own timeout has before the write is given up


class InfluxDBSink:
    """One bucket. Its writes are exact repetitions when they are repeated, so they are harmless."""

    name = "influxdb"

    def __init__(
        self,
        *,
        url: str,
        org: str,
        bucket: str,
        token: str,
        timeout: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`timeout` is in ms, of a whole write; `now` gives Unix seconds."""
        self._url = url
        self._bucket = bucket
        self._within = timeout / MS_PER_SECOND
        self._now = now
        self._client = InfluxDBClient(url=url, token=token, org=org, timeout=timeout)
        self._api = self._client.write_api(write_options=SYNCHRONOUS)
        self._abandoned: threading.Thread | None = None  # a write that may still be under way

    async def send(self, entries: Sequence[Entry]) -> Outcome:
        """Write the points of the entries."""
        lines = [point.line() for point in points_of(entries)]
        return await self.write(lines)

    async def write(self, lines: Sequence[str]) -> Outcome:
        """Write lines of line protocol with nanoseconds, within the timeout."""
        if self._abandoned is not None and self._abandoned.is_alive():
            return Unavailable("the write before has not ended yet")
        written: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._abandoned = self._begin_write("\n".join(lines).encode(), written)
        try:
            async with asyncio.timeout(self._within + _GRACE):
                outcome = await written
        except TimeoutError:
            return Unavailable(f"no answer within {self._within:g} s")
        self._abandoned = None
        return outcome

    def _begin_write(self, data: bytes, written: asyncio.Future[Outcome]) -> threading.Thread:
        """Write in a daemon thread: a stop or a timeout turns its back on it at once."""

        def run() -> None:
            outcome = self._write(data)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                written.get_loop().call_soon_threadsafe(_settle, written, outcome)

        thread = threading.Thread(target=run, name="influxdb-write", daemon=True)
        thread.start()
        return thread

    def _write(self, data: bytes) -> Outcome:
        try:
            self._api.write(bucket=self._bucket, record=data)
        except ApiException as answer:
            return self._judge(answer)
        except urllib3.exceptions.HTTPError as fault:
            return Unavailable(shortened(str(getattr(fault, "reason", None) or fault)))
        except (OSError, ValueError) as fault:  # ValueError: an answer that is not UTF-8
            return Unavailable(shortened(str(fault)))
        return Accepted()

    def _judge(self, answer: ApiException) -> Outcome:
        if not answer.status:  # how the client reports that TLS failed
            return Unavailable(shortened(str(answer.reason)))
        headers: Mapping[str, str] = answer.headers or {}
        retry_after = parse_retry_after(headers.get("Retry-After"), self._now())
        return outcome_of(answer.status, str(answer.message), retry_after)

    async def check(self) -> Outcome:
        """Say whether the host takes connections."""
        return await reach(self._url, self._within)

    async def close(self) -> None:
        """Give the connections back; does not wait for a write."""
        self._client.close()  # type: ignore[no-untyped-call]


def _settle(written: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not written.done():
        written.set_result(outcome)
