"""The status page as a browser without scripts gets it."""

import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from exporter.board import SinkView
from exporter.power import Cause, State
from tests.exporter.boards import home_config
from tests.exporter.web.rig import DAY, HOUR, MINUTE, SECOND, START, Rig, probe

ON, OFF, UNKNOWN = State.ON, State.OFF, State.UNKNOWN
TEN = START  # 12:00:00 in Kyiv
EVIL = '"><script>alert(1)</script>'
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """A page taken apart: its tags, its text, and whether all that was opened was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self._words: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] not in (["title"], ["script"]):
            self._words.append(data)

    @property
    def text(self) -> str:
        """What is read, with single spaces."""
        return re.sub(r"\s+", " ", " ".join(self._words)).replace(" ,", ",").replace(" .", ".")

    def of(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of every tag of a name."""
        return [attributes for tag, attributes in self.tags if tag == name]


async def page(rig: Rig, path: str = "/") -> Page:
    """Ask for a page."""
    return Page(await rig.text(path))


async def eventful(rig: Rig) -> None:
    """A home with a past, running dark, on a page with everything."""
    rig.add(
        home_config("flat", title="Flat", group="feeder-12"),
        probe("plug", OFF, "no reply in 2s", TEN - 4 * SECOND),
        probe("router", ON, "replied in 2 ms", TEN - 3 * SECOND, kind="icmp", role="reference"),
    )
    await rig.change(ON, TEN - 10 * DAY)
    await rig.change(OFF, TEN - 3 * DAY, seen=TEN - 3 * DAY - 5 * SECOND)
    await rig.change(UNKNOWN, TEN - 3 * DAY + MINUTE, seen=TEN - 3 * DAY + MINUTE - 1)
    await rig.change(ON, TEN - 3 * DAY + 2 * MINUTE, seen=TEN - 3 * DAY + MINUTE)
    await rig.change(OFF, TEN - 200 * MINUTE, seen=TEN - 200 * MINUTE - 5 * SECOND)
    rig.see(TEN)
    rig.board.sinks = {"influxdb": SinkView("influxdb", up=False, pending=2, oldest=TEN - HOUR)}


async def test_a_dark_home_says_since_when_and_between_what(rig: Rig) -> None:
    """In words and in the home's own time."""
    await eventful(rig)
    said = (await page(rig)).text
    assert "Power is off" in said
    assert "Since 08:40:00 EET, for 3 h 20 min" in said
    assert "The outage started between 08:39:55 and 08:40:00. It is sustained so far." in said


async def test_a_dark_home_is_dark_since_the_outage_began(rig: Rig) -> None:
    """A blind spell within the outage does not make it younger."""
    rig.add(home_config("flat", title="Flat"))
    await rig.change(ON, TEN - DAY)
    await rig.change(OFF, TEN - 40 * MINUTE)
    await rig.change(UNKNOWN, TEN - 20 * MINUTE, seen=TEN - 20 * MINUTE - 1)
    await rig.change(OFF, TEN - 10 * MINUTE)
    assert "for 40 min" in (await page(rig)).text


async def test_the_past_is_told_with_its_bounds(rig: Rig) -> None:
    """The running outage first; what was unseen is named."""
    await eventful(rig)
    said = (await page(rig)).text
    first, second = said.index("still running"), said.index("21 Nov 12:00:00")
    assert first < second
    assert "not before 11:59:55" in said
    assert "2 min 59 s to 2 min 5 s 1 min of it unseen" in said
    assert "momentary, measured" in said
    assert "Last 7 days" in said
    assert "Last 30 days (watched for 10 d)" in said
    assert "seen 99.99 % of the time" in said


async def test_probes_tell_what_they_found_last(rig: Rig) -> None:
    """A reference is alive, it does not say that power is on."""
    await eventful(rig)
    said = (await page(rig)).text
    assert "plug : off, no reply in 2s tcp, 4 s ago" in said
    assert "router : alive, replied in 2 ms icmp, reference, 3 s ago" in said


async def test_what_waits_for_a_sink_is_told(rig: Rig) -> None:
    """And for how long."""
    await eventful(rig)
    assert "influxdb: down, 2 changes wait, the oldest for 1 h" in (await page(rig)).text


