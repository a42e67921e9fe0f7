"""Whoever says /start hears of homes, as far as the config and the admins let them."""

import pytest

from alerting.bot.subscribing import wanted_homes
from alerting.subscribers import Homes, State, Subscriber
from alerting.told import Place
from tests.alerting.bot.rig import ADMIN, CHANNEL, FORUM, GARAGE, GROUP, KYIV, OTHER, USER, Talk


async def test_start_subscribes_to_all_homes(talk: Talk) -> None:
    """All, later ones too, in the language of the config."""
    assert (await talk.told(USER, "/start")).startswith("You are subscribed: I will write")
    subscriber = talk.subscriber(USER)
    assert (subscriber.state, subscriber.homes) == (State.ACTIVE, None)
    assert (subscriber.language, subscriber.kind) == ("en", "private")
    assert (subscriber.name, subscriber.username) == ("User 1001", "user1001")
    assert subscriber.created == talk.clock.wall


async def test_start_with_a_home_subscribes_to_that_one(talk: Talk) -> None:
    """By its name or by its title, and another one is added."""
    assert "subscribed to: Our flat." in await talk.told(USER, "/start FLAT")
    assert talk.subscriber(USER).homes == ("flat",)
    assert "Our flat and The <garage>" in await talk.told(USER, "/start the <garage>")
    assert talk.subscriber(USER).homes == ("flat", "garage")
    assert "already, to: Our flat and" in await talk.told(USER, "/start flat")


async def test_an_unknown_home_is_named(talk: Talk) -> None:
    """And subscribes to nothing; what was typed is no markup."""
    assert "no home “<b>x”" in await talk.told(USER, "/start <b>x")
    assert talk.store.subscribers() == []


async def test_a_second_start_says_so(talk: Talk) -> None:
    """Nothing changes by it."""
    await talk.say(USER, "/start")
    assert "already" in await talk.told(USER, "/start")


async def test_a_button_chooses_a_home(talk: Talk) -> None:
    """The answer that it stands under says what is heard from now on."""
    await talk.say(USER, "/start")
    assert list(talk.buttons(USER)) == ["Our flat", "The <garage>"]
    assert await talk.press(USER, "Our flat") == ""
    assert talk.subscriber(USER).homes == ("flat",)
    (text,) = talk.api.to(USER)
    assert "subscribed to: Our flat." in text
    await talk.press(USER, "The <garage>")
    assert talk.subscriber(USER).homes == ("flat", "garage")


async def test_a_button_of_a_home_that_is_gone_changes_nothing(talk: Talk) -> None:
    """The config may have changed since."""
    await talk.say(USER, "/start")
    talk.watch({"garage": GARAGE})
    assert "went wrong" in await talk.press(USER, "Our flat")
    assert talk.subscriber(USER).homes is None


async def test_one_home_needs_no_choice_and_many_are_no_choice(talk: Talk) -> None:
    """Buttons stand where they help."""
    talk.watch({"garage": GARAGE})
    await talk.say(USER, "/start")
    assert talk.buttons(USER) == {}
    talk.watch({f"home{n}": Place("x" * 200, KYIV) for n in range(25)})
    await talk.say(USER, "/start")
    assert talk.buttons(USER) == {}


async def test_a_name_of_63_letters_fits_a_button(talk: Talk) -> None:
    """Telegram takes 64 bytes of data."""
    talk.watch({"a" * 63: Place("A", KYIV), "b" * 63: Place("Оселя" * 20, KYIV)})
    await talk.say(USER, "/start")
    await talk.press(USER, "A")
    assert talk.subscriber(USER).homes == ("a" * 63,)


async def test_stop_ends_it(talk: Talk) -> None:
    """And says so once."""
    await talk.say(USER, "/start")
    assert "not write any more" in await talk.told(USER, "/stop")
    assert talk.subscriber(USER).state is State.STOPPED
    assert "not subscribed" in await talk.told(USER, "/stop")
    assert "not subscribed" in await talk.told(OTHER, "/stop")


async def test_a_chat_that_waits_cannot_guess_which_homes_there_are(talk: Talk) -> None:
    """It hears the same whatever it asks for; admins are asked for what they see: all homes."""
    talk.ask_admins()
    texts = ("/start", "/start flat", "/start our flat", "/start nowhere", "/start <b>x")
    heard = {await talk.told(2000 + number, text) for number, text in enumerate(texts)}
    assert len(heard) == 1
    assert "with the administrators" in heard.pop()
    assert "all homes" in talk.api.to(ADMIN)[-1]
    await talk.press(ADMIN, "✅ Approve")
    assert talk.subscriber(2004).homes is None


async def test_a_home_that_there_is_not_changes_no_question(talk: Talk) -> None:
    """What was asked for before is asked for still."""
    talk.ask_admins()
    for text in ("/start flat", "/start nowhere"):
        assert "with the administrators" in await talk.told(USER, text)
    assert talk.subscriber(USER).wanted == ("flat",)
    assert len(talk.api.to(ADMIN)) == 1
    await talk.press(ADMIN, "✅ Approve")
    assert "no home “nowhere”" in await talk.told(USER, "/start nowhere")


async def test_a_button_tells_no_stranger_which_homes_there_are(talk: Talk) -> None:
    """It may stand there from better days."""
    for chat in (USER, OTHER):
        await talk.say(chat, "/start")
        talk.store.remove(chat, talk.clock.wall)
    talk.ask_admins()
    talk.watch({"garage": GARAGE})
    assert await talk.press(USER, "Our flat") == await talk.press(OTHER, "The <garage>") == ""
    assert talk.api.to(USER) == talk.api.to(OTHER)
    assert "with the administrators" in talk.api.to(USER)[-1]


