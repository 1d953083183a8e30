"""People and user groups as the Web API shows them, and the events of their changes."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.people import UserGroup
from tests.rooms.sandbox.slack.raw_app import answering

FLAGS = (
    "deleted",
    "is_admin",
    "is_restricted",
    "is_ultra_restricted",
    "is_bot",
    "is_invited_user",
    "is_stranger",
)


@pytest.mark.parametrize(
    ("person", "flags", "team"),
    [
        ("U0ANN", {}, "T0ACME"),
        ("U0ADA", {"is_admin"}, "T0ACME"),
        ("U0GUS", {"is_restricted"}, "T0ACME"),
        ("U0SIA", {"is_restricted", "is_ultra_restricted"}, "T0ACME"),
        ("U0DEE", {"deleted"}, "T0ACME"),
        ("U0INA", {"is_invited_user"}, "T0ACME"),
        ("U0VEEAMBOT", {"is_bot"}, "T0ACME"),
        ("U0FAY", {}, "T0OTHER"),
        ("U0STU", {"is_stranger"}, "T0OTHER"),
        ("USLACKBOT", {}, "T0ACME"),
    ],
)
async def test_each_kind_of_account_shows_by_its_flags(
    client: AsyncWebClient, person: str, flags: set[str], team: str
) -> None:
    """A foreign person is no stranger: only the team tells."""
    user = (await client.users_info(user=person))["user"]

    assert {flag for flag in FLAGS if user.get(flag)} == set(flags)
    assert user["team_id"] == team


async def test_groups_come_whole_in_one_answer(client: AsyncWebClient) -> None:
    """Members, number and disabled groups only on request; a number may be a string."""
    bare = await client.usergroups_list()
    whole = await client.usergroups_list(include_users=True, include_count=True, include_disabled=True)

    assert "users" not in bare["usergroups"][0]
    by_id = {group["id"]: group for group in whole["usergroups"]}
    assert set(by_id) - {group["id"] for group in bare["usergroups"]} == {"S0FORMER"}
    assert (by_id["S0ONCALL"]["users"], by_id["S0ONCALL"]["user_count"]) == (["U0ANN", "U0OLE"], "2")
    assert (by_id["S0ONCALL"]["handle"], by_id["S0ONCALL"]["date_delete"]) == ("oncall", 0)
    assert by_id["S0FORMER"]["date_delete"] != 0
    assert by_id["S0FORMER"]["users"] == ["U0NIA"]


async def test_changes_of_groups_are_told(slack: SlackSandbox) -> None:
    """Members, switching off and on, a new handle, a new group."""
    directory = slack.workspace.directory
    async with answering(slack) as received:
        before = directory.group("oncall").date_update
        directory.set_members("S0ONCALL", ["U0OLE", "U0NIA"])
        directory.set_disabled("S0ONCALL", disabled=True)
        directory.set_disabled("S0ONCALL", disabled=False)
        directory.rename_handle("S0ONCALL", "standby")
        directory.create_group(UserGroup("S0NEW", "new", "New"))
        await slack.wait_until(lambda: len(received) == 6)

    events: list[Any] = [each["payload"]["event"] for each in received]
    by_type = {event["type"]: event for event in events}
    changed = by_type["subteam_members_changed"]
    assert (changed["added_users"], changed["removed_users"]) == (["U0NIA"], ["U0ANN"])
    assert changed["date_previous_update"] == before
    assert changed["date_update"] > before
    assert sorted(event["type"] for event in events) == [
        "subteam_created",
        "subteam_members_changed",
        *["subteam_updated"] * 4,
    ]
    assert directory.group("standby").users == ["U0OLE", "U0NIA"]


async def test_an_event_without_its_scope_or_subscription_is_not_sent(slack: SlackSandbox) -> None:
    """Neither user_change, which isn't subscribed, nor subteam_*, whose scope is gone."""
    slack.faults.withdraw_scope("usergroups:read")
    async with answering(slack) as received:
        slack.workspace.directory.set_members("S0ONCALL", [])
        slack.workspace.directory.change_kind("U0OLE", "deactivated")
        slack.workspace.conversations.set_archived("C0WAR", archived=True)
        await slack.wait_until(lambda: received)

    assert [each["payload"]["event"]["type"] for each in received] == ["group_archive"]


async def test_a_channel_may_get_another_id(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """The old one is gone, the event names both."""
    await client.chat_postMessage(channel="C0PROD", text="x")
    async with answering(slack) as received:
        slack.workspace.conversations.change_id("C0PROD", "C0PRODNEW")
        await slack.wait_until(lambda: received)
    history = await client.conversations_history(channel="C0PRODNEW")

    event = received[0]["payload"]["event"]
    assert (event["old_channel_id"], event["new_channel_id"]) == ("C0PROD", "C0PRODNEW")
    assert len(history["messages"]) == 1
