"""In the mode `approval` admins decide who hears what, and chats hear of it."""

import logging
from dataclasses import replace

import pytest

from alerting.subscribers import State, Subscriber
from tests.alerting.bot.rig import ADMIN, FORUM, GROUP, OTHER, SECOND_ADMIN, USER, Talk


def asks(talk: Talk, admin: int = ADMIN) -> list[str]:
    """Return what an admin was asked."""
    return [text for text in talk.api.to(admin) if "asks for messages" in text]


async def test_a_chat_waits_until_an_admin_approves(talk: Talk) -> None:
    """Then it is told."""
    talk.ask_admins()
    assert "with the administrators" in await talk.told(USER, "/start flat")
    assert talk.subscriber(USER).state is State.PENDING
    (asked,) = asks(talk)
    assert asked == "👤 User 1001 @user1001 (1001) asks for messages about: Our flat."
    assert list(talk.buttons(ADMIN)) == ["✅ Approve", "🚫 Deny"]
    assert "Approved: User 1001" in await talk.press(ADMIN, "✅ Approve")
    assert talk.subscriber(USER).state is State.ACTIVE
    assert "approved for: Our flat" in talk.api.to(USER)[-1]
    assert talk.api.to(ADMIN) == [f"{asked}\n✅ Approved by User 9001."]
    assert talk.buttons(ADMIN) == {}


async def test_asking_again_asks_nobody(talk: Talk) -> None:
    """Only what was not asked yet is asked, for all that the chat wants."""
    talk.ask_admins()
    for _ in range(3):
        assert "with the administrators" in await talk.told(USER, "/start flat")
    assert len(asks(talk)) == 1
    await talk.say(USER, "/start garage")
    assert "Our flat and The <garage>" in asks(talk)[-1]
    assert len(asks(talk)) == 2
    await talk.press(ADMIN, "✅ Approve")
    assert all("Approved by" in text for text in asks(talk))


async def test_a_chat_that_wants_less_changes_the_question(talk: Talk) -> None:
    """Nobody is asked a second time; what is approved is what is shown."""
    talk.ask_admins()
    await talk.say(USER, "/start")
    await talk.say(USER, "/start flat")
    (asked,) = asks(talk)
    assert "about: Our flat." in asked
    await talk.press(ADMIN, "✅ Approve")
    assert talk.subscriber(USER).homes == ("flat",)


async def test_nobody_approves_what_they_do_not_see(talk: Talk) -> None:
    """A button under an older question shows the newer one."""
    talk.ask_admins()
    await talk.say(USER, "/start flat")
    first = talk.last_message(ADMIN)
    await talk.say(USER, "/start")
    assert await talk.press(ADMIN, "✅ Approve", message_id=first) == ""
    assert talk.subscriber(USER).state is State.PENDING
    assert all("all homes" in text for text in asks(talk))
    await talk.press(ADMIN, "✅ Approve", message_id=first)
    assert talk.subscriber(USER).homes is None


async def test_the_second_admin_learns_who_answered(talk: Talk) -> None:
    """Everybody's message says so, and a late press changes nothing, also after a restart."""
    talk.ask_admins("approval", ADMIN, SECOND_ADMIN)
    await talk.say(USER, "/start")
    deny = talk.buttons(SECOND_ADMIN)["🚫 Deny"]
    await talk.press(ADMIN, "✅ Approve")
    assert talk.api.to(SECOND_ADMIN)[0].endswith("\n✅ Approved by User 9001.")
    await talk.bot._lanes.close()
    talk.bot = talk.another_bot()
    press = talk.api.world.press(SECOND_ADMIN, deny, SECOND_ADMIN)
    await talk.heard()
    assert talk.api.world.answers[f"query-{press}"] == "✅ Approved by User 9001."
    assert talk.subscriber(USER).state is State.ACTIVE
    assert len([text for text in talk.api.to(USER) if "been approved" in text]) == 1


