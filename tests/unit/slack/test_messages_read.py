"""What a message to the bot asks for, and which messages ask for nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.catalog import TYPED
from bot.operations.commands import parse_first
from bot.operations.model import KnownJob, Origin, Topic
from bot.operations.outcomes import SyntaxProblem
from bot.slack.gestures import asked_in, read_message, topic_of
from bot.slack.text import typed_line
from bot.veeam import JobId, ServerName, SessionId

BOT, JOB = "U0VEEAMBOT", "6c76bb17-8695-4f7c-981f-670789edd8f3"


def body(**changes: Any) -> dict[str, Any]:
    """The event `app_mention`, with other fields in it; None takes one away."""
    event = {
        "type": "app_mention",
        "user": "U0ANN",
        "text": f"<@{BOT}> jobs failed",
        "ts": "1763899200.000100",
        "channel": "C0PROD",
        "event_ts": "1763899200.000100",
    } | changes
    kept = {key: value for key, value in event.items() if value is not None}
    return {"type": "event_callback", "team_id": "T0ACME", "event_id": "Ev1", "event": kept}


def direct(**changes: Any) -> dict[str, Any]:
    """The event `message.im`."""
    plain = {"type": "message", "channel_type": "im", "channel": "D0ANN", "text": "jobs failed"}
    return body(**plain | changes)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (f"<@{BOT}> jobs failed", ["jobs failed"]),
        (f"<@{BOT}|veeam> jobs failed", ["jobs failed"]),
        (f"<@{BOT}>: jobs failed", ["jobs failed"]),
        (f"<@{BOT}>,jobs failed", ["jobs failed"]),
        (f"jobs failed <@{BOT}>", ["jobs failed"]),
        (f"please <@{BOT}> jobs failed", ["jobs failed", "please   jobs failed"]),
        (f"jobs <@{BOT}> failed", ["failed", "jobs   failed"]),
        (f"<@{BOT}> jobs failed <@{BOT}>", ["jobs failed"]),
        (f"<@{BOT}> <@{BOT}> jobs failed", ["jobs failed"]),
        (f"&gt; SQL Prod failed\n<@{BOT}> jobs failed", ["jobs failed"]),
        (f"&gt;SQL Prod failed\n&gt; again\n\n<@{BOT}> jobs failed", ["jobs failed"]),
        (f"<@{BOT}> jobs failed\n&gt; SQL Prod failed", ["jobs failed"]),
        (f"<@{BOT}> jobs failed\n&gt;&gt;&gt; SQL Prod failed\nlast night", ["jobs failed"]),
        (f"<@{BOT}> jobs a &gt; b", ["jobs a &gt; b"]),
        (f"<@{BOT}>", [""]),
        (f" \n<@{BOT}>\n", [""]),
        ("", [""]),
        (f"<@{BOT}> whoami <@U0BEN>", ["whoami <@U0BEN>"]),
        (f"<@{BOT}X> jobs", [f"<@{BOT}X> jobs"]),
    ],
)
def test_what_a_message_may_ask(text: str, asked: list[str]) -> None:
    """What follows the first mention is likeliest; mentions and quotations are no part of it."""
    assert list(asked_in(text, {BOT})) == asked


@pytest.mark.parametrize(
    "text", [f"jobs <@{BOT}> failed", f"hi <@{BOT}> jobs failed", f"jobs failed, <@{BOT}>"]
)
def test_a_mention_stands_anywhere(text: str) -> None:
    """In front, in the middle or at the end: the same is asked."""
    texts = [typed_line(each) for each in asked_in(text, {BOT})]

    assert parse_first(texts, TYPED) == parse_first(["jobs failed"], TYPED)


@pytest.mark.parametrize("piece", ["a ", "x", '" ', "&gt;", "<", f"<@{BOT}> x ", "'a \"", "24h ", "<@U1> "])
def test_a_long_message_is_read_as_far_as_commands_go(piece: str) -> None:
    """Slack takes 40,000 characters; names have a few hundred, and what is longer is explained."""
    texts = asked_in(f"<@{BOT}> job {piece * (40_000 // len(piece))}", {BOT})

    assert all(len(each) <= 1_000 for each in texts)
    parse_first([typed_line(each) for each in texts], TYPED)


@given(st.text(alphabet=st.sampled_from(f"<@>{BOT}|&gt; \n:,`*_ab"), max_size=200) | st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    """Nothing that people write breaks the reading, and no mention of the bot is left in it."""
    texts = asked_in(text, {BOT})

    assert texts
    assert not any(f"<@{BOT}>" in each for each in texts if f"<@{BOT}>" not in text.replace(f"<@{BOT}>", ""))
    parse_first([typed_line(each) for each in texts], TYPED)


def test_who_asks_where() -> None:
    """The person, the place and the thread, and a key that is the same under another event ID."""
    read = read_message(body(thread_ts="1763899100.000100"), BOT)
    assert read is not None
    gesture, target = read.gesture, read.target
    assert (gesture.person_id, gesture.channel_id, gesture.thread_ts) == (
        "U0ANN",
        "C0PROD",
        "1763899100.000100",
    )
    assert (gesture.origin, gesture.is_direct, gesture.team_id) == (Origin.MENTION, False, "T0ACME")
    assert (target.thread_ts, target.response_url, target.is_direct_message) == (
        "1763899100.000100",
        None,
        False,
    )

    again = read_message(body() | {"event_id": "Ev2"}, BOT)
    assert again is not None
    assert again.gesture.delivery_key == gesture.delivery_key
    later = read_message(body(ts="1763899200.000200"), BOT)
    assert later is not None
    assert later.gesture.delivery_key != gesture.delivery_key


def test_a_direct_message() -> None:
    """It is answered by a message, in the conversation that it was written in."""
    read = read_message(direct(), BOT)
    assert read is not None
    assert (read.gesture.origin, read.gesture.is_direct, read.target.is_direct_message) == (
        Origin.MESSAGE,
        True,
        True,
    )
    assert read.texts == ("jobs failed",)


@pytest.mark.parametrize("team", ["user_team", "source_team", "team"])
def test_the_authors_team_counts(team: str) -> None:
    """A channel shared with another organisation: the wrapper names our team, the event the author's."""
    read = read_message(body(**{team: "T0OTHER"}), BOT)
    assert read is not None
    assert read.gesture.team_id == "T0OTHER"


