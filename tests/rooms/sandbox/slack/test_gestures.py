"""People at their clients: what they may do, and the payloads that come of it."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import GestureImpossible, SlackSandbox
from bot.sandbox.slack.app import Shortcut
from tests.rooms.sandbox.slack.raw_app import answering

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


CONFIRM: Json = {"title": plain("Stop?"), "text": plain("Now"), "confirm": plain("Stop"), "deny": plain("No")}
BLOCKS: list[Json] = [
    {
        "type": "section",
        "block_id": "text",
        "text": {"type": "mrkdwn", "text": "SQL Prod"},
        "accessory": {
            "type": "overflow",
            "action_id": "more",
            "options": [
                {"text": plain("Disable"), "value": "disable:1"},
                {"text": plain("Delete"), "value": "delete:1"},
                {"text": plain("Log"), "value": "log:1", "url": "https://x.example/log"},
            ],
        },
    },
    {
        "type": "actions",
        "block_id": "acts",
        "elements": [
            {"type": "button", "action_id": "retry", "value": "1", "text": plain("Retry")},
            {"type": "button", "action_id": "stop", "text": plain("Stop"), "confirm": CONFIRM},
            {"type": "button", "action_id": "docs", "text": plain("Docs"), "url": "https://x.example/"},
            {
                "type": "static_select",
                "action_id": "filter",
                "options": [{"text": plain("Failed"), "value": "failed"}],
            },
        ],
    },
]


async def posted(slack: SlackSandbox, client: AsyncWebClient, channel: str = "C0PROD", **more: Any) -> Any:
    """A message with something of everything."""
    await client.chat_postMessage(channel=channel, text="SQL Prod failed", blocks=BLOCKS, **more)
    return slack.workspace.conversations.channels[channel].messages[
        next(reversed(list(_stamps(slack, channel))))
    ]


def _stamps(slack: SlackSandbox, channel: str) -> Any:
    return slack.workspace.conversations.channels[channel].messages


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("jobs failed", "jobs failed"),
        ("  help  ", "  help  "),
        ("", ""),
        ("whoami @ann", "whoami <@U0ANN|ann>"),
        ("whoami @nobody", "whoami @nobody"),
        ("tell @oncall", "tell <!subteam^S0ONCALL|@oncall>"),
        ("in #backups", "in <#C0BACKUPS|backups>"),
        ("in #secret", "in <#C0SECRET|>"),
        ("see https://x.example/a?b&c", "see <https://x.example/a?b&amp;c>"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("mail a@ann.example", "mail a@ann.example"),
        ("job “SQL Prod”", "job “SQL Prod”"),
    ],
)
async def test_a_command_is_escaped_as_its_manifest_says(slack: SlackSandbox, typed: str, sent: str) -> None:
    """With should_escape people, groups, channels and links become tokens; without, nothing does."""
    async with answering(slack) as received:
        await slack.person("ann").types("C0PROD", typed)
        slack.workspace.app.commands["/veeam"] = False
        await slack.person("ann").types("C0PROD", typed)

    assert [each["payload"]["text"] for each in received] == [sent, typed]


async def test_a_command_payload_is_flat_and_of_strings(slack: SlackSandbox) -> None:
    """Exactly Slack's keys; a private channel's name is not told."""
    async with answering(slack) as received:
        await slack.person("ann").types("C0SECRET", "help")

    payload = received[0]["payload"]
    assert set(payload) == {
        "token",
        "team_id",
        "team_domain",
        "channel_id",
        "channel_name",
        "user_id",
        "user_name",
        "command",
        "text",
        "api_app_id",
        "is_enterprise_install",
        "response_url",
        "trigger_id",
    }
    assert all(isinstance(value, str) for value in payload.values())
    assert (payload["channel_name"], payload["is_enterprise_install"]) == ("privategroup", "false")


async def test_an_acknowledgement_that_cannot_be_shown_fails(slack: SlackSandbox) -> None:
    """Wrong blocks in the answer: the person reads which error."""
    async with answering(slack, {"text": "x", "blocks": [{"type": "nonsense"}]}):
        result = await slack.person("ann").types("C0PROD", "help")

    assert (result.shown, result.text) == ("invalid_answer", '/veeam failed with the error "invalid_blocks"')


async def test_a_press_says_who_pressed_what_and_where(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """block_actions with container, message, state, metadata, trigger and response URL."""
    metadata = {"event_type": "veeam_session", "event_payload": {"session_id": "s1"}}
    message = await posted(slack, client, metadata=metadata)
    async with answering(slack) as received:
        await slack.person("ann").chooses(message, "filter", "Failed")
        result = await slack.person("ann").presses(message, "Retry")

    payload = received[1]["payload"]
    action = payload["actions"][0]
    assert result.payload == payload
    assert (payload["type"], payload["api_app_id"]) == ("block_actions", "A0VEEAM")
    assert payload["team"] == {"id": "T0ACME", "domain": "acme"}
    assert (payload["enterprise"], payload["is_enterprise_install"]) == (None, False)
    assert payload["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": "C0PROD",
        "is_ephemeral": False,
    }
    assert payload["channel"] == {"id": "C0PROD", "name": "prod"}
    assert payload["message"]["metadata"] == metadata
    assert (payload["message"]["bot_id"], payload["message"]["app_id"]) == ("B0VEEAM", "A0VEEAM")
    assert payload["state"]["values"]["acts"]["filter"]["selected_option"]["value"] == "failed"
    assert (action["type"], action["action_id"], action["block_id"], action["value"]) == (
        "button",
        "retry",
        "acts",
        "1",
    )
    assert action["text"] == {"type": "plain_text", "text": "Retry", "emoji": True}


async def test_labels_are_found_in_overflow_menus_too(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """An entry's value comes as selected_option."""
    message = await posted(slack, client)
    async with answering(slack) as received:
        await slack.person("ann").presses(message, "Delete")

    (action,) = received[0]["payload"]["actions"]
    assert (action["type"], action["selected_option"]["value"]) == ("overflow", "delete:1")


