"""One bot's mouth: turns, answers, markup, and what an outcome means for those to come."""

import asyncio
from collections.abc import Sequence

from alerting.outcomes import Ambiguous, Outcome, Refused, RetryLater, Sent, TokenRefused
from alerting.pacing import Pace
from alerting.sending import Sending
from alerting.telegram_updates import Buttons


class ScriptedBot:
    """Answers with outcomes in order, then takes everything."""

    def __init__(self, outcomes: Sequence[Outcome] = ()) -> None:
        self.outcomes = list(outcomes)
        self.texts: list[tuple[int, str, bool]] = []
        self.held: asyncio.Event | None = None

    async def send(
        self,
        chat_id: int,
        text: str,
        *,
        topic: int | None = None,  # noqa: ARG002  the Bot API's shape
        silent: bool = False,  # noqa: ARG002
        buttons: Buttons = (),  # noqa: ARG002
        plain: bool = False,
    ) -> Outcome:
        """Take or refuse a text."""
        self.texts.append((chat_id, text, plain))
        if self.held is not None:
            await self.held.wait()
        return self.outcomes.pop(0) if self.outcomes else Sent(1)

    async def send_photo(
        self,
        chat_id: int,
        png: bytes,  # noqa: ARG002  the Bot API's shape
        caption: str = "",
        *,
        topic: int | None = None,  # noqa: ARG002
    ) -> Outcome:
        """Take a picture."""
        return await self.send(chat_id, caption)


class Hands:
    """A clock that moves by itself as little as rounding needs, and a Sending that looks at it."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.bot = ScriptedBot(outcomes)
        self.now = 1000.0
        self.health: list[bool] = []
        self.sending = Sending(
            self.bot,
            Pace(28),
            on_health=self.health.append,
            now=lambda: self.now,
            between=lambda least, _: least,
        )

    async def deliver(self, chat: int = 7, *parts: str) -> Outcome:
        """Send to a chat that must be free."""
        assert self.sending.wait(chat, "private") == 0
        self.sending.claim(chat)
        progress = await self.sending.deliver(
            chat, "private", parts or ("text",), topic=None, silent=False
        )
        self.now += 1.001
        return progress.outcome


async def test_markup_that_telegram_cannot_read_goes_as_plain_text() -> None:
    """Rather plain than never; it takes a turn of its own."""
    hands = Hands(Refused("can't parse entities", parse=True))
    hands.sending.claim(7)
    delivering = asyncio.create_task(
        hands.sending.deliver(7, "private", ("<b>A &amp; B</b>",), topic=None, silent=False)
    )
    while not delivering.done():
        hands.now += 0.1
        await asyncio.sleep(0.001)
    assert hands.bot.texts == [(7, "<b>A &amp; B</b>", False), (7, "A & B", True)]
    assert isinstance(delivering.result().outcome, Sent)


async def test_a_chat_that_is_being_sent_to_is_not_free() -> None:
    """One in flight per chat; another chat does not wait."""
    hands = Hands()
    hands.bot.held = asyncio.Event()
    hands.sending.claim(7)
    sending = asyncio.create_task(
        hands.sending.deliver(7, "private", ("text",), topic=None, silent=False)
    )
    await asyncio.sleep(0)
    assert hands.sending.wait(7, "private") > 0
    assert hands.sending.wait(8, "private") == 0
    hands.bot.held.set()
    await sending
    hands.now += 1.001
    assert hands.sending.wait(7, "private") == 0


async def test_an_answer_waits_for_the_message_before_it() -> None:
    """And then for the chat's turn."""
    hands = Hands()
    hands.bot.held = asyncio.Event()
    hands.sending.claim(7)
    sending = asyncio.create_task(
        hands.sending.deliver(7, "private", ("message",), topic=None, silent=False)
    )
    answering = asyncio.create_task(hands.sending.answer(7, "private", "answer"))
    await asyncio.sleep(0.01)
    assert [text for _, text, _ in hands.bot.texts] == ["message"]
    hands.bot.held.set()
    while not answering.done():
        hands.now += 0.1
        await asyncio.sleep(0.001)
    await sending
    assert [text for _, text, _ in hands.bot.texts] == ["message", "answer"]


async def test_an_answer_has_room_though_messages_take_all_they_may() -> None:
    """The pace keeps two of every second for it."""
    hands = Hands()
    hands.sending._pace.room(hands.now, answer=True)
    started = 0
    while hands.sending.room() == 0:
        hands.sending._pace.began(100 + started, hands.now)
        started += 1
    assert started == 26
    assert isinstance(await hands.sending.answer(7, "private", "answer"), Sent)


async def test_faults_of_many_sends_at_once_are_one_fault() -> None:
    """Else sixteen in flight would make the first pause the longest."""
    hands = Hands(*[RetryLater(0, "refused")] * 16)
    hands.bot.held = asyncio.Event()
    sends = []
    for chat in range(16):
        hands.sending.claim(chat)
        send = hands.sending.deliver(chat, "private", ("text",), topic=None, silent=False)
        sends.append(asyncio.create_task(send))
    while len(hands.bot.texts) < 16:
        await asyncio.sleep(0)
    hands.bot.held.set()
    await asyncio.gather(*sends)
    assert 0 < hands.sending.wait(99, "private") <= 0.5
    hands.now += 0.5
    assert isinstance(await hands.deliver(99), Sent)
    assert hands.health == [True]


async def test_a_pause_that_is_asked_for_is_kept() -> None:
    """For everybody, when it is not one chat's."""
    hands = Hands(RetryLater(20.0, "restarting"))
    await hands.deliver()
    assert 18 < hands.sending.wait(8, "private") <= 20


async def test_a_token_that_is_refused_turns_health_red_until_it_is_taken() -> None:
    """Nothing is lost: who sends tries again."""
    hands = Hands(Sent(1), TokenRefused("Unauthorized"))
    await hands.deliver()
    await hands.deliver()
    hands.now += 60
    await hands.deliver()
    assert hands.health == [True, False, True]


async def test_answers_missing_from_several_chats_pause_all() -> None:
    """One alone pauses its own chat, for it may be told twice."""
    hands = Hands(*[Ambiguous("no answer")] * 3)
    await hands.deliver(1)
    assert hands.sending.wait(1, "private") > 0
    assert hands.sending.wait(9, "private") == 0
    await hands.deliver(2)
    await hands.deliver(3)
    assert not hands.sending.up


async def test_answers_count_among_answers() -> None:
    """While messages wait a crowd that asks has a quarter of all sends, texts and pictures."""
    hands = Hands()
    assert hands.sending.room() == 0
    for chat in range(100, 106):
        await hands.sending.answer(chat, "private", "text")
    await hands.sending.answer_photo(106, "private", b"", "text")
    assert hands.sending._pace.room(hands.now, answer=True) > 0
    assert hands.sending.room() == 0


async def test_a_text_whose_turn_is_far_off_waits_where_it_can_be_made_anew() -> None:
    """It was not sent; by then more may be known."""
    hands = Hands()
    hands.sending._pace.pause_all(hands.now + 20)
    hands.sending.claim(7)
    progress = await hands.sending.deliver(7, "private", ("text",), topic=None, silent=False)
    assert isinstance(progress.outcome, RetryLater)
    assert (progress.taken, hands.bot.texts) == (0, [])
