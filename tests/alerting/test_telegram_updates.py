"""What the bot hears is read right, and nothing that Telegram may say is a fault."""

from hypothesis import given
from hypothesis import strategies as st

from alerting.telegram_updates import Button, Update, parse_update, parse_updates
from tests.fakes.telegram_world import World

USER, GROUP, FORUM, CHANNEL = 1001, -1002, -1_000_000_000_003, -1_000_000_000_004
FIELDS = st.sampled_from(
    ["update_id", "message", "callback_query", "my_chat_member", "chat", "from", "id", "text"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=20,
)


def heard(world: World) -> Update:
    """Return the last update."""
    return parse_update(world.updates[-1])


def test_a_user_writes() -> None:
    """In private the chat's id is the user's."""
    world = World("bot")
    id_ = world.say(USER, "/start flat")
    assert heard(world) == Update(
        id=id_,
        chat_id=USER,
        kind="private",
        title="Chat 1001",
        user_id=USER,
        username="user1001",
        name="User 1001",
        text="/start flat",
    )


def test_a_topic_is_that_of_a_forum_only() -> None:
    """A reply in a plain group carries a thread that is no topic; General is none either."""
    world = World("bot")
    world.say(FORUM, "/start", USER, topic=7)
    assert heard(world).topic == 7
    world.say(FORUM, "/start", USER, topic=1)
    assert heard(world).topic is None
    world.say(GROUP, "/start", USER, message_thread_id=99)
    assert heard(world).topic is None


def test_an_administrator_may_hide_behind_the_group() -> None:
    """Telegram says then who the message is sent for; a channel's post is its own."""
    world = World("bot")
    world.say_anonymously(GROUP, "/stop")
    assert heard(world).anonymous_admin
    world.chat(CHANNEL, kind="channel", title="News", username="news")
    world.say(CHANNEL, "/start")
    post = heard(world)
    assert (post.anonymous_admin, post.kind, post.user_id) == (True, "channel", None)
    assert (post.username, post.name) == ("news", "News")
    world.say(GROUP, "/stop", 777000, sender_chat=world.chat(CHANNEL).to_json())
    assert not heard(world).anonymous_admin


def test_a_button_is_pressed() -> None:
    """Who pressed it, where, and under which message."""
    world = World("bot")
    world.push(
        callback_query={
            "id": "q1",
            "from": {"id": 5, "first_name": "Ann", "last_name": "Lee"},
            "data": "approve:1",
            "message": {"message_id": 9, "date": 0, "chat": world.chat(GROUP).to_json()},
        }
    )
    press = heard(world)
    assert press.button == Button("q1", "approve:1", 9)
    assert (press.chat_id, press.user_id, press.name, press.topic) == (GROUP, 5, "Ann Lee", None)


def test_the_bot_comes_and_goes() -> None:
    """A promotion is no coming; a block in private is a going."""
    world = World("bot")
    for was, status, joined, left in (
        ("left", "member", True, False),
        ("member", "administrator", False, False),
        ("administrator", "kicked", False, True),
        ("kicked", "member", True, False),
        ("member", "restricted", False, True),
    ):
        world.membership(GROUP, status, was)
        assert (heard(world).joined, heard(world).left) == (joined, left)


def test_a_group_moves() -> None:
    """Its old chat says where to."""
    world = World("bot")
    world.migrate(GROUP, FORUM)
    assert (heard(world).chat_id, heard(world).moved_to) == (GROUP, FORUM)


@given(JSON)
def test_nothing_that_telegram_says_is_a_fault(said: object) -> None:
    """What makes no sense still has its id, or else is left out."""
    assert isinstance(parse_update({"update_id": 5, "message": said}), Update)
    assert parse_update({"update_id": 5, "callback_query": said}).id == 5
    parse_update(said)
    assert len(parse_updates([{"update_id": 5, "my_chat_member": said}, said])) in (1, 2)
    parse_updates(said)
