"""What becomes of messages: posting, threads, updating, history and metadata, by slack_sdk's client."""

import itertools
from typing import Any

import pytest
from aiohttp import ClientSession
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.mentions import Notified

METADATA = {"event_type": "veeam_session", "event_payload": {"session_id": "s1"}}
PNG = b"\x89PNG\r\n\x1a\n and so on"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}


async def error_of(call: Any) -> str:
    """The error that a call is refused with."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def test_every_ts_is_new_and_later_though_the_clock_stands(client: AsyncWebClient) -> None:
    """A ts is the message's ID: seconds, a point, six digits."""
    stamps = [(await client.chat_postMessage(channel="C0PROD", text="x"))["ts"] for _ in range(4)]

    assert stamps == sorted(set(stamps))
    assert stamps[0] == "1763899200.000000"
    assert all(earlier < later for earlier, later in itertools.pairwise(stamps))


async def test_a_message_to_a_person_goes_to_the_direct_conversation(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """The answer names the D… that later calls need."""
    posted = await client.chat_postMessage(channel="U0ANN", text="x")

    assert posted["channel"] == "D0ANN"
    assert [message.text for message in slack.messages("D0ANN")] == ["x"]


async def test_stored_blocks_are_spelt_out(client: AsyncWebClient) -> None:
    """Slack adds IDs and defaults: nobody gets his own JSON back byte for byte."""
    posted = await client.chat_postMessage(channel="C0PROD", text="x", blocks=[SECTION])

    (block,) = posted["message"]["blocks"]
    assert block["text"] == {"type": "mrkdwn", "text": "x", "verbatim": False}
    assert block["block_id"]


async def test_a_thread_is_kept_apart_from_the_history(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Replies are in replies; a broadcast one is in the history too; the root counts them."""
    root = (await client.chat_postMessage(channel="C0PROD", text="root"))["ts"]
    await client.chat_postMessage(channel="C0PROD", text="quiet", thread_ts=root)
    loud = await client.chat_postMessage(channel="C0PROD", text="loud", thread_ts=root, reply_broadcast=True)
    history = await client.conversations_history(channel="C0PROD")
    replies = await client.conversations_replies(channel="C0PROD", ts=root)
    refused = await error_of(client.chat_postMessage(channel="C0PROD", text="x", thread_ts=loud["ts"]))

    assert [message["text"] for message in history["messages"]] == ["loud", "root"]
    assert history["messages"][0]["subtype"] == "thread_broadcast"
    assert [message["text"] for message in replies["messages"]] == ["root", "quiet", "loud"]
    first = replies["messages"][0]
    assert (first["thread_ts"], first["reply_count"], first["latest_reply"]) == (root, 2, loud["ts"])
    assert first["reply_users"] == ["U0VEEAMBOT"]
    assert [message.text for message in slack.thread("prod", root)] == ["quiet", "loud"]
    assert refused == "cannot_reply_to_message"


async def test_metadata_comes_back_whole_only_when_asked_for(client: AsyncWebClient) -> None:
    """Without include_all_metadata the payload is missing."""
    await client.chat_postMessage(channel="C0PROD", text="x", metadata=METADATA)
    asked = await client.conversations_history(channel="C0PROD", include_all_metadata=True)
    plain = await client.conversations_history(channel="C0PROD")

    assert asked["messages"][0]["metadata"] == METADATA
    assert plain["messages"][0]["metadata"] == {"event_type": "veeam_session"}


async def test_history_is_read_in_pages_and_within_bounds(client: AsyncWebClient, clock: Any) -> None:
    """Newest first; `oldest` and `latest` leave their own instant out unless inclusive."""
    stamps = []
    for number in range(5):
        stamps.append((await client.chat_postMessage(channel="C0PROD", text=str(number)))["ts"])
        clock.move(1)
    first = await client.conversations_history(channel="C0PROD", limit=3)
    cursor = first["response_metadata"]["next_cursor"]
    await client.chat_postMessage(channel="C0PROD", text="meanwhile")
    second = await client.conversations_history(channel="C0PROD", limit=3, cursor=cursor)
    later = await client.conversations_history(channel="C0PROD", oldest=stamps[2], latest=stamps[4])
    between = await client.conversations_history(
        channel="C0PROD", oldest=stamps[1], latest=stamps[3], inclusive=True
    )

    def texts(answer: Any) -> list[str]:
        return [message["text"] for message in answer["messages"]]

    assert (texts(first), first["has_more"]) == (["4", "3", "2"], True)
    assert (texts(second), second["has_more"]) == (["1", "0"], False)
    assert second["response_metadata"]["next_cursor"] == ""
    assert texts(later) == ["3"]
    assert texts(between) == ["3", "2", "1"]


async def test_an_update_replaces_what_it_names(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Text alone removes the blocks; metadata that is left out stays, and {} removes it."""
    posted = await client.chat_postMessage(
        channel="C0PROD", text="old", blocks=[SECTION], metadata=METADATA, attachments=[{"text": "a"}]
    )
    place = {"channel": "C0PROD", "ts": posted["ts"]}
    (message,) = slack.messages("prod")

    await client.chat_update(**place, text="new", blocks=[SECTION])
    assert (message.text, len(message.blocks), message.metadata, message.edited_ts) == (
        "new",
        1,
        METADATA,
        None,
    )
    await client.chat_update(**place, text="newer")
    assert (message.text, message.blocks, len(message.content.attachments)) == ("newer", [], 1)
    assert message.edited_ts is not None
    await client.chat_update(**place, text="newest", metadata={}, attachments=[])
    assert (message.metadata, message.content.attachments) == (None, [])
    assert await error_of(client.chat_update(**place, text="x" * 4001)) == "msg_too_long"
    assert message.text == "newest"


async def test_only_own_messages_change(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """What a person wrote is not updated; an ephemeral message isn't found at all."""
    written = await slack.person("ann").says("C0PROD", "mine")
    ephemeral = await client.chat_postEphemeral(channel="C0PROD", user="U0ANN", text="psst")
    mine, hidden = written.ts, ephemeral["message_ts"]

    assert await error_of(client.chat_update(channel="C0PROD", ts=mine, text="x")) == "cant_update_message"
    assert await error_of(client.chat_update(channel="C0PROD", ts=hidden, text="x")) == "message_not_found"


async def test_a_deleted_root_leaves_a_tombstone(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """With replies it stays as a stone; without, it is gone."""
    root = await client.chat_postMessage(channel="C0PROD", text="root")
    reply = await client.chat_postMessage(channel="C0PROD", text="reply", thread_ts=root["ts"])
    messages = slack.workspace.conversations.channel("prod").messages
    slack.workspace.conversations.delete(messages[root["ts"]])
    stone = (await client.conversations_history(channel="C0PROD"))["messages"][0]
    slack.workspace.conversations.delete(messages[reply["ts"]])

    assert (stone["subtype"], stone["user"], stone["reply_count"]) == ("tombstone", "USLACKBOT", 1)
    assert slack.thread("prod", root["ts"]) == []


async def test_an_archived_channel_freezes_its_messages(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Neither post nor update; reading goes on."""
    posted = await client.chat_postMessage(channel="C0PROD", text="x")
    slack.workspace.conversations.set_archived("C0PROD", archived=True)

    assert await error_of(client.chat_update(channel="C0PROD", ts=posted["ts"], text="y")) == "is_inactive"
    assert await error_of(client.chat_postMessage(channel="C0PROD", text="y")) == "is_archived"
    assert len((await client.conversations_history(channel="C0PROD"))["messages"]) == 1


async def test_a_public_channel_can_be_written_to_by_scope(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """chat:write.public posts without joining, and then reading it back is refused."""
    slack.workspace.app.scopes.add("chat:write.public")
    await client.chat_postMessage(channel="C0RANDOM", text="x")
    unread = await error_of(client.conversations_history(channel="C0RANDOM"))

    assert (unread, len(slack.messages("random"))) == ("not_in_channel", 1)


async def test_more_than_one_table_is_refused(client: AsyncWebClient) -> None:
    """One table a message."""
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}

    assert (await client.chat_postMessage(channel="C0PROD", text="x", blocks=[table]))["ok"]
    assert await error_of(client.chat_postMessage(channel="C0PROD", text="x", blocks=[table] * 2)) == (
        "invalid_attachments"
    )


async def test_blocks_that_are_too_big_in_all_are_refused(client: AsyncWebClient) -> None:
    """Each block fits, all of them together don't."""
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}

    assert await error_of(client.chat_postMessage(channel="C0PROD", text="x", blocks=[long] * 5)) == (
        "msg_blocks_too_long"
    )


async def test_texts_above_four_thousand_pass_only_unstrictly(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """Unstrictly Slack takes 40,000 and cuts the rest off with a warning."""
    slack.services.is_strict = False
    answer = await client.chat_postMessage(channel="C0PROD", text="x" * 40_001)

    assert answer["response_metadata"]["warnings"] == ["message_truncated"]
    assert len(slack.messages("prod")[0].text) == 40_000


async def test_a_link_names_the_thread(client: AsyncWebClient) -> None:
    """A reply's link leads into its thread."""
    root = (await client.chat_postMessage(channel="C0PROD", text="x"))["ts"]
    reply = (await client.chat_postMessage(channel="C0PROD", text="x", thread_ts=root))["ts"]
    link = await client.chat_getPermalink(channel="C0PROD", message_ts=reply)

    assert link["permalink"].endswith(f"?thread_ts={root}&cid=C0PROD")


async def test_a_file_goes_in_three_steps(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """files_upload_v2 announces, uploads and shares."""
    slack.workspace.app.scopes.add("files:write")
    await client.files_upload_v2(
        filename="log.txt",
        content="lines",
        channel="C0PROD",
        initial_comment="the log",
        request_file_info=False,
    )

    assert [message.text for message in slack.messages("prod")] == ["the log"]
    (stored,) = slack.services.files.values()
    assert (stored.content, stored.channels) == (b"lines", ["C0PROD"])


async def uploaded(slack: SlackSandbox, client: AsyncWebClient, content: bytes, *, complete: bool) -> str:
    """Upload a file that is in no channel; return its ID."""
    slack.workspace.app.scopes.add("files:write")
    begun = await client.files_getUploadURLExternal(filename="days.png", length=len(content))
    async with ClientSession() as session, session.post(begun["upload_url"], data=content) as response:
        assert await response.text() == f"OK - {len(content)}"
    if complete:
        await client.files_completeUploadExternal(files=[{"id": begun["file_id"], "title": "days"}])
    return str(begun["file_id"])


def showing(file_id: str) -> dict[str, Any]:
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": "a picture"}


async def test_a_message_shows_an_uploaded_picture(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Also one that is in no channel; its bytes are where the message says."""
    file_id = await uploaded(slack, client, PNG, complete=True)
    posted = await client.chat_postMessage(channel="C0PROD", text="x", blocks=[showing(file_id)])
    await client.chat_update(channel="C0PROD", ts=posted["ts"], text="y", blocks=[showing(file_id)])
    (message,) = slack.messages("prod")
    async with ClientSession() as session, session.get(message.blocks[0]["slack_file"]["url"]) as response:
        assert (response.content_type, await response.read()) == ("image/png", PNG)


@pytest.mark.parametrize(
    ("content", "complete", "seconds"), [(PNG, False, 0), (b"no picture", True, 0), (PNG, True, 60)]
)
async def test_a_file_that_cannot_be_shown_yet(
    slack: SlackSandbox, client: AsyncWebClient, *, content: bytes, complete: bool, seconds: float
) -> None:
    """Not completed, no picture, or still looked at: Slack refuses the message, and names the block."""
    slack.services.file_seconds = seconds
    file_id = await uploaded(slack, client, content, complete=complete)
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C0PROD", text="x", blocks=[showing(file_id)])
    assert refused.value.response["error"] == "invalid_blocks"
    assert refused.value.response["response_metadata"]["messages"] == [
        "[ERROR] invalid slack file [json-pointer:/blocks/0/slack_file]"
    ]
    assert slack.messages("prod") == []


async def test_who_is_notified_is_known(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Tokens in text and blocks count; escaped ones and bare handles don't, unless link_names says so."""
    text = "<@U0ANN> &lt;!channel&gt; @ole"
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "<!subteam^S0ONCALL|@oncall> <!here>"}}]
    await client.chat_postMessage(channel="C0PROD", text=text, blocks=blocks)
    await client.chat_postMessage(channel="C0PROD", text="@oncall @ole @here", link_names=True)
    plain, linked = slack.messages("prod")

    assert slack.notified(plain) == Notified(
        users=frozenset({"U0ANN"}), groups=frozenset({"S0ONCALL"}), broadcasts=frozenset({"here"})
    )
    assert slack.notified(linked) == Notified(
        users=frozenset({"U0OLE"}), groups=frozenset({"S0ONCALL"}), broadcasts=frozenset({"here"})
    )
