"""What every kind promises: to end in time, to be cancelled, to give back what it held."""

import asyncio
import gc
import os
import resource
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from importlib import import_module
from pathlib import Path

import pytest

from exporter.power import State
from exporter.probes import KINDS, kind_named
from exporter.probes.protocol import Finding, Probe, ProbeSettings
from tests.exporter.probes.promises import Case
from tests.exporter.probes.rig import SHORT, World, until, world

SOON = 5.0  # seconds: a promise is broken by what takes so much longer than its timeout


def case_of(kind: str) -> Case:
    """Return the case that a kind's own tests name."""
    case = import_module(f"tests.exporter.probes.test_{kind}").PROMISES
    assert isinstance(case, Case)
    return case


WAITING = [kind for kind in KINDS if case_of(kind).hanging is not None]


@asynccontextmanager
async def probe_of(
    kind: str, folder: Path, *, hanging: bool = False
) -> AsyncIterator[tuple[World, Probe]]:
    """Make a probe of a kind, one that is answered or one that waits in vain."""
    case = case_of(kind)
    if case.not_run is not None:
        pytest.skip(f"not run: {case.not_run}")
    ready = case.hanging if hanging and case.hanging is not None else case.answered
    async with AsyncExitStack() as stack, world() as w:
        keys = await ready(w, stack, folder)
        yield w, w.make(kind, folder, **keys)


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_an_attempt_finds_something(kind: str, tmp_path: Path) -> None:
    """What is answered is on, and every finding can be shown."""
    async with probe_of(kind, tmp_path) as (w, probe):
        for _ in range(3):
            _, finding, _ = await w.ask(probe)
            assert isinstance(finding, Finding)
            assert finding.detail.isprintable()
            assert finding.vote is State.ON or not case_of(kind).sure


@pytest.mark.parametrize("kind", WAITING)
async def test_an_attempt_ends_in_time(kind: str, tmp_path: Path) -> None:
    """Nobody answers, and yet there is a finding, dated to the start; it is on for nobody."""
    async with probe_of(kind, tmp_path, hanging=True) as (w, probe):
        async with asyncio.timeout(SOON):
            started, finding, _ = await w.ask(probe, SHORT)
        assert finding.vote is not State.ON
        assert finding.at == started


@pytest.mark.parametrize("kind", WAITING)
async def test_an_attempt_can_be_cancelled(kind: str, tmp_path: Path) -> None:
    """Cancelling ends the wait at once, and the next attempt is sound."""
    async with probe_of(kind, tmp_path, hanging=True) as (w, probe):
        task = asyncio.create_task(probe.attempt(w.clock.now(), 60))
        done, _ = await asyncio.wait([task], timeout=SHORT)
        assert not done
        task.cancel()
        async with asyncio.timeout(SOON):
            await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        async with asyncio.timeout(SOON):
            _, finding, _ = await w.ask(probe, SHORT)
        assert finding.vote is not State.ON


def descriptors() -> int:
    """Return how many descriptors this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("hanging", [False, True], ids=["answered", "hanging"])
@pytest.mark.parametrize("kind", WAITING)
async def test_closing_gives_everything_back(kind: str, tmp_path: Path, hanging: bool) -> None:  # noqa: FBT001
    """Descriptors, threads and tasks: none is left after the close."""
    gc.collect()
    held, threads = descriptors(), threading.active_count()
    async with probe_of(kind, tmp_path, hanging=hanging) as (w, probe):
        for _ in range(3):
            await w.ask(probe, SHORT)
    await until(lambda: threading.active_count() <= threads)
    await until(lambda: descriptors() <= held)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process have no descriptor more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    taken = []
    try:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("kind", WAITING)
async def test_without_a_descriptor_nothing_is_known(kind: str, tmp_path: Path) -> None:
    """A process that is out of descriptors could not look; afterwards it can again."""
    async with probe_of(kind, tmp_path) as (w, probe):
        with no_descriptor_left():
            started, finding, _ = await w.ask(probe)
        assert (finding.vote, finding.at) == (State.UNKNOWN, started)
        assert "descriptor" in finding.detail or "open files" in finding.detail
        assert (await w.ask(probe))[1].vote is State.ON


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_has_settings_of_its_own(kind: str) -> None:
    """Its keys are strict, and its name is the registry's."""
    settings = kind_named(kind).settings
    assert issubclass(settings, ProbeSettings)
    assert settings.model_fields["kind"].annotation.__args__ == (kind,)  # type: ignore[union-attr]
    assert settings.model_config["extra"] == "forbid"
    assert settings.model_config["frozen"]


# ---------------------------------------------------------------- the documentation

DOCS = Path(__file__).resolve().parents[3] / "docs" / "probes.md"


def sections() -> Iterator[tuple[str, str]]:
    """Yield the title and the text of every section."""
    for section in DOCS.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        yield title.strip("` "), text


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_is_documented_with_all_its_keys(kind: str) -> None:
    """A section of docs/probes.md names every key of its own, and shows an example."""
    text = dict(sections())[kind]
    fields = kind_named(kind).settings.model_fields
    keys = {field.alias or name for name, field in fields.items()}
    missing = [key for key in keys - set(ProbeSettings.model_fields) if f"`{key}`" not in text]
    assert missing == []
    assert f"kind: {kind}" in text
