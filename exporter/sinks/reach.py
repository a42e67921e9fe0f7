"""Owns the question whether a sink's host takes connections; says nothing to it."""

import asyncio
import contextlib

from yarl import URL

from exporter.sinks.outcomes import Accepted, Outcome, Unavailable


async def reach(url: str, within: float) -> Outcome:
    """Open a connection to the URL's host and close it again; `within` is in seconds."""
    target = URL(url)
    try:
        async with asyncio.timeout(within):
            _, writer = await asyncio.open_connection(target.host, target.port)
    except TimeoutError:
        return Unavailable(f"{target.host}:{target.port} did not answer within {within:g} s")
    except OSError as fault:
        return Unavailable(f"cannot connect to {target.host}:{target.port}: {fault}")
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return Accepted()
