"""What chats are told of homes: what the exporter says, or what was last heard, or nothing."""

import pytest

from alerting.alerts import PowerOutage, PowerRestored
from alerting.bot import history
from alerting.bot.history import days_of
from alerting.exporter_api import Address
from alerting.splitting import plain
from alerting.subscribers import State as Standing
from alerting.subscribers import Subscriber
from alerting.telegram_updates import Update
from exporter.power import Cause, State
from tests.alerting.bot.rig import FLAT, USER, Talk
from tests.exporter.web.rig import DAY, HOUR, MINUTE, SECOND, START

ON, OFF, UNKNOWN = State.ON, State.OFF, State.UNKNOWN
ASKED = ("/status", "/history", "/stats", "/homes")


@pytest.fixture
async def heard(talk: Talk) -> Talk:
    """Somebody hears the flat; it had two outages of 3 h 20 min and 90 s, the last 2 h ago."""
    await talk.say(USER, "/start flat")
    rig = talk.exporter
    await rig.change(ON, START - 10 * DAY)
    await rig.change(OFF, START - 3 * DAY)
    await rig.change(ON, START - 3 * DAY + 200 * MINUTE)
    await rig.change(OFF, START - 2 * HOUR)
    await rig.change(ON, START - 2 * HOUR + 90 * SECOND)
    return talk


async def test_status_says_since_when_there_is_power(heard: Talk) -> None:
    """And when it was last away; of no home that the chat does not hear."""
    assert await heard.told(USER, "/status") == (
        "🟢 Our flat: power is on · since 10:01, 1 h 58 min\n"
        "Last outage: 10:00\u201310:01 (1 min 30 s)."
    )


async def test_status_says_since_when_power_is_out(heard: Talk) -> None:
    """The outage's start, whatever was not seen within."""
    await heard.exporter.change(OFF, START - HOUR)
    assert (await heard.told(USER, "/status")).startswith(
        "🔴 Our flat: power is out · since 11:00, 1 h so far\nLast outage: 10:00"
    )
    await heard.exporter.change(UNKNOWN, START - 30 * MINUTE)
    assert (await heard.told(USER, "/status")).startswith(
        "⚪ Our flat: not known whether power is on · no reading since 11:30\n11:00: power went out"
    )


async def test_status_of_homes_that_were_never_seen(talk: Talk) -> None:
    """Nothing is made up, and titles are no markup."""
    await talk.say(USER, "/start")
    assert await talk.told(USER, "/status") == (
        "⚪ Our flat: not known whether power is on · no reading yet\n\n"
        "⚪ The <garage>: not known whether power is on · no reading yet"
    )
    await talk.exporter.change(ON, START - HOUR)
    assert "since 11:00, 1 h\nNo outage so far." in await talk.told(USER, "/status")


async def test_status_tells_what_was_heard_when_the_exporter_is_away(talk: Talk) -> None:
    """And that it is away."""
    await talk.say(USER, "/start")
    talk.address = Address("http://127.0.0.1:9")
    away = "The device that watches does not answer. This is what I last heard:\n\n"
    nothing = "⚪ {}: not known whether power is on; I have heard nothing yet."
    assert await talk.told(USER, "/status") == (
        f"{away}{nothing.format('Our flat')}\n\n{nothing.format('The <garage>')}"
    )
    now = talk.clock.wall
    began = PowerOutage("flat", START - HOUR, None, None, "subscribers")
    ended = PowerRestored("garage", START - HOUR, START - MINUTE, None, None, None, "subscribers")
    talk.store.accept([began, ended], now, queue=False, admins=())
    assert await talk.told(USER, "/status") == (
        f"{away}🔴 Our flat: power went out 11:00; no news since.\n\n"
        "🟢 The <garage>: power came back 11:59; no news since."
    )


async def test_history_lists_outages_by_day(heard: Talk) -> None:
    """The newest day first, each with its sum; text alone where no picture can be drawn."""
    update = Update(1, USER, kind="private", user_id=USER)
    call = await heard.bot._commands._call(update, (), heard.clock.wall)
    answer = await history.history(heard.bot._desk, call, can_draw=lambda: False)
    assert answer.then is None
    assert plain(answer.text) == (
        "Our flat, last 7 days:\n"
        "Today: 1 outage, 1 min 30 s without power\n"
        "• 10:00\u201310:01 (1 min 30 s)\n"
        "21 Nov: 1 outage, 3 h 20 min without power\n"
        "• 21 Nov 12:00\u201315:20 (3 h 20 min)"
    )


async def test_history_shows_a_picture(heard: Talk) -> None:
    """After the text, where pictures can be drawn."""
    text, caption = await heard.say(USER, "/history 2")
    assert text.startswith("Our flat, last 2 days:\nToday: 1 outage")
    assert caption == "Our flat, last 2 days:"
    assert (heard.api.messages[-1].photo or 0) > 1_000


async def test_history_of_what_runs_and_of_nothing(heard: Talk) -> None:
    """A running outage has no end yet."""
    await heard.exporter.change(OFF, START - 30 * MINUTE)
    assert "• since 11:30, still out (30 min so far)" in (await heard.say(USER, "/history 1"))[0]
    await heard.say(USER, "/start garage")
    (text, *_) = await heard.say(USER, "/history")
    assert "The <garage>: no outages in the last 7 days." in text


