"""A service's life: signals, reloads and its end, also in a real process."""

import asyncio
import os
import selectors
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chassis.service import OneAtATime, StartFailed, Stop, run_service

PATIENCE = 20.0  # seconds: only a hang takes so long

PROGRAM = """
import asyncio, sys, threading, time
from chassis import logs
from chassis.service import StartFailed, Stop, run

def say(text):
    print(text, flush=True)

async def last_words():
    await asyncio.sleep(0)
    say("last words")

async def reload():
    say("reloaded")

logs.configure(sys.stderr, "info")
{body}
sys.exit(run(body, reload=reload, on_stop=last_words))
"""

WAITS = """
async def body(stop):
    say("up")
    await stop.wait()
    say("stopping")
"""
CLINGS = """
async def body(stop):
    say("up")
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            say("not me")
"""
THREAD_CLINGS = """
async def body(stop):
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)
    say("up")
    await stop.wait()
"""
LOOP_HANGS = """
async def body(stop):
    say("up")
    while True:
        pass
"""
FAILS = """
async def body(stop):
    raise ValueError("oh")
"""
CANNOT_START = """
async def body(stop):
    raise StartFailed("the address is in use")
"""
ENDS = """
async def body(stop):
    say("done")
"""


@contextmanager
def program(body: str) -> Iterator[subprocess.Popen[str]]:
    """Run a service as a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM.format(body=body))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process says."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(PATIENCE), "the process says nothing"
    return process.stdout.readline().strip()


def ended(process: subprocess.Popen[str]) -> tuple[int, list[str], str]:
    """Return exit code, the lines that were not heard yet, and the log."""
    out, log = process.communicate(timeout=PATIENCE)
    return process.returncode, out.splitlines(), log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_service_after_its_last_words(number: signal.Signals) -> None:
    """Exit code 0, the body ended by itself, then the hook ran."""
    with program(WAITS) as process:
        assert heard(process) == "up"
        process.send_signal(number)
        assert ended(process) == (0, ["stopping", "last words"], "")


@pytest.mark.parametrize("body", [CLINGS, THREAD_CLINGS], ids=["task", "thread"])
def test_what_clings_does_not_hold_the_stop(body: str) -> None:
    """A body that swallows its cancellation and a thread that sleeps an hour are left behind."""
    with program(body) as process:
        assert heard(process) == "up"
        process.send_signal(signal.SIGTERM)
        _, lines, _ = ended(process)
        assert "last words" in lines


@pytest.mark.parametrize("body", [LOOP_HANGS, CLINGS], ids=["hanging loop", "clinging task"])
def test_a_second_signal_exits_at_once(body: str) -> None:
    """Even when the event loop hangs."""
    with program(body) as process:
        assert heard(process) == "up"
        process.send_signal(signal.SIGINT)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
        assert ended(process)[0] == 1


def test_a_hangup_reloads_and_the_service_goes_on() -> None:
    """Each SIGHUP that is not overtaken by the next is a reload."""
    with program(WAITS) as process:
        assert heard(process) == "up"
        for _ in range(2):
            process.send_signal(signal.SIGHUP)
            assert heard(process) == "reloaded"
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0


def test_a_failure_is_logged_as_one_line_and_is_exit_code_1() -> None:
    """The traceback is part of the line, and the last words are said."""
    with program(FAILS) as process:
        code, lines, log = ended(process)
    assert (code, lines) == (1, ["last words"])
    assert len(log.splitlines()) == 1
    assert 'level=critical logger=chassis.service msg="the service failed"' in log
    assert 'ValueError: oh"' in log


def test_a_start_that_fails_says_why_without_a_traceback() -> None:
    """Its operator can act on the reason."""
    with program(CANNOT_START) as process:
        code, _, log = ended(process)
    assert code == 1
    assert log.strip().endswith('msg="the address is in use"')


def test_a_body_that_returns_ends_the_service() -> None:
    """There is nothing left to wait for."""
    with program(ENDS) as process:
        assert ended(process) == (0, ["done", "last words"], "")


# ---------------------------------------------------------------- in this process


async def test_reloads_do_not_overlap_and_one_more_follows_for_those_meanwhile() -> None:
    """Three hangups during a reload are one more reload; a failed one does no harm."""
    stop, begun, go = Stop(), asyncio.Queue[int](), asyncio.Semaphore(0)
    running = most = count = 0

    async def reload() -> None:
        nonlocal running, most, count
        count, running = count + 1, running + 1
        most = max(most, running)
        begun.put_nowait(count)
        await go.acquire()
        running -= 1
        raise ValueError("the config is faulty")

    async def body(_: Stop) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await begun.get()
        for _number in range(3):
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0)
        go.release()
        await begun.get()
        go.release()
        await asyncio.sleep(0)

    await run_service(body, reload=reload, stop=stop)
    assert (most, count) == (1, 2)


async def test_a_reload_asked_for_twice_runs_one_after_the_other() -> None:
    """And each of those who ask hears of its own failure."""
    running = most = 0

    async def reload() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        raise ValueError("faulty")

    once = OneAtATime(reload)
    outcomes = await asyncio.gather(once(), once(), return_exceptions=True)
    assert most == 1
    assert [type(outcome) for outcome in outcomes] == [ValueError, ValueError]


async def test_no_reload_is_left_once_reloads_are_ended() -> None:
    """Who runs, who waits and who comes later: all are cancelled, and make nothing any more."""
    begun, said = asyncio.Event(), list[str]()

    async def reload() -> None:
        said.append("begun")
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            said.append("over")

    once = OneAtATime(reload)
    asked = [asyncio.ensure_future(once()) for _ in range(2)]
    await begun.wait()
    await once.end()
    assert said == ["begun", "over"]
    outcomes = await asyncio.gather(*asked, once(), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 3
    assert said == ["begun", "over"]


async def test_each_reload_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Who asks again wants to know again, also when nothing is better."""
    begun = asyncio.Queue[None]()

    async def reload() -> None:
        begun.put_nowait(None)
        raise ValueError("faulty")

    async def body(_: Stop) -> None:
        for _number in range(2):
            os.kill(os.getpid(), signal.SIGHUP)
            await begun.get()

    await run_service(body, reload=reload)
    assert [record.getMessage() for record in caplog.records] == ["the reload fails"] * 2