@pytest.mark.parametrize("subtype", [None, "thread_broadcast", "file_share"])
def test_what_a_person_has_just_written(subtype: str | None) -> None:
    """A reply that the channel sees too, and a message with a file, are messages."""
    assert read_message(body(subtype=subtype, files=[{"id": "F1"}]), BOT) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_id": "B0OTHER"},
        {"user": BOT},
        {"user": None},
        {"channel": None},
        {"ts": None},
        {"edited": {"user": "U0ANN", "ts": "1.1"}},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"subtype": "bot_message"},
        {"subtype": "channel_join"},
        {"user": 5, "ts": [], "channel": {}},
        {"type": "message", "channel_type": "channel"},
        {"type": "message", "channel_type": "mpim"},
        {"type": "message"},
    ],
    ids=str,
)
def test_what_asks_for_nothing(changes: dict[str, Any]) -> None:
    """Bots, the bot itself, edits and all that is no new message of a person."""
    assert read_message(body(**changes), BOT) is None


@pytest.mark.parametrize("subtype", ["message_changed", "message_deleted", "bot_message", "tombstone"])
def test_what_is_no_message_to_the_bot(subtype: str) -> None:
    """Slack reports the bot's own edits in a direct conversation as messages, too."""
    assert read_message(direct(subtype=subtype), BOT) is None
    assert read_message(direct(user=BOT, bot_id="B0VEEAM"), BOT) is None


def test_the_other_id_of_the_bot() -> None:
    """On Enterprise Grid the bot may be mentioned by another ID than its token's."""
    event = body(text="<@W0BOT> jobs failed") | {"authorizations": [{"user_id": "W0BOT"}, {"user_id": 5}]}
    read = read_message(event, BOT)
    assert read is not None
    assert read.texts == ("jobs failed",)


def test_what_a_message_is_about() -> None:
    """By its metadata: the job, and the session where there is one."""
    payload = {"server": "hq", "job_id": JOB, "session_id": "s1", "result": "Failed"}
    job = KnownJob(ServerName("hq"), JobId(JOB))

    def of(payload: Any) -> Topic | None:
        return topic_of({"metadata": {"event_type": "veeam_session", "event_payload": payload}})

    assert of(payload) == Topic(job, SessionId("s1"))
    assert of({"server": "hq", "job_id": JOB}) == Topic(job)
    others: list[Any] = [{}, {"server": "hq"}, {"server": 1, "job_id": 2}, [], None]
    assert [of(other) for other in others] == [None] * 5


def test_an_unreadable_message_is_explained_by_what_follows_the_mention() -> None:
    """What is wrong is said of the likeliest reading."""
    problem = parse_first(["jbos failed", "hi jbos failed"], TYPED)
    assert isinstance(problem, SyntaxProblem)
    assert problem.text == "jbos failed"
