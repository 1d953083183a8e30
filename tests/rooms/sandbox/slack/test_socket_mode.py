"""Socket Mode, with slack_bolt at the other end."""

from typing import Any

from slack_bolt.app.async_app import AsyncApp

from bot.sandbox.slack import SlackSandbox

Payload = dict[str, Any]


async def test_a_command_is_answered_for_its_author_alone(
    slack: SlackSandbox, app: AsyncApp, connected: Any
) -> None:
    """The text of an acknowledgement shows as an ephemeral message."""

    @app.command("/veeam")
    async def hear(ack: Any, command: Payload) -> None:
        await ack(f"you said {command['text']}")

    async with connected():
        result = await slack.person("ann").types("C0PROD", "jobs failed")

    assert result.shown == "ok"
    assert [message.text for message in slack.ephemerals("ann", "prod")] == ["you said jobs failed"]
    assert slack.ephemerals("ole", "prod") == []
    assert slack.messages("prod") == []


async def test_a_button_reaches_its_listener_and_changes_its_message(
    slack: SlackSandbox, app: AsyncApp
) -> None:
    """Pressing by label sends the button's value; chat.update changes what stands in the channel."""
    button = {
        "type": "button",
        "action_id": "retry",
        "value": "job-1",
        "text": {"type": "plain_text", "text": "Retry"},
    }

    @app.action("retry")
    async def hear(ack: Any, body: Payload, client: Any) -> None:
        await ack()
        await client.chat_update(
            channel=body["channel"]["id"],
            ts=body["message"]["ts"],
            text=f"retried {body['actions'][0]['value']}",
            blocks=[],
        )

    async with connected():
        posted = await app.client.chat_postMessage(
            channel="C0PROD",
            text="SQL Prod failed",
            blocks=[{"type": "actions", "elements": [button]}],
            metadata={"event_type": "veeam_session", "event_payload": {"session_id": "s1"}},
        )
        (message,) = slack.messages("prod")
        result = await slack.person("ole").presses(message, "Retry")
        await slack.wait_until(lambda: message.text == "retried job-1")

    assert result.shown == "ok"
    assert posted["ts"] == message.ts
    assert message.metadata == {"event_type": "veeam_session", "event_payload": {"session_id": "s1"}}