async def test_a_home_that_is_on_says_so(rig: Rig) -> None:
    """A quiet page for a quiet home."""
    await rig.change(ON, TEN - 90 * MINUTE)
    rig.see(TEN)
    said = (await page(rig)).text
    assert "Power is on Since 10:30:00 EET, for 1 h 30 min." in said
    assert "None has been seen." in said
    assert "100 %" in said


async def test_an_unknown_home_says_what_was_seen_last(rig: Rig) -> None:
    """Unknown is not off."""
    await rig.change(ON, TEN - HOUR)
    await rig.change(UNKNOWN, TEN - MINUTE + 1, seen=TEN - MINUTE)
    shown = await page(rig)
    assert "Unknown" in shown.text
    assert "Power was last seen on at 11:59:00." in shown.text
    assert "Power is off" not in shown.text


async def test_an_outage_that_nobody_saw_end_is_still_told(rig: Rig) -> None:
    """Its state is unknown, the outage runs on."""
    await rig.change(ON, TEN - DAY)
    await rig.change(OFF, TEN - HOUR)
    await rig.change(UNKNOWN, TEN - MINUTE + 1, seen=TEN - MINUTE)
    said = (await page(rig)).text
    assert "Power was last seen off at 11:59:00." in said
    assert "has not been seen to end (1 h)" in said


async def test_a_home_without_a_row_waits_for_its_first_verdict(rig: Rig) -> None:
    """It claims nothing."""
    said = (await page(rig)).text
    assert "Unknown Not known yet: the first verdict is awaited." in said
    assert "Last outages" not in said


async def test_an_inferred_outage_says_how_it_is_known(rig: Rig) -> None:
    """At most so long."""
    await rig.change(ON, TEN - DAY)
    await rig.change(OFF, TEN - HOUR, seen=TEN - HOUR - 1, cause=Cause.INFERRED)
    await rig.change(ON, TEN, seen=TEN - HOUR, cause=Cause.INFERRED)
    said = (await page(rig)).text
    assert "1 h at most 1 h 1 min" in said
    assert "inferred: the machine that watches lost power itself" in said


async def test_a_disk_that_refuses_is_a_clear_warning(rig: Rig) -> None:
    """The state is shown all the same, and that it is not stored."""
    await rig.change(ON, TEN - DAY)
    rig.journal.full = True
    await rig.change(OFF, TEN - MINUTE)
    shown = await page(rig)
    assert "The journal cannot be written." in shown.text
    assert "1 change is not stored yet" in shown.text
    assert "Power is off" in shown.text
    assert [tag for tag in shown.of("p") if tag.get("role") == "alert"]


async def test_a_journal_that_cannot_be_read_hides_no_state(rig: Rig) -> None:
    """The history is missing, and the page says so; the API says 503."""
    await rig.change(OFF, TEN - MINUTE)
    rig.reading._reader.close()
    said = (await page(rig)).text
    assert "The journal cannot be read" in said
    assert "Power is off" in said
    assert (await rig.fault("/api/v1/homes/flat/outages"))[0] == 503


async def test_a_doubtful_clock_is_a_clear_warning(rig: Rig) -> None:
    """Nothing is dated meanwhile."""
    await rig.change(ON, TEN - DAY)
    rig.view().held = True
    rig.board.clock_doubt = "the clock is not synchronised"
    said = (await page(rig)).text
    assert "The clock is in doubt: the clock is not synchronised." in said
    assert "Since" not in said


async def test_a_failed_reload_is_told(rig: Rig) -> None:
    """The homes of the old config are what is shown."""
    rig.board.reload_successful = False
    assert "The last reload of the config failed" in (await page(rig)).text


# ---------------------------------------------------------------- many homes


async def many(rig: Rig) -> None:
    """Six homes: two dark, one unknown."""
    for n in range(1, 6):
        rig.add(home_config(f"home-{n}", title=f"Home {n}"))
        await rig.change(ON, TEN - DAY, home=f"home-{n}")
    await rig.change(OFF, TEN - HOUR, home="home-3")
    await rig.change(OFF, TEN - HOUR, home="home-5")
    await rig.change(UNKNOWN, TEN - HOUR, home="home-5", seen=TEN - HOUR)
    await rig.change(UNKNOWN, TEN - HOUR, home="home-1", seen=TEN - HOUR)