async def test_a_denied_chat_asks_nobody(talk: Talk) -> None:
    """Whatever it sends, until an admin approves it."""
    talk.ask_admins()
    await talk.say(USER, "/start")
    await talk.press(ADMIN, "🚫 Deny")
    assert "have not approved" in talk.api.to(USER)[-1]
    assert talk.api.to(ADMIN)[0].endswith("🚫 Denied by User 9001.")
    for text in ("/start", "/start flat", "/stop", "/start nowhere"):
        await talk.say(USER, text)
    assert talk.subscriber(USER).state is State.DENIED
    assert len(asks(talk)) == 1
    assert "Approved" in await talk.told(ADMIN, f"/approve {USER}")
    assert talk.subscriber(USER).state is State.ACTIVE


async def test_stop_and_start_of_an_approved_chat_need_nobody(talk: Talk) -> None:
    """For more homes it does."""
    talk.ask_admins()
    await talk.say(USER, "/start flat")
    await talk.say(ADMIN, f"/approve {USER}")
    await talk.say(USER, "/stop")
    assert "subscribed to: Our flat" in await talk.told(USER, "/start flat")
    assert "with the administrators" in await talk.told(USER, "/start garage")
    assert talk.subscriber(USER).homes == ("flat",)
    assert talk.subscriber(USER).state is State.ACTIVE
    assert len(asks(talk)) == 2


async def test_commands_of_admins_answer(talk: Talk) -> None:
    """Done, done already, nobody, or how it is meant."""
    talk.ask_admins()
    await talk.say(USER, "/start")
    who = "User 1001 @user1001 (1001)"
    assert await talk.told(ADMIN, f"/approve {USER}") == f"Approved: {who}."
    assert "✅ Approved by User 9001." in talk.api.to(ADMIN)[0]
    assert await talk.told(ADMIN, f"/approve {USER}") == f"{who} is approved already."
    assert await talk.told(ADMIN, f"/deny {USER}") == f"Denied: {who}."
    assert await talk.told(ADMIN, f"/deny {USER}") == f"{who} is denied already."
    assert "No chat 77" in await talk.told(ADMIN, "/approve 77")
    assert "no chat 77" in await talk.told(ADMIN, "/deny 77")
    for text in ("/approve", "/approve abc", "/deny 1 2 3"):
        assert "Tell me which" in await talk.told(ADMIN, text)
    told = [text for text in talk.api.to(USER) if "been approved" in text or "not approved" in text]
    assert len(told) == 2


async def test_an_approval_is_of_all_topics_or_of_one(talk: Talk) -> None:
    """Each topic asked for itself."""
    talk.ask_admins()
    talk.api.world.chat(FORUM, topics=[7, 8, 9], members={USER: "creator"}, title="House 5")
    for topic in (7, 8, 9):
        await talk.say(FORUM, "/start", USER, topic)
    assert asks(talk)[0] == (
        f"👥 Group House 5 ({FORUM}, topic 7) asks for messages about all homes."
    )
    await talk.say(ADMIN, f"/approve {FORUM} 7")
    states = [talk.subscriber(FORUM, topic).state for topic in (7, 8, 9)]
    assert states == [State.ACTIVE, State.PENDING, State.PENDING]
    await talk.say(ADMIN, f"/approve {FORUM}")
    assert all(talk.subscriber(FORUM, topic).state is State.ACTIVE for topic in (7, 8, 9))
    assert [len(talk.api.to(FORUM, topic)) for topic in (7, 8, 9)] == [2, 2, 2]


async def test_nobody_else_decides(talk: Talk) -> None:
    """Neither by command, nor by a button's data, nor an admin before others."""
    talk.ask_admins()
    await talk.say(USER, "/start")
    approve = talk.buttons(ADMIN)["✅ Approve"]
    for text in (f"/approve {USER}", f"/deny {USER}", "/subscribers"):
        assert "Only this bot's administrators" in await talk.told(USER, text)
    assert "Only this bot's administrators" in await talk.told(GROUP, "/subscribers", ADMIN)
    press = talk.api.world.press(USER, approve, USER)
    await talk.heard()
    assert "Only this bot's administrators" in talk.api.world.answers[f"query-{press}"]
    assert talk.subscriber(USER).state is State.PENDING