async def test_a_closed_bot_takes_nobody(talk: Talk) -> None:
    """Not even the name of a home can be guessed; whoever was added hears."""
    talk.ask_admins("closed")
    for text in ("/start", "/start flat", "/start nowhere"):
        assert "no new subscribers" in await talk.told(USER, text)
    assert talk.store.subscribers() == []
    assert talk.api.to(ADMIN) == []


async def test_an_admin_needs_no_approval(talk: Talk) -> None:
    """Nobody has to ask themselves."""
    talk.ask_admins()
    assert "You are subscribed" in await talk.told(ADMIN, "/start")
    assert len(talk.api.to(ADMIN)) == 1


async def test_in_a_group_only_its_administrators_subscribe(talk: Talk) -> None:
    """Those who write in the group's name, too."""
    talk.api.world.chat(GROUP, members={USER: "administrator"}, title="Neighbours")
    assert "only its administrators" in await talk.told(GROUP, "/start", OTHER)
    assert talk.store.subscribers() == []
    assert "You are subscribed" in await talk.told(GROUP, "/start@Power_Test_Bot", USER)
    subscriber = talk.subscriber(GROUP)
    assert (subscriber.name, subscriber.username, subscriber.kind) == ("Neighbours", "", "group")
    assert "only its administrators" in await talk.press(GROUP, "Our flat", OTHER)
    assert talk.subscriber(GROUP).homes is None
    for command in ("/stop", "/mute 22:00-07:00", "/unmute", "/lang uk"):
        assert "only its administrators" in await talk.told(GROUP, command, OTHER)
    talk.api.world.say_anonymously(GROUP, "/stop")
    await talk.heard()
    assert talk.subscriber(GROUP).state is State.STOPPED


async def test_whoever_administers_a_group_cannot_be_asked(talk: Talk) -> None:
    """Then nothing changes."""
    talk.api.fail_next(1, "502", "getChatMember")
    assert "went wrong" in await talk.told(GROUP, "/start", USER)
    assert talk.store.subscribers() == []


async def test_each_topic_subscribes_for_itself(talk: Talk) -> None:
    """And is answered where it asked."""
    talk.api.world.chat(FORUM, topics=[7, 8], members={USER: "creator"})
    await talk.say(FORUM, "/start flat", USER, 7)
    await talk.say(FORUM, "/start", USER, 8)
    assert talk.subscriber(FORUM, 7).homes == ("flat",)
    assert talk.subscriber(FORUM, 8).homes is None
    assert [len(talk.api.to(FORUM, topic)) for topic in (7, 8)] == [1, 1]
    await talk.say(FORUM, "/stop", USER, 7)
    assert talk.subscriber(FORUM, 8).state is State.ACTIVE
    await talk.press(FORUM, "Our flat", USER, talk.last_message(FORUM, 8))
    assert talk.subscriber(FORUM, 8).homes == ("flat",)


async def test_a_channel_subscribes_by_a_post(talk: Talk) -> None:
    """Only administrators post."""
    talk.api.world.chat(CHANNEL, kind="channel", title="Street")
    await talk.say(CHANNEL, "/start")
    assert (talk.subscriber(CHANNEL).kind, talk.subscriber(CHANNEL).name) == ("channel", "Street")


async def test_whoever_blocks_the_bot_comes_back_by_start(talk: Talk) -> None:
    """Until then nothing is sent."""
    await talk.say(USER, "/start")
    talk.api.world.membership(USER, "kicked", "member", USER)
    await talk.heard()
    assert talk.subscriber(USER).state is State.BLOCKED
    await talk.say(USER, "/start")
    assert talk.subscriber(USER).state is State.ACTIVE


async def test_a_group_that_becomes_a_supergroup_stays_subscribed(talk: Talk) -> None:
    """Under its new id."""
    talk.api.world.chat(GROUP, members={USER: "creator"})
    await talk.say(GROUP, "/start", USER)
    talk.api.world.migrate(GROUP, FORUM)
    await talk.heard()
    assert talk.subscriber(FORUM).state is State.ACTIVE
    assert talk.store.subscriber(GROUP, None) is None


async def test_who_wrote_can_be_found(talk: Talk) -> None:
    """So a chat's id is found by whoever configures the relay."""
    talk.api.world.chat(CHANNEL, kind="channel", title="Street")
    talk.api.world.membership(CHANNEL, "administrator", "left", USER)
    await talk.say(USER, "hello")
    await talk.say(USER, "hello again")
    noted = {(chat.chat_id, chat.kind, chat.title) for chat in talk.store.chats()}
    assert noted == {(USER, "private", "Chat 1001"), (CHANNEL, "channel", "Street")}


def _who(state: State, homes: Homes, wanted: Homes = ()) -> Subscriber:
    return Subscriber(1, None, homes=homes, state=state, wanted=wanted)


@pytest.mark.parametrize(
    "existing,home,wanted",
    [
        (None, None, None),
        (None, "a", ("a",)),
        (_who(State.ACTIVE, ("a",)), None, None),
        (_who(State.ACTIVE, ("a",)), "b", ("a", "b")),
        (_who(State.ACTIVE, None), "b", ("b",)),
        (_who(State.ACTIVE, ("a",), ("a", "b")), "c", ("a", "b", "c")),
        (_who(State.ACTIVE, ("a",), None), "c", ("a", "c")),
        (_who(State.PENDING, ("a",), ("a",)), "b", ("a", "b")),
        (_who(State.STOPPED, ("a",)), "b", ("b",)),
    ],
)
def test_what_a_start_asks_for(
    existing: Subscriber | None, home: str | None, wanted: Homes
) -> None:
    """One home more where some were chosen, that one alone where all were heard."""
    assert wanted_homes(existing, home) == wanted