async def test_outages_stand_first_then_what_is_unknown(rig: Rig) -> None:
    """Also an outage whose state is unknown by now."""
    await many(rig)
    shown = await page(rig)
    names = [tag["href"] for tag in shown.of("a") if str(tag.get("href")).startswith("?home=")]
    wanted = ["home-3", "home-5", "home-1", "flat", "home-2", "home-4"]
    assert names == [f"?home={name}" for name in wanted]
    assert "1 off 3 unknown 2 on" in shown.text


async def test_many_homes_are_a_list_that_takes_no_history_from_the_journal(rig: Rig) -> None:
    """What is read is the running outages, once."""
    await many(rig)
    statements: list[str] = []
    rig.reading._reader._db.set_trace_callback(statements.append)
    await page(rig)
    assert len(statements) == 2, "one for each running outage"
    await page(rig)
    assert len(statements) == 2


async def test_one_of_many_is_shown_in_full_when_asked_for(rig: Rig) -> None:
    """With a way back."""
    await many(rig)
    shown = await page(rig, "/?home=home-3")
    assert "Last outages" in shown.text
    assert "Home 5" not in shown.text
    assert {"href": "./"} in shown.of("a")


async def test_a_page_of_an_unknown_home_is_a_404(rig: Rig) -> None:
    """As in the API."""
    assert (await rig.fault("/", home="shed"))[0] == 404


# ---------------------------------------------------------------- what a browser relies on


@pytest.mark.parametrize("fill", ["eventful", "many", "nothing"])
async def test_the_page_is_sound(rig: Rig, fill: str) -> None:
    """Ids are unique and what refers to them finds them; landmarks; nothing inline or foreign."""
    if fill != "nothing":
        await (eventful if fill == "eventful" else many)(rig)
    text = await rig.text("/")
    shown = Page(text)
    ids = Counter(attributes["id"] for _, attributes in shown.tags if "id" in attributes)
    assert max(ids.values()) == 1
    for _, attributes in shown.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        assert attributes.get("aria-labelledby") is None or attributes["aria-labelledby"] in ids
        for name in ("href", "src"):
            assert "//" not in str(attributes.get(name) or "")
        fill_ = attributes.get("fill") or ""
        assert not fill_.startswith("url") or fill_[5:-1] in ids
    assert shown.of("style") == []
    assert [bool(script.get("src")) for script in shown.of("script")] == [True]
    for landmark in ("header", "main", "footer", "nav", "h1"):
        assert len(shown.of(landmark)) == 1
    assert shown.of("html") == [{"lang": "en"}]
    assert any(tag.get("aria-live") == "polite" for tag in shown.of("p"))
    for image in (tag for tag in shown.of("svg") if tag.get("role") == "img"):
        assert image["aria-label"]
    assert "1.2.3" in shown.text


async def test_names_are_text_and_nothing_else(rig: Rig) -> None:
    """A title, a group or a probe's detail cannot become part of the page."""
    evil = home_config("flat", title=EVIL, group=EVIL)
    rig.add(evil, probe(EVIL, OFF, EVIL, TEN))
    await rig.change(OFF, TEN - MINUTE)
    for path in ("/", "/?home=flat"):
        text = await rig.text(path)
        assert "<script>alert" not in text
        assert text.count("<script") == 1
        assert EVIL in Page(text).text


async def test_the_page_may_load_nothing_foreign(rig: Rig) -> None:
    """Its policy allows its own files, and no script or style inside."""
    async with rig.client.get("/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_the_page_s_files_can_be_kept_for_ever(rig: Rig) -> None:
    """They are named by their content."""
    shown = await page(rig)
    links = [tag["href"] for tag in shown.of("link")] + [tag["src"] for tag in shown.of("script")]
    assert len(links) == 3
    for link in links:
        assert re.fullmatch(r"static/\w+\.[0-9a-f]{12}\.\w+", str(link))
        async with rig.client.get(f"/{link}") as answer:
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "url(" not in await answer.text()


@pytest.mark.parametrize("name", ["page.css", "..%2fpage.py", "%2fetc%2fpasswd", ""])
async def test_no_other_file_can_be_had(rig: Rig, name: str) -> None:
    """Whatever its name."""
    assert (await rig.fault(f"/static/{name}"))[0] == 404