async def test_the_handlers_of_before_are_given_back() -> None:
    """A service leaves the process as it found it."""
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]

    async def body(stop: Stop) -> None:
        assert signal.getsignal(signal.SIGTERM) != before[0]

    async def reload() -> None:
        return

    await run_service(body, reload=reload)
    after = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    assert after == before


async def test_a_reload_is_over_before_the_last_words() -> None:
    """What ends the service's parts must not meet what is making new ones."""
    begun, said = asyncio.Event(), list[str]()

    async def reload() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            said.append("reload over")

    async def body(_: Stop) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await begun.wait()

    async def last_words() -> None:
        said.append("last words")

    await run_service(body, reload=reload, on_stop=last_words)
    assert said == ["reload over", "last words"]


async def test_last_words_that_never_end_are_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """The service ends all the same, and says so."""

    async def body(_: Stop) -> None:
        return

    async def last_words() -> None:
        await asyncio.sleep(3600)

    await run_service(body, on_stop=last_words)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_without_a_reload_a_hangup_is_left_alone() -> None:
    """Who closes the terminal of a service that cannot reload ends it, as ever."""
    before = signal.getsignal(signal.SIGHUP)

    async def body(stop: Stop) -> None:
        assert signal.getsignal(signal.SIGHUP) is before

    await run_service(body)


async def test_what_the_body_raises_is_raised_after_the_last_words() -> None:
    """The stop is set and the hook has run by then."""
    stop, said = Stop(), asyncio.Event()

    async def body(_: Stop) -> None:
        raise StartFailed("no")

    async def last_words() -> None:
        assert stop.is_set()
        said.set()

    with pytest.raises(StartFailed):
        await run_service(body, on_stop=last_words, stop=stop)
    assert said.is_set()
