"""Every refusal of the Web API, as a table: what was arranged, what was called, which error came."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.app import SCOPES

Arrange = Callable[[SlackSandbox], object]
ALL_SCOPES = SCOPES | {
    "im:write",
    "im:history",
    "im:read",
    "files:write",
    "mpim:read",
}
HELLO = {"channel": "C0PROD", "text": "hello"}
MODAL = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Jobs"},
    "blocks": [{"type": "divider"}],
}
HOME = {"type": "home", "blocks": [{"type": "divider"}]}


def showing(file_id: str) -> dict[str, Any]:
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": "a picture"}


def nothing(_slack: SlackSandbox) -> None:
    """The seed as it is."""


def free_plan(slack: SlackSandbox) -> None:
    slack.workspace.directory.has_paid_plan = False


def no_home(slack: SlackSandbox) -> None:
    slack.workspace.app.home_enabled = False


def no_direct_messages(slack: SlackSandbox) -> None:
    slack.workspace.app.messages_enabled = False


def hide_vic(slack: SlackSandbox) -> None:
    slack.workspace.directory.person("vic").is_hidden = True


def refused_by(error: str) -> Arrange:
    return lambda slack: slack.faults.revoke_tokens(error)


REFUSALS: list[tuple[Arrange, str, dict[str, Any], str]] = [
    (nothing, "chat.nonsense", {}, "unknown_method"),
    (refused_by("token_revoked"), "auth.test", {}, "token_revoked"),
    (refused_by("account_inactive"), "chat.postMessage", HELLO, "account_inactive"),
    (refused_by("token_expired"), "users.info", {"user": "U0ANN"}, "token_expired"),
    # Posting
    (nothing, "chat.postMessage", {"channel": "C0PROD"}, "no_text"),
    (nothing, "chat.postMessage", {"text": "x"}, "invalid_arguments"),
    (nothing, "chat.postMessage", {**HELLO, "channel": "C0NOWHERE"}, "channel_not_found"),
    (nothing, "chat.postMessage", {**HELLO, "channel": "#prod"}, "channel_not_found"),
    (nothing, "chat.postMessage", {**HELLO, "channel": "C0SECRET"}, "channel_not_found"),
    (nothing, "chat.postMessage", {**HELLO, "channel": "C0RANDOM"}, "not_in_channel"),
    (nothing, "chat.postMessage", {**HELLO, "channel": "C0OLD"}, "is_archived"),
    (
        nothing,
        "chat.postMessage",
        {**HELLO, "channel": "C0ANNOUNCE"},
        "restricted_action_read_only_channel",
    ),
    (nothing, "chat.postMessage", {**HELLO, "channel": "U0NOBODY"}, "channel_not_found"),
    (no_direct_messages, "chat.postMessage", {**HELLO, "channel": "U0ANN"}, "messages_tab_disabled"),
    (nothing, "chat.postMessage", {**HELLO, "thread_ts": "1.000001"}, "thread_not_found"),
    (nothing, "chat.postMessage", {**HELLO, "text": "x" * 4001}, "msg_too_long"),
    (nothing, "chat.postMessage", {**HELLO, "blocks": "[{"}, "invalid_blocks_format"),
    (nothing, "chat.postMessage", {**HELLO, "blocks": {"type": "divider"}}, "invalid_blocks_format"),
    (nothing, "chat.postMessage", {**HELLO, "blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
    (nothing, "chat.postMessage", {**HELLO, "attachments": [{"color": "red"}]}, "invalid_attachments"),
    (
        nothing,
        "chat.postMessage",
        {**HELLO, "attachments": [{"text": "x"}] * 101},
        "too_many_attachments",
    ),
    (nothing, "chat.postMessage", {**HELLO, "metadata": {"event_type": "x"}}, "invalid_metadata_format"),
    (nothing, "chat.postMessage", {**HELLO, "metadata": "no"}, "invalid_metadata_format"),
    (
        nothing,
        "chat.postMessage",
        {**HELLO, "metadata": {"event_type": "x", "event_payload": {}, "more": 1}},
        "invalid_metadata_schema",
    ),
    (
        nothing,
        "chat.postMessage",
        {**HELLO, "metadata": {"event_type": "x", "event_payload": {"a": "b" * 9000}}},
        "metadata_too_large",
    ),
    (nothing, "chat.update", {**HELLO, "ts": "1.000001"}, "message_not_found"),
    (nothing, "chat.update", {"channel": "U0ANN", "ts": "1.000001", "text": "x"}, "channel_not_found"),
    (nothing, "chat.postEphemeral", {**HELLO, "user": "U0NOBODY"}, "user_not_in_channel"),
    (nothing, "chat.postEphemeral", {**HELLO, "user": "U0SIA"}, "user_not_in_channel"),
    (nothing, "chat.postEphemeral", {**HELLO, "user": "U0ANN", "channel": "C0SECRET"}, "channel_not_found"),
    (nothing, "chat.postEphemeral", {**HELLO, "user": "U0ANN", "channel": "C0OLD"}, "is_archived"),
    (nothing, "chat.postEphemeral", {"channel": "C0PROD", "user": "U0ANN"}, "no_text"),
    (nothing, "chat.postEphemeral", {**HELLO, "user": "U0ANN", "text": "x" * 4001}, "msg_too_long"),
    (nothing, "chat.getPermalink", {"channel": "C0PROD", "message_ts": "1.1"}, "message_not_found"),
    # Reading
    (nothing, "conversations.info", {"channel": "C0SECRET"}, "channel_not_found"),
    (nothing, "conversations.info", {}, "invalid_arguments"),
    (nothing, "conversations.history", {"channel": "C0RANDOM"}, "not_in_channel"),
    (nothing, "conversations.history", {"channel": "C0SECRET"}, "channel_not_found"),
    (nothing, "conversations.history", {"channel": "C0PROD", "limit": 1000}, "invalid_limit"),
    (nothing, "conversations.history", {"channel": "C0PROD", "limit": "many"}, "invalid_limit"),
    (nothing, "conversations.history", {"channel": "C0PROD", "cursor": "?"}, "invalid_cursor"),
    (nothing, "conversations.history", {"channel": "C0PROD", "oldest": "then"}, "invalid_ts_oldest"),
    (nothing, "conversations.replies", {"channel": "C0PROD", "ts": "1.1"}, "thread_not_found"),
    (nothing, "conversations.open", {"users": ""}, "users_list_not_supplied"),
    (nothing, "conversations.open", {"users": "U0NOBODY"}, "user_not_found"),
    (nothing, "conversations.open", {"users": "U0DEE"}, "user_disabled"),
    (nothing, "users.info", {"user": "U0NOBODY"}, "user_not_found"),
    (hide_vic, "users.info", {"user": "U0VIC"}, "user_not_visible"),
    (free_plan, "usergroups.list", {}, "plan_upgrade_required"),
    # Views, files
    (nothing, "views.open", {"trigger_id": "1.2.x"}, "invalid_arguments"),
    (nothing, "views.open", {"trigger_id": "1.2.x", "view": MODAL}, "invalid_trigger_id"),
    (nothing, "views.open", {"view": MODAL}, "invalid_arguments"),
    (nothing, "views.open", {"trigger_id": "1.2.x", "view": HOME}, "invalid_arguments"),
    (nothing, "views.update", {"view": MODAL}, "invalid_arguments"),
    (nothing, "views.update", {"view": MODAL, "view_id": "V1", "external_id": "x"}, "invalid_arguments"),
    (nothing, "views.update", {"view": MODAL, "view_id": "V1"}, "not_found"),
    (nothing, "views.publish", {"user_id": "U0NOBODY", "view": HOME}, "invalid_arguments"),
    (nothing, "views.publish", {"user_id": "U0ANN", "view": HOME, "hash": "1.x"}, "hash_conflict"),
    (no_home, "views.publish", {"user_id": "U0ANN", "view": HOME}, "not_enabled"),
    (nothing, "files.completeUploadExternal", {"files": '[{"id":"F1"}]'}, "file_not_found"),
    (nothing, "files.completeUploadExternal", {"files": '["F1"]'}, "invalid_arguments"),
    (nothing, "files.getUploadURLExternal", {"filename": "x", "length": "\u00b2"}, "invalid_arguments"),
    (nothing, "chat.postMessage", {**HELLO, "blocks": [showing("F1")]}, "invalid_blocks"),
    (nothing, "chat.postEphemeral", {**HELLO, "user": "U0ANN", "blocks": [showing("F1")]}, "invalid_blocks"),
]


@pytest.mark.parametrize(("arrange", "method", "arguments", "error"), REFUSALS)
async def test_a_call_is_refused(
    slack: SlackSandbox,
    client: AsyncWebClient,
    arrange: Arrange,
    method: str,
    arguments: dict[str, Any],
    error: str,
) -> None:
    """Slack names the reason, and nothing has changed."""
    slack.workspace.app.scopes = set(ALL_SCOPES)
    arrange(slack)

    with pytest.raises(SlackApiError) as refused:
        await client.api_call(method, json=arguments) if method.startswith(("chat.", "views.")) and (
            method != "chat.getPermalink"
        ) else await client.api_call(method, data=arguments)

    assert refused.value.response["error"] == error
    assert slack.messages("prod") == []


SCOPED = [
    ("chat.postMessage", HELLO, "chat:write"),
    ("chat.postMessage", {**HELLO, "username": "somebody"}, "chat:write.customize"),
    ("chat.update", {**HELLO, "ts": "1.1"}, "chat:write"),
    ("chat.postEphemeral", {**HELLO, "user": "U0ANN"}, "chat:write"),
    ("users.info", {"user": "U0ANN"}, "users:read"),
    ("usergroups.list", {}, "usergroups:read"),
    ("conversations.info", {"channel": "C0PROD"}, "channels:read"),
    ("conversations.info", {"channel": "C0WAR"}, "groups:read"),
    ("conversations.history", {"channel": "C0PROD"}, "channels:history"),
    ("conversations.history", {"channel": "C0WAR"}, "groups:history"),
    ("conversations.open", {"users": "U0ANN"}, "im:write"),
    ("files.getUploadURLExternal", {"filename": "x", "length": "1"}, "files:write"),
]


@pytest.mark.parametrize(("method", "arguments", "scope"), SCOPED)
async def test_a_missing_scope_is_named(
    slack: SlackSandbox, client: AsyncWebClient, method: str, arguments: dict[str, Any], scope: str
) -> None:
    """missing_scope says what was needed and what the token has."""
    slack.workspace.app.scopes = set(ALL_SCOPES) - {scope}

    with pytest.raises(SlackApiError) as refused:
        await client.api_call(method, data=arguments)

    answer = refused.value.response
    assert (answer["error"], answer["needed"]) == ("missing_scope", scope)
    assert answer["provided"] == ",".join(sorted(ALL_SCOPES - {scope}))


async def test_tokens_are_looked_at(slack: SlackSandbox) -> None:
    """No token, an unknown one, and one of the wrong kind are three different errors."""
    client = AsyncWebClient(base_url=slack.api_url, retry_handlers=[])
    errors = []
    for method, token in (
        ("auth.test", None),
        ("auth.test", "xoxb-wrong"),
        ("auth.test", slack.app_token),
        ("chat.postMessage", slack.app_token),
        ("apps.connections.open", slack.bot_token),
    ):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        with pytest.raises(SlackApiError) as refused:
            await client.api_call(method, headers=headers)
        errors.append(refused.value.response["error"])

    assert errors == [
        "not_authed",
        "invalid_auth",
        "not_allowed_token_type",
        "not_allowed_token_type",
        "not_allowed_token_type",
    ]


async def test_granted_scopes_stand_in_a_header(client: AsyncWebClient) -> None:
    """auth.test needs no scope and tells all of them."""
    answer = await client.auth_test()

    assert set(answer.headers["x-oauth-scopes"].split(",")) == SCOPES
    assert (answer["user_id"], answer["team_id"], answer["bot_id"]) == ("U0VEEAMBOT", "T0ACME", "B0VEEAM")


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        (b"{", "application/json", "invalid_json"),
        (b"[]", "application/json", "json_not_object"),
        (b"<a/>", "application/xml", "invalid_post_type"),
        (b"x", None, "missing_post_type"),
    ],
)
async def test_bodies_that_cannot_be_read(
    slack: SlackSandbox, body: bytes, content_type: str | None, error: str
) -> None:
    """What is neither a form nor a JSON object is refused by its form."""
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    if content_type is not None:
        headers["Content-Type"] = content_type
    async with (
        ClientSession() as session,
        session.post(f"{slack.api_url}chat.postMessage", data=body, headers=headers) as response,
    ):
        answer = await response.json()

    assert answer["error"] == error


async def test_three_styles_of_arguments_mean_the_same(slack: SlackSandbox) -> None:
    """Query string, form and JSON; a missing charset is only a warning."""
    address = f"{slack.api_url}chat.postMessage"
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with ClientSession(headers=headers) as session:
        async with session.post(address, params=HELLO) as response:
            by_query = await response.json()
        async with session.post(address, data=HELLO) as response:
            by_form = await response.json()
        plain = '{"channel": "C0PROD", "text": "hello"}'
        async with session.post(
            address, data=plain, headers={"Content-Type": "application/json"}
        ) as response:
            by_json = await response.json()

    assert [answer["ok"] for answer in (by_query, by_form, by_json)] == [True, True, True]
    assert by_json["warning"] == "missing_charset"
    assert [message.text for message in slack.messages("prod")] == ["hello"] * 3


async def test_reading_methods_ignore_json(slack: SlackSandbox) -> None:
    """conversations.info takes its arguments from the query string or a form only."""
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with (
        ClientSession() as session,
        session.post(
            f"{slack.api_url}conversations.info", json={"channel": "C0PROD"}, headers=headers
        ) as response,
    ):
        answer = await response.json()

    assert answer["error"] == "invalid_arguments"
