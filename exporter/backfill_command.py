"""Owns `power-exporter backfill influxdb`, which may run beside the exporter."""

import sqlite3
import sys

from exporter.backfill import BackfillFailed, Progress, backfill
from exporter.config import ExporterConfig
from exporter.deliveries import sink_of
from exporter.entries import Entry
from exporter.outages import SUSTAINED_AFTER
from exporter.outbox import SustainedAfter, entries_after
from exporter.reading import Reading

FINE, FAILED, WRONG = 0, 1, 2


class _History:
    """The journal as it is told."""

    def __init__(self, reading: Reading, sustained_after: SustainedAfter) -> None:
        self._reading = reading
        self._sustained_after = sustained_after

    async def entries_after(self, id_: int, limit: int) -> list[Entry]:
        """Return at most `limit` committed entries after an id, in order."""
        return await self._reading.read(entries_after, id_, limit, self._sustained_after)


async def backfill_influxdb(config: ExporterConfig) -> int:
    """Send the whole journal; return the command's exit code."""
    settings = config.exporter.influxdb
    if settings is None:
        print("there is no exporter.influxdb in the config", file=sys.stderr)
        return WRONG
    try:
        reading = Reading(config.exporter.data_dir)
    except sqlite3.Error as fault:
        print(f"{config.exporter.data_dir}: the journal cannot be read: {fault}", file=sys.stderr)
        return FAILED
    thresholds = {home.name: home.sustained_after for home in config.homes}
    history = _History(reading, lambda home: thresholds.get(home, SUSTAINED_AFTER))
    sink = sink_of(settings)
    try:
        done = await backfill(history, sink, _say)
    except BackfillFailed as failed:
        print(f"gave up: {failed}; nothing is lost, run it again", file=sys.stderr)
        return FAILED
    finally:
        await sink.close()
        await reading.close()
    print(f"{done.told} rows told" + (f", {done.refused} refused" if done.refused else ""))
    if done.last_reason:
        print(f"the last refusal: {done.last_reason}", file=sys.stderr)
    return FINE


def _say(progress: Progress) -> None:
    print(f"up to row {progress.id}", flush=True)