async def test_a_confirmation_is_the_clients_work(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Denied, nothing is sent; confirmed, the payload says nothing of the question."""
    message = await posted(slack, client)
    async with answering(slack) as received:
        denied = await slack.person("ann").presses(message, "Stop", confirms=False)
        confirmed = await slack.person("ann").presses(message, "Stop")

    assert denied.payload is None
    assert denied.confirm is not None
    assert denied.confirm["title"]["text"] == "Stop?"
    assert confirmed.confirm == denied.confirm
    assert len(received) == 1


async def test_a_link_button_opens_its_address_and_tells_the_app(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """Both; it wants its acknowledgement like any other."""
    message = await posted(slack, client)
    async with answering(slack) as received:
        button = await slack.person("ann").presses(message, "Docs")
        entry = await slack.person("ann").presses(message, "Log")
        plain = await slack.person("ann").presses(message, "Retry")

    opened = [button.opened_url, entry.opened_url, plain.opened_url]
    assert opened == ["https://x.example/", "https://x.example/log", None]
    assert len(received) == 3


async def test_a_press_can_come_twice(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Delivered again it is the same payload; pressed twice it is two."""
    message = await posted(slack, client)
    async with answering(slack) as received:
        result = await slack.person("ann").presses(message, "Retry")
        again = await result.redeliver()
        await slack.person("ann").presses_twice(message, "Retry")

    payloads = [each["payload"] for each in received]
    assert again.shown == "ok"
    assert payloads[0] == payloads[1]
    assert payloads[2]["trigger_id"] != payloads[3]["trigger_id"]
    assert received[0]["envelope_id"] != received[1]["envelope_id"]


async def test_blocks_in_attachments_say_so(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """container.type is message_attachment."""
    await client.chat_postMessage(
        channel="C0PROD", text="x", attachments=[{"color": "#E01E5A", "fallback": "x", "blocks": BLOCKS}]
    )
    async with answering(slack) as received:
        await slack.person("ann").presses(slack.messages("prod")[0], "Retry")

    container = received[0]["payload"]["container"]
    assert (container["type"], container["attachment_id"]) == ("message_attachment", 1)


async def test_a_foreign_person_presses_with_a_foreign_team(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """Slack Connect: buttons are shared, commands are not."""
    message = await posted(slack, client, "C0SHARED")
    async with answering(slack) as received:
        await slack.person("fay").presses(message, "Retry")
        with pytest.raises(GestureImpossible):
            await slack.person("fay").types("C0SHARED", "help")

    payload = received[0]["payload"]
    assert (payload["user"]["team_id"], payload["team"]["id"]) == ("T0OTHER", "T0OTHER")


async def test_shortcuts_are_those_of_the_manifest(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """A global one has no channel; a message's one has the message, in threads too."""
    slack.workspace.app.shortcuts["veeam_about"] = Shortcut("veeam_about", "About this", "message")
    root = await posted(slack, client)
    reply = await posted(slack, client, thread_ts=root.ts)
    async with answering(slack) as received:
        await slack.person("ann").shortcut("veeam_jobs")
        await slack.person("ann").message_shortcut("veeam_about", reply)
        with pytest.raises(GestureImpossible):
            await slack.person("ann").shortcut("veeam_about")

    first, second = (each["payload"] for each in received)
    assert (first["type"], first["callback_id"], "channel" in first) == ("shortcut", "veeam_jobs", False)
    assert (second["type"], second["message_ts"]) == ("message_action", reply.ts)
    assert second["message"]["thread_ts"] == root.ts
    assert "response_url" in second


@pytest.mark.parametrize(
    ("person", "channel", "why"),
    [
        ("dee", "C0PROD", "deactivated"),
        ("ina", "C0PROD", "invited"),
        ("stu", "C0SHARED", "a stranger"),
        ("veeam", "C0PROD", "a bot"),
        ("sia", "C0PROD", "not a member"),
        ("ann", "C0OLD", "archived"),
        ("ole", "C0SECRET", "private"),
        ("ann", "C0NOWHERE", "no channel"),
    ],
)
async def test_commands_that_no_client_would_send(
    slack: SlackSandbox, person: str, channel: str, why: str
) -> None:
    """Nothing reaches the app."""
    with pytest.raises(GestureImpossible):
        await slack.person(person).types(channel, "help")

    assert slack.deliveries == [], why


async def test_presses_that_no_client_would_send(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """A label that isn't there, a channel out of sight, somebody else's ephemeral message, a deleted one."""
    message = await posted(slack, client)
    war = await posted(slack, client, "C0WAR")
    await client.chat_postEphemeral(channel="C0PROD", user="U0OLE", text="x", blocks=BLOCKS)
    (ephemeral,) = slack.ephemerals("ole", "prod")
    ann = slack.person("ann")
    for person, surface, label in (
        (ann, message, "Approve"),
        (slack.person("vic"), war, "Retry"),
        (ann, ephemeral, "Retry"),
        (slack.person("sia"), message, "Retry"),
    ):
        with pytest.raises(GestureImpossible):
            await person.presses(surface, label)
    slack.workspace.conversations.delete(message)
    with pytest.raises(GestureImpossible):
        await ann.presses(message, "Retry")

    assert slack.deliveries == []


async def test_a_message_of_a_person_is_an_event_where_subscribed(slack: SlackSandbox) -> None:
    """Only with the event and its scope, and where the bot is."""
    slack.workspace.app.events.add("message.channels")
    async with answering(slack) as received:
        await slack.person("ann").says("C0SECRET", "unheard")
        await slack.person("ann").says("C0PROD", "hello @veeam")
        await slack.wait_until(lambda: len(received) == 2)

    events = [each["payload"]["event"] for each in received]
    assert sorted(event["type"] for event in events) == ["app_mention", "message"]
    assert {event["text"] for event in events} == {"hello <@U0VEEAMBOT>"}


async def test_writing_where_one_may_not(slack: SlackSandbox) -> None:
    """A read-only channel is for admins; a thread must be there."""
    await slack.person("ada").says("C0ANNOUNCE", "hear, hear")
    with pytest.raises(GestureImpossible):
        await slack.person("ann").says("C0ANNOUNCE", "me too")
    with pytest.raises(GestureImpossible):
        await slack.person("ann").says("C0PROD", "where?", thread_ts="1.1")
