"""What admins answer on a page of any relay is told by the one that leads."""

from alerting.bot import Elsewhere
from tests.alerting.bot.rig import ADMIN, OTHER, USER, Talk


async def answered(talk: Talk, chat_id: int, *, deny: bool = False) -> None:
    """Answer a chat on the page of some relay, which sends nothing."""
    change = talk.store.deny if deny else talk.store.approve
    before = len(talk.api.messages)
    for one in change(chat_id, talk.clock.wall):
        await Elsewhere(talk.bot._desk).remember(one, "/admin/")
    assert len(talk.api.messages) == before


async def test_an_answer_given_on_a_page_is_told_like_any_other(talk: Talk) -> None:
    """The chat hears of it, and the admins who were asked see who gave it; all of it once."""
    talk.ask_admins()
    leads = Elsewhere(talk.bot._desk)
    await talk.say(USER, "/start flat")
    await answered(talk, USER)
    await leads.tell()
    assert "approved for: Our flat" in talk.api.to(USER)[-1]
    assert talk.api.to(ADMIN)[-1].endswith("Approved by /admin/.")
    await leads.tell()
    assert len(talk.api.to(USER)) == 2
    await answered(talk, USER, deny=True)
    await leads.tell()
    assert "have not approved this chat" in talk.api.to(USER)[-1]


async def test_answers_wait_for_whoever_leads_next(talk: Talk) -> None:
    """Each of them, however many there are."""
    talk.ask_admins()
    for chat in (USER, OTHER):
        await talk.say(chat, "/start")
        await answered(talk, chat, deny=chat == OTHER)
    await Elsewhere(talk.bot._desk).tell()
    assert "been approved" in talk.api.to(USER)[-1]
    assert "have not approved" in talk.api.to(OTHER)[-1]


async def test_whoever_is_gone_is_told_nothing(talk: Talk) -> None:
    """Neither one that was removed before it was told, nor one that was removed by the answer."""
    talk.ask_admins()
    leads = Elsewhere(talk.bot._desk)
    await talk.say(USER, "/start")
    await answered(talk, USER)
    for change in talk.store.remove(USER, talk.clock.wall):
        await leads.remember(change, "/admin/")
    await leads.tell()
    assert len(talk.api.to(USER)) == 1
    assert await leads._untold() == []
