"""The kind heartbeat: when silence counts, and from when on power was off."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import ValidationError

from chassis.instants import Instant
from chassis.secrets import Secret
from exporter.power import State
from exporter.probes.heartbeat import TICK, HeartbeatProbe, HeartbeatSettings, beats_of
from exporter.probes.protocol import Finding
from tests.exporter.clocks import HandClock
from tests.exporter.probes.promises import Case, Keys
from tests.exporter.probes.rig import World, settings_of


async def _answered(_w: World, _stack: AsyncExitStack, folder: Path) -> Keys:
    (folder / "token").write_text("token")
    (folder / "token").chmod(0o600)
    return {"token_file": "token"}


PROMISES = Case(_answered, sure=False)  # nobody calls


EVERY = 10_000
TOKEN = "flat's own token"


class Device:
    """A device that calls, the probe that listens, and time that passes in small steps."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.world = World(self.clock)
        self.beats = beats_of(self.world.shared)
        self.probe = self.listen()

    def listen(self, token: str = TOKEN, every: int = EVERY, name: str = "probe") -> HeartbeatProbe:
        settings = HeartbeatSettings(kind="heartbeat", token_file=Secret(token), every=every)
        return HeartbeatProbe(settings, self.world.context(probe=name))

    def wait(self, ms: int) -> None:
        """Time passes, and the process runs."""
        for _ in range(ms // TICK):
            self.clock.pass_time(TICK)
            self.beats.look(self.clock.now())
        self.clock.pass_time(ms % TICK)

    def call(self, token: str = TOKEN, probe: str | None = None) -> Instant:
        at = self.clock.now()
        assert self.beats.accept("flat", probe, token, at)
        return at

    async def round(self) -> Finding:
        return await self.probe.attempt(self.clock.now(), 1.0)

    @property
    def now(self) -> Instant:
        return self.clock.now()


async def test_who_called_lately_is_alive_since_the_call() -> None:
    """Evidence of power is as old as the call."""
    device = Device()
    at = device.call()
    device.wait(3 * EVERY)
    finding = await device.round()
    assert (finding.vote, finding.at) == (State.ON, at)
    await device.world.shared.close()


async def test_silence_is_dead_since_the_first_call_that_did_not_come() -> None:
    """The first dead round is dated to the call that was missed, later ones to their start."""
    device = Device()
    at = device.call()
    device.wait(3 * EVERY)
    await device.round()
    device.wait(2)
    finding = await device.round()
    assert (finding.vote, finding.at) == (State.OFF, at.shifted(EVERY))
    assert finding.silent
    assert finding.detail == "no call in 30s"
    device.wait(5000)
    assert await device.round() == Finding(State.OFF, "no call in 30s", device.now, silent=True)
    await device.world.shared.close()


async def test_after_the_start_silence_counts_only_when_it_has_lasted() -> None:
    """Who has just begun to listen does not know; off is not dated before such a round."""
    device = Device()
    began = device.now
    device.wait(EVERY // 2)
    assert (await device.round()).vote is State.UNKNOWN
    device.wait(3 * EVERY - EVERY // 2)
    assert (await device.round()).vote is State.UNKNOWN
    last_unknown = device.now
    device.wait(1000)
    finding = await device.round()
    assert (finding.vote, finding.at) == (State.OFF, last_unknown)
    assert began.shifted(EVERY).boot < last_unknown.boot
    await device.world.shared.close()


async def test_rounds_that_are_rare_date_to_the_first_call_missed_since_the_start() -> None:
    """Without a round in between, off goes back to the first call that did not come."""
    device = Device()
    began = device.now
    device.wait(4 * EVERY)
    finding = await device.round()
    assert (finding.vote, finding.at) == (State.OFF, began.shifted(EVERY))
    await device.world.shared.close()


async def test_a_second_outage_is_dated_as_the_first() -> None:
    """Each time silence begins anew."""
    device = Device()
    device.call()
    device.wait(4 * EVERY)
    assert (await device.round()).vote is State.OFF
    at = device.call()
    assert (await device.round()).vote is State.ON
    device.wait(4 * EVERY)
    finding = await device.round()
    assert (finding.vote, finding.at) == (State.OFF, at.shifted(EVERY))
    await device.world.shared.close()


async def test_calls_missed_while_this_machine_slept_are_not_evidence() -> None:
    """Nobody listened: silence must last anew."""
    device = Device()
    device.call()
    device.wait(1000)
    assert (await device.round()).vote is State.ON
    device.clock.pass_time(8 * 3_600_000)
    woke = device.now
    assert (await device.round()).vote is State.UNKNOWN
    device.wait(3 * EVERY)
    assert (await device.round()).vote is State.UNKNOWN
    last_unknown = device.now
    device.wait(1000)
    finding = await device.round()
    assert (finding.vote, finding.at) == (State.OFF, last_unknown)
    assert finding.at.boot > woke.boot
    await device.world.shared.close()


async def test_a_clock_that_is_set_forward_is_not_evidence() -> None:
    """A paused virtual machine moves wall time alone: the same as sleep."""
    device = Device()
    device.call()
    device.wait(1000)
    device.clock.step(3_600_000)
    assert (await device.round()).vote is State.UNKNOWN
    await device.world.shared.close()


async def test_a_call_right_after_sleep_is_alive() -> None:
    """Who calls has power, however long we slept."""
    device = Device()
    device.clock.pass_time(8 * 3_600_000)
    at = device.call()
    finding = await device.round()
    assert (finding.vote, finding.at) == (State.ON, at)
    await device.world.shared.close()


async def test_rounds_far_apart_are_not_sleep() -> None:
    """A home that is looked at every hour was listened to all the while."""
    device = Device()
    device.call()
    await device.round()
    device.wait(3_600_000)
    assert (await device.round()).vote is State.OFF
    await device.world.shared.close()


async def test_the_process_looks_after_itself_between_rounds() -> None:
    """The first attempt begins to look once a second; closing ends that."""
    device = Device()
    await device.round()
    assert device.beats._ticker is not None
    await device.world.shared.close()
    assert device.beats._ticker is None


# ---------------------------------------------------------------- tokens


@pytest.mark.parametrize(
    "home, probe, token, accepted",
    [
        ("flat", None, TOKEN, True),
        ("flat", "probe", TOKEN, True),
        ("flat", "other", TOKEN, False),
        ("flat", "other", "other's", True),
        ("flat", None, "other's", True),
        ("flat", "nobody", TOKEN, False),
        ("house", None, TOKEN, False),
        ("flat", None, "", False),
        ("flat", None, TOKEN + "x", False),
        ("flat", None, "ключ", False),
    ],
)
async def test_whose_call_is_taken(
    home: str,
    probe: str | None,
    token: str,
    accepted: bool,  # noqa: FBT001
) -> None:
    """A token opens its own probe of its own home."""
    device = Device()
    device.listen("other's", name="other")
    assert device.beats.accept(home, probe, token, device.now) is accepted


async def test_a_call_is_for_the_probe_with_its_token_alone() -> None:
    """Two devices of one home do not vouch for each other."""
    device = Device()
    other = device.listen("other's", name="other")
    device.call("other's")
    assert (await device.round()).vote is State.UNKNOWN
    assert (await other.attempt(device.now, 1.0)).vote is State.ON
    await device.world.shared.close()


async def test_a_refused_call_is_no_call() -> None:
    """A wrong token leaves no trace."""
    device = Device()
    assert not device.beats.accept("flat", None, "wrong", device.now)
    assert (await device.round()).vote is State.UNKNOWN
    await device.world.shared.close()


# ---------------------------------------------------------------- reload


async def test_a_reload_forgets_no_call() -> None:
    """The new probe is made before the old is closed, and goes on where it was."""
    device = Device()
    at = device.call()
    new = device.listen()
    await device.probe.close()
    await device.probe.close()
    finding = await new.attempt(device.now, 1.0)
    assert (finding.vote, finding.at) == (State.ON, at)
    device.call()
    await new.close()
    assert not device.beats.accept("flat", None, TOKEN, device.now)


async def test_another_token_or_pace_begins_the_wait_anew() -> None:
    """The device may not know of it yet: its silence is not evidence so soon."""
    device = Device()
    device.call()
    device.wait(2 * EVERY)
    faster = device.listen(every=EVERY // 10)
    await device.probe.close()
    assert (await faster.attempt(device.now, 1.0)).vote is State.UNKNOWN
    changed = device.listen("new token", every=EVERY // 10)
    await faster.close()
    assert not device.beats.accept("flat", None, TOKEN, device.now)
    assert device.beats.accept("flat", None, "new token", device.now)
    assert (await changed.attempt(device.now, 1.0)).vote is State.ON
    await device.world.shared.close()


def test_the_token_comes_from_a_file(tmp_path: Path) -> None:
    """And is never shown."""
    (tmp_path / "token").write_text("hush\n")
    (tmp_path / "token").chmod(0o600)
    settings = settings_of("heartbeat", tmp_path, token_file="token", every="1m")
    assert isinstance(settings, HeartbeatSettings)
    assert settings.token.reveal() == "hush"
    assert settings.every == 60_000
    assert "hush" not in repr(settings)


@pytest.mark.parametrize("keys", [{}, {"every": "10s"}, {"token_file": "nothing"}])
def test_without_a_token_nothing_is_taken(tmp_path: Path, keys: dict[str, str]) -> None:
    """A token that is not there is a fault."""
    with pytest.raises(ValidationError):
        settings_of("heartbeat", tmp_path, **keys)
