"""The pages of /admin/ as a browser without scripts gets them, and what their forms do."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alerting.alerts import Notice, PowerOutage, PowerRestored
from alerting.subscribers import State, Subscriber
from tests.alerting.admin_site import ADMIN, DAY, HOUR, MINUTE, NOW, SECOND, Page, Site

EVIL = '"><script>alert(1)</script>'
ANNA = Subscriber(
    7, None, "anna", "Anna", None, "en", State.ACTIVE, "22:00-07:00", NOW - DAY, "private", None
)
BORYS = Subscriber(
    8, None, name="Borys", homes=("flat",), created=NOW - HOUR, kind="private", wanted=("flat",)
)
TOPIC = Subscriber(-100, 5, name="Group", homes=("hut",), state=State.ACTIVE, approved=("hut",))
MORE = Subscriber(
    9, None, name="Mo", homes=("flat",), state=State.ACTIVE, approved=("flat",), wanted=None
)
GONE = Subscriber(10, None, name="Gone", state=State.BLOCKED, approved=None)
FLAT_OUT = PowerOutage("flat", NOW - HOUR, NOW - HOUR - 5 * SECOND, "measured", "subscribers")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Open the pages over an empty store."""
    async with Site(tmp_path) as opened:
        yield opened


# ---------------------------------------------------------------- nothing yet


@pytest.mark.parametrize(
    "path, says",
    [
        ("", "Nobody waits."),
        ("", "None is known."),
        ("", "None waits."),
        ("subscribers", "There is none."),
        ("incidents", "None was reported."),
        ("deliveries", "Nothing was sent yet, and nothing waits."),
    ],
)
async def test_where_there_is_nothing_a_page_says_so(site: Site, path: str, says: str) -> None:
    """An empty table would leave open whether it failed."""
    assert says in (await site.page(path)).text


async def test_that_there_is_no_bot_is_said(site: Site) -> None:
    """Else nobody would know why nothing is sent."""
    assert "no bot" not in (await site.page()).text
    site.sends = False
    assert "There is no bot:" in (await site.page()).text


# ---------------------------------------------------------------- overview


async def test_the_overview_says_what_runs_and_what_waits(site: Site) -> None:
    """Outages by their home's clock, alerts that fire, deliveries and their oldest."""
    site.subscribe(ANNA)
    site.accept(FLAT_OUT, at=NOW - HOUR)
    site.accept(PowerOutage("hut", NOW - 2 * HOUR, audience="subscribers"))
    site.accept(Notice({"alertname": "Cold", "home": "hut"}, {"summary": "Freezing"}, True, NOW))  # noqa: FBT003
    text = (await site.page()).text
    assert "Outages that run now: 2" in text
    assert "Our flat 11:00:00 not before 10:59:55" in text
    assert "Хата 09:00:00 CET - 2 h so far running -" in text
    assert "Other alerts that fire: 1" in text
    assert "Cold 11:00:00 CET still fires less than 1 s so far Хата Freezing" in text
    assert "3 deliveries wait, the oldest for 1 h, since 11:00:00 EET." in text


async def test_the_overview_counts_subscribers_by_state(site: Site) -> None:
    """Each count leads to those that it counts."""
    site.subscribe(ANNA, BORYS, TOPIC)
    page = await site.page()
    assert "active 2 is told of its homes pending 1 waits" in page.text
    assert "subscribers?show=blocked" in page.links


async def test_a_request_is_approved_where_it_is_seen(site: Site) -> None:
    """One press, and the page says what it did; the chat can be told."""
    site.subscribe(BORYS)
    page = await site.page()
    assert "Waiting for an answer: 1 Borys private Asks for Our flat" in page.text
    after = await site.press(page.form("approve", 8))
    assert "Approved: Borys, chat 8. It is active now." in after.text
    assert "Nobody waits." in after.text
    stored = site.store.subscriber(8, None)
    assert stored is not None
    assert (stored.state, stored.approved) == (State.ACTIVE, ("flat",))
    assert [(change.before, change.after) for change in site.changes] == [(BORYS, stored)]


