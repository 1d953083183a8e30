"""What an onlooker reads: snapshots by person, and every change in order."""

import asyncio
import json
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import GestureImpossible, SlackSandbox
from bot.sandbox.slack.app import App
from bot.sandbox.slack.snapshot import Change
from tests.rooms.sandbox.slack.raw_app import answering, raw_socket

MODAL = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Jobs"},
    "blocks": [{"type": "divider"}],
}


async def test_everybody_sees_his_own_workspace(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Ephemerals, modals and private channels are for those whom they concern."""
    await client.chat_postMessage(channel="C0PROD", text="<!subteam^S0ONCALL> failed")
    await client.chat_postEphemeral(channel="C0PROD", user="U0ANN", text="psst")
    async with answering(slack):
        typed = await slack.person("ann").types("C0PROD", "create")
    assert typed.payload is not None
    await client.views_open(trigger_id=typed.payload["trigger_id"], view=MODAL)
    ann, nia = slack.workspace.snapshot("U0ANN"), slack.workspace.snapshot("U0NIA")

    def texts(snapshot: Any) -> list[str]:
        prod = next(channel for channel in snapshot["channels"] if channel["id"] == "C0PROD")
        return [message["text"] for message in prod["messages"]]

    assert texts(ann) == ["<!subteam^S0ONCALL> failed", "psst"]
    assert texts(nia) == ["<!subteam^S0ONCALL> failed"]
    assert ann["channels"][0]["messages"][0]["mentions"] == ["U0ANN", "U0OLE"]
    assert (ann["modal_depth"], nia["modal"]) == (1, None)
    names = {channel["name"] for channel in nia["channels"]}
    assert {"war-room", "secret"} & names == set()
    assert json.loads(json.dumps(ann)) == ann
    assert ann["me"]["groups"] == ["backup-admins", "oncall"]


async def test_changes_come_in_order_to_those_whom_they_concern(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """From the first change after subscribing on."""
    await client.chat_postMessage(channel="C0PROD", text="before")
    async with slack.workspace.subscribe() as changes:
        root = await client.chat_postMessage(channel="C0PROD", text="root")
        await client.chat_postMessage(channel="C0PROD", text="reply", thread_ts=root["ts"])
        await client.chat_update(channel="C0PROD", ts=root["ts"], text="changed")
        await client.chat_postEphemeral(channel="C0PROD", user="U0ANN", text="psst")
        await client.chat_postMessage(channel="C0WAR", text="secret")
        seen: list[Change] = []
        async with asyncio.timeout(5):
            async for change in changes:
                seen.append(change)
                if len(seen) == 6:
                    break

    assert [change["kind"] for change in seen] == [
        "message_posted",
        "message_posted",
        "message_updated",
        "message_updated",
        "ephemeral_posted",
        "message_posted",
    ]
    concerns = slack.workspace.concerns
    assert [concerns(change, "U0ANN") for change in seen] == [True] * 6
    assert [concerns(change, "U0NIA") for change in seen] == [True] * 4 + [False] * 2
    assert json.loads(json.dumps(seen)) == seen


async def test_surfaces_are_looked_up(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """A message by channel and ts; an ephemeral one for its reader only; a view by ID."""
    hidden = await client.chat_postEphemeral(channel="C0PROD", user="U0ANN", text="psst")
    place = {"channel": "C0PROD", "ts": hidden["message_ts"]}

    assert slack.workspace.surface(**place, person="U0ANN") is slack.ephemerals("ann", "prod")[0]
    for wanted in ({**place, "person": "U0OLE"}, {"channel": "C0PROD", "ts": "1.1"}, {"view_id": "V1"}):
        with pytest.raises(GestureImpossible):
            slack.workspace.surface(**wanted)


def test_an_app_is_what_its_manifest_says() -> None:
    """Scopes, events, commands, shortcuts and switches."""
    app = App.from_manifest(
        {
            "display_information": {"name": "Veeam Bot"},
            "features": {
                "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
                "bot_user": {"display_name": "veeam"},
                "slash_commands": [{"command": "/vbr", "description": "x", "should_escape": True}],
                "shortcuts": [{"name": "Jobs", "type": "global", "callback_id": "jobs", "description": "x"}],
            },
            "oauth_config": {"scopes": {"bot": ["commands"]}},
            "settings": {
                "event_subscriptions": {"bot_events": ["app_home_opened"]},
                "socket_mode_enabled": True,
            },
        }
    )

    assert (app.name, app.scopes, app.events) == ("veeam", {"commands"}, {"app_home_opened"})
    assert app.commands == {"/vbr": True}
    assert (app.shortcuts["jobs"].type, app.home_enabled, app.socket_mode) == ("global", True, True)


async def test_waiting_ends_with_the_condition_or_the_limit(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """No polling: a change, a call or an answer wakes who waits."""
    async with asyncio.TaskGroup() as group:
        group.create_task(slack.wait_until(lambda: slack.messages("prod")))
        await client.chat_postMessage(channel="C0PROD", text="x")
    with pytest.raises(TimeoutError):
        await slack.wait_until(lambda: False, timeout=0.01)


async def test_a_port_that_is_taken_leaves_nothing_behind(slack: SlackSandbox) -> None:
    """The second sandbox fails cleanly."""
    taken = int(slack.api_url.split(":")[2].split("/")[0])

    with pytest.raises(OSError, match="address already in use"):
        await SlackSandbox(port=taken).__aenter__()


async def test_what_goes_wrong_inside_stays_what_it_is() -> None:
    """The sandbox wraps no exception of those who use it, also while something is under way."""
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - leaving the block is what is tested
        async with SlackSandbox() as slack, raw_socket(slack) as app:
            slack.workspace.emit({"type": "app_home_opened", "user": "U0ANN"})
            await app.receive()
            raise ZeroDivisionError
