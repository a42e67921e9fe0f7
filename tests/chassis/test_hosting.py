"""A service within its process: what of it runs when it cannot start, what a SIGHUP does then."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from chassis.hosting import Hosted
from chassis.loops import Stop
from chassis.service import StartFailed


class Service:
    """Starts when it is told to, if `fault` is None; writes down what is done to it."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.done: list[str] = []
        self.go = asyncio.Event()
        self._fault = fault

    async def start(self, stop: Stop, reload: Callable[[], Awaitable[None]]) -> None:
        """Wait, then start."""
        del stop, reload
        await self.go.wait()
        if self._fault is not None:
            raise self._fault
        self.done.append("start")

    async def reload(self, read: Callable[[], Awaitable[str]]) -> None:
        """Note what was read."""
        self.done.append(await read())

    async def stop(self) -> None:
        """Note it."""
        self.done.append("stop")


@pytest.mark.parametrize("fault", [StartFailed("the port is taken"), RuntimeError("a bug")])
async def test_of_a_service_that_cannot_start_nothing_goes_on(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the process does; a SIGHUP is told so."""
    service = Service(fault)
    hosted = Hosted(service, lambda: "config")
    service.go.set()
    with pytest.raises(type(fault)):
        await hosted.serve(Stop())
    assert service.done == ["stop"]
    await hosted.reload_on_hangup()
    assert "not reloaded: it could not start" in caplog.text
    assert service.done == ["stop"]


async def test_a_hangup_waits_for_no_start(caplog: pytest.LogCaptureFixture) -> None:
    """Before it nothing is reloaded, after it everything."""
    service, stop = Service(), Stop()
    hosted = Hosted(service, lambda: "config")
    serving = asyncio.create_task(hosted.serve(stop))
    await asyncio.sleep(0)
    await hosted.reload_on_hangup()
    assert "not reloaded: the start is still under way" in caplog.text
    service.go.set()
    while not hosted.serving:
        await asyncio.sleep(0)
    await hosted.reload_on_hangup()
    stop.set()
    await serving
    await hosted.stop()
    assert service.done == ["start", "config", "stop"]
