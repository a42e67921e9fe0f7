"""Kills a real relay again and again: every event that it accepted reaches everyone it concerns.

`make crash` kills it 200 times, `make test` fewer; the seed is fixed, so a fault can be met again.
"""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

import pytest

from tests.e2e.exporters import wait_for
from tests.e2e.outage_story import Fact, Story, clock
from tests.e2e.relays import DELIVERIES, Message, PowerAlerting, Reader, Telegram, to_bot_api
from tests.e2e.tellings import Telling, last_home, tellings

SEED = 1366
KILLS_PER_HOME = 50  # a home has so many minutes in a day
AT_ONCE = 16  # sends that a relay has under way
SLOW = 5.0  # seconds that may pass from making a message until it is taken
PENDING = "power_alerting_deliveries_pending 0.0"
SENDS = 'msg="this relay sends"'

IN_DOUBT = """\
    SELECT chat_id, kind, home, since FROM deliveries JOIN events ON events.id = event_id
    WHERE state = 'sending'"""

# A chat, and of whom and since when it was told: an outage that runs, or one that is over.
Told = tuple[int, str, str, bool]
Hears = dict[int, tuple[str, ...]]  # which homes concern a chat
Facts = dict[tuple[str, str], Fact]


def readers(homes: Sequence[str], chance: random.Random) -> list[Reader]:
    """Return 50 chats: people, groups and channels, for all homes or for some."""
    ids = [*range(1001, 1045), *range(-2003, -2000), *range(-1_000_000_003_003, -1_000_000_003_000)]
    return [
        Reader(one, () if chance.random() < 0.4 else tuple(chance.sample(homes, 2))) for one in ids
    ]


@dataclass
class Kills:
    """What each kill left in doubt, and what the next life said of it."""

    in_doubt: list[set[Told]] = field(default_factory=list)
    counted: int = 0

    def record(self, relay: PowerAlerting) -> None:
        """Kill the relay, and read what it was sending."""
        relay.kill()
        file = f"file:{relay.data / 'alerting.db'}?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as db:
            rows = db.execute(IN_DOUBT).fetchall()
        self.in_doubt.append(
            {
                (chat, home, clock(since // 1000), kind == "ended")
                for chat, kind, home, since in rows
            }
        )
        assert len({chat for chat, *_ in self.in_doubt[-1]}) <= AT_ONCE

    def wait_for_next_life(self, relay: PowerAlerting) -> None:
        """Wait until it sends again; all that was in doubt must be counted by then."""
        wait_for(lambda: SENDS in relay.output(), within=60)
        counted = relay.counted(DELIVERIES, "ambiguous")
        assert counted == len(self.in_doubt[-1])
        self.counted += counted


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    """A Bot API that takes its time, with all limits but the one on groups: a minute is long."""
    with Telegram("--latency", "0.1") as telegram:
        telegram.do("limits", group=None)
        yield telegram


def test_every_accepted_event_reaches_every_chat(
    tmp_path: Path, telegram: Telegram, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through kills at any moment; only what was being sent may be told twice."""
    chance = random.Random(SEED)
    homes = tuple(f"home-{number}" for number in range(1, 6 + kills // KILLS_PER_HOME))
    everybody, record = readers(homes, chance), Kills()
    hears = {reader.chat_id: reader.homes or homes for reader in everybody}
    listed = "\n".join(f"  - {{name: {home}, timezone: Etc/UTC}}" for home in homes)
    settings = to_bot_api(tmp_path, telegram.url)
    with PowerAlerting(tmp_path, settings, homes=listed) as relay:
        relay.subscribe(*everybody)
        with Story(relay, homes, chance) as story:
            for _ in range(kills):
                kill_and_start(relay, record, chance)
        wait_for(lambda: PENDING in relay.metrics(), within=120)
    messages = telegram.messages()
    check_complete(hears, story.facts, messages)
    check_true(hears, story.facts, messages)
    check_fair(hears, messages)
    repeats = check_repeats(messages, record.in_doubt)
    assert set(story.answers) <= {200, 0, 503}
    summary = (
        f"{kills} kills, {story.answers[200]} webhooks taken, {len(messages)} messages,"
        f" {repeats} things told again, {record.counted} counted as ambiguous"
    )
    with capsys.disabled():
        print(f"\n{summary}")  # noqa: T201  whoever runs `make crash` reads it


def kill_and_start(relay: PowerAlerting, record: Kills, chance: random.Random) -> None:
    """Let it work for a moment, kill it, and start it; one in four is killed while it starts."""
    sleep(chance.random() * 1.2)  # the moment of the kill is what is drawn here
    record.record(relay)
    if chance.random() < 0.25:
        relay.begin_again()
        sleep(chance.random() * 1.2)
        record.record(relay)
    relay.start_again()
    record.wait_for_next_life(relay)


def told(messages: Sequence[Message]) -> Iterator[tuple[Message, Telling]]:
    """Yield all that was told, each with its message."""
    homes: dict[int, str] = {}
    for message in messages:
        chat_id, text = message["chat_id"], message["text"]
        before = homes.get(chat_id, "")
        for telling in tellings(text, before):
            yield message, telling
        homes[chat_id] = last_home(text, before)


def check_complete(hears: Hears, facts: Facts, messages: Sequence[Message]) -> None:
    """Each chat heard of each outage of its homes: of its end, or of its beginning if it runs."""
    heard = {(m["chat_id"], t.home, t.began, t.ended is not None) for m, t in told(messages)}
    for (home, began), fact in facts.items():
        over = fact.ended_accepted < float("inf")
        for chat_id, homes in hears.items():
            assert home not in homes or (chat_id, home, began, over) in heard, (chat_id, fact)


def check_true(hears: Hears, facts: Facts, messages: Sequence[Message]) -> None:
    """Whatever was told had happened, held when it was told, and was told to those it concerns."""
    for message, telling in told(messages):
        fact = facts[telling.home, telling.began]
        assert telling.home in hears[message["chat_id"]]
        if telling.ended is None:
            assert fact.began_posted <= message["time"] <= fact.ended_accepted + SLOW, message
        else:
            assert telling.ended == clock(fact.until), message
            assert fact.ended_posted <= message["time"], message


def check_fair(hears: Hears, messages: Sequence[Message]) -> None:
    """Nobody was left until the end: whose turn had not come before a kill comes first after it."""
    counts = Counter(message["chat_id"] for message in messages)
    average = len(messages) / len(hears)
    assert min(counts.values()) > average / 4, sorted(counts.items())


def check_repeats(messages: Sequence[Message], in_doubt: Sequence[set[Told]]) -> int:
    """Nothing was told more often than once and once more for each kill that left it in doubt."""
    allowed = Counter(one for left in in_doubt for one in left)
    times = Counter(
        (message["chat_id"], telling.home, telling.began, telling.ended is not None)
        for message, telling in told(messages)
        if telling.whole or telling.ended is not None
    )
    repeated = {one: count - 1 for one, count in times.items() if count > 1}
    assert all(count <= allowed[one] for one, count in repeated.items()), repeated
    return sum(repeated.values())