async def test_a_request_for_more_says_what_it_hears_so_far(site: Site) -> None:
    """Denying it would take that away as well."""
    site.subscribe(MORE)
    assert "Mo Asks for all homes told of Our flat so far" in (await site.page()).text


async def test_a_request_is_denied(site: Site) -> None:
    """It needs no second look: it heard nothing yet."""
    site.subscribe(BORYS)
    after = await site.press((await site.page()).form("deny", 8))
    assert "Denied: Borys, chat 8. It is denied now." in after.text


async def test_what_is_approved_is_what_was_seen(site: Site) -> None:
    """Whoever asks for more between the look and the press is looked at again."""
    site.subscribe(BORYS)
    form = (await site.page()).form("approve", 8)
    site.subscribe(Subscriber(8, None, name="Borys", homes=None, wanted=None))
    after = await site.press(form)
    assert "Nothing was done: it has asked for other homes meanwhile: Borys" in after.text
    stored = site.store.subscriber(8, None)
    assert stored is not None
    assert stored.state is State.PENDING
    assert site.changes == []


# ---------------------------------------------------------------- subscribers


async def test_subscribers_are_listed_with_all_that_is_known(site: Site) -> None:
    """Newest first."""
    site.subscribe(ANNA, BORYS, TOPIC)
    text = (await site.page("subscribers")).text
    assert "Subscribers: 3 " in text
    assert "Anna @anna, private 7 all homes active en muted 22:00-07:00 23 Nov 12:00:00" in text
    assert "Group -100 topic 5 Хата active uk" in text
    assert "Borys private 8 Our flat pending waits for an answer uk 11:00:00" in text
    assert text.index("Borys") < text.index("Anna")


@pytest.mark.parametrize(
    "show, names",
    [
        ("all", {"Anna", "Borys", "Group", "Mo", "Gone"}),
        ("waiting", {"Borys", "Mo"}),
        ("active", {"Anna", "Group", "Mo"}),
        ("pending", {"Borys"}),
        ("blocked", {"Gone"}),
        ("denied", set()),
    ],
)
async def test_some_of_the_subscribers_are_shown(site: Site, show: str, names: set[str]) -> None:
    """By state, or those that wait for an answer, whatever they are."""
    everybody = (ANNA, BORYS, TOPIC, MORE, GONE)
    site.subscribe(*everybody)
    text = (await site.page(f"subscribers?show={show}")).text
    assert {each.name for each in everybody if f"{each.name} " in text} == names


async def test_many_subscribers_are_shown_in_portions(site: Site) -> None:
    """A page beyond the last is the last."""
    rows = [Subscriber(number, None, created=number) for number in range(1, 102)]
    site.store.restore(rows, NOW)
    first = await site.page("subscribers")
    assert "Page 1 of 2" in first.text
    assert "subscribers?show=all&page=2" in first.links
    for number in (2, 99):
        page = await site.page(f"subscribers?page={number}")
        assert "Page 2 of 2" in page.text
        assert [form.fields["chat"] for form in page.forms if form.action == "deny"] == ["1"]


async def test_removing_is_asked_about_first(site: Site) -> None:
    """The link changes nothing, the form does; what waited is dropped."""
    site.subscribe(ANNA)
    site.accept(FLAT_OUT)
    link = "confirm?do=remove&chat=7&topic=0&show=active&page=1"
    assert link in (await site.page("subscribers?show=active")).links
    question = await site.page(link)
    assert "Remove this subscription? Anna @anna, private" in question.text
    assert site.store.subscriber(7, None) == ANNA
    after = await site.press(question.form("remove", 7))
    assert "Removed: chat 7." in after.text
    assert "Subscribers that are active: 0" in after.text
    assert site.store.subscribers() == []
    assert site.store.counts().pending == 0


