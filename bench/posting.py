"""Posts outages to a relay at a rate, each to another home, from a process of its own.

`python -m bench.posting PORT TOKEN HOMES RATE SECONDS` prints, as one JSON list, the milliseconds
from the moment when each request was due to its whole answer: whoever is late pays for it.
"""

import asyncio
import json
import subprocess
import sys
from time import time

from chassis.instants import to_rfc3339

CONNECTIONS = 32
HOME = "home-{:04d}"
_END_OF_HEAD = b"\r\n\r\n"


def posted(port: int, token: str, *, homes: int, rate: float, seconds: float) -> list[float]:
    """Let another process post; return the milliseconds of every request."""
    given = (port, token, homes, rate, seconds)
    command = [sys.executable, "-m", "bench.posting", *map(str, given)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=seconds + 60)
    times: list[float] = json.loads(done.stdout)
    return times


class _Poster:
    """Some kept connections to a relay; a request takes one that is free."""

    def __init__(self, port: int, token: str, homes: int) -> None:
        self._port = port
        self._head = (
            "POST /alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: "
        )
        self._homes = homes
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self._free = asyncio.Queue()

    async def connect(self) -> None:
        for _ in range(CONNECTIONS):
            await self._free.put(await asyncio.open_connection("127.0.0.1", self._port))

    async def post(self, number: int, due: float) -> float:
        """Post the outage of a home's turn; return the milliseconds since it was due."""
        body = self._body(number)
        reader, writer = await self._free.get()
        writer.write(f"{self._head}{len(body)}\r\n\r\n".encode() + body)
        head = await reader.readuntil(_END_OF_HEAD)
        assert head.startswith(b"HTTP/1.1 200 "), head
        (length,) = [
            int(line.split(b":")[1])
            for line in head.lower().splitlines()
            if line.startswith(b"content-length:")
        ]
        await reader.readexactly(length)
        self._free.put_nowait((reader, writer))
        return (asyncio.get_running_loop().time() - due) * 1000

    def _body(self, number: int) -> bytes:
        """Spell an outage that nobody has heard of: each is its home's newest."""
        since = time()
        labels = {
            "alertname": "PowerOutage",
            "home": HOME.format(number % self._homes),
            "since": f"{since:.3f}",
            "audience": "subscribers",
            "severity": "critical",
        }
        annotations = {"summary": "Power is off", "start_earliest": f"{since - 5:.3f}"}
        alert = {
            "status": "firing",
            "labels": labels,
            "annotations": annotations | {"cause": "measured"},
            "startsAt": to_rfc3339(round(since * 1000)),
            "endsAt": "0001-01-01T00:00:00Z",
        }
        return json.dumps({"version": "4", "status": "firing", "alerts": [alert]}).encode()


async def _post_all(poster: _Poster, rate: float, seconds: float) -> list[float]:
    await poster.connect()
    loop = asyncio.get_running_loop()
    began, tasks = loop.time(), []
    for number in range(round(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(due - loop.time())
        tasks.append(asyncio.create_task(poster.post(number, due)))
    return await asyncio.gather(*tasks)


def main() -> None:
    """Post, and print how long each took."""
    port, token, homes, rate, seconds = sys.argv[1:]
    poster = _Poster(int(port), token, int(homes))
    print(json.dumps(asyncio.run(_post_all(poster, float(rate), float(seconds)))))


if __name__ == "__main__":
    main()
