"""Response URLs: half an hour, five posts, and what each may change."""

from typing import Any

import pytest
from aiohttp import ClientSession
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack import SlackSandbox
from tests.rooms.sandbox.slack.raw_app import answering

BUTTON: dict[str, Any] = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}],
}


async def command_url(slack: SlackSandbox, channel: str = "C0PROD") -> AsyncWebhookClient:
    """The response URL of a command of Ann's."""
    result = await slack.person("ann").types(channel, "jobs failed")
    assert result.payload is not None
    return AsyncWebhookClient(result.payload["response_url"])


async def button_url(slack: SlackSandbox, message: Any) -> AsyncWebhookClient:
    """The response URL of Ann's press of Go."""
    result = await slack.person("ann").presses(message, "Go")
    assert result.payload is not None
    return AsyncWebhookClient(result.payload["response_url"])


async def test_five_posts_and_no_sixth(slack: SlackSandbox) -> None:
    """The sixth is a 404."""
    url = await command_url(slack)
    answers = [await url.send(text=str(number)) for number in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert "used_url" in answers[-1].body
    texts = [message.text for message in slack.ephemerals("ann", "prod") if not message.is_notice]
    assert texts == ["0", "1", "2", "3", "4"]


async def test_half_an_hour_and_no_longer(slack: SlackSandbox, clock: Any) -> None:
    """After 30 minutes the URL has expired."""
    url = await command_url(slack)
    clock.move(30 * 60)
    in_time = await url.send(text="x")
    clock.move(1)
    late = await url.send(text="x")

    assert (in_time.status_code, late.status_code) == (200, 404)
    assert "expired_url" in late.body


async def test_the_first_answer_in_the_channel_shows_the_command(slack: SlackSandbox) -> None:
    """Once; and the command is no message that a history holds."""
    url = await command_url(slack)
    await url.send(text="one", response_type="in_channel")
    await url.send(text="two", response_type="in_channel")
    channel = slack.workspace.snapshot("U0OLE")["channels"][0]

    shown = [(message["is_command"], message["text"]) for message in channel["messages"]]
    assert shown == [(True, "/veeam jobs failed"), (False, "one"), (False, "two")]
    assert [message.text for message in slack.messages("prod")] == ["one", "two"]


async def test_it_works_where_the_bot_is_not(slack: SlackSandbox) -> None:
    """In a private channel that the app cannot write to by token."""
    answer = await (await command_url(slack, "C0SECRET")).send(text="x", response_type="in_channel")

    assert answer.status_code == 200
    assert [message.text for message in slack.messages("secret")] == ["x"]


async def test_what_cannot_be_shown_is_refused(slack: SlackSandbox) -> None:
    """Wrong blocks and empty answers give an error status and change nothing."""
    url = await command_url(slack)
    wrong = await url.send(text="x", blocks=[{"type": "nonsense"}])
    empty = await url.send(text="")

    assert (wrong.status_code, wrong.body) == (400, "invalid_blocks")
    assert (empty.status_code, empty.body) == (400, "no_text")
    assert [message for message in slack.ephemerals("ann", "prod") if not message.is_notice] == []


async def test_an_ephemeral_message_is_replaced_and_deleted_by_it_alone(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """replace_original and delete_original work on the message that held the button."""
    await client.chat_postEphemeral(channel="C0PROD", user="U0ANN", text="sure?", blocks=[BUTTON])
    (message,) = slack.ephemerals("ann", "prod")
    async with answering(slack) as received:
        url = await button_url(slack, message)
    await url.send(text="done", replace_original=True)
    replaced = [each.text for each in slack.ephemerals("ann", "prod")]
    deleted = await url.send(delete_original=True)
    again = await url.send(text="x", replace_original=True)

    assert received[0]["payload"]["container"]["is_ephemeral"] is True
    assert (replaced, deleted.status_code, again.status_code) == (["done"], 200, 400)
    assert slack.ephemerals("ann", "prod") == []


async def test_a_message_is_replaced_or_answered_in_its_thread(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """replace_original changes the root; thread_ts with in_channel answers below it."""
    await client.chat_postMessage(channel="C0PROD", text="root", blocks=[BUTTON])
    (root,) = slack.messages("prod")
    async with answering(slack):
        url = await button_url(slack, root)
    below = {"text": "below", "thread_ts": root.ts, "response_type": "in_channel", "replace_original": False}
    await url.send_dict(below)
    await url.send(text="changed", replace_original=True)

    assert (root.text, root.blocks) == ("changed", [])
    assert [reply.text for reply in slack.thread("prod", root.ts)] == ["below"]


@pytest.mark.parametrize("body", ["not json", "[]"])
async def test_only_json_objects_are_taken(slack: SlackSandbox, body: str) -> None:
    """Anything else is a 400."""
    url = await command_url(slack)
    async with ClientSession() as session, session.post(url.url, data=body) as response:
        answer = (response.status, await response.text())

    assert answer == (400, "invalid_payload")