async def test_a_button_for_a_chat_that_is_gone_says_so(talk: Talk) -> None:
    """It may have been removed at the command line."""
    talk.ask_admins()
    await talk.say(USER, "/start")
    talk.store.remove(USER, talk.clock.wall)
    assert "No chat 1001" in await talk.press(ADMIN, "✅ Approve")
    assert talk.buttons(ADMIN) == {}


async def test_an_answer_given_elsewhere_is_seen(talk: Talk) -> None:
    """At the command line, say: then a press finds it done."""
    talk.ask_admins()
    await talk.say(USER, "/start")
    talk.store.approve(USER, talk.clock.wall)
    assert "approved already" in await talk.press(ADMIN, "✅ Approve")
    assert talk.buttons(ADMIN) == {}


async def test_without_admins_the_log_says_that_somebody_waits(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    """Once for each, without saying who."""
    talk.rules = replace(talk.rules, mode="approval", admins=())
    with caplog.at_level(logging.WARNING):
        assert "with the administrators" in await talk.told(USER, "/start")
        await talk.say(USER, "/start")
        assert len(caplog.records) == 1
        await talk.say(OTHER, "/start")
    lines = [record.getMessage() for record in caplog.records]
    assert ["admins is empty" in line for line in lines] == [True, True]
    assert talk.subscriber(USER).state is State.PENDING


async def test_an_admin_who_cannot_be_asked_is_asked_at_the_next_start(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    """A question that reached nobody was not asked; the log says what to do."""
    talk.ask_admins()
    talk.api.world.chat(ADMIN, state="not-found")
    await talk.say(USER, "/start")
    assert "cannot be written to: start the bot from that account" in caplog.text
    assert str(ADMIN) not in caplog.text
    talk.api.world.chat(ADMIN, state="ok")
    await talk.say(USER, "/start")
    assert len(asks(talk)) == 1


async def test_a_crash_before_admins_were_asked_forgets_nobody(talk: Talk) -> None:
    """The update comes again, and the question goes out then."""
    talk.ask_admins()
    asked = Subscriber(USER, None, homes=None, wanted=None, created=talk.clock.wall)
    talk.store.save(asked, talk.clock.wall)
    await talk.say(USER, "/start")
    assert len(asks(talk)) == 1


async def test_admins_are_asked_in_their_language(talk: Talk) -> None:
    """And a chat is told in its own."""
    talk.ask_admins()
    await talk.say(ADMIN, "/start")
    await talk.say(ADMIN, "/lang uk")
    await talk.say(USER, "/start")
    assert "хоче отримувати" in talk.api.to(ADMIN)[-1]
    await talk.press(ADMIN, "✅ Схвалити")
    assert "have been approved" in talk.api.to(USER)[-1]


async def test_subscribers_are_listed_in_pages(talk: Talk) -> None:
    """Those that wait first; a long list goes on in the next message."""
    talk.ask_admins()
    assert "Nobody" in await talk.told(ADMIN, "/subscribers")
    now = talk.clock.wall
    for number in range(150):
        row = Subscriber(5000 + number, None, "", f"N{number} <&>", state=State.ACTIVE, created=now)
        talk.store.save(row, now)
    talk.store.save(Subscriber(-7, 3, "", "", ("flat",), created=now + 1), now)
    pages = await talk.say(ADMIN, "/subscribers")
    assert len(pages) > 1
    text = "\n".join(pages)
    assert text.startswith(
        "151 subscribers:\n• no name (-7, topic 3): waits for approval, Our flat\n"
    )
    assert text.count("• N") == 150
    assert "• N149 <&> (5149): subscribed, all homes" in text