async def test_lengths_that_nobody_saw_are_told_as_bounds(talk: Talk) -> None:
    """What is inferred is at most so long, what began before the watching at least."""
    await talk.say(USER, "/start flat")
    await talk.exporter.change(OFF, START - 5 * HOUR)
    await talk.exporter.change(ON, START - 4 * HOUR)
    await talk.exporter.change(OFF, START - 3 * HOUR, cause=Cause.INFERRED)
    await talk.exporter.change(ON, START - 2 * HOUR, seen=START - 3 * HOUR, cause=Cause.INFERRED)
    (text, *_) = await talk.say(USER, "/history")
    assert "(at least 59 min 55 s)" in text
    assert "(at most 1 h" in text


@pytest.mark.parametrize("command,most", [("history", 90), ("stats", 365)])
async def test_a_number_of_days_that_is_none_is_explained(
    heard: Talk, command: str, most: int
) -> None:
    """With an example."""
    for days in ("0", str(most + 1), "-1", "x", "1.5", "9" * 50, "1 2"):
        assert f"From 1 to {most}" in await heard.told(USER, f"/{command} {days}")
    assert "last 1 day" in (await heard.say(USER, f"/{command} 1"))[0]


async def test_stats_tell_the_indices(heard: Talk) -> None:
    """Of one home, without those over all."""
    assert await heard.told(USER, "/stats") == (
        "Our flat, last 30 days:\n"
        "Outages: 1 longer than 5 min, 1 shorter.\n"
        "Without power: 3 h 21 min in all.\n"
        "The longest: 3 h 20 min.\n"
        "There was power 98.6 % of the time."
    )


async def test_stats_over_all_homes(heard: Talk) -> None:
    """As if each home were a customer."""
    await heard.exporter.change(ON, START - 10 * DAY, home="garage")
    await heard.exporter.change(OFF, START - DAY, home="garage")
    await heard.exporter.change(ON, START - DAY + 100 * MINUTE, home="garage")
    await heard.say(USER, "/start garage")
    text = await heard.told(USER, "/stats")
    assert text.endswith(
        "All homes, last 30 days:\n"
        "A home was without power 2 h 30 min on average (SAIDI).\n"
        "A home had 1 long outages on average (SAIFI).\n"
        "A long outage lasted 2 h 30 min on average (CAIDI).\n"
        "A home had 0.5 short outages on average (MAIFI).\n"
        "There was power 98.95 % of the time (ASAI)."
    )


async def test_stats_tell_what_is_not_known(talk: Talk) -> None:
    """Nothing at all, or bounds."""
    await talk.say(USER, "/start flat")
    assert "nothing is known of the last 30 days" in await talk.told(USER, "/stats")
    await talk.exporter.change(ON, START - 10 * HOUR)
    await talk.exporter.change(UNKNOWN, START - 5 * HOUR, seen=START - 5 * HOUR)
    assert await talk.told(USER, "/stats") == (
        "Our flat, last 30 days:\nNo outages.\n"
        "There was power 100 % of the time: between 50 % and 100 %.\n"
        "Watched 50 % of the time; of the rest nothing is known."
    )


@pytest.mark.parametrize("command", ["/history", "/stats"])
async def test_the_past_is_the_exporters_to_tell(heard: Talk, command: str) -> None:
    """Without it there is none."""
    heard.address = Address("http://127.0.0.1:9")
    assert "does not answer now" in await heard.told(USER, command)


@pytest.mark.parametrize("command", ASKED)
@pytest.mark.parametrize(
    "mode,state,said",
    [
        ("open", None, "not subscribed yet"),
        ("open", Standing.STOPPED, "not subscribed yet"),
        ("open", Standing.DENIED, "have not approved"),
        ("approval", None, "not subscribed yet"),
        ("approval", Standing.PENDING, "with the administrators"),
        ("approval", Standing.STOPPED, "not subscribed yet"),
        ("approval", Standing.BLOCKED, "not subscribed yet"),
        ("approval", Standing.DENIED, "have not approved"),
        ("closed", None, "no new subscribers"),
        ("closed", Standing.PENDING, "no new subscribers"),
        ("closed", Standing.DENIED, "have not approved"),
    ],
)
async def test_a_home_is_nobody_elses_business(
    talk: Talk, command: str, mode: str, state: Standing | None, said: str
) -> None:
    """Who is not approved hears only how that stands; an open bot lists its homes to all."""
    talk.ask_admins(mode)  # type: ignore[arg-type]
    await talk.exporter.change(OFF, START - HOUR)
    if state is not None:
        talk.store.save(Subscriber(USER, None, language="en", state=state), talk.clock.wall)
    if mode == "open" and command == "/homes" and state is not Standing.DENIED:
        said = "Homes watched here"
    else:
        assert FLAT.title not in await talk.told(USER, command)
    assert said in await talk.told(USER, command)


async def test_a_chat_that_hears_no_home_of_the_config_is_told_of_none(talk: Talk) -> None:
    """A home may have been taken out of it."""
    await talk.say(USER, "/start flat")
    talk.watch({})
    for command in ASKED:
        assert "No home is watched" in await talk.told(USER, command)


def test_numbers_of_days() -> None:
    """Only plain ones."""
    assert days_of((), 7, 90) == 7
    assert days_of(("90",), 7, 90) == 90
    assert days_of(("٣",), 7, 90) is None
