"""A chat chooses its language and its quiet hours, and is helped."""

from tests.alerting.bot.rig import ADMIN, GROUP, USER, Talk


async def test_mute_and_unmute(talk: Talk) -> None:
    """In the zone of the first home."""
    assert "not subscribed" in await talk.told(USER, "/mute 22:00-07:00")
    assert "not subscribed" in await talk.told(USER, "/unmute")
    await talk.say(USER, "/start")
    assert "sound already" in await talk.told(USER, "/unmute")
    assert "HH:MM-HH:MM" in await talk.told(USER, "/mute at night")
    assert await talk.told(USER, "/mute 22:00 \u2013 7:00") == (
        "From 22:00 to 07:00 (Europe/Kyiv) messages come without a sound. /unmute ends that."
    )
    assert talk.subscriber(USER).mute == "22:00-07:00"
    assert "with sound again" in await talk.told(USER, "/unmute")
    assert talk.subscriber(USER).mute == ""


async def test_the_language_changes_at_once(talk: Talk) -> None:
    """Before a chat subscribes, too."""
    assert await talk.told(USER, "/lang uk") == "Відтепер пишу українською."
    assert (await talk.told(USER, "/start")).startswith("Ви підписані")
    assert talk.subscriber(USER).language == "uk"
    assert "Оберіть мову" in await talk.told(USER, "/lang de")
    assert await talk.told(USER, "/lang EN") == "From now on I write in English."
    assert "Choose a language" in await talk.told(USER, "/lang")
    assert talk.subscriber(USER).language == "en"


async def test_homes_are_listed_with_those_that_are_heard(talk: Talk) -> None:
    """And how the others are had."""
    await talk.say(USER, "/start flat")
    assert await talk.told(USER, "/homes") == (
        "Homes watched here:\n✓ Our flat · flat\n• The <garage> · /start garage"
    )


async def test_help_is_what_the_chat_may_do(talk: Talk) -> None:
    """More for subscribers, for groups and for admins."""
    talk.ask_admins("open")
    assert "/mute" not in await talk.told(USER, "/help")
    await talk.say(USER, "/start")
    assert "/mute" in await talk.told(USER, "/help")
    assert "/approve" not in await talk.told(USER, "/help")
    assert "/approve" in await talk.told(ADMIN, "/help")
    assert "only its administrators" in await talk.told(GROUP, "/help", USER)
