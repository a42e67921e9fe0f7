"""A witness of what an exporter shows: remembers every durable row, and that none ever changed."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

import requests

from tests.e2e.exporters import Exporter

HOMES = ("flat", "shed")


class Witness:
    """Two threads that read the journal as programs do, through restarts of the exporter."""

    def __init__(self, exporter: Exporter) -> None:
        self.seen: dict[int, str] = {}
        self.faults: list[str] = []
        self._exporter = exporter
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._keep, args=(reads,))
            for reads in (self._poll, self._follow)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _keep(self, reads: Callable[[requests.Session], Iterator[dict[str, Any]]]) -> None:
        with requests.Session() as session:
            while not self._over.is_set():
                with contextlib.suppress(requests.RequestException):
                    for row in reads(session):
                        self._note(row)
                self._over.wait(0.02)

    def _note(self, row: dict[str, Any]) -> None:
        if row["id"] is None:
            return  # shown as not durable: nothing was promised
        text = json.dumps(row, sort_keys=True)
        with self._lock:
            if self.seen.setdefault(row["id"], text) != text:
                self.faults.append(f"row {row['id']} was {self.seen[row['id']]}, then {text}")

    def _poll(self, session: requests.Session) -> Iterator[dict[str, Any]]:
        newest = max(self.seen, default=0)
        paths = [f"/api/v1/homes/{home}/transitions?limit=1000" for home in HOMES]
        for path in (f"/api/v1/transitions?after={max(0, newest - 5)}", *paths):
            answer = session.get(self._exporter.url + path, timeout=2)
            if answer.ok:
                yield from answer.json()["transitions"]

    def _follow(self, session: requests.Session) -> Iterator[dict[str, Any]]:
        url = self._exporter.url + "/api/v1/events"
        with session.get(url, stream=True, timeout=2) as stream:
            for line in stream.iter_lines():
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))
                if self._over.is_set():
                    return
