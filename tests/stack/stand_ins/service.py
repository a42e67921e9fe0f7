"""Runs a stand-in until it is told to end: a container's first process must see to that itself."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine

from aiohttp import web


async def listen(app: web.Application, port: int) -> None:
    """Serve on every address of the container, for ever; bodies stay as they came."""
    runner = web.AppRunner(app, auto_decompress=False, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "0.0.0.0", port).start()  # noqa: S104  a container's own
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def until_terminated(serve: Coroutine[None, None, None]) -> None:
    """Run it; a SIGTERM ends it well."""

    async def run() -> None:
        task = asyncio.ensure_future(serve)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