async def test_denying_one_that_is_told_is_asked_about_first(site: Site) -> None:
    """It loses what it was approved for."""
    site.subscribe(ANNA)
    page = await site.page("subscribers")
    assert [form.action for form in page.forms] == []
    link = next(link for link in page.links if link.startswith("confirm?do=deny"))
    await site.press((await site.page(link)).form("deny", 7))
    stored = site.store.subscriber(7, None)
    assert stored is not None
    assert (stored.state, stored.approved) == (State.DENIED, ())


async def test_one_topic_of_a_chat_is_changed_alone(site: Site) -> None:
    """Each topic subscribes for itself."""
    chat = Subscriber(-100, None, name="Group", state=State.ACTIVE, approved=None)
    site.subscribe(chat, TOPIC)
    question = await site.page("confirm?do=remove&chat=-100&topic=5")
    after = await site.press(question.form("remove", -100, 5))
    assert "Removed: chat -100, topic 5." in after.text
    assert site.store.subscribers() == [chat]


async def test_what_is_gone_is_said_to_be_gone(site: Site) -> None:
    """Another administrator was faster."""
    site.subscribe(BORYS)
    form = (await site.page()).form("approve", 8)
    site.store.remove(8, NOW)
    after = await site.press(form)
    assert "There is no such subscription any more: chat 8." in after.text
    assert site.changes == []


# ---------------------------------------------------------------- incidents and deliveries


async def test_incidents_are_listed_with_bounds_and_cause(site: Site) -> None:
    """Newest first, by the clock of each home."""
    site.accept(PowerOutage("hut", NOW - 5 * HOUR, cause="start"), at=NOW - 5 * HOUR)
    end = NOW - 10 * MINUTE
    bounds = (NOW - 2 * HOUR - 10 * MINUTE, end - 4 * SECOND)
    site.accept(PowerRestored("hut", NOW - 2 * HOUR, end, *bounds, cause="inferred"))
    site.accept(Notice({"alertname": "Down", "severity": "critical"}, {}, True, NOW - DAY))  # noqa: FBT003
    text = (await site.page("incidents")).text
    ended = (
        "Хата 09:00:00 CET not before 08:50:00 10:50:00 CET not before 10:49:56 at most 2 h"
        " ended inferred: the machine that watches lost power itself"
    )
    lost = "Хата 06:00:00 CET - - over, its end is not known already off at the first look"
    assert text.index(ended) < text.index(lost)
    assert "Down critical 23 Nov 12:00:00 still fires 1 d so far - -" in text


async def test_deliveries_say_when_to_whom_what_and_how_it_went(site: Site) -> None:
    """An administrator has no name here; what waits says for how long."""
    site.subscribe(ANNA)
    site.accept(FLAT_OUT, at=NOW - HOUR + 9 * SECOND)
    ids = [delivery.id for delivery in site.store.pending_of(7)]
    site.store.begin(ids, 0)
    site.store.finish(ids, "delivered", NOW - HOUR + 11 * SECOND)
    site.accept(Notice({"alertname": "Down"}, {}, True, NOW - MINUTE), at=NOW - MINUTE)  # noqa: FBT003
    text = (await site.page("deliveries")).text
    waits = f"11:59:00 an administrator {ADMIN} Down fires pending 0 1 min so far"
    came = "11:00:09 Anna 7 Our flat: power went out outage since 11:00:00 delivered 1 2 s"
    assert text.index(waits) < text.index(came)


async def test_what_others_wrote_is_text_alone(site: Site) -> None:
    """Names, homes and alerts come from outside."""
    site.subscribe(Subscriber(7, None, EVIL, EVIL, (EVIL,), state=State.ACTIVE, approved=None))
    site.accept(PowerOutage(EVIL, NOW, cause=EVIL, audience="subscribers"))
    site.accept(Notice({"alertname": EVIL, "severity": EVIL}, {"summary": EVIL}, True, NOW))  # noqa: FBT003
    for path in ("", "subscribers", "incidents", "deliveries", "confirm?chat=7"):
        page: Page = await site.page(path)
        assert "alert(1)" in page.text
        assert "script" not in page.tags
