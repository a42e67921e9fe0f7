"""The kind host."""

from exporter.power import State
from tests.exporter.probes.promises import Case, fixed
from tests.exporter.probes.rig import world

PROMISES = Case(fixed())


async def test_a_machine_that_runs_has_power() -> None:
    """The question answers itself, now."""
    async with world() as w:
        started, finding, ended = await w.ask(w.make("host"))
        assert finding.vote is State.ON
        assert started <= finding.at <= ended
